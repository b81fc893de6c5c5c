#!/bin/bash
# three-nodes.sh [--native|--vm]: the demo, run by scripts/demo: three nodes in a lab. Every command is
# printed as it can be typed, then run; every result that matters is checked, and a wrong one ends the
# demo. KAR_LAB says which lab; KAR_DEMO_STAYS leaves it up.
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
export KAR_LAB=${KAR_LAB:-demo-$$}
file=lab/examples/three-nodes.yaml
step=0
exec 2>&1 # one story, in its order
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold="" plain=""; fi

trap 'lab/lab down 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

title() {
    step=$((step + 1))
    printf '\n%s== %d. %s%s\n' "$bold" $step "$*" "$plain"
}
run() { # exit code that is right, command line
    local want=$1 code=0
    shift
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
    eval "$*" || code=$?
    [ "$code" = "$want" ] || fail "that ended with $code instead of $want"
}
fail() {
    local node
    echo "wrong: $*"
    for node in n1 n2 n3; do lab/lab log $node 2>/dev/null | tail -n 20 | sed "s/^/  kard of $node: /"; done
    exit 1
}
holds() { # seconds, command: becomes true
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || fail "that does not become true: $*"
        sleep 0.2
    done
}
on() { # node, command
    lab/lab exec "$@" </dev/null
}
kernels() { for n in n1 n2 n3; do on $n ip -o link; done | sed 's/^[0-9]*: //; s/ state .*//' | sort; }
settled() { on n1 karctl status -o json | gojq -e '[.nodes[] | select(.self | not) | .member == "alive" and .in_sync] | all'; }

title "Three hosts on one switch, each with its own agent. Nothing of this machine's network is touched."
run 0 lab/lab up --apart "$@"

title "n1 founds a cluster; each other host joins it with a token that is good once."
run 0 "lab/lab exec n1 karctl init --cluster demo"
for n in n2 n3; do
    run 0 "token=\$(lab/lab exec n1 karctl token create | head -n 1)"
    run 0 "lab/lab exec $n karctl join \$token"
done
run 0 "lab/lab exec n3 karctl node list"

title "What is wanted: VLANs and a switch on every host, a network between all, a tunnel between two."
run 0 "cat $file"

title "What each host would do to its kernel, asked on n2. Nothing is changed yet."
before=$(kernels)
run 0 "lab/lab exec n2 karctl plan -f - <$file"
[ "$(kernels)" = "$before" ] || fail "something was changed"

title "It is applied on n2, and becomes true on all three."
run 0 "lab/lab exec n2 karctl apply -f - -m 'the first network' <$file"
run 0 "lab/lab exec n1 ip -br link"
run 0 "lab/lab exec n3 ip -br address"
run 0 "lab/lab exec n3 karctl status"

title "Two guests, one on n1 and one on n3, reach each other through the tunnels of red."
run 0 "lab/lab guest n1 web 10.9.0.11/24"
run 0 "lab/lab guest n3 db 10.9.0.13/24"
run 0 "lab/lab exec web ping -c 3 -i 0.3 -w 20 10.9.0.13"

title "Mistakes are refused before anything is touched, with the reason and the way out."
before=$(kernels)
echo "A second tunnel between the same ends:"
run 3 "lab/lab exec n3 karctl overlay create blue2 --endpoint node=n2,vlan=storage --endpoint node=n1,vlan=storage"
echo "A VLAN with a tag that is taken on n1, said on n3:"
run 3 "lab/lab exec n3 karctl vlan create backup --node n1 --parent eth1 --tag 110"
[ "$(kernels)" = "$before" ] || fail "something was changed"

title "Somebody deletes an interface on n1 by hand. The agent puts it right, and says so."
run 0 "lab/lab exec n1 ip link delete storage"
holds 20 on n1 sh -c 'ip -br addr show dev storage | grep -q 10.0.110.1'
run 0 "lab/lab exec n1 ip -br address show dev storage"
run 0 "lab/lab exec n2 karctl drift --node n1"
holds 20 on web ping -c 1 -W 1 10.9.0.13

title "The agent of n3 is killed. Its guests do not notice; the others go on, and it catches up."
run 0 "lab/lab kill n3"
run 0 "lab/lab exec web ping -c 2 -i 0.3 -w 20 -q 10.9.0.13"
holds 60 sh -c 'lab/lab exec n1 karctl node list -o json | gojq -e "any(.[]; .name == \"n3\" and .member.member != \"alive\")"'
run 0 "lab/lab exec n1 karctl switch set lan --ageing-s 60 -m 'forget guests sooner'"
run 0 "lab/lab exec n2 karctl switch create dmz --node n2,n3"
run 0 "lab/lab exec n3 ip link set lan type bridge ageing_time 99900"
run 0 "lab/lab start n3"
holds 60 on n3 sh -c 'ip -d link show dev lan | grep -q "ageing_time 6000 "'
holds 60 on n3 ip link show dev dmz
holds 60 settled
run 0 "lab/lab exec n3 sh -c 'ip -d link show dev lan | grep -o \"ageing_time [0-9]*\"; ip -br link show dev dmz'"
run 0 "lab/lab exec n3 karctl status"
run 0 "lab/lab exec n3 karctl history"

if [ -n "${KAR_DEMO_STAYS:-}" ]; then
    trap - EXIT
    title "The lab stays up. Go on by hand:"
    cat <<U
   export KAR_LAB=$KAR_LAB
   lab/lab shell n1                       a shell on n1: karctl, ip, bridge
   lab/lab exec n2 karctl overlay list    a command on n2
   lab/lab cut n3; lab/lab heal n3        pull the cables of n3, and put them back
   lab/lab down                           ends it; nothing stays
   docs/tutorial.md has more, step by step
U
fi
