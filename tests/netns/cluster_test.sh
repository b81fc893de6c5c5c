#!/usr/bin/env bash
# Three nodes on one wire, each a kard with a kernel of its own: joining, changes from everywhere,
# crashes, a cut wire, names, leaving and removal.
#
#      n1 ── eth0 ─┐        each node also has eth1, a foreign interface with nothing behind it
#      n2 ── eth0 ─┼─ wire (bridge), 10.1.0.N/24
#      n3 ── eth0 ─┘
here=$(dirname "$0")
. "$here/lib.sh"

declare -A pids
nodes="n1 n2 n3"

node_make() { # name number
    ip netns add "$1"
    ip link add "w-$1" type veth peer name eth0 netns "$1" || exit 1
    ip link set "w-$1" master wire up
    ip -n "$1" link set lo up
    ip -n "$1" addr add "10.1.0.$2/24" dev eth0
    ip -n "$1" link set eth0 up
    ip -n "$1" link add eth1 type veth peer name eth1-far
    ip -n "$1" link set eth1 up
    ip -n "$1" link set eth1-far up
    mkdir -p "$LAB_DIR/$1/etc/kard"
    echo "node: $1" >"$LAB_DIR/$1/etc/kard/kard.yaml"
}
on() { # node, command…: karctl there
    local n=$1
    shift
    KARD_ROOT=$LAB_DIR/$n "$KARCTL" "$@"
}
node_start() {
    ip netns exec "$1" "$KARD" --root "$LAB_DIR/$1" >>"$LAB_DIR/$1/log" 2>&1 &
    pids[$1]=$!
    for _ in $(seq 1 3000); do
        on "$1" status >/dev/null 2>&1
        [ $? = 4 ] || return 0
        sleep 0.02
    done
    echo "kard of $1 did not start:"
    cat "$LAB_DIR/$1/log"
    exit 1
}
node_kill() {
    kill -KILL "${pids[$1]}"
    wait "${pids[$1]}" 2>/dev/null
}
link_of() { ip -n "$1" -j link show dev "$2" 2>/dev/null | gojq -r '.[0].ifname' 2>/dev/null; }
count() { on "$1" "$2" list -o json 2>/dev/null | gojq length; }
changes() { on "$1" history --limit 1000 -o json | gojq -r '.[].change' | sort; }
member() { on "$1" node list -o json | gojq -r --arg n "$2" '.[] | select(.name == $n).member.member'; }
until_is() { # what, expected, command…: within 30 s
    local what=$1 want=$2 is=""
    shift 2
    for _ in $(seq 1 600); do
        is=$("$@" 2>/dev/null)
        [ "$is" = "$want" ] && break
        sleep 0.05
    done
    check "$what" "$is" "$want"
}
everywhere() { # what, expected, command with N for the node
    local n what=$1 want=$2
    shift 2
    for n in $nodes; do until_is "$what, on $n" "$want" "${@/#N/$n}"; done
}
same_history() {
    local n first
    first=$(changes n1)
    for n in $nodes; do [ "$(changes "$n")" = "$first" ] || return; done
    echo same
}

ip link add wire type bridge
ip link set wire up
number=0
for n in $nodes; do
    number=$((number + 1))
    node_make "$n" $number
    node_start "$n"
done

# --- alone, then together ------------------------------------------------------------------------
on n2 token create >"$LAB_DIR/out" 2>&1
check "no cluster, no token" $? 5
on n1 init --cluster lab >/dev/null || exit 1
token=$(on n1 token create -o json | gojq -r .token)
check_has "a token says where to ask" "$token" "-10.1.0.1-"
other=0 # another last digit than the token has
[ "${token: -1}" != 0 ] || other=1
on n2 join "${token%?}$other" >"$LAB_DIR/out" 2>&1
check "a token that was not pasted wholly is refused" $? 3
on n2 join "$token" >"$LAB_DIR/out" 2>&1
code=$?
check "n2 joins ($(cat "$LAB_DIR/out"))" "$code" 0
check_has "it says what it joined" "$(cat "$LAB_DIR/out")" "this node is n2 of cluster lab, 2 nodes"
on n3 join "$token" >"$LAB_DIR/out" 2>&1
check "a used token is refused" $? 7
check_has "and it is said why" "$(cat "$LAB_DIR/out")" "used up"
token=$(on n2 token create -o json | gojq -r .token)
on n2 token revoke "$(on n2 token list -o json | gojq -r '.[0].id')" >/dev/null
check "a token is revoked" $? 0
on n3 join "$token" >"$LAB_DIR/out" 2>&1
check_has "a revoked one is refused" "$(cat "$LAB_DIR/out")" revoked
on n3 join "$(on n2 token create -o json | gojq -r .token)" --name n3 >"$LAB_DIR/out" 2>&1
code=$?
check "n3 joins with a token of n2 ($(cat "$LAB_DIR/out"))" "$code" 0
everywhere "three members" 3 count N node
everywhere "all alive" "alive alive alive" \
    bash -c 'KARD_ROOT=$0/$1 "$KARCTL" node list -o json | gojq -r "[.[].member.member] | join(\" \")"' "$LAB_DIR" N
