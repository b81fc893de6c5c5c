# lab_inside.sh DIR VERB WORDS…: the part of lab/lab that works within a lab's namespaces: wires, kards,
# faults, guests. The namespace that it starts in has the lab's switches and cables, and of every link of
# a node the far end, named NODE-LINK: what is done to a wire is done there, where no kard sees it.
#
#      n1                          here                          n2
#      eth1 ──── n1-eth1 ─┬─ rail-a (bridge) ─┬─ n2-eth1 ──── eth1
#      eth3 ──── n1-eth3 ───────(tc redirect)──── n2-eth3 ──── eth3      a cable: all passes, LACP too
# shellcheck shell=bash
set -u
lab_dir=$1 verb=$2
shift 2
lab_home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$lab_home/lib/say.sh"
. "$lab_home/lib/lab_topology.sh"
lab_tool=lab/lab
# shellcheck source=/dev/null
. "$lab_dir/settings"
topology_read "$lab_dir/topology" "${lab_count:-}"

# place_keep NAME NODE|node: a process that keeps the namespace NAME, and one of mounts whose /sys is its.
place_keep() {
    local on=(ip netns exec "$1") is=""
    [ -e "$lab_dir/sysfs" ] || on=(nsenter "--net=/run/netns/$1" --)
    setsid "${on[@]}" sleep 1000000000 </dev/null >/dev/null 2>&1 & # outlives the terminal
    until [ "$is" = sleep ]; do # until then it is still here
        read -r is 2>/dev/null <"/proc/$!/comm" || die "cannot enter the namespace $1"
        sleep 0.01
    done
    echo "$1 $! $2" >>"$lab_dir/places"
}

# The words before a command at a place.
place_entering() { # name
    local name keeper
    while read -r name keeper _; do
        [ "$name" != "$1" ] || at=(nsenter "--mount=/proc/$keeper/ns/mnt" "--net=/proc/$keeper/ns/net" "--root=/proc/$keeper/root" "--wdns=/" --)
    done <"$lab_dir/places"
}

place_node() { # guest; prints the node where it is
    local name node
    while read -r name _ node; do [ "$name" != "$1" ] || echo "$node"; done <"$lab_dir/places"
}

batch() { # program and its options; its commands on standard input
    "$@" -batch - || die "$* failed: this is a fault of the lab" "look at the lines above"
}

# --- wires ---------------------------------------------------------------------------------------

# MACs of the topology's plan, by index of the end.
macs_plan() {
    local i link
    local -A links=()
    end_mac=()
    for i in "${!end_node[@]}"; do
        link=0
        if [ "${end_link[i]}" != eth0 ]; then
            links[${end_node[i]}]=$((${links[${end_node[i]}]:-0} + 1))
            link=${links[${end_node[i]}]}
        fi
        printf -v "end_mac[i]" '%s:00:%02x:%02x' "$topo_macs" "${topo_number[${end_node[i]}]}" "$link"
    done
}

wires_make() {
    local i node segment
    for node in "${topo_nodes[@]}"; do
        ip netns add "$node" || die "cannot make the namespace $node"
        place_keep "$node" node
    done
    macs_plan
    {
        for segment in "${topo_segments[@]}"; do
            echo "link add name $segment type bridge mcast_snooping 0"
            echo "link set dev $segment up"
        done
        for i in "${!end_node[@]}"; do
            echo "link add name ${end_port[i]} type veth peer name ${end_link[i]} address ${end_mac[i]} netns ${end_node[i]}"
            [ -z "${end_segment[i]}" ] || echo "link set dev ${end_port[i]} master ${end_segment[i]}"
            echo "link set dev ${end_port[i]} up"
        done
    } | batch ip || exit
    for i in "${!end_node[@]}"; do
        [ -n "${end_other[i]}" ] || continue
        echo "qdisc add dev ${end_port[i]} ingress"
        echo "filter add dev ${end_port[i]} parent ffff: protocol all u32 match u32 0 0" \
            "action mirred egress redirect dev ${end_port[end_other[i]]}"
    done | batch tc || exit
}

node_addresses() { # node
    local i
    echo "link set dev lo up"
    [ -z "${topo_loopback[$1]}" ] || echo "addr add ${topo_loopback[$1]} dev lo"
    for i in "${!end_node[@]}"; do
        [ "${end_node[i]}" = "$1" ] || continue
        [ -z "${end_address[i]}" ] || echo "addr add ${end_address[i]} dev ${end_link[i]}"
        echo "link set dev ${end_link[i]} up"
    done
}

