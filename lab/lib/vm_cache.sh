# vm_cache.sh: what a VM boots from, fetched and made once, kept outside the repository.
#   $KAR_CACHE/vm/kernel-VERSION/  vmlinux, busybox, lib/modules/VERSION
#   $KAR_CACHE/vm/kernel           link to the one in use
#   $KAR_CACHE/vm/vmlink-HASH      both ends of the channel
#   $KAR_CACHE/vm/initramfs-HASH
# Sourced by lab/vm. Everything appears by rename, under a lock: parallel runs share it.
# shellcheck shell=bash

vm_cache=${KAR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/kar}/vm

# Needed before the root is there, in this order of need; modprobe adds what each depends on.
vm_modules_host=(virtio_pci virtio_console 9p 9pnet_virtio overlay)
vm_modules_disk=(virtio_blk ext4)

cache_lock() {
    mkdir -p "$vm_cache" || die "cannot make the cache $vm_cache" "set KAR_CACHE to a folder of yours"
    exec {vm_cache_fd}>"$vm_cache/lock"
    flock "$vm_cache_fd"
}

cache_unlock() { exec {vm_cache_fd}>&-; }

# apt-get and apt-cache over lists of our own: for a user who may not run `apt-get update`, and
# where the machine's lists are missing or older than the mirror.
apt_private() {
    local dir=$vm_cache/apt tool=$1
    shift
    mkdir -p "$dir/lists/partial" "$dir/archives/partial"
    "$tool" -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir" -o Dir::Cache::archives="$dir/archives" \
        -o Debug::NoLocking=true -o APT::Sandbox::User= "$@"
}

kernel_package() {
    "$@" depends linux-image-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*-amd64\)$/\1/p' | head -n 1
}

# kernel_download DIR: the packages of the kernel and of busybox, into DIR.
kernel_download() {
    local package log=$1/apt.log
    package=$(kernel_package apt-cache)
    if [ -n "$package" ] && (cd "$1" && apt-get -q -o APT::Sandbox::User= download "$package" busybox-static) >"$log" 2>&1; then
        return
    fi
    say "vm: fetching package lists"
    apt_private apt-get -q update >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        die "cannot fetch Debian's package lists" "connect this machine to a Debian 12 mirror (see /etc/apt/sources.list)"
    }
    package=$(kernel_package apt_private apt-cache)
    [ -n "$package" ] || die "apt knows no package linux-image-amd64" "use a Debian 12 mirror in /etc/apt/sources.list"
    (cd "$1" && apt_private apt-get -q download "$package" busybox-static) >>"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        die "cannot download $package" "look at the lines above, then try again"
    }
}

# kernel_extract BZIMAGE VMLINUX: without its compression the kernel starts 3 s sooner in emulation.
# Debian compresses with xz; anything else boots as it is.
kernel_extract() {
    local at
    at=$(LC_ALL=C grep -obUaP -m 1 '\xfd7zXZ\x00' "$1" | head -n 1 | cut -d: -f1) || true
    if [ -n "$at" ] && tail -c "+$((at + 1))" "$1" | xz -dc --single-stream >"$2" 2>/dev/null &&
        [ "$(head -c 4 "$2" | tail -c 3)" = ELF ]; then
        return
    fi
    cp "$1" "$2"
}

kernel_make() {
    local work version deb
    need dpkg-deb depmod xz cpio
    say "vm: fetching Debian's kernel (about 70 MB, once)"
    work=$(mktemp -d "$vm_cache/make.XXXXXX")
    kernel_download "$work"
    for deb in "$work"/*.deb; do
        dpkg-deb -x "$deb" "$work/x" || die "cannot unpack $deb" "free some disk space, then try again"
    done
    version=$(basename "$work"/x/boot/vmlinuz-*)
    version=${version#vmlinuz-}
    mkdir -p "$work/k/lib"
    mv "$work/x/lib/modules" "$work/k/lib/modules"
    mv "$work/x/bin/busybox" "$work/k/busybox"
    depmod -b "$work/k" "$version" || die "depmod failed for $version"
    kernel_extract "$work/x/boot/vmlinuz-$version" "$work/k/vmlinux"
    echo "$version" >"$work/k/version"
    rm -rf "$vm_cache/kernel-$version"
    mv "$work/k" "$vm_cache/kernel-$version"
    ln -sfn "kernel-$version" "$vm_cache/kernel"
    rm -rf "$work"
}

vmlink_make() {
    local out
    out=$vm_cache/vmlink-$(cat "$vm_lab"/vmlink/*.[ch] | sha256sum | cut -c1-16)
    if [ ! -x "$out" ]; then
        need cc
        cc -std=gnu11 -O2 -static -D_GNU_SOURCE -o "$out.$$" "$vm_lab"/vmlink/*.c ||
            die "cannot compile lab/vmlink" "run scripts/install-deps build"
        mv "$out.$$" "$out"
    fi
    vm_vmlink=$out
}

# modules_copy DIR LOADED MODULE…: each with what it depends on, numbered in the order to load them,
# without those in the folder LOADED.
modules_copy() {
    local dir=$1 loaded=$2 n=0 file
    shift 2
    mkdir -p "$dir"
    for file in $(for m in "$@"; do
        modprobe -d "$vm_kernel" -S "$vm_version" --show-depends "$m" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | awk '!seen[$0]++'); do
        compgen -G "$loaded/*-${file##*/}" >/dev/null && continue
        n=$((n + 1))
        cp "$file" "$dir/$(printf %02d "$n")-${file##*/}"
    done
}

initramfs_make() {
    local out work
    out=$vm_cache/initramfs-$({
        echo "$vm_version ${vm_modules_host[*]} ${vm_modules_disk[*]}"
        cat "$vm_lab/guest/init" "$vm_lab/lib/vm_cache.sh" "$vm_vmlink"
    } | sha256sum | cut -c1-16)
    if [ ! -f "$out" ]; then
        need cpio modprobe
        work=$(mktemp -d "$vm_cache/make.XXXXXX")
        mkdir -p "$work/i/bin" "$work/i/proc" "$work/i/sys" "$work/i/dev" "$work/i/run"
        cp "$vm_kernel/busybox" "$work/i/bin/busybox"
        cp "$vm_lab/guest/init" "$work/i/init"
        cp "$vm_vmlink" "$work/i/vmlink"
        chmod 755 "$work/i/init" "$work/i/vmlink" "$work/i/bin/busybox"
        modules_copy "$work/i/modules/host" none "${vm_modules_host[@]}"
        modules_copy "$work/i/modules/disk" "$work/i/modules/host" "${vm_modules_disk[@]}"
        (cd "$work/i" && find . | cpio -o -H newc -R 0:0 2>/dev/null) >"$work/cpio" ||
            die "cannot make the initramfs"
        mv "$work/cpio" "$out"
        rm -rf "$work"
    fi
    vm_initramfs=$out
}

# Makes what is missing; sets vm_kernel, vm_version, vm_vmlink, vm_initramfs.
cache_prepare() {
    cache_lock
    [ -f "$vm_cache/kernel/version" ] || kernel_make
    vm_kernel=$(readlink -f "$vm_cache/kernel")
    vm_version=$(cat "$vm_kernel/version")
    vmlink_make
    initramfs_make
    cache_unlock
}
