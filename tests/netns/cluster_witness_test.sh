#!/usr/bin/env bash
# For each of three nodes in turn: what is typed on it (create, change, delete) is in the kernels of all
# three when karctl says so, field by field, as an independent witness sees it (witness.jq), and guests
# speak through it. Once over a bare underlay, once over VLANs where the kernel has them.
#
#      n1 ---+--- eth0: kards        n1 ---+--- eth1: tunnels       n1 ---+--- eth2: uplinks
#      n2 ---+    192.0.2.N          n2 ---+    198.51.100.N        n2 ---+
#      n3 ---+                       n3 ---+                        n3 ---+
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes.sh"
. "$(dirname "$0")/witness.sh"

# typed WHAT NODE: documents from standard input are applied there; all kernels are as they say at once.
typed() {
    local answer code
    answer=$(node "$2" apply --yes --timeout 5m -f - 2>&1) # an emulated machine on a busy one
    code=$?
    check "$1, typed on n$2: exit ($answer)" $code 0
    [[ $answer != *waiting* && $answer != *pending* ]] || nodes_settle 120 # so slow that nobody answered in time
    check "$1, typed on n$2: every kernel has it" "$(witness_all)" ""
}

# Guests: a namespace behind the port g of each node. They say nothing unasked, so that nobody learns
# by luck where they are.
guests_plug() {
    local i
    for i in 1 2 3; do
        ip netns add guest$i && ip -n n$i link set g netns guest$i && ip -n guest$i link set g addrgenmode none &&
            ip -n guest$i addr add 10.77.0.$i/24 dev g && ip -n guest$i link set g up || exit 1
    done
}
guests_pull() {
    local i
    for i in 1 2 3; do ip netns del guest$i; done
}
guests_speak() { # what, from, to
    check "$1: guest of n$2 reaches that of n$3" \
        "$(nsenter --net="/run/netns/guest$2" -- ping -c 1 -W 10 10.77.0.$3 2>&1 | grep -c ' 1 received')" 1
}

# --- what is typed -------------------------------------------------------------------------------

carriers() { # what the tunnels stand on, in documents
    [ "$over" = vlan ] || return
    cat <<END
{kind: vlan, name: storage, nodes: all, spec: {parent: eth1, tag: 110, address: {n1: 10.0.110.1/24, n2: 10.0.110.2/24, n3: 10.0.110.3/24}}}
---
{kind: vlan, name: front, nodes: [n$1, n$2], spec: {parent: eth2, tag: 120, gateway: {n$1: 10.0.120.254},
  address: {n$1: [10.0.120.$1/24, "fd00:120::$1/64"], n$2: 10.0.120.$2/24}}}
---
{kind: switch, name: tags, nodes: [n$1], spec: {vlan_filtering: true, uplink: inner}}
---
{kind: vlan, name: inner, nodes: [n$1], spec: {parent: eth2, tag: 130, mtu: 1450}}
---
{kind: port, name: access, nodes: [n$1], spec: {switch: tags, vlan: 10}}
---
{kind: port, name: trunk, nodes: [n$1], spec: {switch: tags, type: veth, trunk: [20, "30-32"]}}
---
END
}
end_of() { [ "$over" = vlan ] && echo "{node: n$1, vlan: storage}" || echo "{node: n$1}"; }

created() { # typed on, another, the third
    carriers "$1" "$2"
    cat <<END
{kind: overlay, name: pair, spec: {endpoints: [$(end_of "$1"), $(end_of "$2")], ttl: 9$bare}}
---
{kind: overlay, name: mesh, nodes: all, spec: {$mesh_over, vni: 7001}}
---
{kind: switch, name: lan, nodes: all, spec: {ageing_s: $((100 + $1))$uplink}}
---
{kind: switch, name: alone, nodes: [n$3], spec: {stp: true, stp_priority: 4096, address: [10.8.0.1/24]}}
---
{kind: port, name: g1, nodes: [n1], spec: {switch: mesh, type: veth, peer: g}}
---
{kind: port, name: g2, nodes: [n2], spec: {switch: mesh, type: veth, peer: g}}
---
{kind: port, name: g3, nodes: [n3], spec: {switch: mesh, type: veth, peer: g}}
---
{kind: port, name: vm$1, nodes: [n$1], spec: {switch: pair, mac: "02:00:00:00:00:0$1"}}
---
{kind: port, name: vm$2, nodes: [n$2], spec: {switch: lan, mtu: 1400, multi_queue: true}}
---
{kind: port, name: vm$3, nodes: [n$3], spec: {switch: alone, user: nobody}}
---
{kind: nic, name: eth2, nodes: [n$3], spec: {mtu: 1480, address: [10.9.0.$3/24]}}
END
}

