#!/usr/bin/env bash
# The first steps of a new user with the real kard, and the mistakes on the way: each mistake with its
# text and exit code, and with nothing changed, neither in what is asked for nor in the kernel.
# VLANs: cli_vlan_test.sh.
#
#      eth1 ---- eth1-far        eth2 ---- eth2-far       foreign interfaces; nothing behind them
#       |
#      lan (switch) --- web1 (port, veth)
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/try.sh"

# --- nobody there ---------------------------------------------------------------------------------
try status
check "no agent: exit" "$code" 4
check "no agent: text" "$err" "error: kard is not running
  why: there is no socket $KARD_ROOT/run/kard/kard.sock
  fix: systemctl start kard, or name another agent with --socket"
try version
check "no agent: version is told all the same" "$code" 0

# --- founding -------------------------------------------------------------------------------------
kard_start
try switch create lan
check "no cluster: exit" "$code" 5
check_has "no cluster: fix" "$err" "karctl init"
try status
check_has "status without a cluster" "$out" "found one: karctl init"
try init --cluster lab --node n1
check "init: exit" "$code" 0
check_has "init: the cluster" "$out" "cluster lab"
check_has "init: the node" "$out" "this node is n1"
try init
check "init twice: exit" "$code" 5
try status
check "status of an empty cluster: exit" "$code" 0
check_has "status of an empty cluster" "$out" "converged"
try nic list
check "nic list: exit" "$code" 0
check_has "nic list: eth1" "$out" "eth1"
check "nic list -o name" "$(karctl nic list -o name | grep -c -x 'eth[12]')" 2
try node list
check_has "node list" "$out" "n1"

# --- a file to the kernel -------------------------------------------------------------------------
cat >net.yaml <<'YAML'
kind: switch
name: lan
spec:
  uplink: eth1
  mtu: 1400
---
kind: port
name: web1
spec: {switch: lan, type: veth, owner: web server}
YAML
try diff -f net.yaml
check "diff before: exit" "$code" 1
check_has "diff before" "$out" "+ switch lan"
world >"$LAB_DIR/kept"
try plan -f net.yaml
check "plan: exit" "$code" 0
check_has "plan: the line at the top" "$out" "+1 switch +1 port   1 node, "
check_has "plan: an operation" "$out" "create bridge lan"
world >"$LAB_DIR/after"
check "plan changes nothing" "$(diff "$LAB_DIR/kept" "$LAB_DIR/after")" ""
check "plan keeps nothing" "$(karctl switch list -o name)" ""
try apply -f net.yaml -m "first steps"
check "apply: exit" "$code" 0
check_has "apply: the plan" "$out" "plan "
check_has "apply: the node's line" "$out" " n1 + active  "
check "apply: the bridge" "$(ip -d -j link show dev lan | gojq -r '.[0].linkinfo.info_kind')" bridge
check "apply: its uplink" "$(ip -j link show dev eth1 | gojq -r '.[0].master')" lan
check "apply: its port" "$(ip -j link show dev web1 | gojq -r '.[0].master')" lan
try diff -f net.yaml
check "diff after: exit" "$code" 0
try apply -f net.yaml
check "apply again: exit" "$code" 0
check "apply again: text" "$out" "nothing to change"
try status
check "status: exit" "$code" 0

# --- looking --------------------------------------------------------------------------------------
try switch list
check "switch list: exit" "$code" 0
check_has "switch list: titles" "$out" "NAME  NODE  UPLINK"
check_has "switch list: a row" "$out" "lan   n1    eth1"
check_has "switch list: the count, on a terminal" \
    "$(script -qec "$KARCTL switch list" /dev/null </dev/null)" "1 switch: 1 active"
check "switch list: no word beside the data in a pipe" "$err" ""
check "switch list -o json" "$(karctl switch list -o json | gojq -r '.[0].spec.uplink')" eth1
try switch show lan
check_has "switch show: the port" "$out" "web1"
check_has "switch show: the MAC table" "$out" "mac table"
check_has "switch show: counters" "$out" "received"
try port show web1
check_has "port show: the owner" "$out" "web server"
try nic show eth1 --stats
check "nic show --stats: exit" "$code" 0
check_has "nic show --stats: counters" "$out" "received"
try cluster show
check "cluster show: exit" "$code" 0
check_has "cluster show" "$out" "switches per node max"

