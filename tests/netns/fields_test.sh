#!/usr/bin/env bash
# Every kind and field on the real kernel: created, changed, removed, and compared with what ip and
# bridge say. The fields come from docs/schema.json (generated from the table in the code): a field
# that has no case below fails the suite. Kinds that this kernel lacks are skipped by name here and
# run in the VM tier.
#
#      eth1 ---- eth1-far        eth2 ---- eth2-far       foreign interfaces; nothing behind them
#       |
#      t110 (vlan) --- lan (switch) --- p0 (port)
here=$(dirname "$0")
. "$here/lib.sh"
schema=$lab_source/docs/schema.json

lab_nics eth1 eth2
ip addr add 192.0.2.1/24 dev eth2
kernel_snapshot >"$LAB_DIR/before"
kard_start
karctl init --node n1 >/dev/null || exit 1
declare -A tested
has_vlan=1 has_filtering=1
kernel_has vlan || has_vlan=0
kernel_has vlan_filtering || has_filtering=0

# Short of programs: the VM tier runs this emulated, where each start takes 0.1 s and gojq's 0.4 s.
doc() { # kind name spec
    printf '{"kind":"%s","name":"%s","nodes":["n1"],"spec":%s}' "$1" "$2" "$3"
}
apply() { # document…; its code; what it said in $out, the last line in $said
    local code=0
    out=$(printf '%s\n---\n' "$@" | karctl apply -f - --yes --force 2>&1) || code=$?
    said=${out##*$'\n'}
    return $code
}
with() { # spec field value
    local rest=${1#\{}
    printf '{"%s":%s%s%s' "$2" "$3" "$([ "$rest" = "}" ] || echo ,)" "$rest"
}

# In the VM, what the host's own kernel has was tested there, ten times as fast.
here_too() { [ -z "${KAR_HOST_LACKS_ONLY:-}" ]; }

declare -A immutable
fields=()
while read -r f fixed; do
    fields+=("$f")
    immutable[$f]=$fixed
done < <(gojq -r '.["$defs"] | to_entries[] | .key as $k | .value.properties.spec.properties // {}
    | to_entries[] | "\($k).\(.key) \(.value["x-immutable"] == true)"' "$schema")

# field KIND NAME FIELD BASE FIRST SECOND PROBE FIRST' SECOND' UNSET' [CONTEXT…]
#   BASE    the spec around the field; CONTEXT documents that must stand beside it
#   PROBE   prints what the kernel has; FIRST', SECOND', UNSET': what it is to print. "gone": not there.
# An immutable field is refused when changed, then deleted and created anew.
field() {
    local kind=$1 name=$2 f=$3 base=$4 first=$5 second=$6 probe=$7 want1=$8 want2=$9 unset=${10} code
    shift 10
    tested[$kind.$f]=1
    local vlan=0 filtering=0
    { [ "$kind" = vlan ] || [[ "$*" == *'"kind":"vlan"'* ]]; } && vlan=1
    { [ "$f" = vlan_filtering ] || [[ "$*" == *vlan_filtering* ]]; } && filtering=1
    if [ $vlan = 1 ] && [ $has_vlan = 0 ]; then
        skip "$kind.$f" "this kernel lacks 802.1Q"
        return
    fi
    if [ $filtering = 1 ] && [ $has_filtering = 0 ]; then
        skip "$kind.$f" "this kernel lacks VLAN filtering on bridges"
        return
    fi
    here_too || [ $vlan = 1 ] || [ $filtering = 1 ] || return
    apply "$@" "$(doc "$kind" "$name" "$(with "$base" "$f" "$first")")"
    check "$kind.$f created as $first ($said)" "$(eval "$probe" 2>/dev/null)" "$want1"
    if [ "$first" != "$second" ] && [ "${immutable[$kind.$f]:-}" = true ]; then
        code=0
        apply "$(doc "$kind" "$name" "$(with "$base" "$f" "$second")")" || code=$?
        check "$kind.$f is immutable: exit" $code 3
        check_has "$kind.$f is immutable: message" "$out" "karctl $kind delete $name"
        check "$kind.$f refused, nothing changed" "$(eval "$probe" 2>/dev/null)" "$want1"
        karctl "$kind" delete "$name" --yes >/dev/null 2>&1
    fi
    apply "$@" "$(doc "$kind" "$name" "$(with "$base" "$f" "$second")")"
    check "$kind.$f changed to $second ($said)" "$(eval "$probe" 2>/dev/null)" "$want2"
    if [ "$unset" != - ]; then
        apply "$@" "$(doc "$kind" "$name" "$base")"
        check "$kind.$f unset ($said)" "$(eval "$probe" 2>/dev/null)" "$unset"
    fi
    # What the kernel does by itself a moment later is repaired within the next.
    local until=$((SECONDS + 20))
    until kard_settled || [ $SECONDS -ge $until ]; do sleep 0.1; done
    check_has "$kind.$f: nothing left to do" "$standing" '"standing":[]'
    sweep
}

# Removes every object that a case made; the kernel must be as it was.
sweep() {
    local kind name word rest
    local -A left=()
    while read -r word rest; do
        case $word in
        kind:) kind=$rest ;;
        name:) left[$kind]+=" $rest" ;;
        esac
    done < <(karctl export | grep -E '^(kind|name):')
    for kind in port overlay switch vlan nic; do
        for name in ${left[$kind]:-}; do
            karctl $kind delete "$name" --yes >/dev/null 2>&1 || echo "sweep: $kind $name stays"
        done
    done
    kernel_snapshot >"$LAB_DIR/after"
    check "removed without residue" "$(diff "$LAB_DIR/before" "$LAB_DIR/after")" ""
}

