# debian.sh: clean Debian 12 systems for tests, made by mmdebstrap from the mirror that this machine's
# apt uses, kept in the cache for a week and for as long as their recipe stays the same. No root
# needed: in a user namespace where this is not root. Sourced by lab/debian.
# shellcheck shell=bash

debian_cache=${KAR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/kar}/debian

# Owners of files must be kept: as root, or as the root of a namespace with a range of users.
debian_as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else unshare --map-root-user --map-auto -- "$@"; fi
}

# The lines of sources.list for bookworm, with its updates where this machine has them.
debian_sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Label: Debian' |
        awk '$2 ~ /^bookworm/' | sort -u | sed 's/.*/deb & main/' | head -n 4
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Label: Debian-Security' |
        awk '$2 ~ /^bookworm/' | sort -u | sed 's/.*/deb & main/' | head -n 4
}

# debian_tar PACKAGE…: prints the path of a tar of the minimal system with these packages.
debian_tar() {
    local include out sources options=()
    include=$(printf '%s\n' "$@" | sort -u | paste -sd,)
    sources=$(debian_sources)
    [ -n "$sources" ] || sources="deb http://deb.debian.org/debian bookworm main"
    out=$debian_cache/base-$({
        echo "$include $sources"
        date +%G-%V
    } | sha256sum | cut -c1-16).tar
    mkdir -p "$debian_cache"
    exec {debian_lock}>"$out.lock"
    flock "$debian_lock"
    if [ ! -f "$out" ]; then
        need mmdebstrap
        say "debian: making a clean system (a minute, once a week)"
        while read -r line; do options+=(--aptopt="$line"); done < <(apt-config dump | grep -i '^Acquire::https*::Proxy ')
        mmdebstrap --quiet --variant=minbase ${include:+--include="$include"} "${options[@]}" \
            bookworm "${out%.tar}.new.tar" - <<<"$sources" >"$out.log" 2>&1 || {
            tail -n 20 "$out.log" >&2
            die "mmdebstrap could not make a Debian" "see the lines above; is a Debian 12 mirror reachable?"
        }
        find "$debian_cache" -name 'base-*' -mtime +14 -delete
        mv "${out%.tar}.new.tar" "$out"
    fi
    exec {debian_lock}>&-
    echo "$out"
}

# debian_image FILE PACKAGE…: an ext4 image that lab/vm --root boots: systemd, no kernel, no password.
debian_image() {
    local file=$1 tar size=${KAR_VM_DISK_SIZE:-1G} work
    shift
    tar=$(debian_tar systemd-sysv udev kmod iproute2 procps "$@") || exit
    need mke2fs
    work=$(mktemp -d "${TMPDIR:-/tmp}/kar-debian.XXXXXX")
    truncate -s "$size" "$file"
    debian_as_root sh -c '
        mkdir "$1/root" && tar -C "$1/root" --numeric-owner -xf "$2" && : >"$1/root/etc/machine-id" &&
        echo kar-debian >"$1/root/etc/hostname" && mke2fs -q -t ext4 -d "$1/root" "$3"
        code=$?
        rm -rf "$1/root"
        exit $code' sh "$work" "$tar" "$file" || die "cannot make the image $file"
    rmdir "$work"
}
