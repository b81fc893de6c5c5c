# lab_topology.sh: reads a topology, the file that says which nodes a lab has and how they are wired: one
# statement a line, # begins a comment.
#
#   about TEXT                           what `lab/lab up` says of it
#   needs KIND…                          links that its user will make: vlan, vxlan, bond, dummy, vrf, …
#   macs AA:BB:CC                        MACs are AA:BB:CC:00:NODE:LINK, nodes counted from 1, links too,
#                                        eth0 being 0
#   management PREFIX                    eth0 of every node, which carries what the kards say to each
#                                        other; the first node has the first address
#   nodes NAME COUNT                     NAME1, NAME2, …; --nodes says another COUNT
#   node NAME [ADDRESS/LENGTH]           one, with an address of its loopback
#   segment NAME LINK [PREFIX] [NODE…]   a switch to which LINK of these nodes, else of all, is connected
#   link NODE:LINK[=ADDRESS/LENGTH] NODE:LINK[=ADDRESS/LENGTH]    a cable between two
#   forwarding NODE…                     these route packets that are not for them
#   route NODE PREFIX via ADDRESS…       a static route; several addresses share the packets
#
# Owns the topo_* arrays. Makes nothing. Sourced.
# shellcheck shell=bash

# What a wire's name, "NODE-LINK", may be long: the kernel's limit of an interface's name.
topo_ifname_max=15
# Each is a kard and some namespaces; a machine of 1 GiB holds as many.
topo_nodes_max=32

topo_about="" topo_macs=02:4b:00 topo_management=""
topo_needs=() topo_nodes=() topo_forwarding=() topo_routes=() topo_segments=()
declare -A topo_loopback=() # node → address
declare -A topo_number=()   # node → its place, from 1
# The ends of wires, all with one index: node, link, the name of the wire's far end, address or "", the
# segment that it is connected to or "", the index of the cable's other end or "".
end_node=() end_link=() end_port=() end_address=() end_segment=() end_other=()

topo_fail() { # what, fix
    die "$topo_file:$topo_line: $1" "${2:-lab/lib/lab_topology.sh says what a topology has}"
}

topo_is_node() { [ -n "$1" ] && [ -n "${topo_number[$1]:-}" ]; }

topo_want_node() { topo_is_node "$1" || topo_fail "there is no node $1" "name it first: node $1"; }

topo_name() { # what, text
    [[ $2 =~ ^[a-zA-Z][a-zA-Z0-9_-]{0,9}$ ]] || topo_fail "$2 is no name of a $1" \
        "a letter, then at most 9 letters, digits, - or _"
}

topo_prefix() { # text
    [[ $1 =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$ || $1 =~ ^[0-9a-fA-F:]+:[0-9a-fA-F:]*/[0-9]{1,3}$ ]] ||
        topo_fail "$1 is no address with a length" "as 192.0.2.0/24 or 2001:db8::/64"
}

