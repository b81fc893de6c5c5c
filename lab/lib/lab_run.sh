# lab_run.sh: the labs of this user: where each is kept, whether it is up, how one enters it.
#
#     FOLDER/kar-lab-USER-ID/
#       settings    mode=native|vm, where kard and karctl are: shell, a line each
#       topology    a copy of the file
#       maker       who makes it, until it is made: PID and start time
#       holder      process 1 of its namespaces, seen from outside of them: PID and start time
#       places      a line for each node and guest: name, process that keeps its namespaces (seen from
#                   inside of the lab), "node" or the node of a guest
#       sysfs       when /sys can be a node's own
#       n1/ …       KARD_ROOT of a node, its kard's log and pid
#       faults/     a file for each fault in force
#
# A native lab is what lives in the namespaces of its holder: when that dies, all of it is gone. One in
# a VM is a native lab in there; here are only its settings, its topology, and copies of holder and
# places, so that a command goes straight to where it runs. Sourced by lab/lab.
# shellcheck shell=bash

lab_folder=${KAR_LAB_RUN:-${TMPDIR:-/tmp}}
lab_prefix=$lab_folder/kar-lab-$EUID-
# The same in a VM: in memory, where the outside has nothing.
vm_folder=/dev/shm

lab_choose_id() { # id
    [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,23}$ ]] || die "$1 is no id" "letters, digits, . _ -, up to 24"
    lab_id=$1
    lab_dir=$lab_prefix$1
    lab_option="" # what the user has to add to our commands to mean this lab
    [ "$1" = "$lab_id_default" ] || lab_option=" --id $1"
}

# Whether the process of a file "PID START" lives. Its start time tells it from a later one.
process_lives() { # file
    local pid start stat
    read -r pid start 2>/dev/null <"$1" && read -ra stat 2>/dev/null <"/proc/$pid/stat" || return 1
    [ "${stat[21]}" = "$start" ] && [ "${stat[2]}" != Z ]
}

# What identifies this shell in such a file; its name has no blanks.
process_self() {
    local stat
    read -ra stat </proc/self/stat
    echo "${stat[0]} ${stat[21]}"
}

lab_settings() { # dir; sets mode, kard_bin, karctl_bin, user_ns
    mode="" kard_bin="" karctl_bin="" user_ns=""
    # shellcheck source=/dev/null
    [ -f "$1/settings" ] && . "$1/settings"
}

lab_is_up() { # dir
    lab_settings "$1"
    case $mode in
    native) process_lives "$1/holder" ;;
    vm) "$lab_home/vm" list | grep -qxF "lab-${1#"$lab_prefix"}" ;;
    *) return 1 ;;
    esac
}

lab_want() {
    if [ -d "$lab_dir" ] && [ ! -O "$lab_dir" ]; then die "$lab_dir belongs to somebody else" "use another --id"; fi
    lab_is_up "$lab_dir" ||
        die "no lab named $lab_id is up" "lab/lab up$lab_option; lab/lab list shows those that are"
}

