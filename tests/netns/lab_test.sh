#!/usr/bin/env bash
# lab/lab on this machine's kernel: a cluster from one command, guests, faults, labs beside each other,
# topologies, an ordinary user, and that nothing of any of it stays.
here=$(dirname "$0")
. "$here/lib.sh"
chmod 711 "$LAB_DIR"
export KAR_LAB_RUN=$LAB_DIR/labs KAR_LAB=one
mkdir "$KAR_LAB_RUN"

lab() { "$lab_source/lab/lab" "$@" </dev/null; }
on() { # node, karctl's words
    local node=$1
    shift
    lab exec "$node" karctl "$@"
}
try() { # command; its exit code in $code, what it said in $said
    said=$("$@" 2>&1)
    code=$?
}
until_is() { # what, expected, command…: within 30 s
    local what=$1 want=$2 is="" i
    shift 2
    for ((i = 0; i < 300; i++)); do
        is=$("$@" 2>/dev/null)
        [ "$is" = "$want" ] && break
        sleep 0.1
    done
    check "$what" "$is" "$want"
}
members() { on "$1" node list -o json | gojq -r '[.[].member.member] | join(" ")'; }
pings() { lab exec "$1" ping -c 3 -i 0.2 -W 1 -q "$2" >/dev/null; }
# Received of a hundred.
received() { lab exec "$1" ping -c 100 -i 0.01 -W 1 -q "$2" | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }
# What a lab could leave: processes that are not this test's, links, namespaces by name, files.
world() {
    ps -e -o comm= | grep -vxE 'bash|ps|sort|grep|uniq' | sort | uniq -c
    ip -o link
    ip netns list
    find "$KAR_LAB_RUN" -mindepth 1
}

before=$(world)

# --- a cluster from one command ------------------------------------------------------------------
# On a terminal that is closed afterwards, which ends what belongs to it.
try script -qec "'$lab_source/lab/lab' up --native" /dev/null </dev/null
check "three nodes ($said)" $code 0
[ $code = 0 ] || lab_end # nothing else could be seen
check_has "it says where" "$said" "in namespaces on this machine's kernel"
check_has "and how to go on" "$said" "lab/lab exec n1 karctl node list"
until_is "n2 sees all alive" "alive alive alive" members n2
check "they speak over eth0" "$(on n1 node list -o json | gojq -r '[.[].spec.addresses | flatten[0]] | join(" ")')" \
    "10.10.0.1 10.10.0.2 10.10.0.3"
check "MACs follow the plan" "$(lab exec n2 cat /sys/class/net/eth2/address)" "02:4b:00:00:02:02"
check "a node has its own links and no others" \
    "$(lab exec n3 ip -j link | gojq -r '[.[].ifname] | sort | join(" ")')" "eth0 eth1 eth2 lo"
pings n1 192.0.2.3
check "the fabric carries" $? 0
check "nothing of this machine's network has changed" "$(ip -o link; ip netns list)" "$(sed -n '/^[0-9]*: /p' <<<"$before")"

lab exec n1 sh -c 'exit 7'
check "exit codes come out" $? 7
check "standard input goes in" "$(echo hello | "$lab_source/lab/lab" exec n1 cat)" hello
check "the directory is the same" "$(cd "$lab_source/tests" && lab exec n1 pwd)" "$lab_source/tests"
try lab exec n4 true
check "there is no n4" $code 255
check_has "who is there is said" "$said" "it has n1 n2 n3"
try lab up --native
check "the same lab twice is refused" $code 255
check_has "with what to do" "$said" "lab/lab down, or use another --id"
try lab exec n1
check_has "a word too few" "$said" "fix: lab/lab exec NODE COMMAND"

# Who kills the client kills the command.
"$lab_source/lab/lab" exec n1 sleep 4712 </dev/null &
client=$!
until_is "a command runs" 1 pgrep -xcf "sleep 4712"
kill $client
wait $client 2>/dev/null
until_is "it ends with its client" 0 pgrep -xcf "sleep 4712"

# --- guests --------------------------------------------------------------------------------------
try lab guest n1 web 10.0.0.11/24
check "a guest needs its port" $code 255
check_has "and says how" "$said" "lab/lab exec n1 karctl port create web --switch SWITCH --type veth"
"$lab_source/lab/lab" exec n2 karctl apply --yes -f - >"$LAB_DIR/out" 2>&1 <<'YAML'
kind: overlay
name: red
spec:
  underlay: eth1
  endpoints:
  - {node: n1, address: 192.0.2.1}
  - {node: n2, address: 192.0.2.2}
  - {node: n3, address: 192.0.2.3}
