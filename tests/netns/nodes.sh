# nodes.sh: several kards on one wire, each in a network namespace of its own. Sourced after lib.sh.
#
#      eth0 (bridge) ---+---- eth0 of n1, 192.0.2.1      where kards speak to each other
#                       +---- eth0 of n2, 192.0.2.2 …
#
#     nodes_make 5         # namespaces and configurations
#     nodes_wire eth1 198.51.100  # one more wire: eth1 of each node, 198.51.100.1 …; without: no address
#     node_start 3         # does not wait; node_ready does
#     nodes_join           # n1 founds the cluster, the others join it with tokens of n1
#     node 3 status        # karctl of n3
#     node_kill 3          # as a crash does
# shellcheck shell=bash
nodes_n=0
declare -A node_pid=()

nodes_wire() { # interface, first three bytes of the addresses on it
    local i
    ip link add "$1" type bridge && ip link set "$1" up || exit 1
    for ((i = 1; i <= nodes_n; i++)); do
        ip link add "$1-$i" type veth peer name "$1" netns n$i &&
            ip link set "$1-$i" master "$1" up &&
            ip -n n$i link set "$1" up || exit 1
        [ -z "${2:-}" ] || ip -n n$i addr add "$2.$i/24" dev "$1" || exit 1
    done
}

nodes_make() { # how many
    for ((nodes_n = 0; nodes_n < $1;)); do
        nodes_n=$((nodes_n + 1))
        mkdir -p "$LAB_DIR/n$nodes_n/etc/kard"
        printf 'node: n%d\nlisten: [192.0.2.%d]\n' $nodes_n $nodes_n >"$LAB_DIR/n$nodes_n/etc/kard/kard.yaml"
        ip netns add n$nodes_n && ip -n n$nodes_n link set lo up || exit 1
    done
    nodes_wire eth0 192.0.2
}

node() { # number, karctl's arguments
    local i=$1
    shift
    "$KARCTL" --socket "$LAB_DIR/n$i/run/kard/kard.sock" "$@"
}

node_start() { # number
    # A namespace is entered with nsenter: `ip netns exec` would mount /sys anew each time.
    nsenter --net="/run/netns/n$1" -- "$KARD" --root "$LAB_DIR/n$1" >>"$LAB_DIR/n$1.log" 2>&1 &
    node_pid[$1]=$!
}

node_lives() { kill -0 "${node_pid[$1]}" 2>/dev/null; }

# Whether it answers, whatever.
node_answers() {
    node "$1" status >/dev/null 2>&1
    [ $? != 4 ]
}

node_ready() { # number
    local until=$((SECONDS + 60))
    until node_answers "$1"; do
        if ! node_lives "$1" || [ $SECONDS -ge $until ]; then
            echo "kard of n$1 did not start:"
            tail -n 50 "$LAB_DIR/n$1.log"
            exit 1
        fi
        sleep 0.02
    done
}

# False when it had ended in another way before.
node_kill() { # number
    kill -KILL "${node_pid[$1]}" 2>/dev/null
    wait "${node_pid[$1]}" 2>/dev/null
    [ $? = 137 ]
}

nodes_join() {
    local i token
    for ((i = 1; i <= nodes_n; i++)); do node_start $i; done
    for ((i = 1; i <= nodes_n; i++)); do node_ready $i; done
    node 1 init --node n1 >/dev/null || exit 1
    for ((i = 2; i <= nodes_n; i++)); do
        read -r token < <(node 1 token create) && node $i join "$token" --name n$i >/dev/null || exit 1
    done
}

# What `status` of each node says: whom it does not hear, or who does not know the same as it does; of
# itself, whether the kernel is what is asked for. One gojq for all of them, since it takes its time to
# start.
nodes_lacking() {
    local i said
    for ((i = 1; i <= nodes_n; i++)); do
        said=$(node $i status -o json 2>/dev/null)
        printf '%s\n' "${said:-null}"
    done | gojq -rs --argjson n $nodes_n '[to_entries[] | "n\(.key + 1): " as $node | .value
        | if . == null then "no answer" else
            (.nodes[] | select(.self | not) | select(.member != "alive" or (.in_sync | not)) | .name),
            (.nodes[] | select(.converged | not) | .name + " not converged"),
            (.nodes[] | select((.objects.pending // 0) + (.objects.applying // 0) > 0) | .name + " pending"),
            (if (.nodes | length) == $n then empty else "members" end) end
        | $node + .] | join(", ")'
}

# Until nobody lacks anything. false after as many seconds as are given; who lacks what in nodes_lack.
nodes_settle() { # seconds
    local until=$((SECONDS + $1))
    while nodes_lack=$(nodes_lacking) && [ -n "$nodes_lack" ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}

# Gives every node an address on an interface, so that tunnels can stand on it: asked for on n1.
nodes_address() { # interface, first three bytes
    local i
    for ((i = 1; i <= nodes_n; i++)); do
        echo "{kind: nic, name: $1, nodes: [n$i], spec: {address: [$2.$i/24]}}"
        echo "---"
    done | { node 1 apply --yes --timeout 2m -f - >/dev/null; } 2>&1
}

# Deletes whatever operators made, asked for on one node; by ids, since two may have one name. What is
# refused is printed.
nodes_empty() { # number
    local kind id
    for kind in port switch overlay vlan; do
        for id in $(node "$1" $kind list -o json | gojq -r '.[].id'); do
            { node "$1" $kind delete "$id" --yes --force --no-wait >/dev/null; } 2>&1
        done
    done
    for id in $(node "$1" export -o json | gojq -r '.[] | select(.kind == "nic") | "\([.nodes] | flatten | first)/\(.name)"'); do
        { node "$1" nic delete "${id#*/}" --node "${id%/*}" --yes --force --no-wait >/dev/null; } 2>&1
    done
}

# What no run may leave in a log.
nodes_log_faults() {
    grep -hE 'Sanitizer|runtime error|Assertion|assertion' "$LAB_DIR"/n*.log | head -n 20
}

nodes_stop() {
    local i
    for ((i = 1; i <= nodes_n; i++)); do
        kill -TERM "${node_pid[$i]}" 2>/dev/null
        wait "${node_pid[$i]}"
        check "kard of n$i ends as it should" $? 0
    done
}