# behaviour KIND FIELD: a field that acts through another object or only in kar itself; true where its
# own checks are to run.
behaviour() { tested[$1.$2]=1 && here_too; }

link() { ip -d -j link show dev "$1" | gojq -r ".[0]$2 // \"gone\""; }
info() { ip -d -j link show dev "$1" | gojq -r ".[0].linkinfo.info_data$2"; }
addrs() { ip -j addr show dev "$1" | gojq -r '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort | join(" ")'; }

# --- nic -----------------------------------------------------------------------------------------
field nic eth1 mtu '{}' 1400 1450 'link eth1 .mtu' 1400 1450 1500
field nic eth1 address '{}' '["10.9.0.1/24"]' '["10.9.0.2/24","fd00:9::2/64"]' 'addrs eth1' \
    "10.9.0.1/24" "10.9.0.2/24 fd00:9::2/64" ""
field nic eth1 gateway '{"address":["10.9.0.1/24"]}' '"10.9.0.254"' '"10.9.0.253"' \
    'ip -j route show default dev eth1 | gojq -r "map(.gateway) | join(\" \")"' 10.9.0.254 10.9.0.253 ""

# --- vlan ----------------------------------------------------------------------------------------
v='{"parent":"eth1","tag":110}'
field vlan t110 parent '{"tag":110}' '"eth1"' '"eth2"' 'link t110 .link' eth1 eth2 -
field vlan t110 tag '{"parent":"eth1"}' 110 111 'info t110 .id' 110 111 -
field vlan t110 protocol "$v" '"802.1ad"' '"802.1Q"' 'info t110 .protocol' 802.1ad 802.1Q -
field vlan t110 address "$v" '["10.0.110.1/24"]' '["10.0.110.2/24","fd00:110::2/64"]' 'addrs t110' \
    "10.0.110.1/24" "10.0.110.2/24 fd00:110::2/64" ""
