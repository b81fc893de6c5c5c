# lib.sh: what the tests in a VM share. Source it first; the VM is gone when the script ends, however
# it ends.
#
#     . "$(dirname "$0")/lib.sh"
#     vm_up --nics 1
#     check "802.1Q is there" "$(vm modprobe 8021q; echo $?)" 0
#     vm_end                    # prints "N passed, N failed, N skipped" and exits
#
# KAR_BUILD names the build folder (ctest sets it, else the dev build is taken).
# shellcheck shell=bash
set -u
export LC_ALL=C NO_COLOR=1
lab_source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$lab_source/tests/check.sh"
KAR_BUILD=${KAR_BUILD:-$lab_source/build/dev}
KARD=${KARD:-$KAR_BUILD/src/kard}
KARCTL=${KARCTL:-$KAR_BUILD/cli/karctl}
export KAR_BUILD KARD KARCTL

vm_id=$(basename "$0" .sh)-$$
vm_work=$(mktemp -d "${TMPDIR:-/tmp}/kar-test.XXXXXX")
trap '"$lab_source/lab/vm" kill --id "$vm_id" 2>/dev/null; rm -rf "$vm_work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

vm_tool() { # verb, its words
    local verb=$1
    shift
    "$lab_source/lab/vm" "$verb" --id "$vm_id" "$@"
}
vm_up() {
    vm_tool up "$@" 2>&1 | sed 's/^/  /'
    [ "${PIPESTATUS[0]}" = 0 ] || exit 1
}
vm() { vm_tool exec -- "$@" </dev/null; }

# Waits until the command succeeds, at most so many seconds.
vm_wait() { # seconds, command
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.1
    done
}

vm_end() {
    check_end
    exit
}
