#!/usr/bin/env bash
# The rules of the catalogue across nodes: an object was made on one node, the offending change is typed
# on another, and perhaps a third is the one that cannot do it. Each is refused with what, why and fix,
# word for word, and nothing changed on any node: neither intent nor history nor kernel. Warnings ask
# for --yes and name who is affected.
#
#      n1, n2, n3: eth0 192.0.2.N kards;  eth1 198.51.100.N tunnels;  eth2 uplinks;  n1 and n2 have an eth3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes.sh"
. "$(dirname "$0")/witness.sh"

# --- how a rule is tried -------------------------------------------------------------------------

# Everything of all nodes that a mistake could have changed; not the carrier, which the kernel notices
# some time later, nor what timers count. Short of programs, since an emulated machine runs it.
world() {
    local i
    for i in 1 2 3; do
        node $i export 2>&1 # of one that is dead, that it is
        node $i history --limit 5 -o name 2>&1
        ip -n n$i -o -d -batch - <<<$'link show\naddr show\nroute show table all'
        bridge -n n$i -batch - <<<$'fdb show\nvlan show'
    done | sed -E '/fe80::/d; /^[0-9a-f]{2}:/{/permanent/!d; /^33:33/d}
        s/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Za-z]*//g; s/ (linkdown|dead)//g; s/_timer *[0-9.]*//g
        s/valid_lft [^ ]* preferred_lft [^ ]*//
        s/ (qdisc|numtxqueues|topology_change|root_id|bridge_id|designated_[a-z]*) [^ ]*//g'
}

# on NODE ARGUMENTS…: karctl there with $input on standard input; its exit in $code, what it said in $out
# and $err, times taken out.
input=""
on() {
    node "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" <<<"$input"
    code=$?
    out=$(<"$LAB_DIR/out")
    err=$(sed -E 's/ since [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC//g' "$LAB_DIR/err")
    rm -f "$LAB_DIR/before" # it may have changed something
}

# done_on NODE ARGUMENTS…: it is done, on every node.
done_on() {
    on "$@"
    check "typed on n$1: ${*:2} ($err)" "$code" 0
    nodes_settle 120 || check "settled after ${*:2}" "$nodes_lack" ""
}

# refused RULE NODE TEXT ARGUMENTS…: not done, with that text (its lines, each of them), and nothing changed
# on any node.
refused() {
    local rule=$1 text=$3 at=$2 line kept
    shift 3
    [ -e "$LAB_DIR/before" ] || world >"$LAB_DIR/before"
    mv "$LAB_DIR/before" "$LAB_DIR/kept"
    on "$at" "$@"
    check "$rule on n$at, $*: refused" "$((code == 3 || code == 5))" 1
    [ "$code" = 3 ] || [ "$code" = 5 ] || node "$at" undo "$(node "$at" history --limit 1 -o json | gojq -r '.[0].change')" --yes >/dev/null 2>&1
    while read -r line; do
        check_has "$rule on n$at, $*: text" "$err" "$line"
    done <<<"$text"
    check "$rule on n$at, $*: nothing on standard output" "$out" ""
    world >"$LAB_DIR/before"
    kept=$(diff "$LAB_DIR/kept" "$LAB_DIR/before" | head -n 20)
    check "$rule on n$at, $*: nothing changed on any node" "$kept" ""
}

# applied NODE, refused_docs RULE NODE TEXT: documents from standard input.
applied() {
    input=$(cat)
    done_on "$1" apply --yes --timeout 5m -f -
    input=""
}
refused_docs() {
    input=$(cat)
    refused "$1" "$2" "$3" apply -f -
    input=""
}

state_of() { node "$1" "$2" show "$3" -o json | gojq -r --arg n "$4" '.status[$n].state'; }

# --- over a bare underlay ------------------------------------------------------------------------

# The world is seen to change.
world_is_watched() {
    local hand
    for hand in "ip -n n3 link add noticed type bridge" "ip -n n2 addr add 10.66.0.1/24 dev eth2" \
        "bridge -n n1 fdb append 02:00:00:00:00:99 dev eth2 self permanent" "node 1 node label n3 side=1"; do
        world >"$LAB_DIR/kept"
        $hand >/dev/null || check "the hand: $hand" $? 0
        check "it is noticed: $hand" "$(world | diff -q "$LAB_DIR/kept" - >/dev/null; echo $?)" 1
    done
    ip -n n3 link del noticed
    ip -n n2 addr del 10.66.0.1/24 dev eth2
    bridge -n n1 fdb del 02:00:00:00:00:99 dev eth2 self
}

