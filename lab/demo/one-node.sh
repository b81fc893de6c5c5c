#!/bin/bash
# one-node.sh: the demo of one node, run by scripts/demo inside of a namespace or a VM. Every command is
# printed and then run; every result that matters is checked, and a wrong one ends the demo.
set -u
export PATH=${KARCTL%/*}:${KARD%/*}:$PATH LC_ALL=C.UTF-8
KARD_ROOT=$(mktemp -d)
export KARD_ROOT
file=lab/examples/one-node.yaml
step=0 kard_pid=""
exec 2>&1 # one story, in its order
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold="" plain=""; fi
[ -d /run/kar-vm ] || mount -t tmpfs none /run # names of guests stay in this namespace
trap '[ -z "$kard_pid" ] || kill "$kard_pid" 2>/dev/null; rm -rf "$KARD_ROOT"' EXIT

title() {
    step=$((step + 1))
    printf '\n%s== %d. %s%s\n' "$bold" $step "$*" "$plain"
}
run() { # exit code that is right, command line
    local want=$1 code=0
    shift
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
    eval "$*" || code=$?
    [ "$code" = "$want" ] || fail "that ended with $code instead of $want"
}
fail() {
    echo "wrong: $*" >&2
    sed 's/^/  kard: /' "$KARD_ROOT/kard.log" >&2
    exit 1
}
holds() { # seconds, command: becomes true
    local i
    for ((i = 0; i < $1 * 20; i++)); do
        eval "$2" >/dev/null 2>&1 && return
        sleep 0.05
    done
    fail "not within $1 s: $2"
}
start() {
    kard >>"$KARD_ROOT/kard.log" 2>&1 &
    kard_pid=$!
    disown
    holds 20 '[ -S "$KARD_ROOT/run/kard/kard.sock" ] && karctl version'
}
# A guest: a namespace that holds the far end of its port.
guest() { # name, address
    ip netns add "$1" && ip link set "$1-gst" netns "$1" &&
        ip -n "$1" addr add "$2" dev "$1-gst" && ip -n "$1" link set "$1-gst" up && ip -n "$1" link set lo up
}

ip link set lo up
ip link add eth1 type dummy && ip link set eth1 up || fail "no interface to work with"

title "A host with one spare interface, eth1. It founds a cluster of one."
start
run 0 karctl init --node n1
run 0 karctl nic list

title "What is wanted: two VLANs, a virtual switch on one of them, ports for two guests."
run 0 "grep -v '^#' $file"

title "What would happen: nothing is changed yet."
run 0 karctl plan -f $file
holds 1 '! ip link show storage'

title "The kernel becomes what the file says."
run 0 karctl apply -f $file -m "'the first network'"
run 0 ip -br address
run 0 karctl status

title "Two guests on the switch ping each other."
guest web 10.0.120.11/24 && guest db 10.0.120.12/24 || fail "no guests"
run 0 ip netns exec web ping -c 2 -i 0.3 -w 10 10.0.120.12

title "A mistake is refused, whole, before anything is touched."
before=$(ip -o link | wc -l)
run 3 karctl vlan create backup --parent eth1 --tag 110
[ "$(ip -o link | wc -l)" = "$before" ] || fail "something was changed"

title "Somebody meddles: the agent puts it right, and says so."
run 0 ip link delete storage
holds 10 'ip -br addr show dev storage | grep -q 10.0.110.1'
run 0 ip -br address show dev storage
run 0 karctl drift

title "The agent is killed; the guests do not notice; it comes back and knows everything."
run 0 kill -KILL $kard_pid
run 0 ip netns exec web ping -c 2 -i 0.3 -w 10 -q 10.0.120.12
run 0 ip link set lan type bridge ageing_time 12345 # behind its back
start
holds 10 '[ "$(ip -d -j link show lan | jq ".[0].linkinfo.info_data.ageing_time")" = 30000 ]'
run 0 "ip -d link show lan | grep -o 'ageing_time [0-9]*'"
run 0 karctl status

title "A change that touches guests says whom, and wants a yes. It is kept who did what, and can be undone."
run 3 karctl switch set lan --ageing-s 60
run 0 karctl switch set lan --ageing-s 60 --yes -m "'forget guests sooner'"
run 0 karctl history
change=$(karctl history -o json | jq -r 'if type == "array" then . else .changes end | .[0].change')
run 0 karctl undo "${change:0:8}" --yes
holds 10 '[ "$(ip -d -j link show lan | jq ".[0].linkinfo.info_data.ageing_time")" = 30000 ]'

if [ "${1:-}" = --shell ]; then
    title "The node is yours: karctl, ip, ip netns exec web …; exit ends it."
    bash --norc -i
fi