# Takes the folder of a lab for this process, throwing away what is left of one that died. One at a time:
# two that find the same dead one would throw away each other's.
lab_take() {
    local lock
    { exec {lock}<"$lab_folder"; } 2>/dev/null && flock -w 30 "$lock" || die "cannot use $lab_folder" "set KAR_LAB_RUN to a folder of yours"
    if [ -e "$lab_dir" ]; then
        [ -d "$lab_dir" ] && [ -O "$lab_dir" ] || die "$lab_dir is in the way" "remove it, or use another --id"
        process_lives "$lab_dir/maker" && die "the lab $lab_id is being made" "wait for it, or use another --id"
        lab_is_up "$lab_dir" && die "the lab $lab_id is up" "lab/lab down$lab_option, or use another --id"
        lab_remove
    fi
    mkdir -m 700 "$lab_dir" 2>/dev/null || die "cannot make $lab_dir" "is somebody else making the same lab? use another --id"
    process_self >"$lab_dir/maker"
    exec {lock}<&-
    # A socket's path ends at 107 bytes.
    [ ${#lab_dir} -le 70 ] || die "the path $lab_dir is too long for the sockets in it" "set KAR_LAB_RUN to a shorter folder"
    case $(readlink -f "$lab_dir") in
    /run/* | /proc/* | /sys/*) die "labs hide $lab_folder from their nodes" "set KAR_LAB_RUN to another folder" ;;
    esac
}

# --- native: the namespaces ----------------------------------------------------------------------

# How namespaces are made by this user: root, or root of its own.
namespaces_choose() {
    lab_unshare=(unshare --net --mount --pid --fork --kill-child)
    [ "$EUID" = 0 ] && return
    if unshare --map-root-user --map-auto --net true 2>/dev/null; then
        lab_unshare+=(--map-root-user --map-auto)
    else
        lab_unshare+=(--map-root-user)
    fi
}

# Tried, not asked: namespaces, veth, bridge, and the kinds of link given. Prints those that this kernel
# cannot make; false, with a reason on standard output, where there can be no lab at all.
native_lacks() { # kinds
    # shellcheck disable=SC2016
    "${lab_unshare[@]}" -- bash -c '
        ip link add k0 type veth peer name k1 && ip link add k2 type bridge || exit 1
        for kind in "$@"; do
            case $kind in
            veth | bridge) continue ;;
            vlan) words="link k0 name kt type vlan id 1" ;;
            vxlan) words="kt type vxlan id 1 dstport 4789" ;;
            geneve) words="kt type geneve id 1 remote 192.0.2.1" ;;
            vrf) words="kt type vrf table 10" ;;
            *) words="kt type $kind" ;;
            esac
            if ip link add $words 2>/dev/null; then ip link delete kt; else echo $kind; fi
        done' bash "$@" 2>&1
}

holder_start() {
    local i
    setsid "${lab_unshare[@]}" -- bash "$lab_home/lib/lab_holder.sh" "$lab_dir" </dev/null >"$lab_dir/log" 2>&1 &
    disown
    for ((i = 0; i < 1500; i++)); do
        if [ -e "$lab_dir/holder" ]; then return; fi
        kill -0 $! 2>/dev/null || break
        sleep 0.02
    done
    kill -KILL $! 2>/dev/null
    tail -n 5 "$lab_dir/log" >&2
    die "the lab's namespaces could not be made" "lab/lab up --vm$lab_option needs none"
}

# lab_entering [PLACE]: the words before a command that is to run in the lab, or at a node or guest of
# it: in lab_enter. Who kills them kills the command.
# shellcheck disable=SC2120 # lab/lab gives it one
lab_entering() {
    local holder name keeper at=""
    read -r holder _ <"$lab_dir/holder"
    lab_enter=(nsenter --target "$holder" --pid --wdns="$PWD")
    if [ $# -gt 0 ]; then
        while read -r name keeper _; do [ "$name" != "$1" ] || at=$keeper; done <"$lab_dir/places"
        [ -n "$at" ] || die "there is no node or guest $1 in this lab" "it has $(lab_places)"
        at=/proc/$holder/root/proc/$at
        lab_enter+=("--mount=$at/ns/mnt" "--net=$at/ns/net" "--root=$at/root")
    else
        lab_enter+=(--mount --net "--root=/proc/$holder/root") # where the lab was made, a chroot too
    fi
    [ -z "$user_ns" ] || lab_enter+=(--user --preserve-credentials)
    lab_root=$lab_dir
    if [ "$mode" = vm ]; then # which ends what its client started
        lab_vm_words
        if [ $# -gt 0 ] && [ -t 0 ] && [ -t 1 ]; then lab_through+=(-t); fi
        lab_enter=("${lab_through[@]}" -- "${lab_enter[@]}" --)
        lab_root=$vm_folder/kar-lab-0-$lab_id
    else
        lab_enter+=(-- setpriv --pdeathsig TERM)
    fi
}

# lab_through: the words before a command in the lab's VM.
lab_vm_words() {
    lab_through=("$lab_home/vm" exec --id "lab-$lab_id")
}

lab_places() { cut -d' ' -f1 "$lab_dir/places" | paste -sd' '; }

inside() { # verb of lab_inside.sh, its words
    lab_entering
    "${lab_enter[@]}" bash "$lab_home/lib/lab_inside.sh" "$lab_root" "$@"
}

# What the lab in the VM has grown: whoever enters must know.
vm_places_fetch() {
    lab_vm_words
    "${lab_through[@]}" -- cat "$vm_folder/kar-lab-0-$lab_id/holder" "$vm_folder/kar-lab-0-$lab_id/places" </dev/null |
        { read -r holder && echo "$holder" >"$lab_dir/holder" && cat >"$lab_dir/places"; }
}

# --- the end -------------------------------------------------------------------------------------

# Nothing stays: processes and namespaces go with the holder, or with the VM.
lab_remove() {
    local pid i
    lab_settings "$lab_dir"
    if [ "$mode" = vm ]; then
        "$lab_home/vm" kill --id "lab-$lab_id"
    elif process_lives "$lab_dir/holder"; then
        read -r pid _ <"$lab_dir/holder"
        kill -KILL "$pid"
        for ((i = 0; i < 1000; i++)); do
            process_lives "$lab_dir/holder" || break
            sleep 0.01
        done
        ! process_lives "$lab_dir/holder" || die "process $pid of the lab does not end" "look at it: ps $pid"
    fi
    rm -rf "$lab_dir" || die "cannot remove $lab_dir"
}
