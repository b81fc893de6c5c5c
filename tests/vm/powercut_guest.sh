#!/usr/bin/env bash
# powercut_guest.sh: the inside of powercut_test.sh, run in the VM.
#   check N LABEL  kard starts on the disk; N was the last acknowledged change (-1: none, so found the
#                  cluster); prints "at M", the last change that it kept
#   load N         changes N+1, N+2, …; prints "ack K" after each that was acknowledged
set -u
export LC_ALL=C NO_COLOR=1 KARD_ROOT=/disk/kard
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
. "$source_dir/tests/check.sh"
. "$source_dir/tests/crash.sh"
karctl() { "$KARCTL" "$@"; }

start() {
    local i
    ip -batch - <<<'link set eth1 up
addr add 192.0.2.1/24 dev eth2
link set eth2 up'
    mkdir -p "$KARD_ROOT"
    setsid "$KARD" >/run/kard.log 2>&1 </dev/null &
    for ((i = 0; i < 600; i++)); do
        karctl status >/dev/null 2>&1
        [ $? = 4 ] || return 0
        sleep 0.05
    done
    cat /run/kard.log
    exit 1
}

case $1 in
check)
    start
    [ "$2" -ge 0 ] || karctl init --node n1 >/run/init.log 2>&1 || [ $? = 5 ] || cat /run/init.log # 5: founded before
    crash_check "$2" "$3"
    grep -iE 'error|corrupt' /run/kard.log
    echo "at $crash_at"
    check_end
    ;;
load)
    for ((k = $2 + 1; ; k++)); do
        crash_change $k >/run/change.log 2>&1 || { cat /run/change.log >&2; exit 1; }
        echo "ack $k"
    done
    ;;
esac
