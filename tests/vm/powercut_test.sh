#!/usr/bin/env bash
# The power is cut (SIGKILL of QEMU, its disk with cache=none) at random moments of applies, twenty
# times on two machines beside each other. After each, the machine boots, kard starts on the same
# disk: every acknowledged change is there, none in part, the kernel is what the intent says.
# KAR_CUTS (20) and KAR_SEED (printed) repeat a run.
. "$(dirname "$0")/lib.sh"
cuts=${KAR_CUTS:-20}
seed=${KAR_SEED:-$$}
echo "seed $seed, $cuts power cuts"

machine() { # its number; cuts
    local m=$1 cut acked=-1 begun
    vm_id=$vm_id-$m
    RANDOM=$((seed + m))
    mkdir "$vm_work/$m"
    trap '"$lab_source/lab/vm" kill --id "$vm_id" 2>/dev/null' EXIT
    for ((cut = 0; cut <= $2; cut++)); do
        "$lab_source/lab/vm" up --id "$vm_id" --cpus 1 --disk "$vm_work/$m" --nics 3 2>&1 | sed 's/^/  /'
        vm "$lab_source/tests/vm/powercut_guest.sh" check "$acked" "machine $m, cut $cut" >"$vm_work/$m/check" 2>&1
        cat "$vm_work/$m/check"
        [ "$cut" = "$2" ] && break
        acked=$(sed -n 's/^at //p' "$vm_work/$m/check")
        [ -n "$acked" ] || break
        : >"$vm_work/$m/acks"
        vm "$lab_source/tests/vm/powercut_guest.sh" load "$acked" >"$vm_work/$m/acks" 2>/dev/null &
        # From the first change on, at any moment of some changes.
        begun=$SECONDS
        until [ -s "$vm_work/$m/acks" ] || [ $((SECONDS - begun)) -ge 30 ]; do sleep 0.02; done
        sleep "$((RANDOM % 2)).$(printf %03d $((RANDOM % 1000)))"
        "$lab_source/lab/vm" kill --id "$vm_id"
        wait $!
        last=$(sed -n 's/^ack //p' "$vm_work/$m/acks" | tail -n 1)
        echo "cut after change ${last:-none}"
        acked=${last:-$acked}
    done
}

machine 1 $((cuts / 2)) >"$vm_work/1.log" 2>&1 &
one=$!
machine 2 $((cuts - cuts / 2)) >"$vm_work/2.log" 2>&1 &
wait $one $!
grep -hE '^(FAILED|  expected|  actual)' "$vm_work"/?.log
lab_passed=$(cat "$vm_work"/?.log | sed -n 's/^\([0-9]*\) passed, .*/\1/p' | paste -sd+ | sed 's/^$/0/')
lab_passed=$((lab_passed))
lab_failed=$(cat "$vm_work"/?.log | sed -n 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p' | paste -sd+ | sed 's/^$/0/')
lab_failed=$((lab_failed))
check "machines came back" "$(cat "$vm_work"/?.log | grep -c '^[0-9]* passed')" $((cuts + 2))
check "cuts between changes" "$(cat "$vm_work"/?.log | grep -c '^cut after change [0-9]')" "$cuts"
[ "$lab_failed" = 0 ] || tail -n 30 "$vm_work"/?.log
vm_end
