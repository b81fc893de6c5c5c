#!/bin/sh
# selftest.sh: the checker is checked. A small good tree passes; every way to be bad is added to it
# alone and must be found, at its file and with its reason.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
export KAR_BUILD="$work/tree/build/dev"

put() { # file: from standard input
    mkdir -p "$(dirname "$work/tree/$1")"
    cat >"$work/tree/$1"
}

# What is compiled and run, as cmake and ctest would tell it.
built() {
    (cd "$work/tree" && find src tests -name '*.c') | sed "s|.*|  \"file\": \"$work/tree/&\"|" | put build/dev/compile_commands.json
    echo '"name" : "base_thing_test"' | put build/dev/ctest.json
}

good_tree() {
    rm -rf "$work/tree"
    put src/base/thing.h <<'C'
/* thing.h: a thing. */
int thing(void);
C
    put src/base/thing.c <<'C'
/* thing.c: owns a thing. Says "strcpy(a, b)" and no more. */
#include "base/thing.h"

/* system("true") in a comment is only talk */
int thing(void)
{
    const char *text = "gets(buf)", paren = '(';
    return snprintf_of_ours(text, paren) + s->time(0) + s.open(1);
}
C
    put tests/unit/base/thing_test.c <<'C'
/* thing_test.c: tests it. */
#include <cmocka.h>
C
    put scripts/go <<'C'
#!/bin/sh
# Goes.
C
    built
}

expect() { # what, expected text; "" means: passes
    out=$("$here/tidy.sh" "$work/tree" 2>&1)
    code=$?
    if [ -z "$2" ] && [ $code = 0 ]; then
        passed=$((passed + 1))
    elif [ -n "$2" ] && [ $code != 0 ] && echo "$out" | grep -qF -e "$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED  $1"
        echo "  expected: ${2:-a pass}"
        echo "$out" | sed 's/^/  actual:   /'
    fi
}

# bad FILE EXPECTED: the good tree with one more file, from standard input.
bad() {
    good_tree
    put "$1"
    built
    expect "$1: $2" "$2"
}

bad_line() { # file, its line 2, expected
    printf '/* %s: bad. */\n%s\n' "${1##*/}" "$2" >"$work/line"
    bad "$1" "$3" <"$work/line"
}

good_tree
expect "the good tree" ""

# The edges between the rooms, and the files that libraries are for.
bad_line src/base/up.c '#include "intent/object.h"' 'src/base/up.c:2: "intent/object.h": this room includes only base'
bad_line src/netcfg/side.c '#include "api/method.h"' 'src/netcfg/side.c:2: "api/method.h"'
bad_line src/api/side.c '#include "netcfg/plan.h"' 'src/api/side.c:2: "netcfg/plan.h"'
bad_line src/intent/up.c '#  include "kard/agent.h"' 'src/intent/up.c:2: "kard/agent.h"'
bad_line cli/far.c '#include "netcfg/plan.h"' 'cli/far.c:2: "netcfg/plan.h"'
bad_line src/intent/loop.c '#include <uv.h>' '<uv.h> is included only by'
bad_line src/netcfg/render.c '#include <netlink/netlink.h>' '<netlink/netlink.h> is included only by'
bad_line src/intent/store.c '#include <lmdb.h>' '<lmdb.h> is included only by'
bad_line src/intent/hash.c '#include <sodium.h>' '<sodium.h> is included only by'
bad_line src/netcfg/text.c '#include <jansson.h>' '<jansson.h> is included only by'
bad_line src/kard/config.c '#include <yaml.h>' '<yaml.h> is included only by'

# Calls.
for call in strcpy strcat sprintf vsprintf gets strtok alloca atoi system popen rand random sleep printf exit; do
    bad_line src/base/call.c "int x = $call(a);" "src/base/call.c:2: $call():"
done
for call in time clock clock_gettime gettimeofday getrandom fopen open socket; do
    bad_line src/netcfg/pure.c "int x = $call(a);" "src/netcfg/pure.c:2: $call(): pure code"
done
bad_line src/base/two.c 'int x = f(/* not this: gets(b) */ "gets(c)") + gets (a);' "src/base/two.c:2: gets():"

# Length, heads, words, paths.
{
    printf '/* long.c: long. */\nint f(void)\n{\n'
    seq 1 69 | sed 's/.*/    f();/'
    echo '}'
} >"$work/lines"
bad src/base/long.c "src/base/long.c:3: a function of 71 lines" <"$work/lines"
{
    echo '/* pages.c: long. */'
    seq 1 700 | sed 's/.*/int x&;/'
} >"$work/lines"
bad src/base/pages.c "a file of 701 lines" <"$work/lines"
echo 'int x;' >"$work/lines"
bad src/base/mute.c "src/base/mute.c:1: the file does not begin with" <"$work/lines"
printf '#!/bin/sh\ntrue\n' >"$work/lines"
bad scripts/mute "scripts/mute:1: a script without a line" <"$work/lines"
bad_line src/base/later.c "/* TO""DO: later */" "src/base/later.c:2:/* TO""DO"
bad_line src/base/later.c "/* FIX""ME */" "src/base/later.c:2:/* FIX""ME"
bad_line docs/note.md "as XX""X says" "docs/note.md:2:as XX""X"
bad_line docs/note.md "see /ho""me/someone/kar" "docs/note.md:2:see /ho""me/someone/kar"

# What nothing uses.
bad_line src/base/alone.h 'int alone(void);' "src/base/alone.h:1: nobody includes it"
bad_line src/gossip/other.h 'int alone(void);' "src/gossip/other.h:1: nobody includes it"
good_tree
printf '/* lost.c: lost. */\n' | put src/base/lost.c
expect "a source outside of every target" "src/base/lost.c:1: no target compiles it"
bad_line tests/unit/base/idle_test.c '#include <cmocka.h>' "tests/unit/base/idle_test.c:1: ctest does not run it"
printf '#!/bin/sh\n# idle\n' >"$work/lines"
bad tests/netns/idle_test.sh "tests/netns/idle_test.sh:1: ctest does not run it" <"$work/lines"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
