#!/usr/bin/env bash
# kard itself on the real kernel: start, drift, kill, restart, rights, many clients, its exit.
#
#      eth1 ---- eth1-far        eth2 ---- eth2-far       foreign interfaces; nothing behind them
#       |
#      lan (switch) --- tap7 (port)
here=$(dirname "$0")
. "$here/lib.sh"

# No duplicate address detection: link-local addresses are there at once, in both snapshots.
for all in all default; do echo 0 >/proc/sys/net/ipv6/conf/$all/accept_dad; done
lab_nics eth1 eth2
kernel_snapshot >"$LAB_DIR/before"
sock=$KARD_ROOT/run/kard/kard.sock

has() { ip link show dev "$1" >/dev/null 2>&1 && echo yes || echo no; }
until_is() { # what, expected, command…: within a minute
    local what=$1 want=$2 until=$((SECONDS + 60))
    shift 2
    until [ "$("$@" 2>/dev/null)" = "$want" ] || [ $SECONDS -ge $until ]; do sleep 0.02; done
    check "$what" "$("$@" 2>/dev/null)" "$want"
}
net='
kind: switch
name: lan
spec: {uplink: eth1}
---
kind: port
name: tap7
spec: {switch: lan, owner: web7}
'

# --- options -------------------------------------------------------------------------------------
check_has "--help teaches" "$("$KARD" --help)" "karctl --socket"
check_has "--version" "$("$KARD" --version)" "kard 0"
"$KARD" --nonsense >/dev/null 2>&1
check "an unknown option is a usage error" $? 2
"$KARD" start >/dev/null 2>&1
check "an argument is a usage error" $? 2
mkdir -p "$KARD_ROOT/etc/kard"
printf 'group: nogroup\ngruop: x\n' >"$KARD_ROOT/etc/kard/kard.yaml"
out=$("$KARD" --check-config 2>&1)
check "--check-config refuses" $? 3
check_has "an unknown setting is named with its line" "$out" "kard.yaml:2: there is no setting gruop"
"$KARD" >/dev/null 2>&1
check "kard does not start on it either" $? 3
printf 'log_level: detail\nnode: n1\n' >"$KARD_ROOT/etc/kard/kard.yaml"
"$KARD" --check-config >/dev/null 2>&1
check "--check-config accepts" $? 0

# --- start ---------------------------------------------------------------------------------------
kard_start
check "the socket's mode where there is no group kard" "$(stat -c %a "$sock")" "$(getent group kard >/dev/null && echo 660 || echo 600)"
check "the store's mode" "$(stat -c %a "$KARD_ROOT/var/lib/kard/kard.mdb")" 600
out=$("$KARD" 2>&1)
check "a second kard on the same store ends" $? 1
check_has "and says who has it" "$out" "kard with pid $kard_pid"
karctl apply -f - <<<"$net" >/dev/null 2>"$LAB_DIR/err"
check "before init: refused as not found" $? 5
check_has "before init: the fix" "$(cat "$LAB_DIR/err")" "karctl init"
karctl init >/dev/null
check "the node's name is kard.yaml's" "$(karctl status -o json | gojq -r .node.name)" n1

# --- a file to the kernel ------------------------------------------------------------------------
karctl apply -f - <<<"$net" >"$LAB_DIR/out" 2>&1
check "apply ($(tail -1 "$LAB_DIR/out"))" $? 0
check "the switch is there" "$(has lan)" yes
check "the port is on it" "$(ip -j link show dev tap7 | gojq -r '.[0].master')" lan
check "the uplink is on it" "$(ip -j link show dev eth1 | gojq -r '.[0].master')" lan
check "nothing is left to do" "$(karctl drift -o json | gojq -c .standing)" "[]"

# --- drift (OP-2) --------------------------------------------------------------------------------
ip link del tap7
until_is "a deleted port comes back" lan sh -c "ip -j link show dev tap7 | gojq -r '.[0].master'"
ip link del lan
until_is "a deleted switch comes back with its ports" "eth1 tap7" \
    sh -c "ip -j link show master lan | gojq -r 'map(.ifname) | sort | join(\" \")'"
ip link set tap7 down
until_is "a port that was set down comes up" 1 \
    sh -c "ip -j link show dev tap7 | gojq '.[0].flags | map(select(. == \"UP\")) | length'"
check "the repairs are told" "$([ "$(karctl drift -o json | gojq '.repaired | length')" -ge 3 ] && echo yes)" yes
ip link add foreign type bridge
sleep 0.2
check "a foreign bridge stays" "$(has foreign)" yes

# --- a VM's name (W rows) ------------------------------------------------------------------------
if command -v python3 >/dev/null; then
    karctl port set tap7 --owner "" >/dev/null 2>&1
    karctl apply -f - <<<'{kind: port, name: tap7, spec: {switch: lan}}' >/dev/null 2>&1
    python3 -c '
import fcntl, struct, sys, time
f = open("/dev/net/tun", "r+b", buffering=0)
for _ in range(100): # until kard has let go of what it just made
    try:
        fcntl.ioctl(f, 0x400454ca, struct.pack("16sH14x", b"tap7", 0x1002))
        print("held", flush=True)
        break
    except OSError as e:
        print(e, file=sys.stderr)
        time.sleep(0.2)
