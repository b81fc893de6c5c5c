#!/usr/bin/env bash
# The VM itself: exit codes, streams and signals travel, the kernel has what this machine's may lack,
# this machine's files are there and stay as they are, a power cut keeps exactly what was flushed.
. "$(dirname "$0")/lib.sh"

vm_up --nics 1 --disk "$vm_work"

check "exit code of success" "$(vm true; echo $?)" 0
check "exit code of failure" "$(vm sh -c 'exit 7'; echo $?)" 7
check "killed by a signal" "$(vm sh -c 'kill -9 $$'; echo $?)" 137
check "no such command" "$(vm no-such-command 2>"$vm_work/err"; echo $?)" 127
check_has "no such command is told" "$(cat "$vm_work/err")" "no-such-command"
check "standard output alone" "$(vm sh -c 'echo out; echo err >&2' 2>/dev/null)" out
check "standard error alone" "$(vm sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
check "directory" "$(cd "$lab_source/tests/vm" && vm pwd)" "$lab_source/tests/vm"
head -c 3000000 /dev/urandom >"$vm_work/random"
check "three megabytes there and back" \
    "$(vm_tool exec cat <"$vm_work/random" | cksum)" "$(cksum <"$vm_work/random")"

# More commands at one time than there are ports: they queue.
many=()
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    vm sh -c "sleep 0.3; echo $i" >>"$vm_work/many" &
    many+=($!)
done
wait "${many[@]}"
check "twelve commands at one time" "$(sort -n "$vm_work/many" | tr '\n' ' ')" "1 2 3 4 5 6 7 8 9 10 11 12 "

# A client that is killed takes its command with it and leaves the port usable.
vm_tool exec sleep 4711 </dev/null 2>/dev/null &
client=$!
check "a command runs" "$(vm_wait 10 vm sh -c 'pgrep -f "[s]leep 4711"'; echo $?)" 0
pkill -KILL -P $client
wait $client 2>/dev/null
check "a killed client's command ends" "$(vm_wait 10 vm sh -c '! pgrep -f "[s]leep 4711"'; echo $?)" 0

from=$(date +%s%N)
vm true
ms=$((($(date +%s%N) - from) / 1000000))
echo "  exec took $ms ms"
check "exec is quick (under 2 s on a busy machine)" "$((ms < 2000))" 1

# A busy host once made the guest's clock three times as fast.
guest_from=$(vm date +%s%N) from=$(date +%s%N)
sleep 4
guest_ms=$((($(vm date +%s%N) - guest_from) / 1000000)) ms=$((($(date +%s%N) - from) / 1000000))
check "its clock runs as this machine's ($guest_ms ms in $ms ms)" "$((guest_ms > ms / 2 && guest_ms < ms * 2))" 1

check "files written in the VM are its own" \
    "$(vm touch "$lab_source/written-in-vm" && test -e "$lab_source/written-in-vm"; echo $?)" 1
check "a NIC of its own" "$(vm cat /sys/class/net/eth0/operstate)" down

for m in 8021q bridge vxlan veth dummy bonding geneve ip_gre sch_netem vrf macvlan tun nf_tables; do
    check "module $m" "$(vm modprobe $m; echo $?)" 0
done
# Loaded by themselves when a link is made, as on any Debian.
check "802.1Q" "$(vm sh -c 'ip link add link eth0 name v110 type vlan id 110 && ip -d link show v110' | grep -o 'id 110')" "id 110"
check "802.1ad" "$(vm sh -c 'ip link add link eth0 name v111 type vlan proto 802.1ad id 111 && ip -d link show v111' | grep -o 802.1ad)" 802.1ad
check "bond" "$(vm sh -c 'ip link add b0 type bond mode 802.3ad && ip -d link show b0' | grep -o 'mode 802.3ad')" "mode 802.3ad"
check "TAP" "$(vm ip tuntap add t0 mode tap; echo $?)" 0
check "netem" "$(vm sh -c 'tc qdisc add dev eth0 root netem delay 5ms && tc qdisc show dev eth0' | grep -o 'delay 5ms')" "delay 5ms"

vm sh -c 'echo kept >/disk/kept; sync /disk/kept; echo lost >/disk/lost'
vm_tool kill
vm_up --disk "$vm_work"
check "after a power cut: what was flushed" "$(vm cat /disk/kept)" kept
check "after a power cut: what was not" "$(vm test -s /disk/lost; echo $?)" 1
vm sh -c 'echo kept >/disk/lost'
vm_tool reboot 2>/dev/null
check "after an orderly restart: everything" "$(vm cat /disk/lost)" kept
check "an orderly stop" "$(vm_tool down; echo $?)" 0
check "nothing left of it" "$("$lab_source/lab/vm" list | grep -c "$vm_id")" 0

# One shot, with an exit code, and without standard input as under CI.
check "one shot" "$("$lab_source/lab/vm" run -- sh -c 'uname -r; exit 3' </dev/null >"$vm_work/out"; echo $?)" 3
check_has "one shot: output" "$(cat "$vm_work/out")" "-amd64"
# A machine so busy that QEMU itself starts late.
mkdir "$vm_work/slow"
printf '#!/bin/sh\nsleep 2\nexec %s "$@"\n' "$(command -v setpriv)" >"$vm_work/slow/setpriv"
chmod +x "$vm_work/slow/setpriv"
check "one shot: QEMU starts late" \
    "$(PATH="$vm_work/slow:$PATH" "$lab_source/lab/vm" run -- sh -c 'exit 4' </dev/null 2>"$vm_work/err"; echo $?)" 4
# A machine that hangs before its first word.
printf '#!/bin/sh\n[ -e %s/hung ] && exec %s "$@"\ntouch %s/hung\nexec sleep 600\n' \
    "$vm_work" "$(command -v setpriv)" "$vm_work" >"$vm_work/slow/setpriv"
check "one shot: a boot that hangs is tried again" \
    "$(KAR_VM_BOOT_S=30 PATH="$vm_work/slow:$PATH" "$lab_source/lab/vm" run -- sh -c 'exit 4' </dev/null 2>"$vm_work/err"; echo $?)" 4
check "one shot: time limit" "$("$lab_source/lab/vm" run --timeout 1 -- sleep 60 2>/dev/null; echo $?)" 124
vm_end