changed() {
    cat <<END
{kind: overlay, op: set, name: pair, spec: {ttl: 10, mtu: 1350}}
---
{kind: overlay, op: set, name: mesh, nodes: [n$1, n$2]}
---
{kind: port, op: set, name: g$3, spec: {switch: alone}}
---
{kind: switch, op: set, name: lan, spec: {stp: true, address: {n$2: [10.7.0.$2/24]}}}
---
{kind: switch, op: set, name: alone, spec: {stp: null, address: null, mtu: 1300}}
---
{kind: port, op: set, name: vm$1, spec: {mac: "02:00:00:00:00:1$1", switch: lan}}
---
{kind: port, op: set, name: vm$3, spec: {mtu: 1250}}
---
{kind: nic, op: set, name: eth2, node: n$3, spec: {mtu: null, address: [10.9.0.$3/24, 10.9.1.$3/24]}}
END
    [ "$over" = vlan ] || return
    cat <<END
---
{kind: vlan, op: set, name: storage, spec: {address: {n3: [10.0.110.33/24]}}}
---
{kind: vlan, op: set, name: front, spec: {gateway: null, address: {n$1: [10.0.120.$1/24], n$2: [10.0.120.2$2/24]}}}
---
{kind: port, op: set, name: access, spec: {vlan: 11}}
---
{kind: port, op: set, name: trunk, spec: {trunk: ["31-33"]}}
END
}

back() {
    cat <<END
{kind: overlay, op: set, name: mesh, nodes: all}
---
{kind: port, op: set, name: g$3, spec: {switch: mesh}}
END
}

# The third's end of the tunnels moves to another address.
moved() { # its node, its address
    echo "{kind: nic, op: set, name: eth1, node: n$1, spec: {address: [$2/24]}}"
}

deleted() {
    local what
    for what in "port g1" "port g2" "port g3" "port vm1" "port vm2" "port vm3" "switch lan" "switch alone" \
        "overlay pair" "overlay mesh"; do
        printf -- '---\n{kind: %s, op: delete, name: %s}\n' $what
    done
    echo "---"
    echo "{kind: nic, op: delete, name: eth2, node: n$1}"
    [ "$over" = vlan ] || return
    for what in "port access" "port trunk" "switch tags" "vlan inner" "vlan front" "vlan storage"; do
        printf -- '---\n{kind: %s, op: delete, name: %s}\n' $what
    done
}

turn() { # typed on, another, the third
    typed "created over $over" "$1" < <(created "$1" "$2" "$3")
    guests_plug
    guests_speak "a mesh over $over" "$1" "$2"
    guests_speak "a mesh over $over" "$2" "$3"
    guests_speak "a mesh over $over" "$3" "$1"
    typed "changed over $over" "$1" < <(changed "$1" "$2" "$3")
    guests_speak "without the third" "$1" "$2"
    typed "changed back over $over" "$1" < <(back "$1" "$2" "$3")
    guests_speak "with the third again" "$1" "$3"
    if [ "$over" = underlay ]; then
        typed "the third's address moved" "$1" < <(moved "$3" "198.51.100.3$3")
        guests_speak "to the third's other address" "$1" "$3"
        typed "the third's address moved back" "$1" < <(moved "$3" "198.51.100.$3")
        guests_speak "to the third's own address again" "$1" "$3"
    fi
    typed "deleted over $over" "$1" < <(deleted "$3")
    guests_pull
    check "n$1: nothing is asked for any more" "$(node "$1" export -o json | gojq -r '.[].kind' | sort | uniq -c | xargs)" \
        "1 cluster 3 nic 3 node"
}

# --- the witness itself --------------------------------------------------------------------------

