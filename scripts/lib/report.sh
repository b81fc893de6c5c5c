# report.sh: how scripts/test counts, times and tells. Sourced.
# shellcheck shell=bash

total_passed=0 total_failed=0 total_skipped=0
suite_passed=0 suite_failed=0 suite_skipped=0 suite_notes=()

note() { suite_notes+=("$*"); }

# The suite cannot run here at all; a reason that a reader can act on.
suite_skip() {
    suite_skipped=$((suite_skipped + 1))
    note "skipped: $*"
}

# A single check of a suite: 0 is well; its log is shown otherwise.
suite_result() { # code, log, what
    if [ "$1" = 0 ]; then
        suite_passed=$((suite_passed + 1))
    else
        suite_failed=$((suite_failed + 1))
        echo "--- $3 (exit $1), the end of $2:"
        tail -n 60 "$2"
    fi
}

seconds_since() { # nanoseconds; prints 12.3
    local ms=$((($(date +%s%N) - $1) / 1000000))
    printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

suite_run() { # name
    local from n
    from=$(date +%s%N)
    suite_passed=0 suite_failed=0 suite_skipped=0 suite_notes=()
    log=$log_dir/$1.log
    : >"$log"
    "suite_$1"
    if [ $((suite_passed + suite_failed + suite_skipped)) = 0 ]; then
        suite_failed=1
        note "it ran nothing: a suite that is listed and empty fails"
    fi
    printf '%-9s %5d passed, %d failed, %d skipped %8s s\n' \
        "$1" $suite_passed $suite_failed $suite_skipped "$(seconds_since "$from")"
    for n in ${suite_notes[@]+"${suite_notes[@]}"}; do printf '          %s\n' "$n"; done
    total_passed=$((total_passed + suite_passed))
    total_failed=$((total_failed + suite_failed))
    total_skipped=$((total_skipped + suite_skipped))
}

# build_preset PRESET [TARGET…]: false, counted and shown when it does not build.
build_preset() {
    local from code=0
    from=$(date +%s%N)
    scripts/build "$@" >"$log_dir/build-$1.log" 2>&1 || code=$?
    note "build of $1: $(seconds_since "$from") s"
    [ $code = 0 ] && return
    suite_result $code "$log_dir/build-$1.log" "build of $1"
    return 1
}

# ctest_run PRESET JOBS CTEST-OPTION…: counts the tests, tells by reason what they skipped inside.
ctest_run() {
    local preset=$1 jobs=$2 code=0 xml=$log_dir/$1-$RANDOM.xml
    shift 2
    ctest --test-dir "build/$preset" -j "$jobs" -V --no-tests=ignore --output-junit "$xml" "$@" >"$log" 2>&1 || code=$?
    local tests failed skipped
    tests=$(ctest_count tests "$xml")
    failed=$(ctest_count failures "$xml")
    skipped=$(($(ctest_count skipped "$xml") + $(ctest_count disabled "$xml")))
    suite_passed=$((suite_passed + tests - failed - skipped))
    suite_failed=$((suite_failed + failed))
    suite_skipped=$((suite_skipped + skipped))
    if [ "$code" != 0 ]; then
        [ "$failed" != 0 ] || suite_failed=$((suite_failed + 1))
        ctest_show_failed
    fi
    ctest_skips
}

ctest_count() { sed -n "s/^\t*$1=\"\([0-9]*\)\".*/\1/p" "$2" 2>/dev/null | head -n 1 | grep . || echo 0; }

# Every failed test's own last lines, without those of its neighbours.
ctest_show_failed() {
    local n
    sed -n '/^The following tests FAILED/,$p' "$log"
    for n in $(sed -n 's/^ *[0-9]*\/[0-9]* Test *#\([0-9]*\):.*\*\*\*.*/\1/p' "$log"); do
        echo "--- test $n:"
        grep -E "^$n: " "$log" | tail -n 40
    done
    [ -s "$log" ] || echo "ctest said nothing"
}

# "skipped WHAT: WHY" lines of the tests, one note a reason.
ctest_skips() {
    local why count
    while read -r count why; do
        note "within tests, skipped $count: $why"
        suite_skipped=$((suite_skipped + count))
    done < <(sed -n 's/^[0-9]*: *skipped [^:]*: \(.*\)/\1/p' "$log" | sort | uniq -c)
}
