#!/usr/bin/env bash
# A two-ended tunnel between n2 and n3 is made by both or by none, seen in two real kernels; and one
# that both hold is there again after a start that nobody else is up to answer.
#
#      n1 ── eth0 ─┐             eth1 ─┐
#      n2 ── eth0 ─┼─ gossip     eth1 ─┼─ fabric, 198.51.100.N/24, carries the tunnel
#      n3 ── eth0 ─┘             eth1 ─┘     and eth2, one more wire
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/nodes.sh"

# What a kernel has of tunnels: "" or "device bridge other-end".
tunnel_of() { # node
    {
        ip -n "n$1" -d -j link
        bridge -n "n$1" -j fdb
    } | gojq -rs '
        (.[0] | map(select(.linkinfo.info_kind == "vxlan"))) as $d
        | [($d[] | "device \(if .flags | index("UP") then "up" else "down" end)"),
           (.[0][] | select(.linkinfo.info_kind == "bridge") | "bridge " + .ifname),
           (.[1][] | select(.ifname == $d[0].ifname and .mac == "00:00:00:00:00:00") | "to " + .dst)]
        | join(", ")'
}
state_of() { node "$1" overlay show "$2" -o json 2>/dev/null | gojq -r ".status.n$1.state"; }
says() { node "$1" overlay show "$2" -o json | gojq -r ".status.n$1.reason | .what + \": \" + (.why // \"\") + \": \" + (.fix // \"\")"; }
until_is() { # what, expected, command…: within 30 s
    local what=$1 want=$2 is="" until=$((SECONDS + 30))
    shift 2
    while is=$("$@"); [ "$is" != "$want" ] && [ $SECONDS -lt $until ]; do sleep 0.05; done
    check "$what" "$is" "$want"
}
whole() { echo "device up, bridge $1, to 198.51.100.$2"; }
tunnel_ask() { # node, name
    node "$1" apply --yes -f - >"$LAB_DIR/out" 2>&1 \
        <<<"{kind: overlay, name: $2, spec: {underlay: eth1, endpoints: [{node: n2, address: 198.51.100.2}, {node: n3, address: 198.51.100.3}]}}"
}
# Neither of the two hears the other; both hear n1.
gossip_cut() {
    ip -n n2 route add blackhole 192.0.2.3/32
    ip -n n3 route add blackhole 192.0.2.2/32
}
gossip_heal() {
    ip -n n2 route del blackhole 192.0.2.3/32
    ip -n n3 route del blackhole 192.0.2.2/32
}
# As after a reboot: of its kernel only the cards are left.
node_reboot() { # node
    local link
    for link in $(ip -n "n$1" -j link | gojq -r '.[] | select((.ifalias // "") | startswith("kar:")).ifname'); do
        ip -n "n$1" link del "$link"
    done
    check "n$1 has nothing of a tunnel now" "$(tunnel_of "$1")" ""
    node_start "$1"
    node_ready "$1"
}

nodes_make 3
nodes_wire eth1 198.51.100
nodes_wire eth2
nodes_join
nodes_settle 30 || check "the cluster is at rest" "$nodes_lack" ""

# --- both ---------------------------------------------------------------------------------------
tunnel_ask 1 blue
code=$?
check "a tunnel of n2 and n3, asked for on n1 ($(cat "$LAB_DIR/out"))" "$code" 0
check "karctl came back when it was whole on n2" "$(tunnel_of 2)" "$(whole blue 3)"
check "and on n3" "$(tunnel_of 3)" "$(whole blue 2)"
check "n1 has nothing of it" "$(tunnel_of 1)" ""
check_has "n2 is in the answer" "$(cat "$LAB_DIR/out")" "n2 + active"
check_has "n3 is in the answer" "$(cat "$LAB_DIR/out")" "n3 + active"

# --- a start alone ------------------------------------------------------------------------------
for i in 1 2 3; do node_kill $i; done
node_reboot 2
until_is "n2 alone has its end again" "$(whole blue 3)" tunnel_of 2
check "nobody answers it" "$(node 2 node list -o json | gojq -r '[.[] | select(.member.self | not).member.member] | unique | join(" ")')" unknown
node_start 1
node_ready 1
node_reboot 3
until_is "n3 has its end, too" "$(whole blue 2)" tunnel_of 3
nodes_settle 30 || check "the cluster is at rest" "$nodes_lack" ""
node 1 overlay delete blue --yes >/dev/null
until_is "it is deleted on n2" "" tunnel_of 2
until_is "and on n3" "" tunnel_of 3

# --- neither ------------------------------------------------------------------------------------
# n1 hears both and both judge the change well, but neither learns that the other holds it.
gossip_cut
tunnel_ask 1 red
code=$?
check "what waits is no failure ($(cat "$LAB_DIR/out"))" "$code" 0
until_is "n2 waits" waiting state_of 2 red
until_is "n3 waits" waiting state_of 3 red
check_has "it says for what" "$(says 2 red)" "overlay red waits for its end on n3: "
check "nothing is half built on n2" "$(tunnel_of 2)" ""
check "nor on n3" "$(tunnel_of 3)" ""
node_kill 3
gossip_heal
node 1 switch create other --node n2 >/dev/null 2>&1 # n2 is told of something else meanwhile
until_is "n2 hears that n3 is gone" "overlay red waits for its end on n3: n3 is not reached now" \
    eval 'says 2 red | sed "s/: nothing.*//"'
check "and goes on waiting" "$(state_of 2 red)" waiting
node_kill 2
node_start 2
node_ready 2
until_is "n2 waits again after a start" waiting state_of 2 red
check "which made nothing up" "$(tunnel_of 2)" "bridge other"
node_start 3
node_ready 3
until_is "n3 is back: n2 has it" "device up, bridge other, bridge red, to 198.51.100.3" tunnel_of 2
until_is "n3 has it" "$(whole red 2)" tunnel_of 3
nodes_settle 30 || check "the cluster is at rest" "$nodes_lack" ""

# --- the other host refuses ---------------------------------------------------------------------
# n3 is away while its card is taken down: what comes to it then is tried before it is programmed.
node_kill 3
until_is "n3 is missed" unreachable eval "node 1 node list -o json | gojq -r '.[] | select(.name == \"n3\").member.member'"
node 1 switch create lan --node n3 --uplink eth2 --yes >"$LAB_DIR/out" 2>&1
code=$?
check "a switch of n3 waits for it ($(cat "$LAB_DIR/out"))" "$code" 0
ip -n n3 link set eth2 down
node_start 3
node_ready 3
lan_of_3() { node 3 switch show lan -o json 2>/dev/null | gojq -r ".status.n3 | .state + \" \" + (.reason.what // \"\")"; }
until_is "n3 refuses what came to it" "blocked eth2 is inactive on n3" lan_of_3
check "its kernel is as it was" "$(ip -n n3 -o link | grep -c lan)" 0
ip -n n3 link set eth2 up
until_is "as soon as the card is up, it is made" "active " lan_of_3
check "in its kernel" "$(ip -n n3 -j link show dev eth2 | gojq -r '.[0].master')" lan

check "no fault in a log" "$(nodes_log_faults)" ""
nodes_stop
lab_end
