#!/usr/bin/env bash
# What an overlay puts on the wire is RFC 7348's, as tshark dissects it, which knows nothing of kar:
# outer UDP to 4789, the I flag alone, the VNI, and within it the guests' Ethernet frames; a broadcast is
# a unicast to each other end, and no outer packet is fragmented.
#
#      guests m1, p1 ── n1 eth1 ─┐ eth1-1: the tap
#      guests m2, p2 ── n2 eth1 ─┼─ the wire
#      guest  m3     ── n3 eth1 ─┘
#
#   mesh (n1, n2, n3) carries m1, m2, m3 in 10.7.0.0/24; pair (n1, n2) carries p1, p2 in 10.8.0.0/24.
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/nodes.sh"

command -v tshark >/dev/null || {
    echo "there is no tshark; fix: scripts/install-deps test"
    exit 1
}

# --- three nodes, two overlays, five guests ------------------------------------------------------

guest_mac() { [ "$1" = mesh ] && echo "02:00:00:07:00:0$2" || echo "02:00:00:08:00:0$2"; }
guest_ip() { [ "$1" = mesh ] && echo "10.7.0.$2" || echo "10.8.0.$2"; }

guest_make() { # overlay, node: takes the far end of its port into a namespace of the guest's own
    local g=$1$2
    ip netns add "$g"
    ip -n "$g" link set lo up
    ip netns exec "$g" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
    ip -n "n$2" link set "$g-gst" netns "$g" &&
        ip -n "$g" link set "$g-gst" name eth0 address "$(guest_mac "$1" "$2")" mtu 1450 up &&
        ip -n "$g" addr add "$(guest_ip "$1" "$2")/24" dev eth0 || exit 1
}

nodes_make 3
nodes_wire eth1 198.51.100
nodes_join
nodes_settle 60
check "three nodes know the same" "$nodes_lack" ""
node 2 apply --yes -f - >"$LAB_DIR/out" 2>&1 <<'END'
kind: overlay
name: mesh
spec:
  underlay: eth1
  endpoints: [{node: n1, address: 198.51.100.1}, {node: n2, address: 198.51.100.2}, {node: n3, address: 198.51.100.3}]
  vni: 7348
---
kind: overlay
name: pair
spec:
  underlay: eth1
  endpoints: [{node: n1, address: 198.51.100.1}, {node: n2, address: 198.51.100.2}]
---
{kind: port, name: mesh1, nodes: n1, spec: {switch: mesh, type: veth}}
---
{kind: port, name: mesh2, nodes: n2, spec: {switch: mesh, type: veth}}
---
{kind: port, name: mesh3, nodes: n3, spec: {switch: mesh, type: veth}}
---
{kind: port, name: pair1, nodes: n1, spec: {switch: pair, type: veth}}
---
{kind: port, name: pair2, nodes: n2, spec: {switch: pair, type: veth}}
END
code=$?
check "both overlays are active ($(cat "$LAB_DIR/out"))" "$code" 0
pair_vni=$(node 1 overlay show pair -o json | gojq -r .vni)
for g in "mesh 1" "mesh 2" "mesh 3" "pair 1" "pair 2"; do
    # shellcheck disable=SC2086 # overlay and node
    guest_make $g
done

# --- the tap -------------------------------------------------------------------------------------

tap=$LAB_DIR/overlay.pcapng
tshark -q -i eth1-1 -f 'udp port 4789 or udp port 9' -w "$tap" >"$LAB_DIR/tshark.log" 2>&1 &
tap_pid=$!
for _ in $(seq 1 1500); do
    [ -s "$tap" ] && break
    kill -0 $tap_pid 2>/dev/null || break
    sleep 0.02
done

# Until what was said has gone through the tap; a word of its own, to the port of nobody, says so.
tap_end() {
    local i
    for i in $(seq 1 300); do
        ip netns exec n1 bash -c 'echo capture-ends-here >/dev/udp/198.51.100.2/9' 2>/dev/null
        grep -aq capture-ends-here "$tap" && break
        sleep 0.1
    done
    kill -INT $tap_pid
    wait $tap_pid
}

pings() { # guest, overlay, node, further arguments
    local g=$1 to
    to=$(guest_ip "$2" "$3")
    shift 3
    ip netns exec "$g" ping -q -W 5 "$@" "$to" >"$LAB_DIR/ping" 2>&1
    check "$g reaches $to ($(tail -n 2 "$LAB_DIR/ping" | head -n 1))" $? 0
}
pings mesh1 mesh 2 -c 3 -i 0.2
pings mesh1 mesh 3 -c 3 -i 0.2
pings pair1 pair 2 -c 3 -i 0.2
pings mesh1 mesh 2 -c 1 -M "do" -s 1422 # the whole MTU of 1450
ip netns exec pair1 ping -q -c 1 -W 1 10.7.0.1 >/dev/null 2>&1
check "a guest of the pair reaches nobody of the mesh" "$(($? != 0))" 1
tap_end

