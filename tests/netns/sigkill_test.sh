#!/usr/bin/env bash
# kard is killed with SIGKILL at random moments of applies and started again: every change that was
# acknowledged is there, one that was not is there wholly or not at all, the kernel is exactly what
# the intent says, nothing of ours is left over and foreign interfaces are as before.
# KAR_SIGKILL_ROUNDS (200) and KAR_SEED (printed) repeat a run.
#
#      eth1 ---- eth1-far        eth2 ---- eth2-far       foreign
#       |                         ^ ov's tunnel stands on its address
#      lan --- a, b              iso --- c
. "$(dirname "$0")/lib.sh"
. "$lab_source/tests/crash.sh"
rounds=${KAR_SIGKILL_ROUNDS:-200}
RANDOM=${KAR_SEED:=$(date +%N | sed "s/^0*//")}
echo "seed $KAR_SEED, $rounds rounds"

lab_nics eth1 eth2
ip addr add 192.0.2.1/24 dev eth2
foreign() { ip -d -j link | gojq -c 'map(select(.ifname | test("^(lo|eth)"))
    | {ifname, ifalias, mtu, address, flags: (.flags - ["LOWER_UP", "NO-CARRIER"])}) | sort_by(.ifname)'; }
before=$(foreign)
kard_start
karctl init --node n1 >/dev/null || exit 1

began=${EPOCHREALTIME/./}
crash_change 0 >/dev/null || exit 1
# The moment is random within a span that follows how long changes take here and now: about half of
# them are cut.
span_us=$((2 * (${EPOCHREALTIME/./} - began)))
crash_at=0 cut=0 kept=0
for ((round = 1; round <= rounds; round++)); do
    next=$((crash_at + 1))
    crash_change $next >"$LAB_DIR/change.log" 2>&1 &
    change=$!
    moment=$(((RANDOM * 32768 + RANDOM) % span_us))
    sleep "$((moment / 1000000)).$(printf %06d $((moment % 1000000)))"
    kard_kill
    if wait $change; then
        acked=$next kept=$((kept + 1)) span_us=$((span_us * 9 / 10 + 500))
    else
        acked=$crash_at cut=$((cut + 1)) span_us=$((span_us < 5000000 ? span_us * 11 / 10 : span_us))
    fi
    kard_start
    crash_check "$acked" "round $round"
    [ "$lab_failed" -lt 10 ] || break
done
echo "$cut killed before the acknowledgement, $kept after it; moments within $((span_us / 1000)) ms at last"
check "some were killed before the acknowledgement" "$((cut > 0))" 1
check "some were killed after it" "$((kept > 0 || rounds < 10))" 1
check "foreign interfaces are as before" "$(foreign)" "$before"
lab_end