rules_cluster() {
    refused_docs CL-3 2 "error: there is no node n9
why: switch far names it; the members are n1, n2, n3
fix: name a member: karctl node list" <<<'{kind: switch, name: far, nodes: [n1, n9]}'
    refused_docs CL-3 3 "error: switch far has address for n2 but does not stand there
why: its nodes do not include n2
fix: add n2 to its nodes, or leave the value out: karctl explain switch.address" \
        <<<'{kind: switch, name: far, nodes: [n1, n3], spec: {address: {n2: 10.0.0.1/24}}}'
    refused_docs CL-10 3 "error: there is no switch nowhere on n2
why: port n2/late is to be attached to it
fix: karctl switch create nowhere --node n2" <<END
{kind: switch, name: good, nodes: [n1, n2, n3]}
---
{kind: port, name: late, nodes: [n2], spec: {switch: nowhere}}
END
    local i k
    for i in 1 2 3; do
        for k in 1 2 3; do
            check "CL-4: n$i is asked for the interfaces of n$k" \
                "$(node $i nic list --node n$k -o json | gojq -r '[.[] | select(.name == "eth1").node] | join(" ")')" n$k
            check "CL-4: n$i is asked for a switch on n$k" \
                "$(node $i switch show core --node n$k -o json | gojq -r --arg n n$k '"\(.status[$n].state) \(.live[$n].ifname)"')" "active core"
        done
    done
}

rules_plan() {
    local i
    input='{kind: switch, name: core, nodes: [n1, n2, n3], spec: {ageing_s: 77}}
---
{kind: port, name: web, nodes: [n2], spec: {switch: lan, owner: web-1, multi_queue: true}}'
    world >"$LAB_DIR/kept"
    on 3 plan -f -
    input=""
    check "CL-9: a plan typed on n3: exit ($err)" "$code" 0
    for i in 1 2 3; do
        check_has "CL-9: it has what n$i would do" "$out" " n$i  "
        check "CL-9: n$i would set the ageing" \
            "$(sed -n "/^ n$i /,/^ n[^$i]/p" <<<"$out" | grep -c 'core.*ageing')" 1
    done
    check "CL-9: what stops traffic is marked, on n2 alone" \
        "$(grep -c ' n[123] .*disruptive' <<<"$out") $(grep -c ' n2 .*disruptive' <<<"$out")" "1 1"
    world >"$LAB_DIR/before"
    check "CL-9: nothing changed on any node" "$(diff "$LAB_DIR/kept" "$LAB_DIR/before")" ""
}

rules_switch() {
    input='{kind: switch, name: seen, nodes: [n1, n2]}'
    on 3 plan -f -
    input=""
    check_has "SW-1: reviewed before it happens" "$out" "+ switch seen"
    done_on 3 switch create seen --node n1,n2
    check "SW-1: an isolated segment, in both kernels: nothing leads out" \
        "$(ip -n n1 -j link show master seen | gojq length) $(ip -n n2 -j link show master seen | gojq length)" "0 0"
    done_on 2 switch delete seen --yes

    refused SW-2 3 "error: the name LAN is taken on n2
why: switch n2/lan has it; letter case does not matter
fix: choose another name, or: karctl switch delete lan" switch create LAN --node n2
    refused SW-2 2 "error: the name core is taken on n3
why: switch core has it
fix: choose another name, or: karctl switch delete core" port create core --node n3 --switch mesh
    ip -n n2 link add theirs type bridge
    rm -f "$LAB_DIR/before"
    refused SW-2 1 "error: the name theirs is taken on n2
why: an interface of that name is there, and it is not one of kar's
fix: choose another name; those of the host: karctl nic list --node n2" switch create theirs --node n2
    ip -n n2 link del theirs
    rm -f "$LAB_DIR/before"
    refused SW-2 1 "error: there is no interface eth3 on n3
why: it is to be the uplink of switch n3/third
fix: name one of: karctl nic list --node n3" switch create third --node n3 --uplink eth3
    refused SW-2 1 "error: there is no interface eth3 on n3
why: it is to be the uplink of switch third
fix: name one of: karctl nic list --node n3" switch create third --node all --uplink eth3
    refused SW-2 3 "error: eth2 is attached to another switch on n2
why: switch n2/lan has it as uplink
fix: choose another, or: karctl switch set lan --unset uplink" switch create third --node n2 --uplink eth2
    refused SW-2 1 "error: lo cannot be the uplink of switch n3/third
why: it is the loopback of n3
fix: name one of: karctl nic list --node n3" switch create third --node n3 --uplink lo
    ip link set eth2-3 down
    until_carrier 3 eth2 0
    refused SW-2 1 "error: eth2 is inactive on n3
why: it has no link, and is to be the uplink of switch n3/third
fix: check its cable (karctl nic show eth2), or name another: karctl nic list --node n3" \
        switch create third --node n3 --uplink eth2
    ip link set eth2-3 up
    until_carrier 3 eth2 1

    for i in 1 3; do
        check "SW-4: the inventory of n2, asked on n$i" \
            "$(node $i switch list --node n2 -o json | gojq -r '[.[] | .name] | sort | join(" ")')" "core lan"
        check "SW-4: its uplink, ports and counters" \
            "$(node $i switch show lan --node n2 -o json | gojq -r '.live.n2 | "\(.ports | sort | join(" ")) \(.stats.rx_packets | type)"')" "eth2 web number"
    done
    done_on 3 switch set lan --uplink eth3 --yes
    check "SW-4: its uplink is another one" "$(ip -n n2 -j link show master lan | gojq -r '[.[].ifname] | sort | join(" ")')" "eth3 web"
    done_on 1 switch set lan --uplink eth2 --yes

    refused SW-5 3 "error: not confirmed, nothing was changed
warning: deleting switch n2/lan isolates VM web-1
why: they are connected through it on n2
fix: connect them elsewhere first, e.g. karctl port set web --switch OTHER, or accept it with --yes" \
        switch delete lan
    refused SW-5 3 "warning: changing switch n2/lan touches VM web-1
why: attached to it on n2; what changes: stp
fix: see what it does with --dry-run, accept it with --yes" switch set lan --stp
}

