#!/usr/bin/env bash
# docs/tutorial.md does what it says: its blocks marked "sh test" run one after the other, in one shell,
# in this directory, and the block after each says what must be seen: these lines, where … stands for
# anything; not their order, since nodes finish as they do. "exit=N" after "test" is how the block's last
# command has to end; else all succeed.
. "$(dirname "$0")/lib.sh"
cd "$lab_source" || exit 1
export LC_ALL=C.UTF-8 # karctl's marks are those of the text
export KAR_LAB_RUN=$vm_work KAR_VM_RUN=$vm_work/vm # labs of this test alone
trap 'for lab in $(lab/lab list | cut -d: -f1); do lab/lab down --id "$lab"; done; rm -rf "$vm_work"' EXIT

# NN.sh with its exit code in NN.exit, and the lines to be seen in NN.seen.
awk -v dir="$vm_work" '
    /^```sh test/ {
        n++
        base = sprintf("%s/%02d", dir, n)
        code = 0
        if (match($0, /exit=[0-9]+/)) code = substr($0, RSTART + 5, RLENGTH - 5)
        print code >(base ".exit")
        print NR >(base ".line")
        to = base ".sh"
        next
    }
    /^```text/ { to = base ".seen"; next }
    /^```/ { to = ""; next }
    to { print >to }
' docs/tutorial.md

# seen OUTPUT LINES: prints the lines that no line of the output is like.
seen() {
    awk -v output="$1" '
        function squeeze(s) { gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
        # Whether text has the parts of pattern between its …, in their order, from its beginning.
        function like(text, pattern,   parts, n, i, at) {
            n = split(pattern, parts, / *… */)
            for (i = 1; i <= n; i++) {
                if (parts[i] == "") continue
                at = index(text, parts[i])
                if (at == 0 || (i == 1 && at != 1)) return 0
                text = substr(text, at + length(parts[i]))
            }
            return parts[n] == "" || text == ""
        }
        BEGIN { while ((getline line <output) > 0) is[++n] = squeeze(line) }
        {
            for (i = 1; i <= n; i++) if (like(is[i], squeeze($0))) next
            print
        }' "$2"
}

for block in "$vm_work"/[0-9][0-9].sh; do
    base=${block%.sh}
    read -r want <"$base.exit"
    read -r line <"$base.line"
    failed=0
    set -E
    trap 'failed=$?' ERR
    # shellcheck source=/dev/null
    . "$block" >"$base.out" 2>&1 </dev/null
    code=$?
    trap - ERR
    set +E
    if [ "$want" = 0 ]; then code=$failed; fi
    check "line $line: $(head -n 1 "$block")" "$code" "$want"
    missing=""
    [ ! -e "$base.seen" ] || missing=$(seen "$base.out" "$base.seen")
    check "line $line: what is seen" "$missing" ""
    [ "$code" = "$want" ] && [ -z "$missing" ] || sed 's/^/  /' "$base.out"
    [ "$code" = "$want" ] || break # nothing that follows would be right
done
check "labs that are left" "$(lab/lab list)" ""
vm_end