# What kard says stands still while its kernel is meddled with: every kind of difference is seen, and
# named.
meddled() { # what it says, arguments of ip or bridge; then what puts it right again
    local said=$1
    shift
    # shellcheck disable=SC2086
    $1 || check "the hand: $1" $? 0
    check_has "the witness sees: $1" "$( (cat "$LAB_DIR/asked" && witness_kernel 3) | witness_compare)" "$said"
    [ -z "${2:-}" ] || $2 || check "the hand: $2" $? 0
}
witness_witnessed() {
    local vx ip="ip -n n3" bridge="bridge -n n3"
    created 1 3 2 | node 1 apply --yes --timeout 5m -f - >"$LAB_DIR/out" 2>&1 || cat "$LAB_DIR/out"
    nodes_settle 120
    witness_asked 3 >"$LAB_DIR/asked"
    node_kill 3
    vx=$($ip -j link show master pair | gojq -r '.[0].ifname')
    check "the witness: nothing yet" "$( (cat "$LAB_DIR/asked" && witness_kernel 3) | witness_compare)" ""
    meddled "switch lan, lan: ageing: is 7700, not 10100" "$ip link set lan type bridge ageing_time 7700" "$ip link set lan type bridge ageing_time 10100"
    meddled "port n3/vm3, vm3: mtu: is 1333, not 1400" "$ip link set vm3 mtu 1333" "$ip link set vm3 mtu 1400"
    meddled "overlay pair, $vx: master: is \"\", not \"pair\"" "$ip link set $vx nomaster" "$ip link set $vx master pair"
    meddled "overlay pair, $vx: ttl: is 3, not 9" "$ip link set $vx type vxlan ttl 3" "$ip link set $vx type vxlan ttl 9"
    meddled "overlay pair: ends: is [\"198.51.100.1\",\"198.51.100.77\"]" \
        "$bridge fdb append 00:00:00:00:00:00 dev $vx dst 198.51.100.77 self permanent" "$bridge fdb del 00:00:00:00:00:00 dev $vx dst 198.51.100.77 self"
    meddled "overlay pair: ends: is []" "$bridge fdb del 00:00:00:00:00:00 dev $vx dst 198.51.100.1 self" \
        "$bridge fdb append 00:00:00:00:00:00 dev $vx dst 198.51.100.1 self permanent"
    meddled "a forwarding entry 02:00:00:00:00:99 to 198.51.100.9" "$bridge fdb append 02:00:00:00:00:99 dev $vx dst 198.51.100.9 self permanent" \
        "$bridge fdb del 02:00:00:00:00:99 dev $vx dst 198.51.100.9 self"
    meddled "port n3/g3, g3: addrgen" "$ip link set g3 addrgenmode eui64" "$ip link set g3 addrgenmode none"
    meddled "switch lan: addresses: is [\"10.66.0.1/24\"], not []" "$ip addr add 10.66.0.1/24 dev lan" "$ip addr del 10.66.0.1/24 dev lan"
    meddled "eth2: master: is \"\", not \"lan\"" "$ip link set eth2 nomaster" "$ip link set eth2 master lan"
    meddled "eth1: mtu" "$ip link set eth1 mtu 1400" "$ip link set eth1 mtu 1500"
    meddled "stranger: a foreign interface" "$ip link add stranger type bridge" "$ip link del stranger"
    meddled "half: a foreign interface" "$ip link add half type bridge" ""
    meddled "half (kar:00000000:overlay/half): nobody asks for it" "$ip link set half alias kar:00000000:overlay/half" "$ip link del half"
    meddled "switch lan, lan: alias" "$ip link set lan alias nobody" ""
    meddled "switch lan, lan: up: is false, not true" "$ip link set lan down" "$ip link set lan up"
    meddled "eth1: addresses" "$ip addr del 198.51.100.3/24 dev eth1" ""
    meddled "overlay pair, $vx: is not there" "$ip link del $vx" ""
    node_start 3
    node_ready 3
    nodes_settle 120
    check "kard repairs it all" "$(witness_all)" ""
    deleted 2 | node 1 apply --yes --timeout 5m -f - >"$LAB_DIR/out" 2>&1 || cat "$LAB_DIR/out"
    nodes_settle 120
}

# --- the run -------------------------------------------------------------------------------------

nodes_make 3
nodes_wire eth1
nodes_wire eth2
witness_begin
nodes_join
nodes_settle 120
check "all are alive" "$nodes_lack" ""

check "eth1 has an address on every node" "$(nodes_address eth1 198.51.100)" ""
if [ -z "${KAR_HOST_LACKS_ONLY:-}" ]; then
    over=underlay bare=", underlay: eth1" mesh_over="underlay: eth1" uplink=", uplink: eth2"
    turn 1 2 3
    turn 2 3 1
    turn 3 1 2
    witness_witnessed
fi
if kernel_has vlan && kernel_has vlan_filtering; then
    over=vlan bare="" mesh_over="vlan: storage" uplink=""
    turn 1 2 3
    turn 2 3 1
    turn 3 1 2
else
    skip "over VLANs" "this kernel lacks 802.1Q or VLAN filtering on bridges"
fi
check "everything is deleted" "$(nodes_empty 2)" ""
nodes_settle 120
check "and nothing stays in any kernel" "$(witness_all)" ""
check "no fault in a log" "$(nodes_log_faults)" ""
nodes_stop
lab_end
