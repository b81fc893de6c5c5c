#!/usr/bin/env bash
# VLANs as an operator makes them and mistakes them, with the real kard; and what is said where the
# kernel has no 802.1Q.
#
#      eth1, eth2: foreign interfaces;  eth2.110: storage (vlan) --- br1 (switch)
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/try.sh"

kard_start
karctl init --node n1 >/dev/null || exit 1
if ! kernel_has vlan; then
    skip "vlan" "this kernel lacks 802.1Q"
    try vlan create storage --parent eth2 --tag 110
    check "a kernel without 802.1Q: exit" "$code" 1
    check_has "a kernel without 802.1Q: text" "$err" "this kernel lacks 802.1Q"
    check_has "a kernel without 802.1Q: nothing changed" "$err" "nothing was changed"
    lab_end
fi
try vlan create storage --parent eth2 --tag 110 --address 10.0.110.1/24
check "vlan create: exit" "$code" 0
check "vlan create: the kernel" \
    "$(ip -d -j link show dev storage | gojq -c '[.[0].link, .[0].linkinfo.info_data.id]')" '["eth2",110]'
try vlan list
check_has "vlan list: titles" "$out" "NAME     NODE  PARENT  TAG  ADDRESS         MTU  STATUS"
check_has "vlan list: a row" "$out" "storage  n1    eth2    110  10.0.110.1/24  1500  active"
try vlan show storage
for part in "parent    eth2" "tag       110" "mac   " "mtu   " "received" "10.0.110.1/24"; do
    check_has "vlan show: $part" "$out" "$part"
done
mistake "a tag that is taken" 3 "at: --tag" vlan create other --parent eth2 --tag 110
check_has "a tag that is taken: by whom" "$err" "storage"
mistake "a parent that is not there" 3 "eth9" vlan create other --parent eth9 --tag 5
try switch create br1 --uplink storage
mistake "a VLAN below a switch, without --yes" 3 "br1" vlan delete storage
try switch delete br1
try vlan delete storage
check "vlan delete: exit" "$code" 0
check "vlan delete: the kernel" "$(ifname_of storage)" ""
lab_end
