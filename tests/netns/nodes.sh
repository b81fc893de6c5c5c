# nodes.sh: several kards on one wire, each in a network namespace of its own. Sourced after lib.sh.
#
#      br0 ---+---- eth1 of n1, 192.0.2.1
#             +---- eth1 of n2, 192.0.2.2 …
#
#     nodes_make 5         # namespaces and configurations
#     node_start 3         # does not wait; node_ready does
#     nodes_join           # n1 founds the cluster, the others join it with tokens of n1
#     node 3 status        # karctl of n3
#     node_kill 3          # as a crash does
# shellcheck shell=bash
nodes_n=0
declare -A node_pid=()

nodes_make() { # how many
    ip link add br0 type bridge && ip link set br0 up || exit 1
    for ((nodes_n = 0; nodes_n < $1;)); do
        nodes_n=$((nodes_n + 1))
        mkdir -p "$LAB_DIR/n$nodes_n/etc/kard"
        printf 'node: n%d\nlisten: [192.0.2.%d]\n' $nodes_n $nodes_n >"$LAB_DIR/n$nodes_n/etc/kard/kard.yaml"
        ip netns add n$nodes_n &&
            ip link add w$nodes_n type veth peer name eth1 netns n$nodes_n &&
            ip link set w$nodes_n master br0 up &&
            ip -n n$nodes_n link set lo up &&
            ip -n n$nodes_n addr add 192.0.2.$nodes_n/24 dev eth1 &&
            ip -n n$nodes_n link set eth1 up || exit 1
    done
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

# What `status` of a node says of the others: the names of those it does not hear, or that do not know
# the same as it does; of itself, whether the kernel is what is asked for.
node_lacks() { # number
    node "$1" status -o json | jq -r --argjson n $nodes_n '
        [(.nodes[] | select(.self | not) | select(.member != "alive" or (.in_sync | not)) | .name),
         (.nodes[] | select(.converged | not) | .name + " not converged"),
         (if (.nodes | length) == $n then empty else "members" end)] | join(", ")'
}

# Until nobody lacks anything. false after as many seconds as are given; who lacks what in nodes_lack.
nodes_settle() { # seconds
    local i lack until=$((SECONDS + $1))
    while :; do
        nodes_lack=""
        for ((i = 1; i <= nodes_n; i++)); do
            lack=$(node_lacks $i) || lack="no answer"
            [ -z "$lack" ] || nodes_lack+="n$i: $lack; "
        done
        [ -n "$nodes_lack" ] || return 0
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
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
