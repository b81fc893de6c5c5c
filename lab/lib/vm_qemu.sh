# vm_qemu.sh: one QEMU a VM, its run folder, and commands in it.
#   RUN/ID/pid, args, console.log, port0 … port7 (the sockets of lab/vmlink)
# Sourced by lab/vm. No network of the host's is touched and no port of it is used.
# shellcheck shell=bash

# Short: the path of a Unix socket ends at 107 bytes.
vm_run=${KAR_VM_RUN:-${TMPDIR:-/tmp}/kar-vm-$(id -u)}
vm_ports=8 # VMLINK_PORTS_MAX

vm_dir() { echo "$vm_run/$1"; }

vm_pid() { cat "$(vm_dir "$1")/pid" 2>/dev/null; }

vm_alive() {
    local pid
    pid=$(vm_pid "$1") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null &&
        grep -q qemu "/proc/$pid/comm" 2>/dev/null
}

# Run folders of VMs that died without a word, left by a killed shell.
vm_sweep() {
    local dir
    for dir in "$vm_run"/*/; do
        [ -d "$dir" ] || continue
        vm_alive "$(basename "$dir")" && continue
        [ -n "$(find "$dir" -maxdepth 0 -mmin +30)" ] && rm -rf "$dir"
    done
    return 0
}

# disk_image PATH: the image that PATH means (a folder: its disk.img), made when it is not there.
disk_image() {
    local img=$1
    [ -d "$img" ] && img=$img/disk.img
    if [ ! -e "$img" ]; then
        need mke2fs
        truncate -s "${KAR_VM_DISK_SIZE:-256M}" "$img" || die "cannot make $img"
        mke2fs -q -t ext4 -E root_owner=0:0 "$img" || die "cannot make a file system in $img"
    fi
    readlink -f "$img"
}

# Options of every `up` and `run`: id, disk, root, mem, nics. Sets qemu_args.
qemu_compose() {
    local dir=$1 i append khz
    append="console=ttyS0 quiet panic=-1 mitigations=off no_timer_check tsc=reliable audit=0 net.ifnames=0"
    # Else the guest measures, and on a busy host errs: vmlink/tsc.c.
    khz=$("$vm_vmlink" tsc 2>/dev/null) && append+=" tsc_early_khz=$khz"
    # The emulator keeps what it translated by address: where each program lies elsewhere at every start,
    # it translates anew, and a program takes twice as long to start.
    append+=" norandmaps"
    append+=" kar.modules=$vm_kernel/lib/modules/$vm_version"
    qemu_args=(-name "kar-vm-$vm_id" -machine "q35,sata=off,smbus=off,hpet=off" -accel "tcg,thread=multi"
        -cpu max -smp "${vm_cpus:-2}" -m "$vm_mem" -nodefaults -no-user-config -display none -no-reboot
        -serial "file:$dir/console.log" -kernel "$vm_kernel/vmlinux" -initrd "$vm_initramfs"
        -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
        -device "virtio-serial-pci,max_ports=$((vm_ports + 1))")
    for ((i = 0; i < vm_ports; i++)); do
        qemu_args+=(-chardev "socket,id=port$i,path=$dir/port$i,server=on,wait=off"
            -device "virtserialport,chardev=port$i,name=kar.$i")
    done
    if [ -n "$vm_disk" ]; then
        # cache=none: what the guest has flushed is on the host's disk, what it has not dies with it.
        qemu_args+=(-drive "file=$vm_disk,if=none,id=disk,format=raw,cache=none,aio=threads"
            -device "virtio-blk-pci,drive=disk")
    fi
    for ((i = 0; i < vm_nics; i++)); do # each on a segment of its own: a link, and nobody on it
        qemu_args+=(-netdev "hubport,id=nic$i,hubid=$i"
            -device "virtio-net-pci,netdev=nic$i,mac=52:54:00:6b:00:0$i,romfile=")
    done
    [ "$vm_nics" -gt 0 ] && append+=" kar.nics=$vm_nics"
    if [ "$vm_root" = disk ]; then
        append+=" kar.root=disk"
    else
        append+=" kar.root=host${vm_disk:+ kar.disk=1}"
    fi
    qemu_args+=(-append "$append")
}

vm_settings_write() {
    printf '%s\n' "vm_mem=$vm_mem" "vm_nics=$vm_nics" "vm_root=$vm_root" "vm_disk=$(printf %q "$vm_disk")" \
        "vm_cpus=$vm_cpus" >"$1/args"
}

# vm_start: boots $vm_id and waits until it answers. Dies with this shell when vm_bound is set.
vm_start() {
    local dir began wrap=(setsid)
    need qemu-system-x86_64
    vm_alive "$vm_id" && die "a VM named $vm_id is up" "lab/vm down --id $vm_id, or choose another --id"
    dir=$(vm_dir "$vm_id")
    for _ in 1 2 3; do # the last VM that ends beside it may take the folder of all away
        mkdir -p -m 700 "$vm_run" && rm -rf "$dir" && mkdir -m 700 "$dir" 2>/dev/null && break
    done
    [ -d "$dir" ] || die "cannot make $dir"
    [ "${#dir}" -le 90 ] || die "the path $dir is too long for a socket" "set KAR_VM_RUN to a shorter folder"
    vm_settings_write "$dir"
    qemu_compose "$dir"
    [ -n "${vm_bound:-}" ] && wrap=(setpriv --pdeathsig KILL)
    # An emulated machine hangs once in a hundred boots, before its first word: it gets a second try.
    vm_boot "$((vm_boot_s / 2))" || vm_boot "$vm_boot_s" || {
        cat "$dir/qemu.log" >&2
        [ ! -e "$dir/console.log" ] || tail -n 20 "$dir/console.log" >&2
        vm_kill
        die "the VM did not come up (waited for at most $vm_boot_s s)" "look at the lines above, its console"
    }
    vm_boot_ms=$((($(date +%s%N) - began) / 1000000))
}

# vm_boot SECONDS: one try of vm_start, whose variables it uses. What did not answer is gone.
vm_boot() {
    rm -f "$dir"/port[0-9]
    began=$(date +%s%N)
    "${wrap[@]}" qemu-system-x86_64 "${qemu_args[@]}" </dev/null >"$dir/qemu.log" 2>&1 &
    echo $! >"$dir/pid"
    disown $!
    vm_wait $! "$1" && return
    kill -KILL $! 2>/dev/null
    while kill -0 $! 2>/dev/null; do sleep 0.02; done
    return 1
}

# Generous: a loaded machine boots ten times slower.
vm_boot_s=${KAR_VM_BOOT_S:-120}

# vm_wait PID SECONDS: of what becomes QEMU. Its name is not asked for: until setsid or setpriv has
# become QEMU, which takes seconds on a busy machine, it is another.
vm_wait() {
    local dir until=$((SECONDS + $2))
    dir=$(vm_dir "$vm_id")
    until [ -S "$dir/port$((vm_ports - 1))" ]; do
        kill -0 "$1" 2>/dev/null && [ $SECONDS -lt $until ] || return 1
        sleep 0.02
    done
    "$vm_vmlink" host -w "$2" -C / "$dir/port" true </dev/null
}

# vm_exec CMD…: in the directory of the caller, or in / of a guest with files of its own. Becomes the
# channel's client, so that who kills it kills the command.
vm_exec() {
    local dir options=()
    dir=$(vm_dir "$vm_id")
    vm_alive "$vm_id" || die "no VM named $vm_id is up" "lab/vm up --id $vm_id"
    # shellcheck source=/dev/null
    [ "$(. "$dir/args" && echo "$vm_root")" = disk ] && options+=(-C /)
    [ -n "${vm_tty:-}" ] && options+=(-t)
    exec "$vm_vmlink" host "${options[@]}" "$dir/port" "$@"
}

# A power cut: nothing is flushed, nothing is told.
vm_kill() {
    local pid i
    pid=$(vm_pid "$vm_id") || return 0
    if vm_alive "$vm_id"; then
        kill -KILL "$pid" 2>/dev/null
        for ((i = 0; i < 500; i++)); do
            vm_alive "$vm_id" || break
            sleep 0.01
        done
    fi
    rm -rf "$(vm_dir "$vm_id")"
    rmdir "$vm_run" 2>/dev/null # unless there are others
    return 0
}

# Orderly: files are flushed, services stopped; cut after half a minute all the same.
vm_stop() {
    local dir i off='sync; umount /disk 2>/dev/null; echo o >/proc/sysrq-trigger'
    vm_alive "$vm_id" || { vm_kill; return; }
    dir=$(vm_dir "$vm_id")
    # shellcheck source=/dev/null
    (. "$dir/args" && [ "$vm_root" = disk ]) && off='systemctl poweroff'
    timeout 20 "$vm_vmlink" host -w 5 -C / "$dir/port" sh -c "$off" </dev/null >/dev/null 2>&1
    for ((i = 0; i < 300; i++)); do
        vm_alive "$vm_id" || break
        sleep 0.1
    done
    vm_kill
}
