#!/usr/bin/env bash
# Random scripts of changes on random ones of three nodes, with cut wires, lost packets, kills, restarts
# and hands in the kernel. After each script everything is healed, and then: all nodes have the same
# history and the same intent, an independent witness sees that every kernel is what is asked for and
# that nothing is half-built (witness.jq), what was acknowledged counts and what was refused changed
# nothing; last, all objects are deleted and every kernel is as before kar came.
#
#     cluster_random_test.sh --count 200 --seed 7    # scripts 7 to 206
#     cluster_random_test.sh --count 1 --seed 42     # again the one that said seed 42
#
# Several clusters go on beside each other (--beside), each with its part of the scripts: they wait for
# each other's answers more than they compute. KAR_SCRIPTS and KAR_SEED are --count and --seed.
count=${KAR_SCRIPTS:-} seed=${KAR_SEED:-} beside=""
while [ $# -gt 1 ]; do
    case $1 in
    --count) count=$2 ;;
    --seed) seed=$2 ;;
    --beside) beside=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# = 0 ] || { echo "usage: $0 [--count N] [--seed N] [--beside N]" >&2 && exit 2; }
export RANDOM_PART

# --- several clusters ----------------------------------------------------------------------------

parts_run() {
    local here=${BASH_SOURCE[0]} part dir log counts pids=()
    . "$(dirname "$here")/../check.sh"
    # In the VM, which is slow and has VLANs, fewer.
    [ -n "$count" ] || count=$([ -n "${KAR_HOST_LACKS_ONLY:-}" ] && echo 20 || echo 200)
    [ -n "$beside" ] || beside=$([ -n "${KAR_HOST_LACKS_ONLY:-}" ] && echo 2 || echo 8)
    [ -n "$seed" ] || seed=1
    beside=$((beside < count ? beside : count))
    echo "seed $seed, $count scripts, $beside clusters beside each other"
    dir=$(mktemp -d "${TMPDIR:-/tmp}/kar-random.XXXXXX")
    trap 'rm -rf "$dir"' EXIT
    trap 'kill "${pids[@]}" 2>/dev/null; exit 143' TERM INT HUP
    for ((part = 0; part < beside; part++)); do
        RANDOM_PART="$part $beside $count $seed" bash "$here" >"$dir/$part" 2>&1 &
        pids+=($!)
    done
    for ((part = 0; part < beside; part++)); do
        wait "${pids[$part]}"
        log=$dir/$part
        counts=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log")
        check "cluster $part: all of its scripts" "$(tail -n 1 "$log" | grep -c ' 0 failed')" 1
        [ -z "$counts" ] || sed -i '$d' "$log"
        grep -v '^did ' "$log"
        # shellcheck disable=SC2086
        set -- ${counts:-0 1 0}
        lab_passed=$((lab_passed + $1)) lab_failed=$((lab_failed + $2)) lab_skipped=$((lab_skipped + $3))
    done
    sed -n 's/^did //p' "$dir"/* | sort | awk '{n[$2] += $1} END {for (w in n) print "  " n[w] " " w}' | sort -k 2
    check_end
    exit
}
[ -n "${RANDOM_PART:-}" ] || parts_run

read -r part beside count seed <<<"$RANDOM_PART"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes.sh"
. "$(dirname "$0")/witness.sh"

# --- chance: results in variables, since a subshell has its own --------------------------------------

dice() { rolled=$((RANDOM % $1)); } # 0 … N-1
pick() { picked=${*:RANDOM%$#+1:1}; }
say() { printf '%s %s\n' "$(((${EPOCHREALTIME/./} - script_began) / 1000))" "$*" >>"$LAB_DIR/script"; }
declare -A did=()
count_did() { did[$1]=$((${did[$1]:-0} + 1)); }

# --- changes -------------------------------------------------------------------------------------

# Some nodes as a document names them, in $where, and their numbers in $there.
places() {
    local a=$((RANDOM % 3 + 1))
    case $((RANDOM % 6)) in
    0 | 1 | 2) where="[n$a]" there=$a ;;
    3) where="[n$a, n$((a % 3 + 1))]" there="$a $((a % 3 + 1))" ;;
    4) where=all there="1 2 3" ;;
    5) where="side=1" there="1 3" ;; # a label
    esac
}

# What has been asked for so far: name → kind and the nodes that it stands on.
declare -A known=()
# One of these kinds, in $name, and one of its nodes in $at; false when there is none.
known_pick() { # kinds
    local n names=()
    for n in "${!known[@]}"; do
        [[ " $* " != *" ${known[$n]%% *} "* ]] || names+=("$n")
    done
    [ ${#names[@]} -gt 0 ] || return
    pick "${names[@]}"
    name=$picked
    # shellcheck disable=SC2086
    pick ${known[$name]#* }
    at=$picked
}

# One random document, in $doc; what it makes, in $makes, and the names it takes away, in $takes. Names
# are few, so that what is asked for meets what is there.
document() {
    local kinds="switch switch switch port port port port pair pair mesh nic delete set set" a b
    [ $vlans = 0 ] || kinds+=" vlan vlan over_vlan over_vlan over_vlan tags access access"
    # shellcheck disable=SC2086
    pick $kinds
    a=$((RANDOM % 3 + 1)) b=$((RANDOM % 3 + 1)) makes="" takes=""
    places
    "document_$picked"
}
document_switch() {
    name=s$((RANDOM % 3))
    pick "" "" "" ", uplink: eth2" ", stp: true" ", mtu: 1400"
    doc="{kind: switch, name: $name, nodes: $where, spec: {ageing_s: $((RANDOM % 500 + 10))$picked}}"
    makes="switch $there"
}
document_port() {
    known_pick switch overlay || { name=s0 at=$a && dice 2 && [ $rolled = 0 ]; } || { document_switch && return; }
    local switch=$name
    pick "tap" "tap, multi_queue: true" veth "veth, mtu: $((RANDOM % 100 + 1300))" \
        "tap, mac: \"02:00:00:00:0$at:0$((RANDOM % 4))\""
    name=p$((RANDOM % 6))
    doc="{kind: port, name: $name, nodes: [n$at], spec: {switch: $switch, type: $picked}}"
    makes="port $at"
}
document_pair() { # two ends on one node are refused
    name=o$((RANDOM % 3))
    pick auto auto 7001 7002
    doc="{kind: overlay, name: $name, spec: {underlay: eth1, vni: $picked, ttl: $((RANDOM % 200)), endpoints: [{node: n$a}, {node: n$b}]}}"
    makes="overlay $a $b"
}
document_mesh() {
    name=m$((RANDOM % 2))
    pick auto auto 7001
    doc="{kind: overlay, name: $name, nodes: $where, spec: {underlay: eth1, vni: $picked, mtu: $((RANDOM % 100 + 1300))}}"
    makes="overlay $there"
}
document_nic() {
    name=eth2
    doc="{kind: nic, name: eth2, nodes: [n$a], spec: {mtu: $((RANDOM % 100 + 1400)), address: [10.9.$a.$b/24]}}"
}
document_vlan() {
    dice 3
    name=v$rolled
    doc="{kind: vlan, name: $name, nodes: all, spec: {parent: eth$((RANDOM % 2 + 1)), tag: $((110 + RANDOM % 4)),
  address: {n1: 10.0.11$rolled.1/24, n2: 10.0.11$rolled.2/24, n3: 10.0.11$rolled.$((RANDOM % 2 + 3))/24}}}"
    makes="vlan 1 2 3"
}
document_over_vlan() {
    known_pick vlan || { document_vlan && return; }
    local vlan=$name
    name=o$((RANDOM % 3))
    dice 2
    if [ $rolled = 0 ]; then
        b=$((a % 3 + 1))
        doc="{kind: overlay, name: $name, spec: {ttl: $((RANDOM % 200)), endpoints: [{node: n$a, vlan: $vlan}, {node: n$b, vlan: $vlan}]}}"
        makes="overlay $a $b"
    else
        doc="{kind: overlay, name: $name, nodes: all, spec: {ttl: $((RANDOM % 200)), vlan: $vlan}}"
        makes="overlay 1 2 3"
    fi
}
document_tags() {
    dice 2
    [ $rolled = 0 ] && known_pick vlan && picked=", uplink: $name" || picked=""
    name=t$((RANDOM % 2))
    doc="{kind: switch, name: $name, nodes: $where, spec: {vlan_filtering: true$picked}}"
    makes="tags $there"
}
document_access() {
    known_pick tags || { document_tags && return; }
    local switch=$name
    pick "vlan: $((RANDOM % 5 + 10))" "trunk: [$((RANDOM % 5 + 20)), \"30-3$((RANDOM % 9 + 1))\"]" "vlan: 12, trunk: [40]"
    name=p$((RANDOM % 6))
    doc="{kind: port, name: $name, nodes: [n$at], spec: {switch: $switch, $picked}}"
    makes="port $at"
}
document_delete() {
    known_pick switch tags port overlay vlan || { document_switch && return; }
    local kind=${known[$name]%% *}
    doc="{op: delete, kind: ${kind/tags/switch}, name: $name}"
    takes=$name
}
document_set() {
    known_pick switch port overlay || { document_switch && return; }
    case ${known[$name]%% *} in
    switch) pick "spec: {ageing_s: $((RANDOM % 500 + 10))}" "spec: {stp: true}" "nodes: $where" "spec: {uplink: null}" ;;
    overlay) pick "spec: {ttl: $((RANDOM % 200))}" "spec: {port: $((RANDOM % 5 + 4789))}" "spec: {mtu: 1290, ttl: 9}" "nodes: $where" ;;
    port) pick "spec: {mtu: $((RANDOM % 100 + 1300))}" "spec: {mtu: null}" ;;
    esac
    local kind=${known[$name]%% *}
    doc="{op: set, kind: $kind, name: $name, $picked}"
    [[ $picked != nodes* ]] || makes="$kind $there"
}
# Asked for: what the last document made or took counts as known.
remember() {
    [ -z "$makes" ] || known[$name]=$makes
    [ -z "$takes" ] || unset "known[$takes]"
}

# change NODE DOCUMENTS LABEL: asks for it; a line "outcome change label" in $LAB_DIR/made. True when it
# may be so now.
change() {
    local answer code outcome=refused id=- wait="--no-wait"
    case $3 in *[02468]) wait="--timeout 2s" ;; esac
    # shellcheck disable=SC2086
    answer=$(node "$1" apply --yes $wait -m "$3" -o json -f - 2>&1 <<<"$2")
    code=$?
    if [[ $answer =~ \"change\":\ *\"([0-9a-f]{64})\" ]]; then
        outcome=acked id=${BASH_REMATCH[1]}
    elif [ $code = 0 ]; then
        outcome=nothing # it is so already
    elif [ $code = 4 ]; then
        outcome="cut"
    fi
    echo "$outcome $id $3" >>"$LAB_DIR/made"
    say "$3 on n$1: $outcome ($code) ${2//$'\n'/ }"
    [ $outcome != refused ] || say "    ${answer//$'\n'/ }"
    [ $outcome != refused ]
}

step_change() {
    local on
    pick 1 2 3
    on=$picked
    document
    change_n=$((change_n + 1))
    change "$on" "$doc" "c$script_seed-$change_n" && remember
}

# Two documents that are both done or neither.
step_both() {
    local docs on
    pick 1 2 3
    on=$picked
    document
    docs=$doc
    document
    change_n=$((change_n + 1))
    change "$on" "$docs"$'\n---\n'"$doc" "c$script_seed-$change_n" && remember
}

# Two nodes are asked at the same time.
step_two() {
    local one first
    document
    one=$doc
    document
    change_n=$((change_n + 2))
    change 1 "$one" "c$script_seed-$change_n" &
    first=$!
    change 3 "$doc" "c$script_seed-$change_n-b" && remember
    wait $first
}

# A node dies while it makes a change.
step_die() {
    local on killer
    [ ${#alive[@]} -gt 0 ] || revive
    pick "${alive[@]}"
    on=$picked
    document
    dice 40
    (
        sleep "0.0$((rolled + 10))"
        kill -KILL "${node_pid[$on]}"
    ) &
    killer=$!
    change_n=$((change_n + 1))
    change "$on" "$doc" "c$script_seed-$change_n" && remember
    { wait $killer; } 2>/dev/null
    dead "$on"
    count_did kills-in-a-change
}

# --- faults --------------------------------------------------------------------------------------

dead() { # number: it was killed
    node_kill "$1" || died+="n$1 "
    say "n$1 is killed"
    alive=()
    local i
    node_dead[$1]=1
    for i in 1 2 3; do [ -n "${node_dead[$i]:-}" ] || alive+=("$i"); done
}
revive() {
    local i
    for i in "${!node_dead[@]}"; do
        say "n$i is started"
        node_start "$i"
        unset "node_dead[$i]"
    done
    alive=(1 2 3)
}

step_kill() {
    [ ${#alive[@]} -gt 1 ] || revive
    pick "${alive[@]}"
    dead "$picked"
    count_did kills
}
step_start() { revive; }
step_cut() {
    pick eth0-1 eth0-2 eth0-3 eth0-2 eth1-1 eth1-2
    ip link set "$picked" down
    say "$picked is cut"
    count_did cuts
}
step_heal() {
    local i wire
    for wire in eth0 eth1 eth2; do
        for i in 1 2 3; do ip link set $wire-$i up; done
    done
    for i in 1 2 3; do loss_end $i; done
    say "all wires are healed"
}
step_lose() {
    pick 1 2 3
    dice 30
    loss_begin "$picked" $((rolled + 5))
    say "n$picked loses $((rolled + 5)) % of what comes in on eth0"
    count_did losses
}

# Packets are lost by netem, or by nftables where the kernel lacks it.
loss_begin() { # number, percent
    if [ $netem = 1 ]; then
        tc qdisc replace dev "eth0-$1" root netem loss "$2%"
        return
    fi
    loss_end "$1"
    nsenter --net="/run/netns/n$1" -- nft "add table inet lost
        add chain inet lost in { type filter hook input priority 0; }
        add rule inet lost in iifname eth0 numgen random mod 100 < $2 drop"
}
loss_end() {
    if [ $netem = 1 ]; then
        tc qdisc del dev "eth0-$1" root 2>/dev/null
    else
        nsenter --net="/run/netns/n$1" -- nft delete table inet lost 2>/dev/null
    fi
}

# --- hands in the kernel -------------------------------------------------------------------------

step_hand() {
    local n links link kind
    pick 1 2 3
    n=$picked
    mapfile -t links < <(ip -n n$n -o -d link | sed -n 's/^[0-9]*: \([^:@]*\)[:@].*alias kar:[^ ]*.*/\1/p')
    pick foreign foreign_name borrowed of_ours of_ours of_ours of_ours
    kind=$picked
    [ ${#links[@]} -gt 0 ] || kind=foreign
    case $kind in
    foreign) hand $n link add stranger$n type bridge ;;
    foreign_name)
        pick s0 s1 s2 o0 p0
        hand $n link add "$picked" type bridge
        ;;
    borrowed)
        pick "eth2 nomaster" "eth2 down"
        # shellcheck disable=SC2086
        hand $n link set $picked
        ;;
    of_ours)
        pick "${links[@]}"
        link=$picked
        hand_on "$n" "$link"
        ;;
    esac
    count_did hands
}

