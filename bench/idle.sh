#!/usr/bin/env bash
# idle.sh [SECONDS]: what kard costs while nothing happens: CPU of all its threads (in ns, from
# schedstat) and memory that is its own (RssAnon + RssShmem), with a small configuration applied.
# Prints both beside their limits; fails when one is exceeded. Use a release build:
#
#   KARD=build/release/src/kard KARCTL=build/release/cli/karctl bench/idle.sh 60
here=$(dirname "$0")
seconds=${1:-30}
. "$here/../tests/netns/lib.sh"

cpu_percent_max=0.1 memory_kib_max=10240
lab_nics eth1 eth2
kard_start
karctl init --node n1 >/dev/null
karctl apply -f - >/dev/null <<'NET'
{kind: switch, name: lan, spec: {uplink: eth1}}
---
{kind: port, name: tap1, spec: {switch: lan}}
---
{kind: port, name: tap2, spec: {switch: lan}}
---
{kind: port, name: v1, spec: {switch: lan, type: veth}}
---
{kind: switch, name: isolated, spec: {}}
NET
[ "$(karctl status -o json | gojq .converged)" = true ] || { echo "not converged"; exit 1; }
sleep 2

cpu_ns() { cat /proc/"$kard_pid"/task/*/schedstat | awk '{n += $1} END {printf "%d", n}'; }
rss_kib() { awk '/^Rss(Anon|Shmem):/ {n += $2} END {print n}' "/proc/$kard_pid/status"; }
wakeups() { awk '/^(non)?voluntary_ctxt_switches/ {n += $2} END {print n}' /proc/"$kard_pid"/task/*/status; }

cpu=$(cpu_ns) woken=$(wakeups)
sleep "$seconds"
cpu=$(($(cpu_ns) - cpu)) woken=$(($(wakeups) - woken)) rss=$(rss_kib)
awk -v ns="$cpu" -v s="$seconds" -v max=$cpu_percent_max -v kib="$rss" -v kmax=$memory_kib_max -v w="$woken" '
BEGIN {
    cpu = ns / s / 1e7
    printf "kard, idle for %d s: %.4f %% of a core (at most %s), %d wakeups, %.1f MiB (at most %.0f)\n",
        s, cpu, max, w, kib / 1024, kmax / 1024
    exit cpu > max || kib > kmax
}'
r=$?
kard_stop
exit $r
