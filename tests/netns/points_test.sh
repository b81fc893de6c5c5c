#!/usr/bin/env bash
# A two-ended tunnel between n2 and n3 is asked for on n2, and a node dies by SIGKILL at a named point of
# its making (base/point.h): n2, which was asked; n3, the other end; n1, which decides the claims. Then:
#
#   - no half tunnel anywhere: on who lives it is whole or not there; on the dead node whatever was begun
#     is down and carries nothing; on the dead node, started again with its cable pulled, whole or not there
#   - no end is made whose other end does not hold the change durably
#   - karctl, which still waits on n2, says what happened and what will
#   - with the cable back everything converges: the tunnel is whole at both ends; only a change that was
#     not stored is nowhere, and can be made again
#
# The kernels are looked at with ip and bridge alone. KAR_POINTS_ROWS="asked/plan-made …" runs some. Rows
# are shared out to several clusters, since a node's death takes seconds to be believed.
parts=4
if [ -z "${LAB_INSIDE:-}${KAR_POINTS_PART:-}" ]; then
    logs=$(mktemp -d) pids=() failed=0
    trap 'rm -rf "$logs"' EXIT
    trap 'kill "${pids[@]}" 2>/dev/null; exit 143' INT TERM
    for ((p = 0; p < parts; p++)); do
        KAR_POINTS_PART=$p "$0" >"$logs/$p" 2>&1 &
        pids+=($!)
    done
    for p in "${!pids[@]}"; do
        wait "${pids[$p]}" || failed=1
        grep -v ': line [0-9]*: *[0-9]* Killed ' "$logs/$p" # the shell's own word of every death
    done
    exit $failed
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes.sh"

# Who dies, where, and what becomes of the change: kept, lost with who had it, or refused.
rows=(
    "asked check-asked     lost" # the other end was asked what it thinks of the change
    "asked check-said      lost" # and has answered
    "asked change-drafted  lost" # all have judged it, nothing is stored
    "asked change-stored   kept" # durable, nobody told
    "asked change-told     kept"
    "asked slot-heard      kept" # the decision came
    "asked slot-taken      kept" # and is durable
    "asked hold-asked      kept" # it holds the tunnel: does the other end?
    "asked hold-heard      kept"
    "asked hold-recording  kept"
    "asked hold-recorded   kept" # both do, durably
    "asked plan-made       kept" # what is to be done to the kernel is known
    "asked plan-journalled kept" # and how to undo it is durable
    "asked kernel-run:1    kept" # before each batch of requests to the kernel
    "asked link-made:1     kept" # the switch is made
    "asked kernel-run:2    kept"
    "asked link-made:2     kept" # the device is made
    "asked kernel-run:3    kept"
    "asked plan-applied    kept"
    "asked plan-verified   kept"
    "asked plan-cleared    kept"
    "asked change-answer   kept" # active at both ends, nobody told
    "other check-heard     refused"
    "other check-answered  kept"
    "other change-heard    kept"
    "other change-taken    kept"
    "other slot-heard      kept"
    "other slot-taken      kept"
    "other hold-asked      kept"
    "other hold-heard      kept"
    "other hold-recording  kept"
    "other hold-recorded   kept"
    "other plan-made       kept"
    "other plan-journalled kept"
    "other link-made:1     kept"
    "other link-made:2     kept"
    "other kernel-run:3    kept"
    "other plan-applied    kept"
    "other plan-verified   kept"
    "other plan-cleared    kept"
    "other change-answer   kept"
    "ledger change-heard   kept"
    "ledger change-taken   kept"
    "ledger slot-decided   kept"
    "ledger slot-stored    kept"
    "ledger slot-told      kept"
)
declare -A number=([ledger]=1 [asked]=2 [other]=3)

# --- what a kernel has of the tunnel -------------------------------------------------------------

