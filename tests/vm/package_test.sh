#!/usr/bin/env bash
# The package on a clean Debian 12: installed by dpkg, started by systemd as user kard with two
# capabilities, used once, and after a restart of the machine everything is back before anything else
# is done. Also removed again: the network stays, the agent is gone.
. "$(dirname "$0")/lib.sh"

deb=$("$lab_source/packaging/build-deb" "$vm_work") || exit 1
version=$("$KARD" --version | sed 's/kard //')
check "the package's version is the agent's" "$(dpkg-deb -f "$deb" Version)" "$version"

# Libraries come with the image: the VM has no network to fetch them by.
depends=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/[(|].*//' | tr -d ' ' | grep -v '^systemd')
# shellcheck disable=SC2086
"$lab_source/lab/debian" image "$vm_work/debian.ext4" $depends man-db || exit 1
vm_up --root "$vm_work/debian.ext4" --nics 2
# The host's own: systemd-networkd brings its interfaces up, as it would on a server.
vm sh -c 'printf "[Match]\nName=eth*\n[Network]\nLinkLocalAddressing=no\n" >/etc/systemd/network/eth.network
    systemctl enable --now systemd-networkd' >"$vm_work/out" 2>&1 || cat "$vm_work/out"
vm systemctl is-system-running --wait >/dev/null

check "installed" "$(vm dpkg -i "/run/kar-vm/host$deb" >"$vm_work/out" 2>&1; echo $?)" 0
check "the service runs" "$(vm systemctl is-active kard)" active
check "and is enabled" "$(vm systemctl is-enabled kard)" enabled
check "as user kard" "$(vm ps -o user= -C kard | tr -d ' ')" kard
# CAP_NET_ADMIN is 12, CAP_NET_RAW 13.
check "with two capabilities" "$(vm sh -c 'grep CapEff /proc/$(pidof kard)/status' | tr -d '\t ')" "CapEff:0000000000003000"
check "it cannot gain others" "$(vm sh -c 'grep NoNewPrivs /proc/$(pidof kard)/status' | tr -d '\t ')" "NoNewPrivs:1"
check "socket" "$(vm stat -c '%a %U %G' /run/kard/kard.sock)" "660 kard kard"
check "folder of the socket" "$(vm stat -c '%a %U %G' /run/kard)" "750 kard kard"
check "store" "$(vm stat -c '%a %U' /var/lib/kard)" "700 kard"
check "settings are a conffile" "$(vm dpkg-query -W -f '${Conffiles}' kar | grep -c kard.yaml)" 1
check "settings are right" "$(vm kard --check-config)" "/etc/kard/kard.yaml is right"
check "manual pages" "$(vm man -w karctl kard kard.yaml | wc -l)" 3
check "bash completion" "$(vm bash -c '. /usr/share/bash-completion/completions/karctl && complete -p karctl')" "complete -F _karctl karctl"
check "zsh completion" "$(vm head -c 15 /usr/share/zsh/vendor-completions/_karctl)" "#compdef karctl"

# A member of the group may; somebody else may not.
vm useradd --groups kard member
vm useradd stranger
check "init by a member of group kard" "$(vm setpriv --reuid member --init-groups karctl init --node n1 >"$vm_work/out" 2>&1; echo $?)" 0
check "a stranger is kept out" "$(vm setpriv --reuid stranger --init-groups karctl status >"$vm_work/out" 2>&1; echo $?)" 7

cat >"$vm_work/net.yaml" <<'YAML'
kind: vlan
name: storage
nodes: [n1]
spec: {parent: eth0, tag: 110, address: 10.0.110.1/24}
---
kind: switch
name: lan
nodes: [n1]
spec: {uplink: eth1, address: 192.0.2.1/24}
---
kind: port
name: guest0
nodes: [n1]
spec: {switch: lan, type: tap}
YAML
vm karctl apply --yes -f "/run/kar-vm/host$vm_work/net.yaml" >"$vm_work/out" 2>&1 || sed 's/^/  /' "$vm_work/out"
check "apply: active" "$(grep -c active "$vm_work/out")" 1
# Names, addresses, MACs, and whether they are up: not the carrier, which the kernel notices later.
network() {
    vm sh -c 'ip -br addr show dev storage; ip -br addr show dev lan; ip -br link show master lan' |
        sed 's/fe80[^ ]*//; s/ *$//; s/  */ /g; s/ \(UP\|DOWN\|UNKNOWN\|LOWERLAYERDOWN\) / /
            s/NO-CARRIER,//; s/,LOWER_UP//' | cut -d' ' -f1,2,3 | sort
}
before=$(network)
check_has "the VLAN is there" "$before" "storage@eth0 10.0.110.1/24"
check_has "the switch is there" "$before" "lan 192.0.2.1/24"

vm sh -c "systemctl kill -s KILL kard"
check "killed, it comes back" "$(vm_wait 20 vm karctl status; echo $?)" 0
check "and the network is as before" "$(network)" "$before"

vm_tool reboot 2>&1 | sed 's/^/  /'
# The agent is ready (Type=notify) before network.target is reached: nothing is waited for but that.
vm systemctl is-system-running --wait >/dev/null
check "after a restart of the machine: the network" "$(network)" "$before"
check "after a restart of the machine: the plan is empty" "$(vm karctl drift -o json | tr -d ' \n')" '{"standing":[],"repaired":[]}'
check "restored before network.target" \
    "$(vm sh -c 'test $(systemctl show -P ActiveEnterTimestampMonotonic kard) -le $(systemctl show -P ActiveEnterTimestampMonotonic network.target); echo $?')" 0
check "no unit failed" "$(vm systemctl --failed --no-legend | wc -l)" 0
check "no error in its journal" "$(vm journalctl -u kard -p err -q --no-pager | wc -l)" 0

check "removed" "$(vm dpkg -r kar >"$vm_work/out" 2>&1; echo $?)" 0
check "the agent is gone" "$(vm pidof kard; echo $?)" 1
check "the network stays" "$(network)" "$before"
vm_end