dhcp_server() { # on tag 110 behind eth1, in a namespace of its own: everybody gets one of two addresses
    ip netns add dhcp && ip link set eth1-far netns dhcp &&
        ip -n dhcp link set eth1-far up &&
        ip -n dhcp link add link eth1-far name v110 type vlan id 110 &&
        ip -n dhcp addr add 10.0.110.254/24 dev v110 && ip -n dhcp link set v110 up
    printf 'start 10.0.110.50\nend 10.0.110.51\ninterface v110\nlease_file %s/leases\npidfile %s/udhcpd.pid\noption subnet 255.255.255.0\noption router 10.0.110.254\n' \
        "$LAB_DIR" "$LAB_DIR" >"$LAB_DIR/udhcpd.conf"
    touch "$LAB_DIR/leases"
    ip netns exec dhcp udhcpd -f "$LAB_DIR/udhcpd.conf" >/dev/null 2>&1 &
}
leased() { # waits until t110 has an address (or, with "no", has none)
    for _ in $(seq 1 100); do
        case "$1:$(addrs t110)" in
        yes:10.0.110.5[01]/24 | no:) break ;;
        esac
        sleep 0.1
    done
    addrs t110 | sed 's/\.5[01]/.5x/'
}
tested[vlan.dhcp]=1
if [ $has_vlan = 1 ]; then
    dhcp_server
    apply "$(doc vlan t110 '{"parent":"eth1","tag":110,"dhcp":true}')"
    check "vlan.dhcp: leased" "$(leased yes)" 10.0.110.5x/24
    check "vlan.dhcp: its gateway" "$(ip -j route show default dev t110 | gojq -r '.[0].gateway')" 10.0.110.254
    kard_kill
    kard_start
    check "vlan.dhcp: leased after a crash" "$(leased yes)" 10.0.110.5x/24
    apply "$(doc vlan t110 '{"parent":"eth1","tag":110}')"
    check "vlan.dhcp: off again" "$(leased no)" ""
    ip -n dhcp link set eth1-far netns 1
    ip netns del dhcp
    ip link set eth1-far up
    sweep
else
    skip vlan.dhcp "this kernel lacks 802.1Q"
fi
field vlan t110 gateway '{"parent":"eth1","tag":110,"address":["10.0.110.1/24"]}' '"10.0.110.254"' '"10.0.110.253"' \
    'ip -j route show default dev t110 | gojq -r "map(\"\(.gateway) \(.metric)\") | join(\" \")"' \
    "10.0.110.254 1134" "10.0.110.253 1134" ""
field vlan t110 mtu "$v" 1400 1450 'link t110 .mtu' 1400 1450 1500

# --- switch --------------------------------------------------------------------------------------
field switch lan uplink '{}' '"eth1"' '"eth2"' \
    'ip -j link show master lan | gojq -r "map(.ifname) | join(\" \")"' eth1 eth2 ""
field switch lan stp '{}' true false 'info lan .stp_state' 1 0 0
field switch lan stp_priority '{}' 4096 8192 'info lan .priority' 4096 8192 32768
field switch lan vlan_filtering '{}' true false 'info lan .vlan_filtering' 1 0 0
field switch lan ageing_s '{}' 60 120 'info lan .ageing_time' 6000 12000 30000
field switch lan address '{}' '["10.1.0.1/24"]' '["10.1.0.2/24"]' 'addrs lan' 10.1.0.1/24 10.1.0.2/24 ""
field switch lan mtu '{}' 1400 1450 'link lan .mtu' 1400 1450 1500
# ip 6.1 does not print the limit: read from the agent's own dump, which the attribute test compares.
if ! behaviour switch mac_table_max; then
    : # the VM's kernel lacks it
elif karctl doctor -o json | gojq -e '.checks[] | select(.name == "kernel: a limit for a bridge'\''s MAC table (6.7)") | .result == "ok"' >/dev/null; then
    field switch lan mac_table_max '{}' 128 256 \
        'karctl switch show lan -o json | gojq -r .live.n1.mac_table.max' 128 256 0
else
    apply "$(doc switch lan '{"mac_table_max": 128}')"
    check_has "switch.mac_table_max: refused where the kernel lacks it" "$out" "this kernel lacks"
    sweep
fi

