# say.sh: how the lab's tools speak and fail: what, then the fix. Sourced.
# shellcheck shell=bash

lab_tool=lab/$(basename "$0")

say() { echo "$*" >&2; }

die() { # what, fix
    say "$lab_tool: $1"
    [ $# -gt 1 ] && say "  fix: $2"
    exit 255
}

need() { # tools
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null ||
            die "$tool is not installed" "scripts/install-deps vm package"
    done
}
