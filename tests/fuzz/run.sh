#!/bin/sh
# run.sh FUZZER CORPUS WORK: one libFuzzer binary for $KAR_FUZZ_SECONDS (20).
# What it finds worth keeping goes to WORK/corpus, what breaks it to WORK/found.
set -eu
fuzzer=$1 corpus=$2 work=$3
mkdir -p "$work/corpus" "$work/found"
exec "$fuzzer" -max_total_time="${KAR_FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=1024 \
    -max_len=65536 -print_final_stats=1 -artifact_prefix="$work/found/" "$work/corpus" "$corpus"