rules_port() {
    refused SW-8 3 "error: there is no switch nowhere on n2
why: port n2/guest is to be attached to it
fix: karctl switch create nowhere --node n2" port create guest --node n2 --switch nowhere
    refused SW-8 3 "error: port n2/guest cannot be attached to web
why: it is port n2/web; ports attach to a switch or an overlay
fix: name one of: karctl switch list --node n2" port create guest --node n2 --switch web
    refused SW-8 1 "error: port n2/guest of type existing takes no mac
why: the interface is made by the hypervisor, which gives it its MAC
fix: leave it out: karctl explain port.mac" port create guest --node n2 --switch lan --type existing --mac 02:00:00:00:00:01
    refused SW-8 3 "error: MAC 02:00:00:00:00:77 is taken on switch n2/lan
why: port n2/web has it
fix: choose another MAC, or: karctl port set web --unset mac" \
        port create guest --node n2 --switch lan --mac 02:00:00:00:00:77
    # Hot-plug: typed on n1, attached on n2 when the hypervisor makes the interface.
    done_on 1 port create hot --node n2 --switch lan --type existing
    until_is "SW-8: a port whose interface is to come waits" waiting state_of 3 port hot n2
    ip -n n2 tuntap add hot mode tap
    until_is "SW-8: it is attached when it appears" lan eval "ip -n n2 -j link show dev hot | gojq -r '.[0].master'"
    done_on 3 port delete hot --yes
    check "SW-8: detached, the interface stays the hypervisor's" \
        "$(ip -n n2 -j link show dev hot | gojq -r '.[0].master // "free"')" free
    ip -n n2 link del hot
    # A fix names the node once there is another port of that name, also on the node that was there first.
    done_on 1 switch create short --node n2
    done_on 1 port create twin --node n2 --switch short
    done_on 3 switch delete short --yes
    done_on 3 port create twin --node n1 --switch core
    for i in 1 2 3; do
        on $i conflicts
        check_has "SW-8: what is blocked on n2, asked on n$i" "$out" "port twin on n2 is blocked: short does not exist on n2
  why: port n2/twin stands on it
  fix: create it anew, or: karctl port delete n2/twin"
    done
    done_on 1 port delete n2/twin --yes
    done_on 1 port delete twin --yes
}