# none, whole, inert (something of it, that is down or leads nowhere) or half (something of it that is up).
tunnel_of() { # node
    local i=$1
    {
        ip -n "n$i" -d -j link
        bridge -n "n$i" -j fdb
    } | gojq -rs --arg here "198.51.100.$i" --arg there "198.51.100.$((5 - i))" --arg name "$tunnel" '
        (.[0] | map(select(.linkinfo.info_kind == "vxlan"))) as $devices
        | (.[0] | map(select(.ifname == $name))) as $switches
        | ($devices[0] // {}) as $d
        | [.[1][] | select(.ifname == $d.ifname and .mac == "00:00:00:00:00:00") | .dst] as $ends
        | if ($devices | length) == 0 and ($switches | length) == 0 then "none"
          elif ($devices | length) == 0 then "inert"
          elif ($devices | length) == 1 and ($switches | length) == 1
              and ($d.flags | index("UP")) and ($switches[0].flags | index("UP"))
              and $d.master == $name and ($d.ifalias | endswith(":overlay/" + $name))
              and ($d.altnames // [] | any(startswith("kard-")))
              and $d.linkinfo.info_data.local == $here and $d.linkinfo.info_data.port == 4789
              and $d.linkinfo.info_data.id > 0 and $d.mtu == 1450 and $ends == [$there] then "whole"
          elif $d.flags | index("UP") then "half"
          else "inert" end'
}

# Whether a node knows the change that makes it.
holds() { # node
    node "$1" history -o json | gojq -e --arg name "$tunnel" 'any(.[].docs[]?; .kind == "overlay" and .name == $name)' >/dev/null
}

vni_of() { # node
    ip -n "n$1" -d -j link | gojq -r '.[] | select(.linkinfo.info_kind == "vxlan") | .linkinfo.info_data.id'
}

# Until it is one of these, since who lives may be at it right now. In is.
tunnel_becomes() { # node, seconds, states…
    local i=$1 until=$((SECONDS + $2)) want
    shift 2
    while :; do
        is=$(tunnel_of "$i")
        for want in "$@"; do [ "$is" != "$want" ] || return 0; done
        [ $SECONDS -lt $until ] || return 1
        sleep 0.05
    done
}

# --- a life -------------------------------------------------------------------------------------

tunnel_ask() {
    node 2 apply --yes --timeout 15s -f - \
        <<<"{kind: overlay, name: $tunnel, spec: {underlay: eth1, endpoints: [{node: n2, address: 198.51.100.2}, {node: n3, address: 198.51.100.3}]}}"
}

# The words of karctl on n2, by who died where.
check_said() { # role, point
    local said
    said=$(cat "$LAB_DIR/said")
    case "$1 $2" in
    "asked "*)
        check "$row: karctl ends as when nobody answers ($said)" "$code" 4
        check_has "$row: what happened" "$said" "went away before it answered"
        check_has "$row: what will" "$said" "is carried out when it runs again"
        ;;
    "other check-heard")
        check "$row: karctl ends as when it is refused ($said)" "$code" 3
        check_has "$row: what happened" "$said" "n3 is offline, an end of overlay $tunnel"
        check_has "$row: what will" "$said" "nothing was changed"
        ;;
    "other "*)
        check "$row: karctl ends well, what waits is no failure ($said)" "$code" 0
        check_has "$row: what happened" "$said" "n3 ! waiting: n3 does not answer"
        check_has "$row: what will" "$said" "it applies the change when it returns"
        ;;
    "ledger slot-told")
        check "$row: karctl ends well ($said)" "$code" 0
        check_has "$row: one end has it" "$said" "n2 + active"
        check_has "$row: the other end has it" "$said" "n3 + active"
        ;;
    "ledger "*)
        check "$row: karctl ends well, what is pending is no failure ($said)" "$code" 0
        check_has "$row: what happened" "$said" "it waits for its claims to be granted"
        check_has "$row: why" "$said" "the node that founded the cluster is not reached"
        check_has "$row: what will" "$said" "it is decided once that node is reached"
        check_has "$row: so it is on the other end" "$said" "n3 ! pending"
        ;;
    esac
}