node_routes() { # node
    local route words via
    for route in ${topo_routes[@]+"${topo_routes[@]}"}; do
        read -ra words <<<"$route"
        [ "${words[0]}" = "$1" ] || continue
        printf 'route add %s' "${words[1]}"
        for via in "${words[@]:3}"; do printf ' nexthop via %s' "$via"; done
        echo
    done
}

nodes_address() {
    local node
    for node in "${topo_nodes[@]}"; do node_addresses "$node" | batch ip -n "$node" || exit; done
    for node in "${topo_nodes[@]}"; do node_routes "$node" | batch ip -n "$node" || exit; done
    for node in ${topo_forwarding[@]+"${topo_forwarding[@]}"}; do
        nsenter --net="/run/netns/$node" -- sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
            [ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' || exit
    done
}

# --- kards ---------------------------------------------------------------------------------------

want_node() { topo_is_node "$1" || die "there is no node $1" "the nodes are ${topo_nodes[*]}"; }

karctl_of() { # node, its words
    local node=$1
    shift
    "$karctl_bin" --socket "$lab_dir/$node/run/kard/kard.sock" "$@"
}

kard_pid() { # node; prints the process of its kard, false when it is dead
    local pid name
    read -r pid 2>/dev/null <"$lab_dir/$1/pid" && read -r name 2>/dev/null <"/proc/$pid/comm" &&
        [ "$name" = kard ] && echo "$pid"
}

kard_start() { # node
    local at=()
    place_entering "$1"
    setsid "${at[@]}" "$kard_bin" --root "$lab_dir/$1" </dev/null >>"$lab_dir/$1/log" 2>&1 &
    echo $! >"$lab_dir/$1/pid"
}

# Whatever it answers: 4 is karctl's word for no answer.
kard_answers() { # node
    karctl_of "$1" status >/dev/null 2>&1
    [ $? != 4 ]
}

kard_wait() { # node
    local until=$((SECONDS + 120)) pid
    read -r pid <"$lab_dir/$1/pid"
    until kard_answers "$1"; do
        if ! kill -0 "$pid" 2>/dev/null || [ $SECONDS -ge $until ]; then
            tail -n 20 "$lab_dir/$1/log" >&2
            die "kard of $1 did not start" "look at the lines above, its log"
        fi
        sleep 0.02
    done
}

kards_start() {
    local node
    for node in "${topo_nodes[@]}"; do
        mkdir -p "$lab_dir/$node/etc/kard"
        topo_nth "$topo_management" "${topo_number[$node]}"
        printf 'node: %s\nlisten: ["%s"]\n' "$node" "${topo_address%/*}" >"$lab_dir/$node/etc/kard/kard.yaml"
        kard_start "$node"
    done
    for node in "${topo_nodes[@]}"; do kard_wait "$node"; done
}

cluster_make() {
    local node token first=${topo_nodes[0]}
    karctl_of "$first" init --cluster lab --node "$first" >/dev/null || exit
    for node in "${topo_nodes[@]:1}"; do
        read -r token < <(karctl_of "$first" token create)
        karctl_of "$node" join "$token" --name "$node" >/dev/null || exit
    done
}

cmd_start() { # nodes; nothing: all
    local node
    [ $# -gt 0 ] || set -- "${topo_nodes[@]}"
    for node in "$@"; do
        want_node "$node"
        kard_pid "$node" >/dev/null || kard_start "$node"
    done
    for node in "$@"; do kard_wait "$node"; done
}

cmd_kill() { # nodes
    local node pid
    for node in "$@"; do
        want_node "$node"
        pid=$(kard_pid "$node") || die "kard of $node does not run" "lab/lab start $node"
        kill -KILL "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
    done
}

# --- faults --------------------------------------------------------------------------------------

# Puts the kernel's wires into the state that faults/ says.
cuts_apply() {
    local i to
    for i in "${!end_node[@]}"; do
        to=up
        [ ! -e "$lab_dir/faults/cut-${end_port[i]}" ] || to=down
        [ -z "${end_other[i]}" ] || [ ! -e "$lab_dir/faults/cut-${end_port[end_other[i]]}" ] || to=down
        echo "link set dev ${end_port[i]} $to"
    done | batch ip || exit
}

# Both ways: towards the node as packets leave its wire; from the node as they enter the wire's switch,
# or, on a cable, as they leave its other end.
loss_apply() {
    local i file percent other
    need nft
    {
        printf 'table netdev lab {}\ndelete table netdev lab\ntable netdev lab {\n'
        for i in "${!end_node[@]}"; do
            file=$lab_dir/faults/loss-${end_node[i]}
            [ -e "$file" ] || continue
            read -r percent <"$file"
            other=${end_other[i]}
            loss_chain "to-$i" egress "${end_port[i]}" "$percent"
            if [ -n "$other" ]; then
                loss_chain "from-$i" egress "${end_port[other]}" "$percent"
            else
                loss_chain "from-$i" ingress "${end_port[i]}" "$percent"
            fi
        done
        echo "}"
    } | nft -f - || die "this kernel drops no packets for nft" "lab/lab up --vm makes the lab where it does"
}

loss_chain() { # name, hook, device, percent
    local which="numgen random mod 100 < $4"
    [ "$4" != 100 ] || which=""
    printf 'chain %s { type filter hook %s device "%s" priority 0; %s drop; }\n' "$1" "$2" "$3" "$which"
}

# The wires that "NODE [LINK…]" means, by index, in wires.
wires_find() { # node, links
    local i node=$1 link found
    shift
    wires=()
    want_node "$node"
    for link in "$@"; do
        found=""
        for i in "${!end_node[@]}"; do
            [ "${end_node[i]} ${end_link[i]}" != "$node $link" ] || found=$i
        done
        [ -n "$found" ] || die "$node has no link $link in this lab"
        wires+=("$found")
    done
    [ $# = 0 ] || return 0
    for i in "${!end_node[@]}"; do [ "${end_node[i]}" != "$node" ] || wires+=("$i"); done
}

cmd_cut() { # node, links
    local i wires
    wires_find "$@"
    for i in "${wires[@]}"; do : >"$lab_dir/faults/cut-${end_port[i]}"; done
    cuts_apply
}

cmd_heal() { # node, links; nothing: all
    local i wires healed=() lossy=""
    compgen -G "$lab_dir/faults/loss-*" >/dev/null && lossy=1
    if [ $# = 0 ]; then
        rm -f "$lab_dir"/faults/*
    else
        wires_find "$@"
        for i in "${wires[@]}"; do healed+=("$lab_dir/faults/cut-${end_port[i]}"); done
        [ $# -gt 1 ] || healed+=("$lab_dir/faults/loss-$1")
        rm -f "${healed[@]}"
    fi
    cuts_apply
    [ -z "$lossy" ] || loss_apply
}

cmd_loss() { # node, percent
    local percent=${2%\%}
    want_node "$1"
    [[ $percent =~ ^[0-9]{1,3}$ && $percent -le 100 ]] || die "$2 is no part of the packets" "lab/lab loss $1 10%"
    if [ "$percent" = 0 ]; then rm -f "$lab_dir/faults/loss-$1"; else echo "$percent" >"$lab_dir/faults/loss-$1"; fi
    loss_apply
}

# --- guests --------------------------------------------------------------------------------------

# The far end of a veth port that is still in its node, in far: "7: web@web-gst: …".
far_find() { # node, port
    local line
    far=""
    line=$(ip -n "$1" -o link show dev "$2" 2>/dev/null) || return
    line=${line#*@}
    line=${line%%:*}
    [[ $line == if[0-9]* ]] || far=$line
}

cmd_guest() { # node, port, addresses
    local node=$1 port=$2 far i address
    shift 2
    want_node "$node"
    ! topo_is_node "$port" || die "$port is a node" "name the guest's port: lab/lab guest $node PORT ADDRESS/LENGTH"
    for ((i = 0; i < 100; i++)); do # the port may just be coming
        far_find "$node" "$port"
        [ -z "$far" ] || break
        ip -n "$port" link show dev eth0 >/dev/null 2>&1 && break
        sleep 0.05
    done
    if [ -n "$far" ]; then
        if [ ! -e "/run/netns/$port" ]; then
            ip netns add "$port" || exit
            place_keep "$port" "$node"
        fi
        ip -n "$node" link set dev "$far" netns "$port" name eth0 || exit
    elif [ "$(place_node "$port")" != "$node" ]; then
        die "$node has no veth port $port with a free far end" \
            "lab/lab exec $node karctl port create $port --switch SWITCH --type veth"
    fi
    {
        echo "link set dev lo up"
        echo "addr flush dev eth0 scope global"
        for address in "$@"; do echo "addr add $address dev eth0"; done
        echo "link set dev eth0 up"
    } | batch ip -n "$port" || exit
}

case $verb in
build)
    mkdir "$lab_dir/faults"
    wires_make
    nodes_address
    kards_start
    ;;
join) cluster_make ;;
start | kill | cut | heal | loss | guest) "cmd_$verb" "$@" ;;
esac
