#!/bin/sh
# The first process of namespaces of its own (tests/systemd.rs makes them): prepares them and becomes systemd.
# Usage: lab.sh FILES; the directory holds meshping, meshpingctl, meshping.toml, its units, drop-in.conf and default (for /etc/default/meshping).
# Nothing of the host is written to: / is read-only in here, and what systemd writes to is in memory.
set -eu
files=$1

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lab/bin /run/lab/files /run/systemd/system
cp "$files"/* /run/lab/files

# /usr/bin as it is, with meshping in it.
mount --bind /usr/bin /run/lab/bin
mount -t tmpfs -o mode=755 tmpfs /usr/bin
/run/lab/bin/ln -s /run/lab/bin/* /usr/bin/
rm -f /usr/bin/meshping /usr/bin/meshpingctl
cp /run/lab/files/meshping /run/lab/files/meshpingctl /usr/bin/
chmod 755 /usr/bin/meshping /usr/bin/meshpingctl

# /etc as it is, but writable.
mkdir /run/lab/etc
cp -a /etc/. /run/lab/etc
mount --bind /run/lab/etc /etc
rm -rf /etc/meshping
mkdir /etc/meshping
cp /run/lab/files/meshping.toml /etc/meshping
cp /run/lab/files/default /etc/default/meshping
cp /run/lab/files/meshping.service /run/lab/files/meshping-*.socket /run/systemd/system/
mkdir /run/systemd/system/meshping.service.d
cp /run/lab/files/drop-in.conf /run/systemd/system/meshping.service.d/

mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /var
# The kernel refuses a second cgroup2 on top of one, and with one of the host's there is no root of our own.
umount --lazy /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /
# Among the namespaces in here, which is how credentials reach a service.
mount --make-rshared /
ip link set lo up
# No kernel modules, no clock: what is the host's stays as it is.
exec setpriv --bounding-set -sys_module,-sys_time,-sys_boot \
    env container=lab /lib/systemd/systemd --system --unit=basic.target --log-target=console