# --- overlay -------------------------------------------------------------------------------------
o='{"underlay":"eth2","vni":5000}'
dev='$(ip -d -j link show type vxlan | gojq -r ".[0].ifname")'
field overlay ov encapsulation "$o" '"vxlan"' '"vxlan"' "link $dev .linkinfo.info_kind" vxlan vxlan -
field overlay ov vni '{"underlay":"eth2"}' 5000 5001 "info $dev .id" 5000 5001 -
field overlay ov underlay '{"vni":5000}' '"eth2"' '"eth2"' "info $dev .local" 192.0.2.1 192.0.2.1 -
field overlay ov port "$o" 4790 4791 "info $dev .port" 4790 4791 4789
field overlay ov learning "$o" '"off"' '"flood"' "info $dev .learning" false true true
field overlay ov ageing_s "$o" 60 120 "info $dev .ageing" 60 120 300
field overlay ov limit "$o" 100 200 "info $dev '.limit // 0'" 100 200 0
field overlay ov ttl "$o" 9 10 "info $dev '.ttl // 0'" 9 10 0
field overlay ov tos "$o" 8 16 "info $dev '.tos // 0'" 0x8 0x10 0
field overlay ov mtu "$o" 1300 1350 "link $dev .mtu" 1300 1350 1450
fdb="bridge -j fdb show dev $dev | gojq -r 'map(select(.mac == \"00:00:00:00:00:00\") | .dst) | sort | join(\" \")'"
tested[overlay.endpoints]=1
field overlay ov endpoints '{"underlay":"eth2","vni":5000}' \
    '[{"node":"n1"},{"address":"192.0.2.7"},{"address":"192.0.2.8"}]' \
    '[{"node":"n1"},{"address":"192.0.2.8"},{"address":"192.0.2.9"},{"address":"192.0.2.10"}]' \
    "$fdb" "192.0.2.7 192.0.2.8" "192.0.2.10 192.0.2.8 192.0.2.9" -
tv=$(doc vlan t110 '{"parent":"eth1","tag":110,"address":["10.0.110.1/24"]}')
tw=$(doc vlan t120 '{"parent":"eth1","tag":120,"address":["10.0.120.1/24"]}')
# What an overlay stands on is fixed (OV-6): refused, with the commands that make it anew.
tested[overlay.vlan]=1
if [ $has_vlan = 1 ]; then
    apply "$tv" "$tw" "$(doc overlay ov '{"vni":5000,"vlan":"t110"}')"
    check "overlay.vlan: its address is the local end" "$(eval "info $dev .local")" 10.0.110.1
    apply "$(doc overlay ov '{"vni":5000,"vlan":"t120"}')"
    check "overlay.vlan is fixed: exit" $? 3
    check_has "overlay.vlan is fixed: message" "$out" "karctl overlay delete ov"
    check "overlay.vlan is fixed: nothing changed" "$(eval "info $dev .local")" 10.0.110.1
    sweep
else
    skip overlay.vlan "this kernel lacks 802.1Q"
fi

# --- port ----------------------------------------------------------------------------------------
sw=$(doc switch lan '{}')
s2=$(doc switch lan2 '{}')
sf=$(doc switch lan '{"vlan_filtering":true}')
p='{"switch":"lan"}'
field port p0 switch '{}' '"lan"' '"lan2"' 'link p0 .master' lan lan2 - "$sw" "$s2"
field port p0 type "$p" '"tap"' '"veth"' 'link p0 .linkinfo.info_kind' tun veth - "$sw"
field port p0 mac "$p" '"02:00:00:00:00:07"' '"02:00:00:00:00:08"' 'link p0 .address' 02:00:00:00:00:07 02:00:00:00:00:08 - "$sw"
field port p0 mtu "$p" 1400 1450 'link p0 .mtu' 1400 1450 - "$sw"
field port p0 vlan "$p" 10 20 \
    'bridge -j vlan show dev p0 | gojq -r ".[0].vlans | map(select(.flags // [] | index(\"PVID\")) | .vlan) | join(\" \")"' 10 20 - "$sf"
