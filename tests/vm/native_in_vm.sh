#!/usr/bin/env bash
# The suites of a label (vm-native) again, in one VM whose kernel has what this machine's may lack:
# 802.1Q above all. With --long all suites of the label netns, whole.
# What is skipped even there is printed with its reason.
. "$(dirname "$0")/lib.sh"

label=${1:-vm-native} only=(KAR_HOST_LACKS_ONLY=1 KAR_SIGKILL_ROUNDS=20 "KAR_SCRIPTS=${KAR_SCRIPTS:-20}")
[ "$label" = --long ] && label=netns only=(KAR_SIGKILL_ROUNDS=20 "KAR_SCRIPTS=${KAR_SCRIPTS:-20}")
tests=$(cd "$KAR_BUILD" && ctest -N -L "^$label\$" | sed -n 's/^Total Tests: //p')
if [ "${tests:-0}" = 0 ]; then
    echo "FAILED  there is no test of the label $label in $KAR_BUILD"
    exit 1
fi
vm_up --mem 2G
vm env "${only[@]}" ctest --test-dir "$KAR_BUILD" -j 2 -L "^$label\$" --timeout "${KAR_VM_TEST_S:-1200}" -V >"$vm_work/log" 2>&1
code=$?
grep -E '^[0-9]+: skipped ' "$vm_work/log" | sed 's/^[0-9]*: /  /'
grep -E '^ *[0-9]+/[0-9]+ Test ' "$vm_work/log" | sed 's/^ */  /'
[ $code = 0 ] || grep -E '^[0-9]+: ' "$vm_work/log" | grep -A 12 -E '^[0-9]+: (FAILED|--- what|\[  (ERROR|FAILED))' | cut -c 1-400 | head -n 200
check "the $tests suites of the label $label in the VM" $code 0
vm_end
