# witness.jq: what one node's kernel has, against what is asked for, field by field; prints a line for
# each difference and nothing when all is as it should be. Independent of kar's own code: it reads what
# karctl exports and what ip and bridge print, and works out itself what follows from the one for the
# other (docs/reference.md). In both directions: nothing that is asked for is missing, and nothing is
# there that nobody asked for, half-built above all.
#
# Input (witness.sh), slurped: every node's interfaces as they were before kar came; then for each node
# its status, its export, its objects of vlan, overlay, switch and port, its NICs, its links, addresses,
# forwarding entries, VLANs of bridge ports, routes. Twelve each.

def list: if . == null then [] elif type == "array" then . else [.] end;
def fold: ascii_downcase;
def numbered: if type == "string" then (ltrimstr("0x") | explode
    | reduce .[] as $c (0; . * 16 + (if $c > 96 then $c - 87 else $c - 48 end))) else . end;

.[0] as $bases | range(1; length; 12) as $first | .[$first:$first + 12]
| .[0] as $status | ($status.node.name // "n\(($first - 1) / 12 + 1)") as $node | $bases[$node] as $base
| if any(.[]; . == null) then "\($node): does not answer" else

# An overlay stands on the nodes that its ends name.
  (.[1] | map(if .spec.endpoints then .nodes = ([.spec.endpoints[].node | select(. != null)] | sort) else . end)) as $docs
# Settings of a NIC have no state of their own in its list.
| ([.[2:6][] | list[]] + [.[6][] | .settings | select(. != null)
    | . as $nic | .status[$node].state = (first($status.not_active[] | select(.kind == "nic" and .name == $nic.name and .node == $node) | .state)
        // "active")]) as $objects
| .[7] as $links | .[8] as $addrs | .[9] as $fdb | .[10] as $vlans | .[11] as $routes
| $status.cluster.id[0:8] as $cluster

# --- what is asked for, on this node ---------------------------------------------------------------

| ($docs | map(select(.kind == "node" and .name == $node)) | .[0].spec // {}) as $self

# Whether `nodes` means a node: all, names, or a selector over its labels.
| def means($n): ($docs | map(select(.kind == "node" and .name == $n)) | .[0].spec.labels // {}) as $labels
    | if type == "array" then index([$n]) != null
      elif . == "all" then true
      elif test("[=]") then all(split(",")[];
          (capture("^(?<k>[^!=]+)!=(?<v>.*)$") // null) as $not
          | if $not then $labels[$not.k] != $not.v
            else capture("^(?<k>[^!=]+)=(?<v>.*)$") as $is | $labels[$is.k] == $is.v end)
      else . == $n end;
  # A field that may differ between nodes.
  def val($f): .spec[$f] as $v | if ($v | type) == "object" then $v[$node] else $v end;
  def title: if (.nodes | type) == "array" and (.nodes | length) == 1
      then "\(.kind) \(.nodes[0])/\(.name)" else "\(.kind) \(.name)" end;
  def state: .status[$node].state // "unknown";
  def reason: .status[$node].reason | if . == null then "" else ": \(.what // ""); \(.why // "")" end;
  # What an object is, whatever it became since: a name may be there twice.
  def same($o): .kind == $o.kind and .name == $o.name and .spec == $o.spec and
      ((.nodes | if type == "array" then sort else . end) == ($o.nodes | if type == "array" then sort else . end));

  ($objects | map(select(.nodes | means($node)))) as $here
| ($here | map(select(state == "active"))) as $whole
  # A switch whose uplink was deleted runs without it, and says that it is degraded.
| def alone: .kind == "switch" and state == "degraded"
      and (val("uplink") as $u | $u != null and all($whole[], $base.links[]; (.name // .ifname) != $u));
  ($whole + ($here | map(select(alone) | .spec.uplink = null))) as $active
| ($here | map(select(state != "active" and (alone | not)))) as $others

| def device: "vx-" + .id[0:8];
  def makes: if .kind == "overlay" then [.name, device]
      elif .kind == "port" and .spec.type == "veth" then [.name, (.spec.peer // (.name[0:11] + "-gst"))]
      elif .kind == "nic" then [] else [.name] end;
  # What a name that an object refers to is on this node.
  def means_link: . as $name | ($active | map(select(.name == $name))) as $l
    | if $name == null then null
      elif any($l[]; .kind == "vlan") then $name
      elif any($l[]; .kind == "overlay") then first($l[] | select(.kind == "overlay") | device)
      else $self.roles[$name] // $name end;
  def pair: if .kind == "overlay" and (.spec.endpoints | list | length) == 2 and all(.spec.endpoints[]; .node)
      then . as $o | [.spec.endpoints[] | "\(.node)/\(.vlan // $o.spec.vlan // $o.spec.underlay)" | fold] | sort | join(" ")
      else null end;

# --- what must not be so ---------------------------------------------------------------------------

  # Another object that stands in the way: of its name, its VNI, its pair of ends, its uplink, its tag,
  # an address.
  def has_rival: . as $o | any($objects[] | select(.id != $o.id); . as $r |
      ($o.kind != "nic" and $r.kind != "nic" and ([$o | makes[] | fold] - ([$o | makes[] | fold] - [$r | makes[] | fold]) != []))
      or ($o.kind == "overlay" and $r.kind == "overlay" and (
          ($o.vni != null and $o.vni == $r.vni) or ($o.spec.vni | type) == "number" and ($o.spec.vni == $r.vni or $o.spec.vni == $r.spec.vni)
          or ($o | pair) != null and ($o | pair) == ($r | pair)))
      or ($o.kind == "switch" and ($o | val("uplink")) != null and $r.kind == "switch" and ($o | val("uplink")) == ($r | val("uplink")))
      or ($o.kind == "switch" and $r.kind == "vlan" and ($o | val("uplink")) == ($r | val("parent")))
      or ($o.kind == "vlan" and $r.kind == "switch" and ($o | val("parent")) == ($r | val("uplink")))
      or ($o.kind == "vlan" and $r.kind == "vlan" and $o.spec.tag == $r.spec.tag)
      or ($o.spec.mac != null and $o.spec.mac == $r.spec.mac)
      or (($o | val("address") | list) - (($o | val("address") | list) - ($r | val("address") | list)) != []));
  # What it names is not there, or is not active itself.
  def stands_on_nothing: . as $o
    | ([$o.spec.switch, ($o | val("uplink")), $o.spec.vlan, ($o.spec.endpoints | list[] | select(.node == $node) | .vlan)]
        | map(select(. != null)) | unique) as $names
    | any($names[]; . as $name
        | (any($active[]; .name == $name and .id != $o.id) or any($base.links[]; .ifname == $name)) | not);
  # Whom a rival kept out stays out when the rival is deleted, until somebody asks for it again.
  def rival_is_gone: state == "conflicted" and (reason | test("an object that is not known here has it"));
  def excused: (state == "conflicted" or state == "blocked" or state == "held")
          and (has_rival or stands_on_nothing or rival_is_gone)
      or (state == "waiting" and (.spec.type == "existing" or .kind == "nic") and (.name as $n | all($links[]; .ifname != $n)));

# --- links -----------------------------------------------------------------------------------------

  # A link of ip's, flat: a name for each thing that an object can ask for.
  def flat: (.linkinfo.info_kind // "") as $kind | (.linkinfo.info_data // {}) as $d
    | {ifname, kind: $kind, up: (.flags | index("UP") != null), mtu, mac: .address, master: (.master // ""),
       alias: (.ifalias // ""), altnames: (.altnames // [])}
    + if $kind == "bridge" then {stp: ($d.stp_state != 0), priority: $d.priority,
          ageing: $d.ageing_time, filtering: (($d.vlan_filtering // 0) != 0), default_pvid: ($d.vlan_default_pvid // 0),
          addrgen: .inet6_addr_gen_mode}
      elif $kind == "vxlan" then {vni: $d.id, local: ($d.local // $d.local6), parent: $d.link, port: $d.port,
          learning: $d.learning, ageing: ($d.ageing // 0), limit: ($d.limit // 0), ttl: ($d.ttl // 0 | numbered),
          tos: ($d.tos // 0 | numbered), group: ($d.group // $d.group6 // $d.remote // $d.remote6 // ""),
          addrgen: .inet6_addr_gen_mode, port_learning: (.linkinfo.info_slave_data.learning // null)}
      elif $kind == "vlan" then {parent: .link, tag: $d.id, protocol: $d.protocol}
      elif $kind == "tun" then {type: $d.type, user: ($d.user // "root"), queues: ($d.multi_queue // false),
          persist: $d.persist, addrgen: .inet6_addr_gen_mode}
      elif $kind == "veth" then {peer: (if .link_netnsid then "elsewhere" else .link // "" end), addrgen: .inet6_addr_gen_mode}
      else {} end;

  ($links | map(flat)) as $flat
| ($flat | map({key: .ifname, value: .}) | from_entries) as $link
| ($base.links | map({key: .ifname, value: .}) | from_entries) as $before

| def static: [.addr_info[] | select(.scope != "link" and (.dynamic | not)) | "\(.local)/\(.prefixlen)"];
  ($addrs | map({key: .ifname, value: static}) | from_entries) as $addr
| def marked: (.altnames | any(startswith("kard-"))) or (.alias | startswith("kar:"));
  def asked($kind): $active[] | select(.kind == $kind);

  # MTUs: a VLAN's is its parent's, a tunnel's leaves room below its underlay, a port's is that of what
  # leads out of its switch, a switch's the smallest of its ports'.
  def mtu_of_nic: . as $n | first(asked("nic") | select(($self.roles[.name] // .name) == $n) | .spec.mtu | select(. != null))
      // $before[$n].mtu // $link[$n].mtu;
  def mtu_of_vlan: .spec.mtu // (val("parent") | means_link | mtu_of_nic);
  def mtu_below: . as $n | first(asked("vlan") | select(.name == $n) | mtu_of_vlan) // ($n | mtu_of_nic);
  def end_here: . as $o | first(.spec.endpoints | list[] | select(.node == $node))
      // {} | {under: (.vlan // $o.spec.vlan // $o.spec.underlay), address};
  # The address of an end on a node: given, the VLAN's first, or that of the interface.
  def end_address($n): . as $e | if .address then .address else
      ([$docs[] | select(.kind == "vlan" and .name == $e.under and (.nodes | means($n)))
         | .spec.address | if type == "object" then .[$n] else . end | list[]]
       + [$docs[] | select(.kind == "nic" and .name == $e.under and (.nodes | means($n))) | .spec.address | list[]]
       + ($bases[$n].addrs[$e.under] | list)) | first | split("/")[0] end;
  def ends: . as $o | if .spec.endpoints then .spec.endpoints | map({node, under: (.vlan // $o.spec.vlan // $o.spec.underlay), address})
      else [$docs[] | select(.kind == "node") | .name as $n | select($o.nodes | means($n)) | {node: $n, under: ($o.spec.vlan // $o.spec.underlay)}] end;
  def mtu_of_tunnel: . as $o | if (.spec.mtu | type) == "number" then .spec.mtu
      else (end_here | (.under | means_link | mtu_below) - (if end_address($node) | contains(":") then 70 else 50 end)) end;
  def mtu_of_link: . as $n | first(asked("overlay") | select(device == $n) | mtu_of_tunnel) // ($n | mtu_below);
  # The bridge of a switch or an overlay, and what leads out of it.
  def bridge_of_overlay: device as $d | first(asked("switch") | select((val("uplink") | means_link) == $d) | .name) // .name;
  def bridge_of_port: .spec.switch as $s | first(asked("overlay") | select(.name == $s) | bridge_of_overlay) // $s;
  def leads_out: . as $b | first(asked("switch") | select(.name == $b) | val("uplink") | select(. != null) | means_link)
      // first(asked("overlay") | select(.name == $b) | device) // null;
  def mtu_of_switch: . as $b | first(asked("switch") | select(.name == $b) | .spec.mtu | select(. != null)) // null;
  def mtu_of_port: .spec.mtu // (bridge_of_port | mtu_of_switch // (leads_out | select(. != null) | mtu_of_link) // 1500);
  def mtu_of_member: . as $n | first(asked("port") | select(.name == $n and .spec.type != "existing") | mtu_of_port) // ($n | mtu_of_link);
  def mtu_of_bridge: . as $b | mtu_of_switch // ([$flat[] | select(.master == $b) | .ifname | mtu_of_member] | min) // 1500;

  # What each object wants of its links; members that are not said are nobody's business.
  def master_of: . as $n | first(asked("switch") | select((val("uplink") | means_link) == $n) | .name) // "";
  def bridge($name; $role): {ifname: $name, kind: "bridge", role: $role, up: true, master: "", mtu: ($name | mtu_of_bridge)};
  def wants: . as $o | if .kind == "switch" then
      [bridge(.name; "") + {stp: (.spec.stp // false), priority: (.spec.stp_priority // 32768),
          ageing: ((.spec.ageing_s // 300) * 100), filtering: (.spec.vlan_filtering // false), default_pvid: 0,
          addrgen: (if (val("address") | list) == [] then "none" else "eui64" end)}]
    elif .kind == "overlay" then (bridge_of_overlay) as $b
      | [{ifname: device, kind: "vxlan", role: "", up: true, master: $b, mtu: mtu_of_tunnel, vni, group: "",
          local: (end_here | end_address($node)), parent: (end_here.under | means_link), port: (.spec.port // 4789),
          learning: (.spec.learning != "off"), port_learning: (.spec.learning != "off"), ageing: (.spec.ageing_s // 300),
          limit: (.spec.limit // 0), ttl: (.spec.ttl // 0), tos: (.spec.tos // 0), addrgen: "none"}]
        + if $b == .name then [bridge(.name; "sw") + {stp: false, priority: 32768, ageing: 30000, filtering: false,
            default_pvid: 0, addrgen: "none"}] else [] end
    elif .kind == "vlan" then
      [{ifname: .name, kind: "vlan", role: "", up: true, master: (.name | master_of), mtu: mtu_of_vlan,
        parent: (val("parent") | means_link), tag: .spec.tag, protocol: (.spec.protocol // "802.1Q")}]
    elif .kind == "port" and .spec.type != "existing" then
      [{ifname: .name, role: "", up: true, master: bridge_of_port, mtu: mtu_of_port, addrgen: "none"}
       + (if .spec.mac then {mac: (.spec.mac | fold)} else {} end)
       + if .spec.type == "veth" then {kind: "veth", peer: makes[1]}
         else {kind: "tun", type: "tap", user: (.spec.user // "root"), queues: (.spec.multi_queue // false), persist: true} end]
    else [] end | map(. + {of: $o});

  ([$active[] | wants[]]) as $want
| ($want | map({key: .ifname, value: .}) | from_entries) as $wanted
# Far ends of pairs are the guests': there, and nothing more is said of them.
| ([asked("port") | select(.spec.type == "veth" and $link[.name].peer != "elsewhere") | makes[1]]) as $far
# What may stay of objects that lost, until they are settled.
| ($others | map(select(excused))) as $lost

| def differ($what; $is; $should): if $is == $should then empty
      else "\($what): is \($is | tojson), not \($should | tojson)" end;
  def differences: . as $w | .of as $o | "\($o | title), \(.ifname)" as $what | $link[.ifname] as $is
    | if $is == null then "\($what): is not there"
      else (($w | del(.of, .role)) | to_entries[]
            # A far end that its guest took; a link too small for IPv6 has nothing to say of it.
            | select((.key != "peer" or $is.peer != "elsewhere") and (.key != "addrgen" or $is.mtu >= 1280)) | differ("\($what): \(.key)"; $is[.key]; .value)),
        differ("\($what): alias"; $is.alias; "kar:\($cluster):\($o.kind)/\($o.name)"),
        differ("\($what): altname"; [$is.altnames[] | select(startswith("kard-"))];
            ["kard-" + $o.id + (if $w.role == "" then "" else "-" + $w.role end)]),
        (if ($w.kind == "bridge" or $w.kind == "vxlan") and ($is.mac | test("^.[26ae]:") | not)
            then "\($what): \($is.mac) is not a MAC of our making" else empty end)
      end;

# --- findings --------------------------------------------------------------------------------------

  # The objects themselves.
  (([$docs[] | select(.kind != "node" and .kind != "cluster" and (.kind != "nic" or (.nodes | means($node))))] as $asked
   | ($asked[] | . as $d | select(any($objects[]; same($d)) | not) | "\(title): exported, but not listed"),
     ($objects[] | . as $o | select(any($asked[]; same($o)) | not) | "\(title): listed, but not exported")),
  ($others[] | select(excused | not) | "\(title): is \(state)\(reason)"),

  # Links that are asked for, and no others.
  ($want[] | differences),
  ($flat[] | select(marked and $wanted[.ifname] == null)
    | select(.altnames as $names | any($lost[]; ("kard-" + .id) as $mark | any($names[]; startswith($mark))) | not)
    | "\(.ifname) (\(.alias)): nobody asks for it"),
  ($far[] | select($link[.] == null) | "\(.): the far end of a port is not there"),
  ($flat[] | select((marked | not) and $before[.ifname] == null) | .ifname
    | select(. as $n | any($far[], ($lost[] | makes[]); . == $n) | not) | "\(.): a foreign interface that was not there before"),

  # Those of the host are as they were, but for what objects borrow.
  ($base.links[] | . as $b | $link[.ifname] as $is | .ifname as $n
    | if $is == null then "\($n): of the host, is gone" else
        ([asked("switch") | select((val("uplink") | means_link) == $n) | .name]
         + [asked("port") | select(.spec.type == "existing" and .name == $n) | bridge_of_port]) as $masters
        | differ("\($n): master"; $is.master; $masters[0] // $b.master),
          differ("\($n): mtu"; $is.mtu; $n | mtu_of_nic),
          differ("\($n): mac"; $is.mac; $b.mac),
          differ("\($n): up"; $is.up; $b.up),
          (if $is | marked then "\($n): carries our mark" else empty end)
      end),

  # Addresses.
  ($want[] | .of as $o | select(.role == "" and ($o.kind == "switch" or $o.kind == "vlan") and ($o.spec.dhcp != true))
    | differ("\($o | title): addresses"; $addr[.ifname] | sort; $o | val("address") | list | sort)),
  ($want[] | select(.of.kind == "port" or .of.kind == "overlay") | select($addr[.ifname] != [])
    | "\(.ifname): has addresses \($addr[.ifname] | tojson)"),
  ($base.links[].ifname | . as $n | differ("\($n): addresses"; $addr[$n] // [] | sort;
      (($base.addrs[$n] | list) + [asked("nic") | select(($self.roles[.name] // .name) == $n) | .spec.address | list[]]) | unique)),

  # Where a tunnel sends what it floods: one entry for each other end.
  ($active[] | select(.kind == "overlay") | . as $o | device as $d
    | differ("\(title): ends"; [$fdb[] | select(.ifname == $d and .dst != null and .mac == "00:00:00:00:00:00") | .dst] | sort;
        [ends[] | select(.node != $node) | end_address(.node)] | sort)),
  ($fdb[] | select(.dst != null and .state == "permanent" and .mac != "00:00:00:00:00:00") | . as $f
    | select(any($lost[]; .kind == "overlay" and device == $f.ifname) | not)
    | "\(.ifname): a forwarding entry \(.mac) to \(.dst) that nobody asks for"),

  # VLANs of ports: access and trunk of a port, all that its ports use on an uplink.
  (def ranged: if type == "number" then [.] else [capture("^(?<a>[0-9]+)(-(?<b>[0-9]+))?$") | range(.a | tonumber; (.b // .a | tonumber) + 1)] end;
   def access: .spec.vlan // (if .spec.trunk then null else 1 end);
   def carries: . as $o | [access | select(. != null) | {vlan: ., untagged: true}]
       + [.spec.trunk | list[] | ranged[] | select(. != ($o | access)) | {vlan: ., untagged: false}] | unique;
   ([$vlans[] | {key: .ifname, value: [.vlans[] | . as $v | range(.vlan; (.vlanEnd // .vlan) + 1)
        | {vlan: ., untagged: ($v.flags // [] | index("Egress Untagged") != null and index("PVID") != null)}] | unique}] | from_entries) as $has
   | ($want[] | select(.kind == "bridge") | .ifname as $b | (.filtering // false) as $filtering
      | [asked("port") | select(bridge_of_port == $b)] as $ports
      | ($b | leads_out) as $out
      | (if $filtering then [{vlan: 1, untagged: true}] else [] end) as $native
      | differ("\($b): VLANs"; $has[$b] // []; $native),
        ($ports[] | differ("\(title): VLANs"; $has[.name] // []; if $filtering then carries else [] end)),
        (select($out != null) | differ("\($out): VLANs"; $has[$out] // [];
            if $filtering then $native + [$ports[] | carries[] | select(.vlan != 1) | .vlan | {vlan: ., untagged: false}] | unique else [] end)))),

  # Default routes.
  (differ("routes of ours"; [$routes[] | select(.protocol == "86" or .protocol == 86) | "\(.dst) \(.gateway) \(.dev) \(.metric)"] | sort;
      [asked("vlan") | val("gateway") as $g | select($g != null) | "default \($g) \(.name) \(1024 + .spec.tag)"]
      + [asked("nic") | .spec.gateway as $g | select($g != null) | "default \($g) \($self.roles[.name] // .name) 1024"] | sort))
  | "\($node): \(.)")
  end
