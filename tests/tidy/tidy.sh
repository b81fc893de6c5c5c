#!/bin/sh
# tidy.sh [ROOT]: the rules of the house that no compiler checks. Prints what breaks them, ends with
# "N passed, N failed". Checks a tree (the project's own when none is named) whose build folder
# ($KAR_BUILD, else build/dev) is configured: what is compiled and what is a test is read from there.
# POSIX sh and awk only.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$here/../..}
cd "$root" || exit 1
root=$(pwd)
build=${KAR_BUILD:-$root/build/dev}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

files() { # every file of the project
    if [ -e .git ]; then git ls-files; else find . -type f ! -path './build/*' | sed 's|^\./||'; fi | sort
}
c_files() { grep -E '\.[ch]$' "$work/files"; }

# verdict FILE WHAT: of the lines that the check left in the FILE.
verdict() {
    if [ -s "$work/$1" ]; then
        failed=$((failed + 1))
        cat "$work/$1"
        echo "FAILED  $2: $(wc -l <"$work/$1") found"
    else
        passed=$((passed + 1))
    fi
}

# One pass over all C sources finds what several verdicts are about.
check_sources() {
    touch "$work/includes" "$work/calls" "$work/length" "$work/heads"
    c_files | xargs awk -v RULES="$here/rules" -v FOUND="$work" -v LINES_FUNCTION_MAX=70 -v LINES_TEST_MAX=150 \
        -v LINES_FILE_MAX=700 -f "$here/source.awk" "$here/rules" || echo "awk failed" >"$work/heads"
    verdict includes "includes follow the edges between the rooms"
    verdict calls "no banned calls"
    verdict length "functions and files are short"
    verdict heads "every source says what it owns"
}

# Scripts say it too, below their #! line.
check_script_heads() {
    grep -E '(\.sh|^scripts/[^.]*|^lab/(vm|lab))$' "$work/files" | while read -r f; do
        [ -f "$f" ] && ! head -n 2 "$f" | grep -q '^# ' && echo "$f:1: a script without a line that says what it does"
    done >"$work/found"
    verdict found "every script says what it does"
}

check_words() {
    xargs grep -nIE '(^|[^A-Za-z0-9_])(TO''DO|FIX''ME|XX''X)([^A-Za-z0-9_]|$)' <"$work/files" 2>/dev/null >"$work/found"
    verdict found "nothing is put off"
    xargs grep -nIE '(^|[^A-Za-z0-9_.$}])/(root|home|work|mnt)/[A-Za-z0-9_]' <"$work/files" 2>/dev/null >"$work/found"
    verdict found "no paths of one machine"
}

check_compiled() {
    if [ ! -f "$build/compile_commands.json" ]; then
        echo "$build is not configured: cmake --preset dev" >"$work/found"
    else
        sed -n 's|^ *"file": "\(.*\)",*$|\1|p' "$build/compile_commands.json" | sed "s|^$root/||" | sort -u >"$work/compiled"
        c_files | grep '\.c$' | grep -vxFf "$work/compiled" |
            sed 's/$/:1: no target compiles it/' >"$work/found"
    fi
    verdict found "every source is in a target"
}

check_headers_used() {
    c_files | grep '\.h$' | while read -r h; do
        grep -qxF -e "${h#src/}" -e "${h##*/}" -e "$h" "$work/included" || echo "$h:1: nobody includes it"
    done >"$work/found"
    verdict found "every header is included"
}

# A test that ctest does not know: a script, or a *_test.c outside of the folders that are globbed.
check_tests_registered() {
    if [ -f "$build/ctest.json" ]; then # the self-test's small trees
        cp "$build/ctest.json" "$work/ctest"
    else
        ctest --test-dir "$build" --show-only=json-v1 >"$work/ctest"
    fi
    grep -E '^tests/.*_test\.(c|sh)$' "$work/files" | while read -r t; do
        n=${t##*/}
        grep -q "\"name\" : \"[a-z_]*${n%.*}\"" "$work/ctest" || echo "$t:1: ctest does not run it"
    done >"$work/found"
    verdict found "every test is run"
}

files >"$work/files"
check_sources
check_script_heads
check_words
check_compiled
check_headers_used
check_tests_registered
echo "$passed passed, $failed failed"
[ $failed = 0 ]
