#!/usr/bin/env bash
# Random ones of five nodes are killed with SIGKILL and started again, up to three of them dead at a time,
# while four writers make changes on whoever lives: ports, switches on two nodes and overlays with
# automatic VNIs (which the founding node has to grant, when it lives), labels that all write at once,
# deletions. In the end every change that was acknowledged is in the history of every node, what it
# made is there and what it deleted is not, and the nodes agree about all of it.
# KAR_SIGKILL_ROUNDS (200) and KAR_SEED (printed) repeat a run.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes.sh"
rounds=${KAR_SIGKILL_ROUNDS:-200}
RANDOM=${KAR_SEED:=$(date +%N | sed "s/^0*//")}
nodes=5 writers=4 dead_max=3
echo "seed $KAR_SEED, $rounds rounds"

# --- writers -------------------------------------------------------------------------------------

# change KIND NAME: made on one of the nodes that live. Sets outcome: acked (and change_id), cut when the
# agent died before it answered, else refused. delete takes "KIND NAME" of what is to go.
change() {
    local a=$((RANDOM % nodes + 1)) on=$RANDOM b doc="" answer code
    b=$((a % nodes + 1))
    case $1 in
    port) doc="{kind: port, name: $2, nodes: n$a, spec: {switch: lan$a}}" ;;
    switch) doc="{kind: switch, name: $2, nodes: [n$a, n$b], spec: {}}" ;;
    overlay) doc="{kind: overlay, name: $2, nodes: [n$a, n$b], spec: {underlay: eth0}}" ;;
    node) doc="{kind: node, name: n$a, spec: {labels: {writer: $2}}}" ;;
    esac
    while :; do
        on=$((on % nodes + 1))
        if [ -n "$doc" ]; then
            answer=$(node $on apply --yes --no-wait -m "$2" -o json -f - 2>&1 <<<"$doc")
        else
            answer=$(node $on "${2% *}" delete "${2#* }" --yes --no-wait -o json 2>&1)
        fi
        code=$?
        [[ $code = 4 && $answer = *"is not running"* && ! -e $LAB_DIR/stop ]] || break
        sleep 0.02
    done
    outcome=refused change_id=-
    [[ $code != 4 || $answer != *"before it answered"* ]] || outcome="cut"
    if [ $code = 0 ]; then
        outcome=acked
        [[ $answer =~ \"change\":\ *\"([0-9a-f]{64})\" ]] || echo "no change id in: $answer" >&2
        change_id=${BASH_REMATCH[1]:--}
    elif [ $outcome = refused ]; then
        echo "$1 $2: $answer" >>"$LAB_DIR/refused"
    fi
}

# Until the file `stop` is there. For every change made a line "outcome ID put|delete KIND NAME" in
# $LAB_DIR/made.W; standard error is for faults of the writer.
write_changes() { # writer
    local what k=0 i
    local -a mine=()
    RANDOM=$((KAR_SEED + $1))
    while [ ! -e "$LAB_DIR/stop" ]; do
        k=$((k + 1)) i=$((RANDOM % 10))
        if [ $i -ge 8 ] && [ ${#mine[@]} -gt 0 ]; then
            i=$((RANDOM % ${#mine[@]})) what=${mine[$i]}
            change delete "$what"
            echo "$outcome $change_id delete $what"
            mine[i]=${mine[-1]} # asked for once, whatever came of it
            unset 'mine[-1]'
        else
            case $i in
            4 | 5) what=switch ;;
            6) what=overlay ;;
            7) what=node ;;
            *) what=port ;;
            esac
            what+=" w$1-$k"
            change $what
            echo "$outcome $change_id put $what"
            [ $outcome != acked ] || [[ $what = node* ]] || mine+=("$what")
        fi >>"$LAB_DIR/made.$1"
        sleep 0.$((RANDOM % 2))$((RANDOM % 10))
    done
}

# --- killing -------------------------------------------------------------------------------------

served=0 died=""
declare -A dead=()

sleep_ms() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

# Perhaps starts dead ones, then kills one of those that live; now and then at once, so that some die
# while they start.
kill_one() {
    local i
    for i in "${!dead[@]}"; do
        if [ ${#dead[@]} -ge $dead_max ] || [ $((RANDOM % 2)) = 0 ]; then
            node_start "$i"
            unset "dead[$i]"
        fi
    done
    sleep_ms $((RANDOM % 4 > 0 ? RANDOM % pace_ms : 0))
    while i=$((RANDOM % nodes + 1)) && [ -n "${dead[$i]:-}" ]; do :; done
    node_answers "$i" && served=$((served + 1))
    node_kill "$i" || died+="n$i "
    dead[$i]=1
}

# --- the run -------------------------------------------------------------------------------------

nodes_make $nodes
nodes_join
node 1 cluster set --switches-per-node-max 4000 >/dev/null || exit 1
began=${EPOCHREALTIME/./}
for ((i = 1; i <= nodes; i++)); do
    node $i switch create lan$i --node n$i >/dev/null || exit 1
done
# Kills follow each other as changes do here and now, so that some of all are cut; all of them within a
# minute.
pace_ms=$(((${EPOCHREALTIME/./} - began) / 1000 / nodes * 3)) pace_max_ms=$((40000 / rounds))
pace_max_ms=$((pace_max_ms < 3000 ? pace_max_ms : 3000))
pace_ms=$((pace_ms < 200 ? 200 : pace_ms))
pace_ms=$((pace_ms < pace_max_ms ? pace_ms : pace_max_ms))

writer_pids=()
for ((w = 1; w <= writers; w++)); do
    write_changes $w 2>"$LAB_DIR/writer.$w" &
    writer_pids+=($!)
done
for ((round = 1; round <= rounds; round++)); do kill_one; done
for i in "${!dead[@]}"; do node_start "$i"; done
touch "$LAB_DIR/stop"
wait "${writer_pids[@]}"
check "the writers wrote without a fault of their own" "$(cat "$LAB_DIR"/writer.*)" ""
check "nobody died but by our hand" "$died" ""
for ((i = 1; i <= nodes; i++)); do node_ready $i; done

settle_began=${EPOCHREALTIME/./}
nodes_settle 60
check "all are alive, in sync and converged" "$nodes_lack" ""
settled_ms=$(((${EPOCHREALTIME/./} - settle_began) / 1000))

# --- what there is -------------------------------------------------------------------------------

made() { sed -n "s/^$1 \(.*\)/\1/p" "$LAB_DIR"/made.* | sort; } # of the outcome and what it was
made "acked" | cut -d' ' -f1 >"$LAB_DIR/ids"
for ((i = 1; i <= nodes; i++)); do
    node $i history --limit 10000 -o json >"$LAB_DIR/history.$i"
    node $i export -o json >"$LAB_DIR/export.$i"
    node $i conflicts -o json >"$LAB_DIR/conflicts.$i"
    check "n$i: every acknowledged change is in its history" \
        "$(gojq -r '.[].change' "$LAB_DIR/history.$i" | sort | comm -13 - "$LAB_DIR/ids" | head -n 20)" ""
    for what in history export conflicts; do
        check "n$i: $what as n1's" "$(diff "$LAB_DIR/$what.$i" "$LAB_DIR/$what.1" | head -n 20)" ""
    done
done
gojq -r '.[] | .kind + " " + .name' "$LAB_DIR/export.1" | sort >"$LAB_DIR/objects"
made "[a-z]* [^ ]* delete" >"$LAB_DIR/deleted" # perhaps
made "acked [^ ]* put" | grep -v ^node >"$LAB_DIR/created"
check "what acknowledged changes made is there" \
    "$(comm -23 "$LAB_DIR/created" "$LAB_DIR/deleted" | comm -23 - "$LAB_DIR/objects")" ""
check "what acknowledged changes deleted is not" \
    "$(made "acked [^ ]* delete" | comm -12 - "$LAB_DIR/objects")" ""
check "no two overlays share a VNI" "$(node 1 overlay list -o json | gojq -r '.[].vni' | sort | uniq -d)" ""
for ((i = 1; i <= nodes; i++)); do
    check "n$i: its kernel has the ports that are asked for" \
        "$(ip -n n$i -j link | gojq -r '.[].ifname | select(test("^w[0-9]+-"))' | sort)" \
        "$(gojq -r --arg n n$i '.[] | select(.nodes != null and ([.nodes] | flatten | index($n))) | .name | select(test("^w"))' \
            "$LAB_DIR/export.1" | sort)"
done
check "no fault in a log" "$(nodes_log_faults)" ""

acked=$(wc -l <"$LAB_DIR/ids") cut=$(made cut | wc -l) refused=$(made refused | wc -l)
echo "$served of $rounds kills hit an agent that served, the others one that was starting"
echo "$acked changes acknowledged, $cut cut, $refused refused; all in sync $settled_ms ms after the last start"
[ ! -e "$LAB_DIR/refused" ] || sort "$LAB_DIR/refused" | head -n "${KAR_SHOW_REFUSED:-0}"
# Who is killed is waited for, for some seconds, by every change that touches it.
check "changes were made all the while" "$((2 * acked >= rounds))" 1
check "some were cut" "$((cut > 0 || rounds < 50))" 1
check "most kills hit an agent that served" "$((served * 2 > rounds))" 1
nodes_stop
lab_end