# What is shown can be edited and applied.
karctl switch show lan -o yaml | sed 's/mtu: 1400/mtu: 1300/' | karctl apply -f - --yes >/dev/null 2>"$LAB_DIR/err"
check "show -o yaml | apply: exit" $? 0
check "show -o yaml | apply: the kernel" "$(ip -j link show dev lan | gojq '.[0].mtu')" 1300
karctl switch list -o json | karctl diff -f - >/dev/null
check "list -o json | diff: nothing differs" $? 0
karctl export | karctl diff -f - >/dev/null
check "export | diff: nothing differs" $? 0

# --- history and undo -----------------------------------------------------------------------------
try history
check_has "history: the message" "$out" "first steps"
last=$(karctl history --limit 1 -o json | gojq -r '.[0].change')
try history show "${last:0:8}"
check "history show: exit" "$code" 0
check_has "history show: verified" "$out" "verified"
try undo "${last:0:8}" -m "too small" --yes
check "undo: exit" "$code" 0
check "undo: the kernel" "$(ip -j link show dev lan | gojq '.[0].mtu')" 1400
try history diff "${last:0:8}"
check "history diff: exit" "$code" 1
check_has "history diff" "$out" "mtu: 1300"
mistake "undo of an unknown change" 5 "" undo 00000000

# --- mistakes -------------------------------------------------------------------------------------
mistake "a command mistyped" 2 "did you mean: karctl switch" swicth list
mistake "an option mistyped" 2 "did you mean: --uplink" switch create br1 --uplnik eth2
mistake "an option without its value" 2 "--uplink needs a value" switch create br1 --uplink
mistake "a tag out of range, as a flag" 3 "at: --tag" vlan create v --parent eth2 --tag 5000
mistake "a switch that is not there" 5 "br9" switch show br9
mistake "a delete of what is not there" 5 "br9" switch delete br9
mistake "a name twice, in other letters" 3 "lan" switch create LAN
mistake "the same name again" 5 "lan" switch create lan
mistake "an uplink that is not there" 3 "eth9" switch create br1 --uplink eth9
mistake "an uplink that another switch has" 3 "lan" switch create br1 --uplink eth1
mistake "a file that is not there" 5 "nowhere.yaml" apply -f nowhere.yaml

printf 'kind: vlan\nname: storage\nspec:\n  parent: eth2\n  tag: 5000\n---\nkind: switch\nname: br1\nspec:\n  uplnik: eth2\n' >bad.yaml
mistake "a tag out of range, in a file" 3 "at: bad.yaml:5 (spec.tag)" apply -f bad.yaml
check_has "all errors of a file at once: the other" "$err" "at: bad.yaml:10 (spec.uplnik)"
check_has "an unknown field: the one that was meant" "$err" "uplink"
check_has "all errors of a file are counted" "$err" "2 errors"
check_has "a refused file changes nothing, and says so" "$err" "nothing was changed"
printf 'kind: switch\nname: br1\n---\nkind: swich\nname: br2\n' >bad.yaml
mistake "an unknown kind" 3 "bad.yaml:4" apply -f bad.yaml
printf 'kind: switch\nname: [br1\n' >bad.yaml
mistake "no YAML" 3 "bad.yaml" apply -f bad.yaml
mistake "a directory" 2 "is a directory" apply -f .
try switch create LAN -o json
check "errors as JSON" "$(gojq -r '.error.code' <<<"$err")" name-taken

mistake "a warning without --yes" 3 "add --yes" switch delete lan
check_has "a warning names who is attached" "$err" "web server"
try switch delete lan --dry-run
check "a dry run asks for no yes: exit" "$code" 0
check_has "a dry run: the plan" "$out" "-1 switch"
check "a dry run changes nothing" "$(ifname_of lan)" lan

