# witness.sh: an independent look at the kernels of nodes.sh's nodes: what ip and bridge print, against
# what karctl exports (witness.jq). Sourced after nodes.sh.
#
#     witness_begin        # after nodes_make, before any kard: what the hosts have of their own
#     witness_all          # prints how kernels differ from what is asked for; nothing is good
# shellcheck shell=bash

# answer OTHERWISE COMMAND…: what it prints, or the other where it prints nothing. No program but that
# one: an emulated machine takes long to start each.
answer() {
    local otherwise=$1 said
    shift
    said=$("$@" 2>/dev/null)
    printf '%s\n' "${said:-$otherwise}"
}
witness_lists() { # number: links and addresses as ip has them
    answer "[]" ip -n "n$1" -d -j link
    answer "[]" ip -n "n$1" -j addr
}

witness_begin() {
    local i
    for ((i = 1; i <= nodes_n; i++)); do
        witness_lists $i | gojq -s --arg node n$i '{($node): {
            links: [.[0][] | {ifname, mtu, mac: .address, master: (.master // ""), up: (.flags | index("UP") != null)}],
            addrs: (.[1] | map({key: .ifname, value: [.addr_info[] | select(.scope != "link") | "\(.local)/\(.prefixlen)"]})
                | from_entries)}}'
    done | gojq -s add >"$LAB_DIR/witness.base"
}

# What kard of a node says is asked for, and what its kernel has.
witness_asked() { # number
    local kind
    answer null node "$1" status -o json
    answer null node "$1" export -o json
    for kind in vlan overlay switch port nic; do answer null node "$1" $kind list -o json; done
}
witness_kernel() { # number
    witness_lists "$1"
    answer "[]" bridge -n "n$1" -j fdb
    answer "[]" bridge -n "n$1" -j vlan
    answer "[]" ip -n "n$1" -j route show table all
}

# From standard input: for each node both, after what there was in the beginning. One gojq for all: its
# start takes longer than its work. A fault of its own is a difference, too.
witness_compare() {
    { cat "$LAB_DIR/witness.base" && cat; } | gojq -rs -f "$lab_source/tests/netns/witness.jq" 2>&1
}
witness_all() {
    local i
    for ((i = 1; i <= nodes_n; i++)); do
        witness_asked $i
        witness_kernel $i
    done | witness_compare
}