hand_on() { # number, a link of ours
    pick del mtu down nomaster addr rename alias altname fdb_add fdb_del ageing bridge_vlan
    case $picked in
    del) hand "$1" link del "$2" ;;
    mtu) hand "$1" link set "$2" mtu 1290 ;;
    down | nomaster) hand "$1" link set "$2" "$picked" ;;
    addr) hand "$1" addr add 10.66.0.1/24 dev "$2" ;;
    rename) hand "$1" link set "$2" name "x$2" ;;
    alias) hand "$1" link set "$2" alias nobody ;;
    altname) hand "$1" link property del dev "$2" altname "$(ip -n "n$1" -j link show dev "$2" | gojq -r '.[0].altnames[0]')" ;;
    fdb_add) hand_bridge "$1" fdb append 00:00:00:00:00:00 dev "$2" dst 198.51.100.77 self permanent ;;
    fdb_del) hand_bridge "$1" fdb del 00:00:00:00:00:00 dev "$2" dst 198.51.100.$((RANDOM % 3 + 1)) self ;;
    ageing) hand "$1" link set "$2" type bridge ageing_time 1234 ;;
    bridge_vlan) hand_bridge "$1" vlan add dev "$2" vid 77 ;;
    esac
}
hand() { # number, arguments of ip
    local n=$1
    shift
    ip -n "n$n" "$@" 2>/dev/null
    say "by hand on n$n: ip $* ($?)"
}
hand_bridge() {
    local n=$1
    shift
    bridge -n "n$n" "$@" 2>/dev/null
    say "by hand on n$n: bridge $* ($?)"
}
# What hands made, nobody else takes away: foreign bridges, by the name.
hands_off() {
    local i name
    for i in 1 2 3; do
        ip -n n$i link set eth2 up
        for name in $(ip -n n$i -d -o link show type bridge | grep -v 'alias kar:' | grep -v 'altname kard-' |
            sed -n 's/^[0-9]*: \([^:@]*\):.*/\1/p'); do
            ip -n n$i link del "$name"
            say "on n$i the stranger $name goes"
        done
    done
}

