#!/bin/sh
# karctl.1.sh KARCTL: the manual page of karctl, from its own help: every command with its usage, its
# example and its options, so that the page cannot say anything else than the program.
set -eu
karctl=$1
export NO_COLOR=1 COLUMNS=80 LC_ALL=C

# Text as it stands: nothing in it is a request to roff.
verbatim() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e 's/^/\\\&/'; }

# The words below "Commands:" of a help text; an alias after a comma is the same command.
commands() { sed -n '/^Commands:$/,/^$/s/^  \([a-z-]*\).*/\1/p'; }

section() { # words of a command
    help=$("$karctl" "$@" --help)
    printf '.SS "karctl %s"\n.nf\n' "$*"
    echo "$help" | verbatim
    printf '.fi\n'
    for word in $(echo "$help" | commands); do (section "$@" "$word"); done
}

help=$("$karctl" --help)
version=$("$karctl" --version | head -n 1)
cat <<ROFF
.TH KARCTL 1 "" "$version"
.SH NAME
karctl \\- keep the network of a group of Linux hosts as it was asked to be
.SH SYNOPSIS
.B karctl
.I COMMAND
[\\fIVERB\\fR] [\\fINAME\\fR] [\\fIOPTION\\fR...]
.SH DESCRIPTION
.nf
ROFF
echo "$help" | verbatim
printf '.fi\n.SH COMMANDS\n'
for word in $(echo "$help" | commands); do
    [ "$word" = help ] || (section "$word")
done
cat <<'ROFF'
.SH FILES
.TP
.I /run/kard/kard.sock
where kard listens
.SH SEE ALSO
.BR kard (8),
.BR kard.yaml (5)
ROFF
