# lib.sh: what the real-kernel scripts share. Source it first: it puts the whole script into network,
# mount and process namespaces of its own, so that nothing it starts outlives it and nothing of the
# host's network is in reach.
#
#     here=$(dirname "$0"); . "$here/lib.sh"
#     lab_nics eth1 eth2        # foreign interfaces: one end of a veth each, the other end is up
#     kard_start
#     karctl init
#     check "a switch is there" "$(ip -j link show dev lan | gojq -r '.[0].ifname')" lan
#     lab_end                   # prints "N passed, N failed, N skipped" and exits
#
# Needs: KARD and KARCTL (paths of the binaries; ctest sets them, else the dev build is taken).

# shellcheck shell=bash
set -u
export LC_ALL=C NO_COLOR=1
lab_source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$lab_source/tests/check.sh"
KARD=${KARD:-$lab_source/build/dev/src/kard}
KARCTL=${KARCTL:-$lab_source/build/dev/cli/karctl}
export KARD KARCTL

if [ -z "${LAB_INSIDE:-}" ]; then
    map=""
    [ "$(id -u)" = 0 ] || map="--map-root-user --map-auto"
    # shellcheck disable=SC2086
    LAB_INSIDE=1 exec unshare $map --net --mount --pid --fork --kill-child --mount-proc -- \
        bash "$0" "$@"
fi
mount -t sysfs none /sys 2>/dev/null # this namespace's interfaces
mount -t tmpfs none /run             # ip netns keeps its names here
ip link set lo up

LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/kar-lab.XXXXXX")
export KARD_ROOT=$LAB_DIR/root
mkdir -p "$KARD_ROOT"
kard_pid=""
trap 'rm -rf "$LAB_DIR"' EXIT

karctl() { "$KARCTL" "$@"; }

lab_nics() {
    for nic in "$@"; do
        ip link add "$nic" type veth peer name "$nic-far" && ip link set "$nic" up &&
            ip link set "$nic-far" up || exit 1
    done
}

# Whether this kernel can make a link of a kind, tried on a throw-away one.
kernel_has() { # kind: vlan, bond, dummy, …
    case "$1" in
    vlan)
        ip link add kt-p type veth peer name kt-q &&
            ip link add link kt-p name kt-v type vlan id 1 2>/dev/null
        local r=$?
        ip link del kt-p
        return $r
        ;;
    vlan_filtering)
        ip link add kt-x type bridge && ip link set kt-x type bridge vlan_filtering 1 2>/dev/null
        local filtering=$?
        ip link del kt-x
        return $filtering
        ;;
    *) ip link add kt-x type "$1" 2>/dev/null && ip link del kt-x ;;
    esac
}

kard_start() { # further arguments go to kard
    "$KARD" "$@" >>"$LAB_DIR/kard.log" 2>&1 &
    kard_pid=$!
    for _ in $(seq 1 3000); do # the kernel lock that all namespaces share may be held for seconds
        karctl status >/dev/null 2>&1
        [ $? = 4 ] || return 0 # it answers: what, does not matter. A socket may be a killed one's
        kill -0 "$kard_pid" 2>/dev/null || break
        sleep 0.02
    done
    echo "kard did not start:"
    cat "$LAB_DIR/kard.log"
    exit 1
}

kard_kill() { # as a crash does
    kill -KILL "$kard_pid"
    wait "$kard_pid" 2>/dev/null
    kard_pid=""
}

kard_stop() {
    kill -TERM "$kard_pid"
    wait "$kard_pid"
    local r=$?
    kard_pid=""
    return $r
}

# What the kernel has, in a form that two moments can be compared in: ids, counters, timers, the
# kernel's own link-local addresses, and the carrier, which it notices some time later, left out.
# One gojq for all: an emulated machine takes 0.4 s to start it.
kernel_snapshot() {
    local command
    for command in "ip -d -j link" "ip -j addr" "ip -j route show table all" "bridge -j fdb" "bridge -j vlan"; do
        $command | grep . || echo "[]"
    done | gojq -s '
        (.[0] | map(del(.ifindex, .link_index, .stats, .stats64, .gso_max_size, .num_tx_queues, .operstate)
            | .flags -= ["LOWER_UP", "NO-CARRIER"]
            | if .linkinfo.info_data then .linkinfo.info_data |= del(.topology_change, .root_id, .bridge_id,
                .root_port, .root_path_cost) else . end
            | walk(if type == "object" then with_entries(select(.key | endswith("_timer") | not)) else . end)
            ) | sort_by(.ifname)),
        (.[1] | map({ifname, addr_info: [.addr_info[] | select(.scope != "link")
            | {local, prefixlen, scope}] | sort_by(.local)}) | sort_by(.ifname)),
        (.[2] | map(select(.type != "multicast" and (.dst | test("^(fe80|ff00)") | not)))
            | map(.flags -= ["linkdown", "dead"]) | sort_by(.dst, .dev, .gateway)),
        (.[3] | map(select(.state == "permanent" and (.mac | test("^(33:33|01:00)") | not)))
            | sort_by(.ifname, .mac, .dst)),
        (.[4] | sort_by(.ifname))'
}

# Whether the agent has nothing left to do; what it has, in $standing.
kard_settled() {
    standing=$(karctl drift -o json)
    standing=${standing//[[:space:]]/}
    [[ $standing == '{"standing":[],'* ]]
}

lab_end() {
    [ -z "$kard_pid" ] || kard_stop
    check_end
    exit
}