on n2 join "$token" >"$LAB_DIR/out" 2>&1
check "a member cannot join again" $? 5

# --- a change made anywhere is everywhere --------------------------------------------------------
on n2 apply -f - --yes >"$LAB_DIR/out" 2>&1 <<'END'
{kind: switch, name: lan, nodes: [n1, n2, n3], spec: {uplink: eth1}}
END
code=$?
check "a change for all, made on n2 ($(cat "$LAB_DIR/out"))" "$code" 0
for n in $nodes; do check "it is in the kernel of $n at once" "$(link_of "$n" lan)" lan; done
for n in $nodes; do check_has "$n is in the answer" "$(cat "$LAB_DIR/out")" " $n "; done
on n1 switch create only3 --node n3 >"$LAB_DIR/out" 2>&1
code=$?
check "a change for n3, made on n1 ($(cat "$LAB_DIR/out"))" "$code" 0
check "n3 has it" "$(link_of n3 only3)" only3
check "n1 does not" "$(link_of n1 only3)" ""
everywhere "its state is known" active \
    bash -c 'KARD_ROOT=$0/$1 "$KARCTL" switch show only3 --node n3 -o json | gojq -r .status.n3.state' "$LAB_DIR" N
everywhere "all changes are there" same same_history
everywhere "converged" true bash -c 'KARD_ROOT=$0/$1 "$KARCTL" status -o json | gojq .converged' "$LAB_DIR" N
check "n1 asks n2 for its interfaces" \
    "$(on n1 nic list --node n2 -o json | gojq -r '[.[].node] | unique[]')" n2
check_has "n3 asks n1 for its health" "$(on n3 doctor --node n1)" "store"
check "an object's live state comes from its node" \
    "$(on n2 switch show only3 --node n3 -o json | gojq -r '.live.n3.ifname')" only3
check "history names who did it where" \
    "$(on n3 history -o json | gojq -r '.[] | select(.docs[0].name == "lan").origin')" n2
check "and verifies it" "$(on n3 history show \
    "$(on n3 history -o json | gojq -r '.[] | select(.docs[0].name == "lan").change')" -o json | gojq .verified)" true

# --- a crash ------------------------------------------------------------------------------------
node_kill n3
until_is "n3 is missed" unreachable member n1 n3
on n1 switch create late --node n1,n3 >"$LAB_DIR/out" 2>&1
check_has "what n3 would have to do waits ($(cat "$LAB_DIR/out"))" "$(cat "$LAB_DIR/out")" waiting
node_start n3
until_is "n3 does it when it is back" late link_of n3 late
until_is "and is alive again" alive member n1 n3

# --- a cut wire: both sides go on, and merge -----------------------------------------------------
ip link set w-n2 down
until_is "n2 is missed" unreachable member n1 n2
until_is "n2 misses n1" unreachable member n2 n1
on n2 switch create mine --node n2 >"$LAB_DIR/out" 2>&1
check "n2 repairs itself alone" "$(link_of n2 mine)" mine
on n1 switch create theirs --node n1 >/dev/null 2>&1

# n1 decides who gets a name of the whole cluster: n2 cannot ask it now.
on n2 switch create wide --node all >"$LAB_DIR/out" 2>&1
code=$?
check "a name for all is asked for where nobody grants it ($(cat "$LAB_DIR/out"))" "$code" 0
check_has "it is pending" "$(cat "$LAB_DIR/out")" "pending"
check "and runs nowhere" "$(link_of n2 wide)" ""
on n2 switch create hasty --node all --provisional >"$LAB_DIR/out" 2>&1
code=$?
check "another one does not wait ($(cat "$LAB_DIR/out"))" "$code" 0
check "it runs" "$(link_of n2 hasty)" hasty
on n2 switch create bad --node all --provisional >/dev/null 2>&1
on n1 switch create bad --node all --ageing-s 77 >/dev/null 2>&1
ip link set w-n2 up
everywhere "both sides' changes are everywhere" 9 count N switch
everywhere "the same history again" same same_history
until_is "what was pending was granted, and runs" wide link_of n2 wide
until_is "everywhere" wide link_of n1 wide
check "what did not wait goes on" "$(link_of n2 hasty)" hasty
for n in $nodes; do
    on "$n" conflicts >"$LAB_DIR/out" 2>&1
    code=$?
    check "$n names what was claimed twice ($(cat "$LAB_DIR/out"))" "$code" 1
    check_has "by whom it was won" "$(cat "$LAB_DIR/out")" "switch bad has it in the whole cluster"