topo_add_node() { # name, address of the loopback or ""
    topo_name node "$1"
    ! topo_is_node "$1" || topo_fail "there are two nodes $1"
    [ ${#topo_nodes[@]} -lt $topo_nodes_max ] || topo_fail "there are more than $topo_nodes_max nodes"
    [ -z "$2" ] || topo_prefix "$2"
    topo_nodes+=("$1")
    topo_number[$1]=${#topo_nodes[@]}
    topo_loopback[$1]=$2
}

topo_add_end() { # node, link, address or "", segment or "", index of the other end or ""
    local i
    topo_want_node "$1"
    topo_name link "$2"
    [ $((${#1} + 1 + ${#2})) -le $topo_ifname_max ] || topo_fail "$1-$2 is too long for a wire's name" \
        "$topo_ifname_max characters at most"
    [ -z "$3" ] || topo_prefix "$3"
    for i in "${!end_node[@]}"; do
        [ "${end_node[i]} ${end_link[i]}" != "$1 $2" ] || topo_fail "$2 of $1 is connected already"
    done
    end_node+=("$1") end_link+=("$2") end_port+=("$1-$2") end_address+=("$3") end_segment+=("$4") end_other+=("$5")
}

# topo_nth PREFIX N: the Nth address of it, with its length, in topo_address.
topo_nth() {
    local net=${1%/*} length=${1#*/} a b c d
    if [[ $net == *:* ]]; then
        printf -v topo_address '%s%x/%s' "$net" "$2" "$length"
        return
    fi
    IFS=. read -r a b c d <<<"$net"
    a=$(((a << 24) + (b << 16) + (c << 8) + d + $2))
    topo_address="$((a >> 24)).$((a >> 16 & 255)).$((a >> 8 & 255)).$((a & 255))/$length"
}

topo_add_segment() { # name, link, prefix or "", nodes
    local name=$1 link=$2 prefix=$3 node
    shift 3
    topo_name segment "$name"
    [[ " ${topo_segments[*]-} " != *" $name "* ]] || topo_fail "there are two segments $name"
    topo_segments+=("$name")
    [ $# -gt 0 ] || set -- ${topo_nodes[@]+"${topo_nodes[@]}"}
    [ $# -gt 0 ] || topo_fail "the segment $name has no nodes" "say nodes or node before"
    for node in "$@"; do
        topo_want_node "$node"
        topo_address=""
        [ -z "$prefix" ] || topo_nth "$prefix" "${topo_number[$node]}"
        topo_add_end "$node" "$link" "$topo_address" "$name" ""
    done
}

topo_add_cable() { # NODE:LINK[=ADDRESS], twice
    local first=${#end_node[@]} end address
    for end in "$@"; do
        [[ $end =~ ^[^:=]+:[^:=]+(=.+)?$ ]] || topo_fail "$end is no end of a link" "NODE:LINK, or NODE:LINK=ADDRESS/LENGTH"
        address=""
        [[ $end != *=* ]] || address=${end#*=}
        end=${end%%=*}
        topo_add_end "${end%%:*}" "${end#*:}" "$address" "" $((${#end_node[@]} == first ? first + 1 : first))
    done
}

topo_statement() { # words
    local word=$1 i
    shift
    case $word:$# in
    about:*) topo_about=$* ;;
    needs:*) topo_needs+=("$@") ;;
    macs:1)
        [[ $1 =~ ^[0-9a-f][26ae](:[0-9a-f]{2}){2}$ ]] || topo_fail "$1 does not begin MACs" \
            "three octets, the first one's second digit 2, 6, a or e (locally administered)"
        topo_macs=$1
        ;;
    management:1)
        topo_prefix "$1"
        topo_management=$1
        ;;
    nodes:2)
        [[ $2 =~ ^[0-9]{1,3}$ ]] || topo_fail "$2 is no count"
        for ((i = 1; i <= ${topo_count:-$2}; i++)); do topo_add_node "$1$i" ""; done
        topo_counted=1
        ;;
    node:1 | node:2) topo_add_node "$1" "${2:-}" ;;
    segment:[2-9] | segment:[1-9][0-9])
        if [ $# -gt 2 ] && [[ $3 == */* ]]; then
            topo_prefix "$3"
            topo_add_segment "$@"
        else
            topo_add_segment "$1" "$2" "" "${@:3}"
        fi
        ;;
    link:2) topo_add_cable "$@" ;;
    forwarding:*)
        for i in "$@"; do topo_want_node "$i"; done
        topo_forwarding+=("$@")
        ;;
    route:[4-9])
        topo_want_node "$1"
        topo_prefix "$2"
        [ "$3" = via ] || topo_fail "a route needs via" "route NODE PREFIX via ADDRESS…"
        topo_routes+=("$*")
        ;;
    *) topo_fail "this is no statement: $word $*" ;;
    esac
}

# topology_read FILE [COUNT]: dies with the line of what is wrong.
topology_read() {
    local words
    topo_file=$1 topo_line=0 topo_count=${2:-} topo_counted=""
    [ -f "$1" ] && [ -r "$1" ] || die "there is no topology $1" "a file, or one that comes with kar: $(topology_names)"
    while read -ra words || [ ${#words[@]} -gt 0 ]; do
        topo_line=$((topo_line + 1))
        [ ${#words[@]} = 0 ] || [[ ${words[0]} == \#* ]] || topo_statement "${words[@]}"
    done <"$1"
    [ ${#topo_nodes[@]} -gt 0 ] || topo_fail "there are no nodes"
    [ -n "$topo_management" ] || topo_fail "there is no management network" "management 10.10.0.0/24"
    [ -z "$topo_count" ] || [ -n "$topo_counted" ] || die "the nodes of this topology are named one by one" "leave --nodes out"
    topo_add_segment management eth0 "$topo_management"
}

# Those that come with kar, by name.
topology_names() { (cd "$lab_home/topologies" && echo *); }
