#!/bin/sh
# The first process of namespaces of its own (tests/systemd.rs makes them): unpacks a small Debian and becomes the
# systemd in it. Usage: root.sh FILES; the directory holds packages (*.deb) and the name of a tar file (root).
set -eu
files=$1
root=$files/debian

mount --make-rprivate /
mkdir "$root"
# In memory, so that nothing stays when the last process has ended.
mount -t tmpfs -o mode=755 tmpfs "$root"
tar -C "$root" --exclude=./dev/* -xf "$(cat "$files/root")"
mkdir "$root/packages"
cp "$files"/*.deb "$root/packages"

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --make-rshared "$root"
ip link set lo up
# What is the host's stays as it is.
exec setpriv --bounding-set -sys_module,-sys_time,-sys_boot \
    chroot "$root" env container=lab /lib/systemd/systemd --system --unit=basic.target --log-target=console
