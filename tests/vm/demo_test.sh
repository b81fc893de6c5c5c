#!/usr/bin/env bash
# The demo, as scripts/demo runs it where this kernel does not do: it checks itself, ends well, and
# leaves nothing behind.
. "$(dirname "$0")/lib.sh"
export KAR_LAB=$vm_id KAR_LAB_RUN=$vm_work KAR_VM_RUN=$vm_work/vm
"$lab_source/lab/demo/three-nodes.sh" --vm </dev/null >"$vm_work/out" 2>&1
code=$?
check "it ends well" $code 0
[ $code = 0 ] || tail -n 60 "$vm_work/out"
check "all of it was shown" "$(grep -c '^== ' "$vm_work/out")" 9
check "no VM is left" "$("$lab_source/lab/vm" list)" ""
check "nothing else is left" "$(cd "$vm_work" && echo *)" out
vm_end