field port p0 trunk "$p" '[30,"40-42"]' '[31]' \
    'bridge -j vlan show dev p0 | gojq -r ".[0].vlans | map(select(.flags // [] | index(\"PVID\") | not) | [range(.vlan; (.vlanEnd // .vlan) + 1)]) | add | join(\" \")"' \
    "30 40 41 42" 31 - "$sf"
field port p0 user "$p" '"65534"' '"0"' 'info p0 .user // "root"' nobody root - "$sw"
field port p0 multi_queue "$p" true false 'info p0 .multi_queue' true false - "$sw"
field port p0 peer '{"switch":"lan","type":"veth"}' '"g0"' '"g1"' 'link p0 .link' g0 g1 - "$sw"
behaviour port owner # shown in warnings: rules_test and cli_test

# --- cluster and node: no kernel attribute of their own; what they change is checked here ------------
if behaviour cluster vni_range; then
    karctl cluster set --vni-range 7000-7001 --yes >/dev/null 2>&1
    apply "$(doc overlay ov '{"underlay":"eth2"}')"
    check "cluster.vni_range: the lowest free VNI" "$(eval "info $dev .id")" 7000
    sweep
fi
if behaviour cluster vni_pools; then
    karctl cluster set --vni-pools lab=8000-8010 --yes >/dev/null 2>&1
    apply "$(doc overlay ov '{"underlay":"eth2","vni":"lab"}')"
    check "cluster.vni_pools: drawn from the pool" "$(eval "info $dev .id")" 8000
    sweep
fi
if behaviour cluster switches_per_node_max; then
    karctl cluster set --switches-per-node-max 1 --yes >/dev/null 2>&1
    apply "$(doc switch lan '{}')" "$(doc switch lan2 '{}')"
    check "cluster.switches_per_node_max: exit" $? 3
    check "cluster.switches_per_node_max: nothing made" "$(link lan .ifname 2>/dev/null)" ""
    karctl cluster set --switches-per-node-max 100 --yes >/dev/null 2>&1
    sweep
fi
behaviour cluster vlan_tags_unique # rules_test; on the kernel:
if [ $has_vlan = 1 ]; then
    apply "$(doc vlan t110 '{"parent":"eth1","tag":110}')" "$(doc vlan u110 '{"parent":"eth2","tag":110}')"
    check "cluster.vlan_tags_unique=node: exit" $? 3
    karctl cluster set --vlan-tags-unique parent --yes >/dev/null 2>&1
    apply "$(doc vlan t110 '{"parent":"eth1","tag":110}')" "$(doc vlan u110 '{"parent":"eth2","tag":110}')"
    check "cluster.vlan_tags_unique=parent: exit ($said)" $? 0
    check "cluster.vlan_tags_unique=parent: both" "$(info t110 .id) $(info u110 .id)" "110 110"
    sweep
else
    skip cluster.vlan_tags_unique "this kernel lacks 802.1Q"
fi
if behaviour node key; then
    check "node.key is shown" "$(karctl node show n1 -o json | gojq -r '.spec.key | length')" 64
fi
if behaviour node labels; then
    karctl node set n1 --labels rack=a --yes >/dev/null 2>&1
    printf '{"kind":"switch","name":"lan","nodes":"rack=a","spec":{}}' | karctl apply -f - --yes >/dev/null 2>&1
    check "node.labels: selected by label" "$(link lan .ifname)" lan
    sweep
fi
if behaviour node roles; then
    karctl node set n1 --roles uplink=eth1 --yes >/dev/null 2>&1
    apply "$(doc switch lan '{"uplink":"uplink"}')"
    check "node.roles: uplink means eth1" "$(ip -j link show master lan | gojq -r '.[0].ifname')" eth1
    sweep
fi
behaviour node session   # said by the node itself: gossip's tests
behaviour node addresses # the same
if behaviour node management; then
    karctl node set n1 --management eth2 --yes >/dev/null 2>&1
    check "node.management is told" "$(karctl nic show eth2 -o json | gojq -r .management)" true
fi

# --- every field of the table has been here ----------------------------------------------------------
for f in "${fields[@]}"; do
    check "$f has a case" "${tested[$f]:-none}" 1
done
lab_end