rules_overlay() {
    refused OV-1 3 "error: overlay third names nothing that carries it
why: the ends of an overlay stand on VLANs
fix: name one of: karctl vlan list, or: karctl vlan create NAME --parent NIC --tag TAG --address PREFIX" \
        overlay create third --node n1,n2
    refused OV-1 3 "error: overlay third names both a VLAN and an underlay
why: its ends stand on storage or on eth1, not on both
fix: leave one of them out: karctl explain overlay.underlay" \
        overlay create third --node n1,n2 --vlan storage --underlay eth1
    refused OV-1 3 "warning: overlay third stands on eth1, not on a VLAN
why: its frames share eth1 with everything else there" overlay create third --node n1,n2 --underlay eth1

    refused OV-2 3 "error: two ends of overlay n2/third are on n2
why: a tunnel joins two nodes; within one node a switch does
fix: karctl switch create third --node n2" \
        overlay create third --endpoint node=n2 --endpoint node=n2 --underlay eth1
    refused OV-2 3 "error: overlay n2/third has one end only
why: a tunnel joins two or more
fix: add the other end, or name vlan and nodes instead: karctl explain overlay.endpoints" \
        overlay create third --endpoint node=n2 --underlay eth1
    refused OV-1 2 "error: the cluster knows no address of eth2 on n2, n3
why: the ends of overlay third send to each other's addresses
fix: karctl nic set eth2 --node n2 --address PREFIX, or give each end its address: karctl explain overlay.endpoints" \
        overlay create third --endpoint node=n2 --endpoint node=n3 --underlay eth2 --yes
    for i in 1 2; do ip -n n$i addr add 10.98.0.$i/24 dev eth3; done
    rm -f "$LAB_DIR/before"
    refused OV-1 3 "warning: the cluster knows no address of eth3 on n1, n2
why: overlay third sends nothing there before it does
fix: karctl nic set eth3 --node n1 --address PREFIX, or accept it with --yes" \
        overlay create third --node n1,n2 --underlay eth3
    for i in 1 2; do ip -n n$i addr del 10.98.0.$i/24 dev eth3; done
    rm -f "$LAB_DIR/before"
    refused OV-2 2 "error: there is no interface eth3 on n3
why: overlay third is to stand on it
fix: name one of: karctl nic list --node n3" \
        overlay create third --endpoint node=n2,address=10.99.0.2 --endpoint node=n3,address=10.99.0.3 --underlay eth3 --yes
    refused OV-2 3 "error: eth2 has no static address on n1
why: the end of overlay third there needs one
fix: karctl nic set eth2 --address PREFIX" \
        overlay create third --endpoint node=n2,address=10.99.0.2 --endpoint node=n1,address=10.99.0.1 --underlay eth2 --yes
    ip -n n1 addr add 10.99.0.1/24 dev eth2 valid_lft 3000 preferred_lft 3000
    rm -f "$LAB_DIR/before"
    refused OV-2 3 "error: eth2 has no static address on n1
why: its addresses come from DHCP or router advertisements and may change" \
        overlay create third --endpoint node=n2,address=10.99.0.2 --endpoint node=n1,address=10.99.0.1 --underlay eth2 --yes
    ip -n n1 addr del 10.99.0.1/24 dev eth2
    rm -f "$LAB_DIR/before"
    refused OV-2 3 " move with nic n2/eth1
why: its address on n2 changes; ends outside the cluster must be told
fix: keep the former address beside the new one, or accept it with --yes" nic set eth1 --node n2 --address 198.51.100.22/24
    refused OV-2 1 " lose their address with nic n2/eth1
why: it is no longer on n2; what is sent to them gets nowhere
fix: give it another one: karctl nic set eth1 --node n2 --address PREFIX, or accept it with --yes" nic delete eth1 --node n2
    for i in 1 2 3; do
        check "CL-9: an end that moves is in the plan of all that send to it, asked on n$i" \
            "$(node $i nic set eth1 --node n2 --address 198.51.100.22/24 --dry-run -o json |
                gojq -r '[.nodes[] | select(.operations | length > 1) | .node] | sort | join(" ")')" "n1 n2 n3"
    done
    ip link set eth1-1 down
    until_carrier 1 eth1 0
    refused OV-2 3 "error: eth1 is inactive on n1
why: it has no link
fix: check its cable (karctl nic show eth1), or name another: karctl nic list --node n1" \
        overlay create third --endpoint node=n3 --endpoint node=n1 --underlay eth1 --yes
    ip link set eth1-1 up
    until_carrier 1 eth1 1

    refused OV-3 2 "error: VNI 7002 is taken
why: overlay mesh has it
fix: choose another or auto, or: karctl overlay delete mesh" overlay create third --node n1,n2 --underlay eth1 --vni 7002 --yes
    refused OV-3 2 "error: there is no VNI pool red
why: overlay third is to take its VNI from it
fix: karctl cluster set --vni-pool red=FIRST-LAST" overlay create third --node n1,n2 --underlay eth1 --vni red --yes
    done_on 1 cluster set --vni-pool red=7002-7002 --yes
    refused OV-3 3 "error: no VNI is left in pool red for overlay third
why: every one of 7002-7002 is taken
fix: delete an overlay, or: karctl cluster set --vni-pool red=FIRST-LAST" overlay create third --node n1,n2 --underlay eth1 --vni red --yes
    refused_docs OV-3 3 "error: vni
fix:" <<<'{kind: overlay, name: third, nodes: [n1, n2], spec: {underlay: eth1, vni: 0}}'
    refused_docs OV-3 3 "error: vni
fix:" <<<'{kind: overlay, name: third, nodes: [n1, n2], spec: {underlay: eth1, vni: 16777216}}'
    refused OV-4 3 "error: n1/eth1 and n2/eth1 are joined by a tunnel already
why: overlay pair joins them
fix: use that one, or: karctl overlay delete pair" \
        overlay create third --endpoint node=n2 --endpoint node=n1 --underlay eth1 --yes

    refused OV-6 3 "error: the vni of overlay pair cannot be changed
why: it is 7001 and stays so for as long as the overlay exists
fix: karctl overlay delete pair && karctl overlay create pair --endpoint node=n1 --endpoint node=n2 --underlay eth1 --vni 7009" \
        overlay set pair --vni 7009
    refused OV-6 3 "error: the underlay of overlay pair cannot be changed