time.sleep(600)' -name guest=web8,debug-threads=on >"$LAB_DIR/vm" &
    vm=$!
    until_is "somebody holds the TAP" held cat "$LAB_DIR/vm"
    check_has "the warning names the VM of the process" \
        "$(karctl switch delete lan 2>&1 </dev/null)" web8
    kill $vm
    wait $vm 2>/dev/null
else
    skip "a VM's name by its process" "there is no python3"
fi

# --- rights --------------------------------------------------------------------------------------
if command -v setpriv >/dev/null && [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --clear-groups true 2>/dev/null; then
    chmod 755 "$LAB_DIR" "$KARD_ROOT" # mktemp made it ours alone
    setpriv --reuid 65534 --regid 65534 --clear-groups "$KARCTL" status >/dev/null 2>"$LAB_DIR/err"
    check "a stranger is denied" $? 7
else
    skip "a stranger is denied" "this user cannot become another one"
fi

# --- an ordinary user with one capability, as the package runs it ----------------------------------
cap=(setpriv --reuid 65534 --regid 65534 --clear-groups)
if "${cap[@]}" --inh-caps +net_admin --ambient-caps +net_admin true 2>/dev/null; then
    user_root=$LAB_DIR/user
    mkdir -p "$user_root" && chown 65534:65534 "$user_root"
    out=$("${cap[@]}" --inh-caps -all --bounding-set -net_admin "$KARD" --root "$user_root" 2>&1)
    check "without CAP_NET_ADMIN kard ends as denied" $? 7
    check_has "and says what it needs" "$out" "CAP_NET_ADMIN"
    "${cap[@]}" --inh-caps +net_admin --ambient-caps +net_admin "$KARD" --root "$user_root" \
        >"$LAB_DIR/user.log" 2>&1 &
    user_pid=$!
    until_is "with it kard starts" socket sh -c "[ -S '$user_root/run/kard/kard.sock' ] && echo socket"
    user_karctl() { "${cap[@]}" "$KARCTL" --socket "$user_root/run/kard/kard.sock" "$@"; }
    user_karctl init --node n2 >/dev/null
    user_karctl switch create byuser >/dev/null 2>"$LAB_DIR/err"
    check "its own user may change things ($(tail -1 "$LAB_DIR/err"))" "$(has byuser)" yes
    user_karctl switch delete byuser >/dev/null
    kill -TERM $user_pid
    wait $user_pid
    check "and it ends well" $? 0
else
    skip "an ordinary user with one capability" "this user cannot become another one"
fi

# --- crash and restart (OP-1) --------------------------------------------------------------------
last=$(karctl history -o json | gojq -r '.[0].change')
kard_kill
check "after SIGKILL the network stays" "$(has lan)$(has tap7)" yesyes
ip link del lan
ip link del tap7
kard_start
until_is "the next start restores it" lan sh -c "ip -j link show dev tap7 | gojq -r '.[0].master'"
check "the history is there" "$(karctl history -o json | gojq -r '.[0].change')" "$last"
kard_stop
check "kard ends well" $? 0
check "after SIGTERM the network stays" "$(has lan)$(has tap7)" yesyes
check "after SIGTERM the socket is gone" "$([ -e "$sock" ] && echo there)" ""
kard_start
check "nothing was changed by the restart" "$(karctl drift -o json | gojq -c .standing)" "[]"

# A socket that a killed kard left behind is in nobody's way (kard_start above), a living one is.
out=$("$KARD" --root "$LAB_DIR/other" --socket "$sock" 2>&1)
check "another agent's socket is not taken" $? 1
check_has "and it is said" "$out" "another agent listens"

# --- many clients --------------------------------------------------------------------------------
seq 1 40 | xargs -P 20 -I{} "$KARCTL" switch create "s{}" --yes >/dev/null 2>"$LAB_DIR/err"
check "40 creates at once ($(tail -1 "$LAB_DIR/err"))" "$(karctl switch list -o json | gojq 'map(select(.name | startswith("s"))) | length')" 40
check "all are in the kernel" "$(ip -j link show type bridge | gojq 'map(select(.ifname | test("^s[0-9]"))) | length')" 40
seq 1 200 | xargs -P 20 -I{} "$KARCTL" status >/dev/null 2>"$LAB_DIR/err"
check "200 reads at once" "$(cat "$LAB_DIR/err")" ""
fds=$(ls "/proc/$kard_pid/fd" | wc -l)
seq 1 100 | xargs -P 20 -I{} timeout 0.05 "$KARCTL" watch >/dev/null 2>&1
until_is "clients that vanish leave no descriptor" "$fds" sh -c "ls /proc/$kard_pid/fd | wc -l"
seq 1 40 | xargs -P 20 -I{} "$KARCTL" switch delete "s{}" --yes >/dev/null 2>&1

# --- nothing remains -----------------------------------------------------------------------------
karctl port delete tap7 --yes >/dev/null
karctl switch delete lan --yes >/dev/null
ip link del foreign
kernel_snapshot >"$LAB_DIR/after"
check "everything removed is gone without residue" "$(diff "$LAB_DIR/before" "$LAB_DIR/after")" ""
check "no error was logged" "$(grep -c ' error ' "$LAB_DIR/kard.log")" 0
lab_end
