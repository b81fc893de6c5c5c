# try.sh: how a test asks karctl as an operator would, and finds that a mistake changed nothing. Sourced
# after lib.sh; makes the foreign interfaces eth1 and eth2 and a folder to work in.
# shellcheck shell=bash
# IPv6 gives addresses to interfaces by itself, some time later: "nothing changed" could not be told.
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
lab_nics eth1 eth2
chmod 755 "$LAB_DIR"
work=$LAB_DIR/work
mkdir "$work" && cd "$work" || exit 1

# Runs karctl: its exit code in $code, what it said in $out and $err.
try() {
    karctl "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" </dev/null
    code=$?
    out=$(<"$LAB_DIR/out") err=$(<"$LAB_DIR/err")
    rm -f "$LAB_DIR/before" # it may have changed something
}

# Everything that a mistake could have changed: not the carrier, which the kernel notices some time
# later. Short of programs, since an emulated machine runs it.
world() {
    karctl export
    {
        ip -o link
        ip -o addr
        ip -o route show table all
    } | sed 's/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Z]*//; s/ linkdown//; s/ dead//'
    bridge fdb | grep permanent
    bridge vlan
}

# mistake WHAT EXIT PART ARGUMENTS…: refused with that code and words, and nothing changed.
mistake() {
    local what=$1 want=$2 part=$3
    shift 3
    [ -e "$LAB_DIR/before" ] || world >"$LAB_DIR/before"
    cp "$LAB_DIR/before" "$LAB_DIR/kept"
    try "$@"
    check "$what: exit" "$code" "$want"
    check_has "$what: text" "$err" "$part"
    check "$what: nothing on standard output" "$out" ""
    world >"$LAB_DIR/after"
    check "$what: neither intent nor kernel changed" "$(diff "$LAB_DIR/kept" "$LAB_DIR/after")" ""
    mv "$LAB_DIR/after" "$LAB_DIR/before"
}

ifname_of() { ip -j link show dev "$1" 2>/dev/null | gojq -r '.[0].ifname'; }