# --- rights ---------------------------------------------------------------------------------------
if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
    world >"$LAB_DIR/before"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$KARCTL" switch create br1 >"$LAB_DIR/out" 2>"$LAB_DIR/err"
    check "another user: exit" $? 7
    check_has "another user: the fix" "$(<"$LAB_DIR/err")" "group kard"
    world >"$LAB_DIR/after"
    check "another user: nothing changed" "$(diff "$LAB_DIR/before" "$LAB_DIR/after")" ""
else
    skip "another user" "one user only in this namespace"
fi

# --- drift and watching ---------------------------------------------------------------------------
karctl watch -o json >"$LAB_DIR/events" 2>/dev/null &
watcher=$!
for _ in $(seq 100); do grep -q watching "$LAB_DIR/events" && break; sleep 0.05; done
ip link set dev lan mtu 1350
for _ in $(seq 100); do [ "$(ip -j link show dev lan | gojq '.[0].mtu')" = 1400 ] && break; sleep 0.05; done
check "drift is repaired" "$(ip -j link show dev lan | gojq '.[0].mtu')" 1400
for _ in $(seq 100); do grep -q '"drift"' "$LAB_DIR/events" && break; sleep 0.05; done
check "watch: the drift" "$(gojq -r 'select(.type == "drift") | .name' "$LAB_DIR/events" | head -1)" lan
try drift
check "drift: exit when it is repaired" "$code" 0
check_has "drift: what was repaired" "$out" "switch lan"

karctl switch list -w >"$LAB_DIR/rows" 2>/dev/null &
lister=$!
for _ in $(seq 100); do grep -q lan "$LAB_DIR/rows" && break; sleep 0.05; done
try switch create br1
check "create: exit" "$code" 0
for _ in $(seq 100); do grep -q '^br1 .*active' "$LAB_DIR/rows" && break; sleep 0.05; done
check "list -w: the new row" "$(grep -c '^br1 .*active' "$LAB_DIR/rows")" 1
check "list -w: it stands below its titles" \
    "$(awk '/^NAME/ {h = index($0, "STATUS")} /^br1 .*active/ {print index($0, "active") - h}' "$LAB_DIR/rows")" 0
try switch delete br1
for _ in $(seq 100); do grep -q '^br1 .*deleted' "$LAB_DIR/rows" && break; sleep 0.05; done
check "list -w: the row that went" "$(grep -c '^br1 .*deleted' "$LAB_DIR/rows")" 1
kill "$watcher" "$lister"

# --- set, doctor, delete --------------------------------------------------------------------------
mistake "a change below a VM without --yes" 3 "web server" switch set lan --stp
try switch set lan --stp --unset mtu --yes
check "set: exit" "$code" 0
check "set: the kernel" "$(ip -d -j link show dev lan | gojq '.[0].linkinfo.info_data.stp_state')" 1
try node set n1 --label rack=a
check "node set: exit" "$code" 0
check "node set: kept" "$(karctl node show n1 -o json | gojq -r '.spec.labels.rack')" a
try cluster set --switches-per-node-max 1
check "cluster set: exit" "$code" 0
mistake "one switch too many" 3 "switches" switch create br1
try nic set eth2 --mtu 1300
check "nic set: exit" "$code" 0
check "nic set: the kernel" "$(ip -j link show dev eth2 | gojq '.[0].mtu')" 1300
try nic set eth2 --unset mtu
check "nic set --unset: given back" "$(ip -j link show dev eth2 | gojq '.[0].mtu')" 1500
try doctor
check_has "doctor: checks are counted" "$out" " ok, "
try port delete web1
check "port delete: exit" "$code" 0
try switch delete lan --yes
check "switch delete: exit" "$code" 0
check "switch delete: the kernel" "$(ifname_of lan)" ""
check "switch delete: the uplink is free" "$(ip -j link show dev eth1 | gojq -r '.[0].master')" null

# --- the agent dies -------------------------------------------------------------------------------
kard_kill
try switch list
check "a dead agent: exit" "$code" 4
check_has "a dead agent: text" "$err" "nobody listens on"
kard_start
try history -o name
check "after a restart the history is there" "$code" 0
lab_end
