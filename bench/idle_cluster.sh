#!/usr/bin/env bash
# idle_cluster.sh [SECONDS]: what each of ten kards costs while nothing happens in their cluster: CPU
# (in ns, from schedstat), memory that is its own (RssAnon + RssShmem), and bytes on the wire, each
# beside serf's of the same size. Real processes on loopback, in a network namespace. Fails when a
# limit is exceeded. Use a release build:
#
#   KARD=build/release/src/kard KARCTL=build/release/cli/karctl bench/idle_cluster.sh 60
here=$(dirname "$0")
seconds=${1:-30}
. "$here/../tests/netns/lib.sh"

nodes=10 cpu_percent_max=0.3 memory_kib_max=12288
pids=()

cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{n += $1} END {printf "%d", n}'; }
rss_kib() { awk '/^Rss(Anon|Shmem):/ {n += $2} END {print n}' "/proc/$1/status"; }
wire_bytes() { awk '$1 == "lo:" {print $2}' /proc/net/dev; }

node() { # i, command…: karctl on node i
    local i=$1
    shift
    "$KARCTL" --socket "$LAB_DIR/n$i/run/kard/kard.sock" "$@"
}

kards_start() {
    for i in $(seq $nodes); do
        mkdir -p "$LAB_DIR/n$i/etc/kard"
        printf 'node: n%d\nlisten: [127.0.0.%d]\n' "$i" $((i + 10)) >"$LAB_DIR/n$i/etc/kard/kard.yaml"
        "$KARD" --root "$LAB_DIR/n$i" >>"$LAB_DIR/n$i.log" 2>&1 &
        pids+=($!)
    done
    for i in $(seq $nodes); do
        for _ in $(seq 500); do
            [ ! -S "$LAB_DIR/n$i/run/kard/kard.sock" ] || break
            sleep 0.02
        done
    done
    node 1 init --node n1 >/dev/null || exit 1
    for i in $(seq 2 $nodes); do
        node "$i" join "$(node 1 token create -o json | gojq -r .token)" >/dev/null || exit 1
    done
    for _ in $(seq 100); do
        [ "$(node $nodes status -o json | gojq '[.nodes[] | select(.state == "active")] | length')" != $nodes ] ||
            return 0
        sleep 0.1
    done
    echo "the nodes do not find each other:"
    node $nodes status
    exit 1
}

serfs_start() {
    for i in $(seq $nodes); do
        serf agent -node="n$i" -bind="127.0.1.$((i + 10))" -rpc-addr="127.0.1.$((i + 10)):7373" \
            -retry-join=127.0.1.11 -retry-interval=1s >"$LAB_DIR/serf$i.log" 2>&1 &
        pids+=($!)
    done
}

stop() {
    kill "${pids[@]}"
    wait "${pids[@]}" 2>/dev/null
    pids=()
}

# Prints, of the processes in pids: worst CPU, worst memory in KiB, bytes per second and node.
measure() {
    local before=() cpu worst_ns=0 worst_kib=0 kib bytes
    for p in "${pids[@]}"; do before+=("$(cpu_ns "$p")"); done
    bytes=$(wire_bytes)
    sleep "$seconds"
    bytes=$(($(wire_bytes) - bytes))
    for i in "${!pids[@]}"; do
        cpu=$(($(cpu_ns "${pids[$i]}") - before[i])) kib=$(rss_kib "${pids[$i]}")
        [ "$cpu" -le "$worst_ns" ] || worst_ns=$cpu
        [ "$kib" -le "$worst_kib" ] || worst_kib=$kib
    done
    echo "$worst_ns $worst_kib $((bytes / seconds / nodes))"
}

kards_start
sleep 20 # sessions of all with all, facts, what joining left to say
read -r cpu kib bytes < <(measure)
stop
if command -v serf >/dev/null; then
    serfs_start
    sleep 20
    read -r serf_cpu serf_kib serf_bytes < <(measure)
    stop
else
    echo "no serf to compare with: scripts/install-deps bench"
    serf_cpu=0 serf_kib=0 serf_bytes=0
fi

awk -v s="$seconds" -v n=$nodes -v cpu="$cpu" -v kib="$kib" -v b="$bytes" -v scpu="$serf_cpu" -v skib="$serf_kib" \
    -v sb="$serf_bytes" -v max=$cpu_percent_max -v kmax=$memory_kib_max '
function row(name, cpu, kib, b) {
    printf "%-5s %.4f %% of a core, %5.1f MiB, %6d bytes/s on the wire\n", name, cpu / s / 1e7, kib / 1024, b
}
BEGIN {
    printf "%d nodes, idle for %d s; the worst node, and the mean on the wire\n", n, s
    row("kard", cpu, kib, b)
    if (scpu) {
        row("serf", scpu, skib, sb)
        printf "kard / serf: cpu %.2f, memory %.2f, wire %.2f\n", cpu / scpu, kib / skib, b / sb
    }
    over = cpu / s / 1e7 > max || kib > kmax
    printf "limits: %s %% of a core, %.0f MiB: %s\n", max, kmax / 1024, over ? "EXCEEDED" : "kept"
    exit over
}'
r=$?
exit $r