row_run() { # role, point, kept or lost
    local n=${number[$1]} point=${2/:/ } i until is waiter left
    row="$1 dies at $2"
    echo "$point" >"$LAB_DIR/n$n/point"
    tunnel_ask >"$LAB_DIR/said" 2>&1 &
    waiter=$!
    until=$((SECONDS + 20))
    while node_lives "$n" && [ $SECONDS -lt $until ]; do sleep 0.02; done
    : >"$LAB_DIR/n$n/point"
    check "$row: it died" "$(node_lives "$n" || tail -n 1 "$LAB_DIR/n$n.log")" "point $point: dies here"
    node_kill "$n" # if the point was not reached
    left=$(tunnel_of "$n")
    check "$row: what is begun on it carries nothing" "${left/half/up, and not whole}" "$left"
    # An end is made only where the other end's store has the change.
    [ "$left" = none ] || [ "$n" = 1 ] || check "$row: so the other end holds it" "$(holds $((5 - n))
            echo $?)" 0

    wait $waiter
    code=$?
    check_said "$1" "$2"
    for i in 1 2 3; do
        [ "$i" = "$n" ] || tunnel_becomes $i 10 none whole
        [ "$i" = "$n" ] || check "$row: on n$i, which lives" "${is/whole/none}" none
    done

    left=$([ "$n" = 1 ] || tunnel_of $((5 - n)))

    ip link set "eth0-$n" down
    node_start "$n"
    node_ready "$n"
    tunnel_becomes "$n" 10 none whole
    check "$row: back, alone" "${is/whole/none}" none
    [ "$left" != whole ] || check "$row: the other end is made, so this one holds it" "$(holds "$n"
            echo $?)" 0
    ip link set "eth0-$n" up
    nodes_settle 30
    check "$row: all know the same again" "$nodes_lack" ""

    if [ "$3" != kept ]; then
        check "$row: nothing of it anywhere" "$(tunnel_of 1) $(tunnel_of 2) $(tunnel_of 3)" "none none none"
        tunnel_ask >"$LAB_DIR/said" 2>&1
        check "$row: it is made when asked again ($(cat "$LAB_DIR/said"))" $? 0
    fi
    for i in 2 3; do
        tunnel_becomes $i 15 whole
        check "$row: at last on n$i" "$is" whole
    done
    check "$row: nothing on n1" "$(tunnel_of 1)" none
    check "$row: one VNI" "$(vni_of 2)" "$(vni_of 3)"
    node 1 overlay delete "$tunnel" --yes >"$LAB_DIR/said" 2>&1
    check "$row: deleted ($(cat "$LAB_DIR/said"))" $? 0
    for i in 1 2 3; do
        tunnel_becomes $i 10 none
        check "$row: gone from n$i" "$is" none
        check "$row: nothing of ours is left on n$i" \
            "$(ip -n n$i -j link | gojq -r '.[] | select((.ifalias // "" | startswith("kar:")) or (.altnames // [] | any(startswith("kard-")))) | .ifname')" ""
    done
}

export KAR_POINT # node_start gives each its own
node_start() { # number: as that of nodes.sh, with a file for its point
    touch "$LAB_DIR/n$1/point"
    KAR_POINT=$LAB_DIR/n$1/point nsenter --net="/run/netns/n$1" -- "$KARD" --root "$LAB_DIR/n$1" >>"$LAB_DIR/n$1.log" 2>&1 &
    node_pid[$1]=$!
}

nodes_make 3
nodes_wire eth1 198.51.100
nodes_join
nodes_settle 60
check "three nodes know the same" "$nodes_lack" ""
for r in "${!rows[@]}"; do
    read -r role point fate <<<"${rows[$r]}"
    if [ -n "${KAR_POINTS_ROWS:-}" ]; then
        [[ " $KAR_POINTS_ROWS " == *" $role/$point "* ]] || continue
    fi
    [ $((r % parts)) = "$KAR_POINTS_PART" ] || continue
    tunnel=t$r
    row_run "$role" "$point" "$fate"
    [ "$lab_failed" -lt 20 ] || break
done
check "no fault in a log" "$(nodes_log_faults)" ""
[ -z "${KAR_SHOW_LOGS:-}" ] || tail -n 60 "$LAB_DIR"/n*.log
nodes_stop
lab_end