# --- what tshark says ----------------------------------------------------------------------------

export HOME=$LAB_DIR # tshark looks for settings of its user: there are none
said() { # filter, fields…: a line per packet, fields by a space, what occurs twice outer,inner
    local filter=$1 f fields=()
    shift
    for f in "$@"; do fields+=(-e "$f"); done
    tshark -r "$tap" -Y "$filter" -T fields -E separator=/s -E occurrence=a -E aggregator=, "${fields[@]}" 2>>"$LAB_DIR/tshark.log"
}
kinds() { sort | uniq | tr '\n' ';'; }
counted() { sort | uniq -c | awk '{$1 = $1 "×"} 1' | tr '\n' ';'; }

check "what goes to 4789 is VXLAN" "$(said 'udp.dstport == 4789 && !vxlan' frame.number)" ""
check "and nothing else is" "$(said 'vxlan && udp.dstport != 4789' frame.number)" ""
check "no packet is malformed" "$(said '_ws.malformed || _ws.expert.severity >= error' frame.number)" ""
check "the I flag, no other; what is reserved is zero" \
    "$(said vxlan vxlan.flags vxlan.gbp vxlan.reserved8 | kinds)" "0x0800 0 0;"
check "two VNIs" "$(said vxlan vxlan.vni | sort -n | kinds)" "$(printf '%s\n' 7348 "$pair_vni" | kinds)"
check "an Ethernet frame in each, untagged" "$(said 'vxlan && vlan' frame.number)$(said icmp frame.protocols | kinds)" \
    "eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:icmp:data;"
check "the outer frames go between the nodes' interfaces" \
    "$(said 'vxlan && icmp.type == 8' eth.src eth.dst | sed 's/,[^ ]*//g' | kinds)" \
    "$(for i in 2 3; do
        echo "$(ip -n n1 -j link show dev eth1 | gojq -r '.[0].address') $(ip -n n$i -j link show dev eth1 | gojq -r '.[0].address')"
    done | kinds)"

# A guest's echo and its answer: outer and inner addresses, VNI, MACs of the guests.
flow() { # count, vni, overlay, from, to, icmp type
    echo "$1× $2 198.51.100.$4,$(guest_ip "$3" "$4") 198.51.100.$5,$(guest_ip "$3" "$5") $(guest_mac "$3" "$4") $(guest_mac "$3" "$5") $6"
}
check "each echo goes to the node of its guest, in the VNI of its overlay, and so does the answer" \
    "$(said 'vxlan && icmp' vxlan.vni ip.src ip.dst eth.src eth.dst icmp.type |
        sed -E 's/ [0-9a-f:]{17},/ /g' | counted)" \
    "$({
        flow 4 7348 mesh 1 2 8
        flow 4 7348 mesh 2 1 0
        flow 3 7348 mesh 1 3 8
        flow 3 7348 mesh 3 1 0
        flow 3 "$pair_vni" pair 1 2 8
        flow 3 "$pair_vni" pair 2 1 0
    } | sort -k2 | tr '\n' ';')"

asked='arp.opcode == 1 && arp.dst.proto_ipv4 =='
check "a broadcast of the mesh is a unicast to each other end" \
    "$(said "$asked 10.7.0.2 && eth.dst == ff:ff:ff:ff:ff:ff && arp.src.hw_mac == $(guest_mac mesh 1)" ip.dst | kinds)" \
    "198.51.100.2;198.51.100.3;"
check "one of the pair goes to the other end alone" \
    "$(said "$asked 10.8.0.2 && eth.dst == ff:ff:ff:ff:ff:ff && arp.src.hw_mac == $(guest_mac pair 1)" ip.dst | kinds)" \
    "198.51.100.2;"

check "no outer packet is a fragment" \
    "$(said 'vxlan && (ip.flags.mf == 1 || ip.frag_offset > 0)' frame.number)$(said 'ip.flags.mf == 1' frame.number)" ""
check "a full frame fills the underlay's MTU: 50 bytes more, of which 14 are the outer Ethernet's" \
    "$(said 'icmp.type == 8 && data.len == 1414' ip.len frame.len)" "1500,1450 1514"
check "the packets of a guest to a guest have one outer source port" \
    "$(said 'icmp.type == 8' ip.src ip.dst udp.srcport | sort -u | cut -d' ' -f1,2 | uniq -d)" ""
[ "$lab_failed" = 0 ] || tail -n 20 "$LAB_DIR/tshark.log"

check "no fault in a log" "$(nodes_log_faults)" ""
nodes_stop
lab_end