why: it is eth1 and stays so for as long as the overlay exists
fix: karctl overlay delete pair && karctl overlay create pair --endpoint node=n1 --endpoint node=n2 --underlay eth2 --vni 7001" \
        overlay set pair --underlay eth2 --yes
    refused OV-6 2 "error: the endpoints of overlay pair cannot be changed
why: it is node=n1,node=n2 and stays so for as long as the overlay exists
fix: karctl overlay delete pair && karctl overlay create pair --endpoint node=n1 --endpoint node=n3 --underlay eth1 --vni 7001" \
        overlay set pair --endpoint node=n1 --endpoint node=n3
    applied 3 <<<'{kind: overlay, op: set, name: mesh, nodes: [n1, n2]}'
    check "OV-6: a mesh's nodes can be changed: the kernels" "$(witness_all)" ""
    check "OV-6: it is gone from n3" "$(ip -n n3 -j link | gojq '[.[] | select(.ifname == "mesh")] | length')" 0
    applied 2 <<<'{kind: overlay, op: set, name: mesh, nodes: all}'
    check "OV-10: joined to a switch of its name on every node" "$(witness_all)" ""
    refused VL-6 3 "warning: deleting overlay mesh isolates VM db-1
why: they are connected through it on n1
fix: connect them elsewhere first, e.g. karctl port set db --switch OTHER, or accept it with --yes" overlay delete mesh

    done_on 1 overlay create side --node side=1 --underlay eth1 --yes
    check "OV-17: members by label" "$(ip -n n1 -j link | gojq -r '.[].ifname' | grep -c '^side$') $(ip -n n2 -j link | gojq -r '.[].ifname' | grep -c '^side$')" "1 0"
    check "CL-9: who joins by label is in the plan of who sends to it" \
        "$(node 2 node label n2 side=1 --dry-run -o json |
            gojq -r '[.nodes[] | select(.operations | length > 0) | .node] | sort | join(" ")')" "n1 n2 n3"
    done_on 3 node label n2 side=1
    check "OV-17: it follows the membership: the kernels" "$(witness_all)" ""
    check "OV-17: n2 has it" "$(ip -n n2 -j link | gojq -r '.[].ifname' | grep -c '^side$')" 1
    refused OV-17 1 "warning: changing the labels of n2 takes overlay side off it
why: their nodes are selected by label
fix: see what it does with --dry-run, accept it with --yes" node set n2 --labels side=0
    done_on 1 node set n2 --labels side=0 --yes
    check "OV-17: and leaves again: the kernels" "$(witness_all)" ""
    done_on 2 overlay delete side --yes
    check "OV-13: deleted without residue: the kernels" "$(witness_all)" ""
}

# The other end is silent although its link is up; then its node is gone.
rules_presence() {
    ip link set eth1-3 nomaster
    refused OV-2 1 "error: n3 (198.51.100.3) does not answer n2 (198.51.100.2) through eth1
why: the tunnel third between them would carry nothing
fix: check cable, trunk and VLAN tag between eth1 on n2 and eth1 on n3; --force where a firewall drops pings" \
        overlay create third --endpoint node=n2 --endpoint node=n3 --underlay eth1 --yes
    ip link set eth1-3 master eth1
    node_kill 3
    until_is "OV-2: n3 is missed" unreachable member 1 n3
    rm -f "$LAB_DIR/before"
    refused OV-2 1 "error: n3 is offline, an end of overlay third
why: it was last heard of
ago, and a tunnel between two nodes needs both
fix: create it when n3 is back (karctl node list), or name other nodes" \
        overlay create third --endpoint node=n2 --endpoint node=n3 --underlay eth1 --yes
    refused OV-2 2 "warning: overlay third begins without n3
why: it is not reached now
fix: karctl node list shows who is reached; with --yes it joins when it returns" \
        overlay create third --node all --underlay eth1
    on 2 overlay create third --node all --underlay eth1 --yes
    check "OV-2: a mesh is made without it ($err)" "$code" 0
    check_has "OV-2: n3 waits" "$out" "n3 ! waiting"
    node_start 3
    node_ready 3
    nodes_settle 120
    check "OV-2: it joins when it returns: the kernels" "$(witness_all)" ""
    done_on 3 overlay delete third --yes
}