# --- a script ------------------------------------------------------------------------------------

# Until nobody differs any more; who does, in $differs.
settle() { # seconds
    local until=$((SECONDS + $1))
    nodes_settle "$1" || { differs="not settled: $nodes_lack" && return 1; }
    while differs=$(witness_all) && [ -n "$differs" ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}

# The ids or labels in the history of all nodes; what counts of them.
history_same() {
    local i what
    for i in 1 2 3; do
        node $i history --limit 10000 -o json >"$LAB_DIR/history.$i"
        node $i export -o json >"$LAB_DIR/export.$i"
        # Since when, and what it is where it runs, each says for itself.
        node $i conflicts -o json | gojq '.not_admitted |= map({kind, name, node})' >"$LAB_DIR/conflicts.$i"
        for what in history export conflicts; do
            check "$script_title: n$i's $what is n1's" "$(diff "$LAB_DIR/$what.$i" "$LAB_DIR/$what.1" | head -n 20)" ""
        done
    done
    gojq -r '.[].change' "$LAB_DIR/history.1" | sort >"$LAB_DIR/ids"
    gojq -r '.[] | select(.standing != "refused") | .message' "$LAB_DIR/history.1" | sort >"$LAB_DIR/labels"
    check "$script_title: what was acknowledged is in the history" \
        "$(sed -n 's/^acked \([^ ]*\) .*/\1/p' "$LAB_DIR/made" | sort | comm -23 - "$LAB_DIR/ids")" ""
    check "$script_title: what was refused changed nothing" \
        "$(sed -n 's/^refused - //p' "$LAB_DIR/made" | sort | comm -12 - "$LAB_DIR/labels")" ""
}

everything_goes() {
    pick 1 2 3
    nodes_empty "$picked" >"$LAB_DIR/err"
    say "on n$picked everything is deleted $(<"$LAB_DIR/err")"
    nodes_settle 120
    hands_off # an eth2 that was down when kar borrowed it was given back so
    settle 120
    check "$script_title: deleted, and nothing stays in any kernel" "$differs" ""
    check "$script_title: nor in the intent" \
        "$(node 2 export -o json | gojq -r '[.[] | select(.kind != "node" and .kind != "cluster") | .kind + " " + .name] | join(", ")')" ""
}

script() { # seed
    local failed=$lab_failed steps outcome
    script_seed=$1 script_title="seed $1" script_began=${EPOCHREALTIME/./} change_n=0 died=""
    known=()
    RANDOM=$1
    : >"$LAB_DIR/script"
    : >"$LAB_DIR/made"
    declare -gA node_dead=()
    alive=(1 2 3)
    check "$script_title: eth1 has an address on every node" "$(nodes_address eth1 198.51.100)" ""
    for ((steps = RANDOM % 6 + 5; steps > 0; steps--)); do
        pick change change change change both two two die kill start cut cut heal lose hand hand
        "step_$picked"
        dice 10
        [ $rolled -lt 7 ] || sleep 0.$rolled
    done
    step_heal
    revive
    hands_off
    for i in 1 2 3; do node_ready $i; done
    settle 120
    check "$script_title: healed, and every kernel is what is asked for" "$differs" ""
    history_same
    check "$script_title: nobody died but by our hand" "$died" ""
    for outcome in acked refused cut nothing; do
        did[changes-$outcome]=$((${did[changes-$outcome]:-0} + $(grep -c "^$outcome " "$LAB_DIR/made")))
    done
    [ $lab_failed != "$failed" ] || everything_goes
    check "$script_title: no fault in a log" "$(nodes_log_faults)" ""
    if [ $lab_failed != "$failed" ]; then
        echo "--- what was done (again: $0 --count 1 --seed $1), ms and step:"
        cat "$LAB_DIR/script"
        for i in 1 2 3; do echo "--- log of n$i:" && tail -n 15 "$LAB_DIR/n$i.log"; done
        return 1
    fi
}

# --- the run -------------------------------------------------------------------------------------

vlans=0 netem=0
kernel_has vlan && kernel_has vlan_filtering && vlans=1
tc qdisc add dev lo root netem loss 1% 2>/dev/null && netem=1 && tc qdisc del dev lo root
nodes_make 3
nodes_wire eth1
nodes_wire eth2
witness_begin
nodes_join
nodes_settle 120 || exit 1
for i in 1 2 3; do node 1 node label n$i side=$((i % 2)) >/dev/null || exit 1; done
for ((k = part; k < count; k += beside)); do
    script $((seed + k)) || break
    count_did scripts
done
for what in "${!did[@]}"; do echo "did ${did[$what]} $what"; done
[ $lab_failed != 0 ] || nodes_stop
lab_end
