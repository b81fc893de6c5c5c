#!/usr/bin/env bash
# Gate 2 across three real kernels: a change is shown to every node that it touches before anybody has
# it. What one of them refuses is refused everywhere and changes nothing anywhere; who is away waits.
#
# eth0 is where kards speak to each other, eth1 carries overlays (198.51.100.1 …), eth2 is a bare NIC.
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/nodes.sh"

nodes_make 3
nodes_wire eth1 198.51.100
nodes_wire eth2
nodes_join
nodes_settle 30 || echo "not settled: $nodes_lack"

# Everything that a refused change could have left on a node; IPv6 gives addresses by itself, some time
# later.
world_of() { # number
    node "$1" export
    node "$1" history -o json
    {
        ip -n "n$1" -o link
        ip -n "n$1" -o -4 addr
        ip -n "n$1" -o -4 route show table all
    } | sed 's/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Z]*//; s/ linkdown//; s/ dead//'
    nsenter --net="/run/netns/n$1" bridge fdb | grep permanent
    nsenter --net="/run/netns/n$1" bridge vlan
}
worlds() { # file
    local n
    for n in 1 2 3; do node_lives "$n" && world_of "$n" >"$LAB_DIR/$1.$n"; done
}
unchanged() { # what
    local i
    sleep 0.5 # what somebody was told would be there by now
    worlds after
    for i in 1 2 3; do
        [ -e "$LAB_DIR/before.$i" ] || continue
        check "$1: nothing changed on n$i" "$(diff "$LAB_DIR/before.$i" "$LAB_DIR/after.$i")" ""
    done
    rm -f "$LAB_DIR"/before.* "$LAB_DIR"/after.*
}
try() { # node, arguments: exit code in $code, what it said in $out and $err
    local i=$1
    shift
    node "$i" "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" </dev/null
    code=$?
    out=$(<"$LAB_DIR/out") err=$(<"$LAB_DIR/err")
}
refused() { # what, node, part of what it says, arguments
    local what=$1 i=$2 part=$3
    shift 3
    worlds before
    try "$i" "$@"
    check "$what: exit" "$code" 3
    check_has "$what: text" "$err" "$part"
    unchanged "$what"
}
link_of() { ip -n "n$1" -j link show dev "$2" 2>/dev/null | gojq -r '.[0].ifname'; }

cat >"$LAB_DIR/lan.yaml" <<'END'
{kind: switch, name: lan, nodes: [n1, n2, n3], spec: {uplink: eth2}}
END

# --- a plan --------------------------------------------------------------------------------------
ip -n n3 link set eth2 mtu 1400 # so that n3's plan is its own
worlds before
try 2 plan -f "$LAB_DIR/lan.yaml" -o json
check "n2 plans for three" "$code" 0
check "all of them say what they would do" \
    "$(gojq -r '[.nodes[] | .node + (if (.operations | length) > 1 then "" else " nothing" end)] | sort | join(" ")' <<<"$out")" \
    "n1 n2 n3"
check "each of its own kernel" \
    "$(gojq -r '[.nodes[] | select(any(.operations[]; .text | test("create bridge lan"))) | .node] | sort | join(" ")' <<<"$out")" \
    "n1 n2 n3"
try 2 plan -f "$LAB_DIR/lan.yaml"
check_has "people read how many" "$out" "3 nodes"
check_has "and what n3 would do" "$out" "n3  "
unchanged "a plan"

# --- what one kernel refuses ---------------------------------------------------------------------
ip -n n3 link set eth2 down
refused "an uplink that is down on n3, asked on n1" 1 "eth2 is inactive on n3" apply -f "$LAB_DIR/lan.yaml"
refused "the same as a plan on n2" 2 "eth2 is inactive on n3" plan -f "$LAB_DIR/lan.yaml"
ip -n n2 link set eth2 down
worlds before
try 1 apply -f "$LAB_DIR/lan.yaml"
check "two nodes refuse: exit" "$code" 3
check_has "n2 says so" "$err" "eth2 is inactive on n2"
check_has "and n3, at once" "$err" "eth2 is inactive on n3"
unchanged "two nodes refuse"
ip -n n2 link set eth2 up
ip -n n3 link set eth2 up

ip -n n3 link add lan type bridge
refused "a foreign interface of that name on n3" 2 "the name lan is taken on n3" apply -f "$LAB_DIR/lan.yaml"
check "it is still there" "$(link_of 3 lan)" lan
ip -n n3 link del lan

# --- accepted ------------------------------------------------------------------------------------
try 2 apply -f "$LAB_DIR/lan.yaml"
check "now it is accepted ($out$err)" "$code" 0
for i in 1 2 3; do
    check "it runs on n$i" "$(link_of $i lan)" lan
    check_has "and n$i has its line" "$out" "n$i + active"
done

# --- who is away ---------------------------------------------------------------------------------
node_kill 3
cat >"$LAB_DIR/net.yaml" <<'END'
{kind: switch, name: net, nodes: [n1, n3], spec: {}}
END
started=$SECONDS
try 2 plan -f "$LAB_DIR/net.yaml"
check "a plan does not wait long for who is silent" "$((SECONDS - started < 6))" 1
check_has "a killed node is waiting in a plan" "$out" "n3 ! waiting"
member_is_dead() { node 2 node list -o json | gojq -e '.[] | select(.name == "n3").member.member == "unreachable"' >/dev/null; }
for _ in $(seq 1 300); do
    member_is_dead && break
    sleep 0.1
done
try 2 plan -f "$LAB_DIR/net.yaml"
check_has "and when it is known to be dead" "$out" "n3 ! waiting: unreachable for "
cat >"$LAB_DIR/pair.yaml" <<'END'
{kind: overlay, name: pair, spec: {underlay: eth1, endpoints: [{node: n1, address: 198.51.100.1}, {node: n3, address: 198.51.100.3}]}}
END
refused "a tunnel to a dead node, asked on n1" 1 "n3 is offline, an end of overlay pair" apply --yes -f "$LAB_DIR/pair.yaml"
refused "and on n2, where it has no end" 2 "create it when n3 is back" apply --yes -f "$LAB_DIR/pair.yaml"
cat >"$LAB_DIR/mesh.yaml" <<'END'
{kind: overlay, name: mesh, nodes: [n1, n2, n3], spec: {underlay: eth1}}
END
refused "a mesh names who begins later" 1 "overlay mesh begins without n3" apply -f "$LAB_DIR/mesh.yaml"
try 2 apply -f "$LAB_DIR/net.yaml"
check "everything else is accepted ($err)" "$code" 0
check_has "n3 waits" "$out" "n3 ! waiting: unreachable for "
check "n1 has it" "$(link_of 1 net)" net
check "n3 has not" "$(link_of 3 net)" ""

# --- it returns ----------------------------------------------------------------------------------
node_start 3
node_ready 3
nodes_settle 60
check "all know the same" "$nodes_lack" ""
check "n3 has what waited for it" "$(link_of 3 net)" net
try 1 apply --yes -f "$LAB_DIR/pair.yaml"
check "and the tunnel is made ($out$err)" "$code" 0
for i in 1 3; do check "its switch runs on n$i" "$(link_of $i pair)" pair; done

check "no fault in a log" "$(nodes_log_faults)" ""
nodes_stop
lab_end