# Who decides the claims cannot be asked: nothing is built on either side until it can.
rules_reservation() {
    ip link set eth0-2 down
    until_is "OV-5: n1 is missed" unreachable member 2 n1
    on 2 overlay create early --node n2,n3 --underlay eth1 --vni 7005 --yes --no-wait
    check "OV-5: cut off, an overlay is taken down: exit ($err)" "$code" 0
    check "OV-5: it is pending" "$(state_of 2 overlay early n2)" pending
    done_on_both_sides
    check "OV-5: nothing is built before its VNI is reserved" \
        "$(for i in 1 2 3; do ip -n n$i -o link | grep -c 'early'; done | xargs)" "0 0 0"
    ip link set eth0-2 up
    nodes_settle 120 || check "OV-5: together again" "$nodes_lack" ""
    check "OV-5: who asked too late is refused, and says by whom" \
        "$(node 3 conflicts -o json | gojq -r '[.not_admitted[], .pending[]] | map(select(.name == "early")) | .[0].reason.what')" "VNI 7005 is taken"
    check "OV-5: nothing of it is built anywhere" \
        "$(for i in 1 2 3; do ip -n n$i -o link | grep -c 'early'; done | xargs)" "0 0 0"
    check "OV-5: who had it has it" "$(node 2 overlay show first -o json | gojq .vni)" 7005
    on 1 overlay delete early --yes
    check "OV-5: given up ($err)" "$code" 0
    done_on 1 overlay delete first --yes
}
done_on_both_sides() {
    on 1 overlay create first --node n1,n3 --underlay eth1 --vni 7005 --yes
    check "OV-5: meanwhile n1 gives that VNI to another ($err)" "$code" 0
}

rules_underlay() {
    check "eth1 has an address on every node" "$(nodes_address eth1 198.51.100)" ""
    applied 1 <<'END'
{kind: switch, name: core, nodes: [n1, n2, n3]}
---
{kind: switch, name: lan, nodes: [n2], spec: {uplink: eth2}}
---
{kind: port, name: web, nodes: [n2], spec: {switch: lan, owner: web-1, mac: "02:00:00:00:00:77"}}
---
{kind: overlay, name: pair, spec: {endpoints: [{node: n1}, {node: n2}], underlay: eth1, vni: 7001}}
---
{kind: overlay, name: mesh, nodes: all, spec: {underlay: eth1, vni: 7002}}
---
{kind: port, name: db, nodes: [n1], spec: {switch: mesh, owner: db-1}}
END
    rules_cluster
    rules_plan
    rules_switch
    rules_port
    rules_overlay
    rules_presence
    rules_reservation
    rules_rival
    check "OV-13: everything is deleted, asked for on n3" "$(nodes_empty 3)" ""
    nodes_settle 120
    check "OV-13: deleted without residue: the kernels" "$(witness_all)" ""
    rm -f "$LAB_DIR/before"
}

# --- over VLANs, where the kernel has them -------------------------------------------------------

