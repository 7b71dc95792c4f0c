#!/bin/sh
# The first process of namespaces of its own (scripts/test-fresh makes them): changes into a Debian and runs a command
# there. Usage: enter.sh ROOT RUST DIRECTORY COMMAND…; RUST is the toolchain's directory, /opt/rust in there.
# pivot_root, because the kernel refuses user namespaces to a process in a chroot.
set -eu
root=$1 rust=$2 directory=$3
shift 3

mount --make-rprivate /
mount --bind "$root" "$root"
mkdir -p "$root/opt/rust"
mount --bind "$rust" "$root/opt/rust"
mount -o remount,bind,ro "$root/opt/rust"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
# The devices that the Debian comes with, where they also work if its file system is mounted nodev.
mount -t tmpfs -o mode=755 tmpfs "$root/mnt"
cp -a "$root/dev/." "$root/mnt"
mount --move "$root/mnt" "$root/dev"
mkdir -p "$root/dev/net" "$root/dev/pts" "$root/dev/shm"
mknod -m 666 "$root/dev/net/tun" c 10 200
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"

cd "$root"
pivot_root . mnt
cd "$directory"
umount -l /mnt
# Not exec: the first process has to reap what its descendants leave behind.
status=0
"$@" || status=$?
exit "$status"
