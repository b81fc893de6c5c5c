#!/usr/bin/env bash
# Every suite of the label netns again, in one VM whose kernel has all of them: 802.1Q above all.
# What is skipped even there is printed with its reason.
. "$(dirname "$0")/lib.sh"

tests=$(cd "$KAR_BUILD" && ctest -N -L '^netns$' | sed -n 's/^Total Tests: //p')
if [ "${tests:-0}" = 0 ]; then
    echo "FAILED  there is no test of the label netns in $KAR_BUILD"
    exit 1
fi
vm_up --mem 2G
vm sh -c "cd '$KAR_BUILD' && KAR_HOST_LACKS_ONLY=1 KAR_SIGKILL_ROUNDS=20 ctest -L '^netns$' --timeout ${KAR_VM_TEST_S:-1200} -V" >"$vm_work/log" 2>&1
code=$?
grep -E '^[0-9]+: skipped ' "$vm_work/log" | sed 's/^[0-9]*: /  /'
grep -E '^ *[0-9]+/[0-9]+ Test ' "$vm_work/log"
[ $code = 0 ] || grep -E '^[0-9]+: ' "$vm_work/log" | tail -n 60
check "the $tests suites of the label netns in the VM" $code 0
vm_end
