# crash.sh: a sequence of changes whose result is known for every length, so that after a crash it can
# be said which of them the agent kept, and whether kernel and intent are exactly that. Sourced after
# check.sh where `karctl` and gojq are; eth1 and eth2 (with an address) are foreign interfaces.
#
# Change k, by k modulo 6; each is one change, atomic, of one to three objects:
#   0  lan (switch), a and b (veth ports)      put with values of k
#   1  iso (switch), c (TAP)                   put with values of k
#   2  a                                       deleted
#   3  ov (overlay over eth2)                  put with values of k
#   4  c                                       deleted
#   5  ov                                      deleted
# shellcheck shell=bash

crash_docs() { # k
    local a=$((100 + $1)) m=$((1300 + $1 % 200))
    case $(($1 % 6)) in
    0)
        cat <<J
{"kind": "switch", "name": "lan", "spec": {"uplink": "eth1", "ageing_s": $a}}
---
{"kind": "port", "name": "a", "spec": {"switch": "lan", "type": "veth", "mtu": $m}}
---
{"kind": "port", "name": "b", "spec": {"switch": "lan", "type": "veth", "mtu": $m}}
J
        ;;
    1)
        cat <<J
{"kind": "switch", "name": "iso", "spec": {"ageing_s": $a}}
---
{"kind": "port", "name": "c", "spec": {"switch": "iso", "type": "tap", "mtu": $m}}
J
        ;;
    3) echo "{\"kind\": \"overlay\", \"name\": \"ov\", \"spec\": {\"underlay\": \"eth2\", \"vni\": 77, \"ttl\": $(($1 % 200 + 1))}}" ;;
    esac
}

# Carries change k out; its exit code is karctl's: 0 means acknowledged and active.
crash_change() { # k
    case $(($1 % 6)) in
    2) karctl port delete a --yes ;;
    4) karctl port delete c --yes ;;
    5) karctl overlay delete ov --yes ;;
    *) crash_docs "$1" | karctl apply --yes -f - ;;
    esac
}

# crash_state K: what there is after changes 0 … k (-1: nothing), into crash_wanted.
crash_state() {
    local i o
    local -A have=()
    for ((i = 0; i <= $1; i++)); do
        case $((i % 6)) in
        0) have[lan]=$((100 + i)) have[a]=$((1300 + i % 200)) have[b]=$((1300 + i % 200)) ;;
        1) have[iso]=$((100 + i)) have[c]=$((1300 + i % 200)) ;;
        2) unset 'have[a]' ;;
        3) have[ov]=$((i % 200 + 1)) ;;
        4) unset 'have[c]' ;;
        5) unset 'have[ov]' ;;
        esac
    done
    crash_wanted=""
    for o in "overlay ov" "port a" "port b" "port c" "switch iso" "switch lan"; do
        [ -z "${have[${o#* }]:-}" ] || crash_wanted+="${crash_wanted:+, }$o ${have[${o#* }]}"
    done
}

# crash_look: what the agent says is asked for, into crash_intent; the same from the kernel alone, where
# the tunnel is a device whose name is its id, into crash_kernel; interfaces of ours that belong to no
# port, switch or overlay into crash_strays. One gojq for all: an emulated machine takes 0.4 s to start it.
crash_look() {
    {
        read -r crash_intent
        read -r crash_kernel
        read -r crash_strays
    } < <({
        karctl export -o json
        ip -d -j link
    } | gojq -rs '
        def ours: .[1][] | select((.ifalias // "") | startswith("kar:"));
        [.[0][] | select(.kind != "cluster" and .kind != "node")
            | "\(.kind) \(.name) \(.spec.ageing_s // .spec.mtu // .spec.ttl)"],
        [ours | if .linkinfo.info_kind == "bridge" then
              if (.ifalias | test("/ov$")) then empty
              else "switch \(.ifname) \(.linkinfo.info_data.ageing_time / 100 | floor)" end
          elif .linkinfo.info_kind == "vxlan" then "overlay \(.master) \(.linkinfo.info_data.ttl)"
          else "port \(.ifname) \(.mtu)" end],
        [ours | select((.linkinfo.info_kind | . == "veth" or . == "tun" or . == "vxlan") and .master == null)
            | .ifname]
        | sort | join(", ")')
}

# Whether nothing is left to do.
crash_settled() {
    crash_standing=$(karctl drift -o json 2>&1)
    crash_standing=${crash_standing//[[:space:]]/}
    [[ $crash_standing == *'"standing":[]'* ]]
}

# crash_check N LABEL: the agent is up again after change N was acknowledged and N+1 perhaps begun.
# Sets crash_at to the last change that it kept.
crash_check() {
    local until=$((SECONDS + 60))
    until crash_settled || [ $SECONDS -ge $until ]; do sleep 0.05; done
    check_has "$2: plan empty" "$crash_standing" '"standing":[]'
    crash_look
    crash_at=$1
    crash_state "$crash_at"
    if [ "$crash_intent" != "$crash_wanted" ]; then
        crash_at=$(($1 + 1))
        crash_state $crash_at
    fi
    check "$2: every acknowledged change, none in part (up to $crash_at)" "$crash_intent" "$crash_wanted"
    check "$2: the kernel is what is asked for" "$crash_kernel" "$crash_intent"
    check "$2: nothing half built" "$crash_strays" ""
}