rules_vlan() {
    applied 1 <<'END'
{kind: vlan, name: storage, nodes: all, spec: {parent: eth1, tag: 110, address: {n1: 10.0.110.1/24, n2: 10.0.110.2/24, n3: 10.0.110.3/24}}}
---
{kind: vlan, name: back, nodes: [n2], spec: {parent: eth2, tag: 120, address: 10.0.120.2/24}}
---
{kind: vlan, name: bare, nodes: [n1, n3], spec: {parent: eth1, tag: 130}}
---
{kind: vlan, name: odd, nodes: [n1, n3], spec: {parent: eth1, tag: 140, address: {n1: 10.0.140.1/24, n3: 10.0.141.3/24}}}
---
{kind: switch, name: tagged, nodes: [n2], spec: {uplink: back}}
---
{kind: port, name: vm, nodes: [n2], spec: {switch: tagged, owner: vm-1}}
---
{kind: overlay, name: pair, spec: {endpoints: [{node: n1, vlan: storage}, {node: n2, vlan: storage}], vni: 7001}}
---
{kind: overlay, name: mesh, nodes: all, spec: {vlan: storage, vni: 7002}}
---
{kind: port, name: db, nodes: [n1], spec: {switch: mesh, owner: db-1}}
---
{kind: switch, name: plain, nodes: [n2], spec: {uplink: eth3}}
END
    check "VL-1: a kernel interface for each VLAN, on every node" "$(witness_all)" ""
    done_on 1 vlan create outer --node n3 --parent eth2 --tag 300 --protocol 802.1ad
    check "VL-1: 802.1ad, typed on n1, in the kernel of n3" \
        "$(ip -n n3 -d -j link show dev outer | gojq -r '.[0].linkinfo.info_data | "\(.protocol) \(.id)"')" "802.1ad 300"
    done_on 2 vlan delete outer
    refused VL-1 3 "error: gateway 10.0.9.1 of vlan n2/other is outside its subnet on n2
why: it has 10.0.8.2/24 there
fix: name a gateway in that subnet: karctl explain vlan.gateway" \
        vlan create other --node n2 --parent eth2 --tag 5 --address 10.0.8.2/24 --gateway 10.0.9.1
    refused VL-1 3 "error: vlan n2/other has both a static address and DHCP on n2
why: a VLAN takes its address from the one or the other
fix: keep one: --no-dhcp, or leave address out; see: karctl explain vlan.dhcp" \
        vlan create other --node n2 --parent eth2 --tag 5 --address 10.0.8.2/24 --dhcp

    refused_docs VL-2 1 "error: tag
fix:" <<<'{kind: vlan, name: other, nodes: [n2], spec: {parent: eth2, tag: 0}}'
    refused_docs VL-2 1 "error: tag
fix:" <<<'{kind: vlan, name: other, nodes: [n2], spec: {parent: eth2, tag: 4095}}'
    refused VL-2 3 "error: VLAN tag 110 is taken on n2
why: vlan storage has it on eth1
fix: choose another tag, or: karctl vlan delete storage" vlan create other --node n2 --parent eth1 --tag 110
    refused VL-2 3 "error: VLAN tag 110 is taken on n2
why: vlan storage has it on eth1, and tags are unique on a node
fix: choose another tag, or: karctl vlan delete storage, or let each parent have its own: karctl cluster set --vlan-tags-unique parent" \
        vlan create other --node n2 --parent eth2 --tag 110
    refused VL-2 1 "error: there is no interface eth3 on n3
why: it is to carry vlan n3/other
fix: name one of: karctl nic list --node n3" vlan create other --node n3 --parent eth3 --tag 5
    refused VL-2 2 "error: lo cannot carry vlan n3/other
why: it is the loopback of n3
fix: name one of: karctl nic list --node n3" vlan create other --node n3 --parent lo --tag 5
    refused VL-2 3 "error: storage cannot carry vlan n2/other on n2
why: it is vlan storage, not a NIC
fix: name a NIC as parent, of those in: karctl nic list" vlan create other --node n2 --parent storage --tag 5
    ip link set eth2-3 down
    until_carrier 3 eth2 0
    refused VL-2 1 "error: eth2 is inactive on n3
why: it has no link, and is to carry vlan other
fix: check its cable (karctl nic show eth2), or name another: karctl nic list --node n3" \
        vlan create other --node n1,n3 --parent eth2 --tag 5
    ip link set eth2-3 up
    until_carrier 3 eth2 1
    ip -n n3 link add link eth2 name theirs type vlan id 333
    rm -f "$LAB_DIR/before"
    refused VL-2 1 "error: VLAN tag 333 is taken on n3
why: interface theirs on eth2 has it, and it is not one of kar's
fix: choose another tag, or remove that one: ip link delete theirs" vlan create other --node n3 --parent eth2 --tag 333
    ip -n n3 link del theirs

    check "VL-3: asked on n3, the list has every node's" \
        "$(node 3 vlan list -o json | gojq -r '[.[] | "\(.name) \(.spec.tag)"] | sort | join(", ")')" "back 120, bare 130, odd 140, storage 110"
    on 3 vlan list
    check_has "VL-3: with tag, address, parent, status" "$out" "back"
    check "VL-3: details from n2's kernel" \
        "$(node 3 vlan show back --node n2 -o json | gojq -r '.live.n2 | "\(.mtu) \(.addresses | index("10.0.120.2/24") != null) \(.parent) \(.master) \(.stats.rx_packets | type) \(.mac | length)"')" \
        "1500 true eth2 tagged number 17"

    refused VL-6 3 "warning: deleting vlan n2/back isolates switch n2/tagged, VM vm-1
why: they are connected through it on n2
fix: connect them elsewhere first, e.g. karctl switch set tagged --uplink OTHER, or accept it with --yes" vlan delete back
    refused VL-6 2 "warning: deleting vlan storage isolates overlay mesh, overlay pair, VM db-1
why: they are connected through it on n1, n2, n3" vlan delete storage

    refused SW-3 3 "error: eth1 carries VLANs on n2
why: vlan storage on it would no longer see frames once switch n2/other takes them
fix: put the switch on a VLAN: karctl switch create other --uplink storage, or accept it with --force" \
        switch create other --node n2 --uplink eth1
    refused SW-3 1 "error: eth3 carries a switch on n2
why: switch n2/plain has it as uplink and takes its frames before a VLAN on it sees them
fix: put the switch on a VLAN: karctl switch set plain --uplink VLAN, or accept it with --force" \
        vlan create other --node n2 --parent eth3 --tag 5

    refused OV-2 2 "error: there is no VLAN back on n3
why: overlay third is to stand on it
fix: karctl vlan create back --node n3 --parent NIC --tag TAG --address PREFIX" \
        overlay create third --endpoint node=n1,vlan=storage --endpoint node=n3,vlan=back
    refused OV-2 2 "error: vlan bare has no static address on n3
why: the end of overlay third there needs one
fix: karctl vlan set bare --address n3=PREFIX" \
        overlay create third --endpoint node=n1,vlan=storage --endpoint node=n3,vlan=bare
    refused OV-2 2 "error: the ends of overlay third on n1 and n3 cannot reach each other
why: n1 has 10.0.140.1/24 on odd, n3 has 10.0.141.3/24 on odd, not one subnet" \
        overlay create third --endpoint node=n1,vlan=odd --endpoint node=n3,vlan=odd
    refused OV-1 2 "error: 10.0.110.9 is not an address of vlan storage on n3
why: the end of overlay third there is bound to its VLAN
fix: leave the address out, or choose one of: karctl vlan show storage" \
        overlay create third --endpoint node=n1,vlan=storage --endpoint node=n3,vlan=storage,address=10.0.110.9
    on 1 vlan set bare --dhcp --no-wait # nobody serves any
    nodes_settle 120
    refused OV-2 2 "error: vlan bare has no static address on n3
why: the end of overlay third there needs one
fix: karctl vlan set bare --address n3=PREFIX" \
        overlay create third --endpoint node=n1,vlan=storage --endpoint node=n3,vlan=bare
    done_on 1 vlan set bare --no-dhcp
    ip link set eth1-3 down
    until_carrier 3 eth1 0
    refused OV-2 2 "error: vlan storage is not active on n3
why: its parent has no link
fix: see why: karctl vlan show storage" \
        overlay create third --endpoint node=n1,vlan=storage --endpoint node=n3,vlan=storage
    ip link set eth1-3 up
    until_carrier 3 eth1 1
    ip link set eth1-3 nomaster
    refused OV-2 2 "error: n3 (10.0.110.3) does not answer n1 (10.0.110.1) through storage
why: the tunnel third between them would carry nothing
fix: check cable, trunk and VLAN tag between storage on n1 and storage on n3; --force where a firewall drops pings" \
        overlay create third --endpoint node=n1,vlan=storage --endpoint node=n3,vlan=storage
    ip link set eth1-3 master eth1
    refused OV-2 3 "warning: the ends of overlay mesh, overlay pair move with vlan storage
why: its address on n2 changes; ends outside the cluster must be told" vlan set storage --address n1=10.0.110.1/24,n2=10.0.110.22/24,n3=10.0.110.3/24
    refused OV-4 3 "error: n1/storage and n2/storage are joined by a tunnel already
why: overlay pair joins them
fix: use that one, or: karctl overlay delete pair" \
        overlay create third --endpoint node=n2,vlan=storage --endpoint node=n1,vlan=storage
    refused OV-6 3 "error: the vlan of overlay mesh cannot be changed
why: it is storage and stays so for as long as the overlay exists
fix: karctl overlay delete mesh && karctl overlay create mesh --node all --vlan odd --vni 7002" overlay set mesh --vlan odd
    check "VL, SW, OV over VLANs: the kernels" "$(witness_all)" ""
}

