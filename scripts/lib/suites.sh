# suites.sh: what scripts/test can run, a function each. Sourced after report.sh. Each leaves its
# output in $log and counts what it ran; one that runs nothing fails.
# shellcheck shell=bash

unit_labels='^(base|intent|gossip|netcfg|api|kard|cli|lab|docs)$'
c_files() { git ls-files '*.c' '*.h'; }

# The rules of the house, and the proof that their checker sees a breach of each.
suite_tidy() {
    build_preset dev || return
    ctest_run dev "$jobs" -L '^tidy$'
}

suite_format() {
    local code=0
    c_files | xargs clang-format --dry-run -Werror >"$log" 2>&1 || code=$?
    suite_result $code "$log" "clang-format (clang-format -i FILE mends it)"
}

suite_unit() {
    build_preset dev || return
    ctest_run dev "$jobs" -L "$unit_labels"
}

# Thousands of lives want optimised code; and gcc sees more at -O2, so kard and karctl come along.
suite_sim() {
    KAR_TESTS=ON build_preset release kard karctl sim_model_test cluster_run cluster_figures cluster_story_test || return
    ctest_run release "$jobs" -L '^sim$'
}

# Every suite under the sanitizers, which make it three times as slow: fewer of what is random.
suite_asan() {
    build_preset asan || return
    KAR_SIM_PART=10 ctest_run asan "$jobs" -L "$unit_labels|^sim$"
    namespaces_allowed || return
    log=${log%.log}-netns.log
    KAR_SIM_PART=10 KAR_SIGKILL_ROUNDS=20 KAR_SCRIPTS=20 ctest_run asan $((2 * jobs)) -L '^netns$'
}

# What has more than one thread: the store, whose commits have a worker, and kard itself around it.
# shellcheck disable=SC2046
suite_tsan() {
    local tests='intent_store_(lmdb|queue|full|crash)_test'
    build_preset tsan kard karctl $(printf 'intent_store_%s_test ' lmdb queue full crash) || return
    namespaces_allowed && tests="$tests|netns_kard_test"
    ctest_run tsan "$jobs" -R "^($tests)\$"
}

namespaces_allowed() {
    unshare --net true 2>/dev/null || unshare --map-root-user --map-auto --net true 2>/dev/null
}

suite_netns() {
    if ! namespaces_allowed; then
        suite_skip "namespaces may not be made here: run as root, or install uidmap and give this user a range in /etc/subuid"
        return
    fi
    build_preset dev || return
    ctest_run dev $((2 * jobs)) -L '^netns$' # they wait for each other's answers more than they compute
}

# Debian's kernel in QEMU: the machine itself, what this one's kernel lacks, power cuts, the package.
suite_vm() {
    build_preset dev || return
    ctest_run dev "$((jobs < 2 ? 2 : jobs))" -L '^vm$'
}

# The netns suites in the VM, all and whole, which takes an emulated machine ten minutes.
suite_vmlong() {
    build_preset dev || return
    ctest_run dev 2 -L '^vm-long$'
}

# Fuzz corpora as ordinary tests, under the sanitizers.
suite_corpus() {
    build_preset asan || return
    ctest_run asan "$jobs" -L '^corpus$'
}

# Each for its seconds by the clock; with --long a core each, else a quarter of one.
# shellcheck disable=SC2046
suite_fuzz() {
    local beside=$((jobs * 4))
    [ -z "$long" ] || beside=$jobs
    build_preset fuzz $(sed -n 's/^kar_fuzz(\([a-z_0-9]*\).*/\1_fuzz/p' tests/fuzz/CMakeLists.txt) || return
    ctest_run fuzz "$beside" -L '^fuzz$'
}

# The static analyzer takes ten times as long as all other checks, so it is for --long.
suite_lint() {
    local code=0 checks=(--checks='-clang-analyzer-*')
    [ -z "$long" ] || checks=()
    build_preset dev || return
    git ls-files 'src/*.c' 'cli/*.c' | xargs -P "$jobs" -n 4 clang-tidy -p build/dev --quiet "${checks[@]}" >"$log" 2>"$log.err" || code=$?
    grep -v 'warnings\? generated' "$log.err" >>"$log"
    suite_result $code "$log" "clang-tidy"
    code=0
    { git ls-files | xargs grep -lE '^#!.*(sh|bash)$' && git ls-files '*.sh'; } | sort -u |
        xargs shellcheck -x -S warning >"$log" 2>&1 || code=$?
    suite_result $code "$log" "shellcheck"
}

# shellcheck disable=SC2046
suite_coverage() {
    local code room
    build_preset coverage $(for room in intent gossip; do
        basename -s .c -a tests/unit/$room/*_test.c | sed "s/^/${room}_/"
    done) || return
    find build/coverage -name '*.gcda' -delete
    ctest_run coverage "$jobs" -L '^(intent|gossip)$'
    for room in intent gossip; do
        code=0
        gcovr -j "$jobs" -r . --object-directory build/coverage -f "src/$room/" --fail-under-line 90 \
            --txt "$log_dir/coverage-$room.txt" build/coverage >"$log" 2>&1 || code=$?
        suite_result $code "$log" "gcovr src/$room"
        note "src/$room: $(sed -n 's/^TOTAL *\([0-9]*\) *\([0-9]*\) *\(.*\)/\3 of \1 lines covered/p' "$log_dir/coverage-$room.txt")"
    done
}

# That one of the suite vm alone.
suite_package() {
    build_preset dev || return
    ctest_run dev 1 -R '^package_test$'
}

# A clean clone in a clean Debian.
suite_clean() {
    local code=0
    scripts/clean-build-check >"$log" 2>&1 || code=$?
    suite_result $code "$log" "scripts/clean-build-check"
}
