# crash.sh: a sequence of changes whose result is known for every length, so that after a crash it can
# be said which of them the agent kept, and whether kernel and intent are exactly that. Sourced after
# check.sh where `karctl` and jq are; eth1 and eth2 (with an address) are foreign interfaces.
#
# Change k, by k modulo 6; each is one change, atomic, of one to three objects:
#   0  lan (switch), a and b (veth ports)      put with values of k
#   1  iso (switch), c (TAP)                   put with values of k
#   2  a                                       deleted
#   3  ov (overlay over eth2)                  put with values of k
#   4  c                                       deleted
#   5  ov                                      deleted
# shellcheck shell=bash

crash_mtu() { echo $((1300 + $1 % 200)); }

crash_docs() { # k
    local a=$((100 + $1)) m
    m=$(crash_mtu "$1")
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

# What there is after changes 0 … k, a line an object, sorted.
crash_state() { # k; -1: nothing
    local i
    declare -A have=()
    for ((i = 0; i <= $1; i++)); do
        case $((i % 6)) in
        0) have[lan]="switch lan $((100 + i))" have[a]="port a $(crash_mtu $i)" have[b]="port b $(crash_mtu $i)" ;;
        1) have[iso]="switch iso $((100 + i))" have[c]="port c $(crash_mtu $i)" ;;
        2) unset 'have[a]' ;;
        3) have[ov]="overlay ov $((i % 200 + 1))" ;;
        4) unset 'have[c]' ;;
        5) unset 'have[ov]' ;;
        esac
    done
    [ ${#have[@]} = 0 ] || printf '%s\n' "${have[@]}" | sort
}

# The same, from what the agent says is asked for.
crash_intent() {
    local kind
    for kind in switch port overlay; do
        karctl $kind list -o json
    done | jq -r 'if type == "array" then .[] else (.objects // [])[] end
        | select(.kind != "cluster" and .kind != "node")
        | "\(.kind) \(.name) \(.spec.ageing_s // .spec.mtu // .spec.ttl)"' | sort
}

# And from the kernel alone: bridges, ports, and the tunnel's device (its name is its id).
crash_kernel() {
    ip -d -j link | jq -r '.[] | select((.ifalias // "") | startswith("kar:"))
        | if .linkinfo.info_kind == "bridge" then
              if (.ifalias | test("/ov$")) then empty
              else "switch \(.ifname) \(.linkinfo.info_data.ageing_time / 100 | floor)" end
          elif .linkinfo.info_kind == "vxlan" then "overlay \(.master) \(.linkinfo.info_data.ttl)"
          else "port \(.ifname) \(.mtu)" end' | sort
}

# Interfaces of ours that belong to no port, switch or overlay, and ports without their switch.
crash_strays() {
    ip -d -j link | jq -r '.[] | select((.ifalias // "") | startswith("kar:"))
        | select((.linkinfo.info_kind | . == "veth" or . == "tun" or . == "vxlan") and .master == null) | .ifname'
}

crash_settled() { [ "$(karctl drift -o json 2>/dev/null | jq -c '.standing')" = "[]" ]; }

# crash_check N LABEL: the agent is up again after change N was acknowledged and N+1 perhaps begun.
# Sets crash_at to the last change that it kept.
crash_check() {
    local intent i
    for ((i = 0; i < 200; i++)); do
        crash_settled && break
        sleep 0.05
    done
    check "$2: plan empty" "$(karctl drift -o json | jq -c '.standing')" "[]"
    intent=$(crash_intent)
    crash_at=$1
    [ "$intent" = "$(crash_state "$1")" ] || crash_at=$(($1 + 1))
    check "$2: every acknowledged change, none in part (up to $crash_at)" "$intent" "$(crash_state $crash_at)"
    check "$2: the kernel is what is asked for" "$(crash_kernel)" "$intent"
    check "$2: nothing half built" "$(crash_strays)" ""
}
