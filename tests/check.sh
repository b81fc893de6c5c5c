# check.sh: what every test in shell counts with. Sourced; knows nothing of kernels or VMs.
# shellcheck shell=bash
lab_passed=0 lab_failed=0 lab_skipped=0

check() { # what, actual, expected
    if [ "$2" = "$3" ]; then
        lab_passed=$((lab_passed + 1))
        [ -z "${LAB_VERBOSE:-}" ] || printf 'ok      %s\n' "$1"
    else
        lab_failed=$((lab_failed + 1))
        printf 'FAILED  %s\n  expected: %s\n  actual:   %s\n' "$1" "$3" "$2"
    fi
}

check_has() { # what, text, part
    case "$2" in
    *"$3"*)
        lab_passed=$((lab_passed + 1))
        [ -z "${LAB_VERBOSE:-}" ] || printf 'ok      %s\n' "$1"
        ;;
    *)
        lab_failed=$((lab_failed + 1))
        printf 'FAILED  %s\n  expected to contain: %s\n  actual: %s\n' "$1" "$3" "$2"
        ;;
    esac
}

skip() { # what, why
    lab_skipped=$((lab_skipped + 1))
    printf 'skipped %s: %s\n' "$1" "$2"
}

# The closing line; false unless something passed and nothing failed.
check_end() {
    echo "$lab_passed passed, $lab_failed failed, $lab_skipped skipped"
    [ "$lab_failed" = 0 ] && [ "$lab_passed" -gt 0 ]
}