---
kind: port
name: web
nodes: n1
spec: {switch: red, type: veth}
---
kind: port
name: db
nodes: n3
spec: {switch: red, type: veth}
YAML
code=$?
check "an overlay and two ports ($(cat "$LAB_DIR/out"))" "$code" 0
lab guest n1 web 10.0.0.11/24 && lab guest n3 db 10.0.0.13/24
check "two guests" $? 0
lab guest n3 db 10.0.0.14/24
check "a guest may have another address" "$(lab exec db ip -4 -j addr show dev eth0 | gojq -r '.[0].addr_info[].local')" 10.0.0.14
try pings web 10.0.0.14
check "they reach each other through the overlay" $code 0
try lab guest n2 web 10.0.0.12/24
check "a guest is on one node" $code 255

# --- faults --------------------------------------------------------------------------------------
lab cut n3
check "a cut cable has no carrier" "$(lab exec n3 cat /sys/class/net/eth1/carrier)" 0
check "on all links" "$(lab exec n3 cat /sys/class/net/eth0/carrier)" 0
until_is "n3 is missed" unreachable bash -c "'$lab_source/lab/lab' exec n1 karctl node list -o json | gojq -r '.[] | select(.name == \"n3\").member.member'"
lab heal n3
until_is "healed, it is alive" "alive alive alive" members n1
lab cut n3 eth1
check "one link is cut" "$(lab exec n3 cat /sys/class/net/eth1/carrier /sys/class/net/eth2/carrier | tr '\n' ' ')" "0 1 "
lab heal
check "all is healed" "$(lab exec n3 cat /sys/class/net/eth1/carrier)" 1
try lab cut n3 eth7
check_has "there is no such link" "$said" "n3 has no link eth7"
if command -v nft >/dev/null; then
    lab loss n2 40%
    got=$(received n1 192.0.2.2) # four of ten are lost on each way: about 36 of a hundred come back
    check "some packets are lost ($got of 100 came back)" $((got > 10 && got < 65)) 1
    lab loss n2 100
    check "all packets are lost" "$(received n2 192.0.2.1)" 0
    lab loss n2 0
    check "none is lost" "$(received n1 192.0.2.2)" 100
    try lab loss n2 much
    check_has "how much, it asks" "$said" "lab/lab loss n2 10%"
else
    try lab loss n2 10%
    check_has "loss: without nft" "$said" "scripts/install-deps"
    skip "loss: nftables is not installed" "scripts/install-deps test installs it"
fi
lab kill n3
check "a killed kard is dead" $? 0
try on n3 status
check "karctl says so" $code 4
check "its kernel keeps what it had" "$(lab exec n3 ip -j link show dev db | gojq -r '.[0].ifname')" db
try lab kill n3
check_has "it cannot be killed twice" "$said" "kard of n3 does not run"
lab start
check "it starts again" $? 0
until_is "and is alive" "alive alive alive" members n1
try lab log web
check_has "a guest has no kard that says anything" "$said" "there is no node web"
check_has "what it said is there" "$(lab log n3)" "starts, pid"

# --- beside it -----------------------------------------------------------------------------------
try lab up --native --id two --topology leaf-spine --apart
check "another lab beside it ($said)" $code 0
check_has "it is another" "$said" "lab/lab down --id two"
check "both are listed" "$(lab list | sed 's/:.*//' | tr '\n' ' ')" "one two "
export KAR_LAB=two
on leaf1 status >/dev/null
check "each kard is alone" $? 0
check_has "and in no cluster" "$(on leaf1 status)" "in no cluster"
pings leaf1 10.1.11.0
check "a cable between leaf and spine" $? 0
check "MACs of another plan" "$(lab exec leaf1 cat /sys/class/net/eth2/address)" 02:4b:01:00:03:02
lab exec leaf1 ping -c 3 -i 0.2 -W 1 -q -I 10.255.0.11 10.255.0.12 >/dev/null
check "the loopbacks of the leaves reach each other" $? 0
check "over both spines" "$(lab exec leaf1 ip -j route show 10.255.0.12 | gojq '.[0].nexthops | length')" 2
lab exec leaf1 ping -c 3 -i 0.2 -W 1 -q -I eth1 10.1.12.1 >/dev/null
check "a leaf's link through its spine" $? 0
# What a switch between them would keep to itself: a frame for the bridge group address.
lab exec spine1 tc qdisc add dev eth1 ingress
lab exec spine1 tc filter add dev eth1 parent ffff: protocol all u32 match ether dst 01:80:c2:00:00:00 action mirred egress redirect dev lo
lab exec leaf1 sh -c 'ip link add b0 type bridge stp_state 1 forward_delay 200 hello_time 100 && ip link set eth1 master b0 && ip link set b0 up'
until_is "a cable carries what a switch keeps to itself" yes bash -c "'$lab_source/lab/lab' exec spine1 tc -s filter show dev eth1 parent ffff: | grep -q 'Sent [1-9]' && echo yes"
lab cut spine2 eth1
check "a cut cable is cut at both ends" "$(lab exec leaf1 cat /sys/class/net/eth2/carrier)" 0
lab down
check "it ends" $? 0
export KAR_LAB=one
check "the first goes on" "$(members n1)" "alive alive alive"

