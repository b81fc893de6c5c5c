# source.awk: the checks of one C file after the other; the first file is `rules`.
# Writes "FILE:LINE: what is wrong" into FOUND/includes, calls, length, heads, and into FOUND/included
# the headers that somebody includes. For mawk and gawk.

function regex(glob,   r) {
    r = glob
    gsub(/[.+^$(){}|]/, "\\\\&", r)
    gsub(/\*\*/, "\001", r)
    gsub(/\*/, "[^/]*", r)
    gsub(/\001/, ".*", r)
    return "^" r "$"
}

# One of the patterns of a row stands for the file; those that begin with ! except it.
function within(file, patterns,   n, p, i, yes) {
    n = split(patterns, p, " ")
    yes = 0
    for (i = 1; i <= n; i++) {
        if (substr(p[i], 1, 1) == "!") {
            if (file ~ regex(substr(p[i], 2)))
                return 0
        } else if (file ~ regex(p[i]))
            yes = 1
    }
    return yes
}

function trim(s) {
    gsub(/^ +| +$/, "", s)
    return s
}

function tell(class, line, text) { print name ":" line ": " text > (FOUND "/" class) }

# The line without comments, and with texts and characters emptied.
function code_of(s,   out, c, two) {
    out = ""
    while (s != "") {
        two = substr(s, 1, 2)
        if (in_comment) {
            if (!match(s, /\*\//))
                return out
            s = substr(s, RSTART + 2)
            in_comment = 0
        } else if (two == "/*") {
            in_comment = 1
            s = substr(s, 3)
        } else if (two == "//") {
            return out
        } else if (match(s, /^"([^"\\]|\\.)*"/) || match(s, /^'([^'\\]|\\.)*'/)) {
            out = out "\"\""
            s = substr(s, RLENGTH + 1)
        } else {
            out = out substr(s, 1, 1)
            s = substr(s, 2)
        }
    }
    return out
}

function check_include(line,   header, quoted, room, i) {
    header = line
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", header)
    quoted = substr(header, 1, 1) == "\""
    header = substr(header, 2)
    sub(/[">].*/, "", header)
    included[header] = 1
    for (i = 1; i <= onlys; i++)
        if (index(header, only_header[i]) == 1 && name !~ /^tests\// && !within(name, only_files[i]))
            tell("includes", FNR, "<" header "> is included only by " only_files[i])
    room = header
    if (!quoted || sub(/\/.*/, "", room) == 0)
        return
    for (i = 1; i <= rooms; i++)
        if (name ~ regex(room_files[i]) && (" " room_names[i] " ") !~ (" " room " "))
            tell("includes", FNR, "\"" header "\": this room includes only " room_names[i])
}

function check_calls(code,   i) {
    for (i = 1; i <= bans; i++)
        if (ban_here[i] && code ~ ("(^|[^A-Za-z0-9_.>])" ban_call[i] "[ \t]*\\("))
            tell("calls", FNR, ban_call[i] "(): " ban_why[i])
}

# A function of ours begins with { and ends with } at the start of a line (clang-format sees to it).
function check_length(raw) {
    if (raw == "{")
        began = FNR
    else if (raw == "}" && began) {
        if (FNR - began + 1 > lines_max)
            tell("length", began, "a function of " (FNR - began + 1) " lines; at most " lines_max)
        began = 0
    }
}

function file_begin(   i) {
    name = FILENAME
    sub(/^\.\//, "", name)
    in_comment = 0
    began = 0
    lines_max = name ~ /^tests\// ? LINES_TEST_MAX : LINES_FUNCTION_MAX # a test may hold its table
    base = name
    sub(/.*\//, "", base)
    for (i = 1; i <= bans; i++)
        ban_here[i] = within(name, ban_files[i])
}

# Lines of the file before, known when the next begins.
function file_end() {
    if (name != "" && lines > LINES_FILE_MAX)
        tell("length", lines, "a file of " lines " lines; at most " LINES_FILE_MAX ": it is two nouns")
}

FILENAME == RULES {
    if ($0 ~ /^#/ || NF == 0)
        next
    n = split($0, part, / : /)
    for (i = 1; i <= n; i++)
        part[i] = trim(part[i])
    for (f in files)
        gsub("@" f, files[f], part[2])
    first = part[1]
    sub(/^[a-z]+ +/, "", first)
    if ($1 == "room") {
        sub(/ *:.*/, "", first)
        room_files[++rooms] = first
        room_names[rooms] = part[2]
    } else if ($1 == "only") {
        only_header[++onlys] = first
        only_files[onlys] = part[2]
    } else if ($1 == "ban") {
        ban_call[++bans] = first
        ban_files[bans] = part[2]
        ban_why[bans] = part[3]
    } else if ($1 == "files") {
        files[first] = part[2]
    } else if ($1 == "seam") {
        included[first] = 1
    } else
        print RULES ":" FNR ": no such rule: " $1 > (FOUND "/heads")
    next
}

FNR == 1 {
    file_end()
    file_begin()
    head = name ~ /^tests\// ? "/* " : "/* " base ": " # a test is named by what it tests
    if (index($0, head) != 1)
        tell("heads", 1, "the file does not begin with \"" head "what it owns\"")
}

{
    lines = FNR
    if ($0 ~ /^[ \t]*#[ \t]*include/ && !in_comment)
        check_include($0)
    check_length($0)
    code = code_of($0)
    if (code ~ /\(/)
        check_calls(code)
}

END {
    file_end()
    for (h in included)
        print h > (FOUND "/included")
}