done
check_has "history says so" "$(on n3 history)" "refused"
until_is "the winner's runs on n2" 77 bash -c 'ip -n n2 -j -d link show dev bad | gojq ".[0].linkinfo.info_data.ageing_time / 100"'
settle=$(on n3 conflicts -o json | gojq -r '.not_admitted[0].reason.fix')
settle=${settle#karctl }
# shellcheck disable=SC2086 # the command, word by word
on n3 ${settle%%,*} --yes >"$LAB_DIR/out" 2>&1
code=$?
check "one command settles it ($(cat "$LAB_DIR/out"))" "$code" 0
check "the winner's stays" "$(link_of n3 bad)" bad
everywhere "nothing is left to settle" "no conflicts" on N conflicts

# --- names and labels ---------------------------------------------------------------------------
on n3 node rename n2 db --message 'what it is for' >"$LAB_DIR/out" 2>&1
code=$?
check "n3 renames n2 ($(cat "$LAB_DIR/out"))" "$code" 0
everywhere "the new name is everywhere" db \
    bash -c 'KARD_ROOT=$0/$1 "$KARCTL" node list -o json | gojq -r ".[] | select(.name == \"db\").name"' "$LAB_DIR" N
check "what stood on it follows" \
    "$(on n1 switch show lan -o json | gojq -c .nodes)" '["db","n1","n3"]'
until_is "and stays in the kernel" mine link_of n2 mine
on n1 node rename db n2 >/dev/null
on n2 node label n1 rack=a >"$LAB_DIR/out" 2>&1
code=$?
check "n2 labels n1 ($(cat "$LAB_DIR/out"))" "$code" 0
until_is "n3 knows the label" a bash -c 'KARD_ROOT=$0/n3 "$KARCTL" node show n1 -o json | gojq -r .spec.labels.rack' "$LAB_DIR"

# --- leaving, and coming back -------------------------------------------------------------------
on n1 leave >"$LAB_DIR/out" 2>&1
check "who decides the claims cannot leave first" $? 3
on n3 leave >"$LAB_DIR/out" 2>&1
code=$?
check "n3 leaves ($(cat "$LAB_DIR/out"))" "$code" 0
check "its network stays" "$(link_of n3 only3) $(link_of n3 lan)" "only3 lan"
check_has "it is in no cluster" "$(on n3 status)" "in no cluster"
nodes="n1 n2"
everywhere "it is a member no more" 2 count N node
everywhere "what stood on it alone is gone" "" \
    bash -c 'KARD_ROOT=$0/$1 "$KARCTL" switch list -o json | gojq -r ".[] | select(.name == \"only3\").name"' "$LAB_DIR" N
check "lists do not name it" "$(on n2 switch show lan -o json | gojq -c .nodes)" '["n1","n2"]'
on n3 join "$(on n1 token create -o json | gojq -r .token)" --name n3 >"$LAB_DIR/out" 2>&1
code=$?
check "it can join again ($(cat "$LAB_DIR/out"))" "$code" 0
nodes="n1 n2 n3"
everywhere "and is one of three" 3 count N node

# --- removal ------------------------------------------------------------------------------------
on n1 node remove n2 --message lost >"$LAB_DIR/out" 2>&1
code=$?
check "n1 removes n2 ($(cat "$LAB_DIR/out"))" "$code" 0
until_is "n2 hears it" true bash -c 'KARD_ROOT=$0/n2 "$KARCTL" status -o json | gojq .removed' "$LAB_DIR"
check "its network stays" "$(link_of n2 mine) $(link_of n2 lan)" "mine lan"
on n2 switch create never >"$LAB_DIR/out" 2>&1
check "it changes nothing any more" $? 7
nodes="n1 n3"
everywhere "it is a member no more" 2 count N node
on n2 leave >"$LAB_DIR/out" 2>&1
code=$?
check "it leaves for good ($(cat "$LAB_DIR/out"))" "$code" 0
check_has "and is free" "$(on n2 status)" "in no cluster"

# --- everybody restarts at once ------------------------------------------------------------------
for n in $nodes; do node_kill "$n"; done
for n in $nodes; do node_start "$n"; done
everywhere "they find each other again" "alive alive" \
    bash -c 'KARD_ROOT=$0/$1 "$KARCTL" node list -o json | gojq -r "[.[].member.member] | join(\" \")"' "$LAB_DIR" N

[ -z "${KAR_SHOW_LOGS:-}" ] || tail -n 40 "$LAB_DIR"/n*/log
for n in n1 n2 n3; do kill -TERM "${pids[$n]}"; done
for n in n1 n2 n3; do
    wait "${pids[$n]}"
    check "$n ends well" $? 0
done
lab_end