# --- topologies ----------------------------------------------------------------------------------
refused_topology() { # what, words of the refusal, text
    printf '%b' "$3" >"$LAB_DIR/topology"
    try lab up --native --id three --topology "$LAB_DIR/topology"
    check "$1: refused" $code 255
    check_has "$1: why" "$said" "$2"
}
head='management 10.9.0.0/24\n'
refused_topology "nothing" "there are no nodes" ''
refused_topology "no management" "there is no management network" 'node a\n'
refused_topology "a word that there is not" ":2: this is no statement: nod b" "${head}nod b\n"
refused_topology "a node twice" ":3: there are two nodes a" "${head}node a\nnode a\n"
refused_topology "a name with a dot" "a.b is no name of a node" "${head}node a.b\n"
refused_topology "a cable to nowhere" ":3: there is no node b" "${head}node a\nlink a:eth1 b:eth1\n"
refused_topology "a link twice" "eth1 of a is connected already" "${head}node a\nnode b\nlink a:eth1 b:eth1\nlink b:eth2 a:eth1\n"
refused_topology "no address" "10.1.1 is no address with a length" "${head}node a\nnode b\nlink a:eth1=10.1.1 b:eth1\n"
refused_topology "too many" "more than 32 nodes" "${head}nodes n 33\n"
refused_topology "MACs of others" "00:11:22 does not begin MACs" "${head}macs 00:11:22\n"
try lab up --native --id three --topology mesh
check_has "one that is not there" "$said" "a file, or one that comes with kar: leaf-spine segment"
check "nothing stays of what was refused" "$(cd "$KAR_LAB_RUN" && echo *)" "kar-lab-0-one"

# --- the end -------------------------------------------------------------------------------------
check "the lab ends" "$(lab down >/dev/null 2>&1; echo $?)" 0
check "nothing of it is left" "$(world)" "$before"
try lab exec n1 true
check_has "it is said that it is not up" "$said" "no lab named one is up"
try lab up --native --nodes 1
check "a lab of one" $code 0
# Its holder dies, however: what is left is nothing that a new one minds.
read -r holder _ <"$KAR_LAB_RUN/kar-lab-0-one/holder"
kill -KILL "$holder"
until_is "a dead lab is not up" "" lab list
# Two at once: one of them makes it.
lab up --native --nodes 2 >/dev/null 2>&1 &
other=$!
try lab up --native --nodes 2
wait $other
check "and can be made again, once ($said)" "$(printf '%s\n' $code $? | sort -n | tr '\n' ' ')" "0 255 "
lab down
check "nothing of it is left either" "$(world)" "$before"

# --- an ordinary user ----------------------------------------------------------------------------
if ! grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map; then
    skip "as an ordinary user" "this test runs as one already"
elif ! setpriv --reuid nobody --regid nogroup --clear-groups unshare --user true 2>/dev/null; then
    skip "an ordinary user's lab" "ordinary users make no namespaces here, as in a chroot"
elif ! setpriv --reuid nobody --regid nogroup --clear-groups test -x "$KARD" -a -r "$lab_source/lab/lab"; then
    skip "as an ordinary user" "nobody may not read $lab_source"
else
    mkdir "$LAB_DIR/user" && chown nobody "$LAB_DIR/user"
    export KAR_LAB_RUN=$LAB_DIR/user
    before=$(world)
    lab() { setpriv --reuid nobody --regid nogroup --clear-groups "$lab_source/lab/lab" "$@" </dev/null; }
    for users in "" nobody:200000:65536; do # without and with a range of users of its own
        echo "$users" >"$LAB_DIR/subuid"
        mount --bind "$LAB_DIR/subuid" /etc/subuid && mount --bind "$LAB_DIR/subuid" /etc/subgid || exit 1
        try lab up --native --nodes 2
        check "user${users:+ with a range}: two nodes ($said)" $code 0
        until_is "user: both alive" "alive alive" members n2
        check "user: root in there" "$(lab exec n1 id -u)" 0
        on n2 switch create lan --node n1,n2 --uplink eth2 >"$LAB_DIR/out" 2>&1
        code=$?
        check "user: a change ($(cat "$LAB_DIR/out"))" $code 0
        check "user: it is in the kernel of n1" "$(lab exec n1 ip -j link show dev lan | gojq -r '.[0].ifname')" lan
        lab cut n2 && lab heal && lab kill n2 && lab start n2
        check "user: faults" $? 0
        lab down
        check "user: nothing is left" "$(world)" "$before"
        umount /etc/subuid /etc/subgid
    done
fi
lab_end