# A name that n3 gave on n1 while it was cut off, and that n1 was granted for n1 and n3: it is refused on
# n1 alone, and all nodes say the same of it, also n3, where it runs.
rules_rival() {
    local i
    ip link set eth0-3 down
    on 3 switch create both --node n1 --no-wait --yes
    check "CL-4: cut off, n3 is asked for a switch on n1 ($err)" "$code" 0
    on 1 switch create both --node n1,n3 --no-wait --yes
    check "CL-4: n1 for one of that name on both ($err)" "$code" 0
    ip link set eth0-3 up
    nodes_settle 120
    for i in 1 2 3; do
        on $i conflicts
        check_has "SW-2: what lost, asked on n$i" "$out" "switch both is blocked: the name both is taken on n1
  why: switch n1/both has it"
    done
    check "SW-2: the kernels" "$(witness_all)" ""
    done_on 2 switch delete n1/both --yes
    check "SW-2: the other one takes its place" "$(witness_all)$(node 2 conflicts)" "no conflicts"
    done_on 2 switch delete both --yes
}

member() { node "$1" node list -o json | gojq -r --arg n "$2" '.[] | select(.name == $n).member.member'; }
until_is() { # what, expected, command…: within 60 s
    local what=$1 want=$2 is="" k
    shift 2
    for ((k = 0; k < 600; k++)); do
        is=$("$@" 2>/dev/null)
        [ "$is" = "$want" ] && break
        sleep 0.1
    done
    check "$what" "$is" "$want"
}
until_carrier() { # number, interface, 0 or 1: also kard has seen it
    local want=inactive
    [ "$3" = 0 ] || want=active
    until_is "n$1: $2 is $want" $want eval "node $1 nic show $2 -o json | gojq -r .state"
}

# --- the run -------------------------------------------------------------------------------------

nodes_make 3
nodes_wire eth1
nodes_wire eth2
for i in 1 2; do
    ip link add eth3-$i type veth peer name eth3 netns n$i && ip link set eth3-$i up && ip -n n$i link set eth3 up || exit 1
done
witness_begin
nodes_join
for i in 1 2; do node 1 node label n$i side=$((i == 1)) >/dev/null || exit 1; done
world_is_watched # it gives n3 its label
if [ -z "${KAR_HOST_LACKS_ONLY:-}" ]; then
    rules_underlay
fi
if kernel_has vlan; then
    rules_vlan
else
    skip "VL-1 to VL-3, VL-6, SW-3, and OV over VLANs" "this kernel lacks 802.1Q"
fi
check "no fault in a log" "$(nodes_log_faults)" ""
nodes_stop
lab_end
