#!/bin/sh
# Adds the clients of Kea to meshping when they get a lease, and removes them when it ends. For DHCPv4 and DHCPv6; Kea
# calls it through libdhcp_run_script, see kea-dhcp4.conf.
#
# The first argument is the hook point, the leases are in the environment. Kea does not wait for the script. Clients choose
# their host names, so the shell must treat them as text only.
set -u

# One argument for the name, because it may begin with a dash. Without a name the target has its address as name.
add() { /usr/bin/meshpingctl -q add --addr "$1" --name="$2" -i 30; }

remove() { /usr/bin/meshpingctl -q remove --addr "$1"; }

# each COMMAND LIST calls the command with address and name of every lease in the list, as in LEASES4_AT0_ADDRESS.
# Delegated prefixes are not hosts.
each() {
    i=0
    eval "size=\${$2_SIZE:-0}"
    # shellcheck disable=SC2154 # size, type, address and name are set by eval
    while [ "$i" -lt "$size" ]; do
        eval "type=\${$2_AT${i}_TYPE-} address=\${$2_AT${i}_ADDRESS-} name=\${$2_AT${i}_HOSTNAME-}"
        [ "$type" = IA_PD ] || [ -z "$address" ] || "$1" "$address" "$name"
        i=$((i + 1))
    done
}

case ${1-} in
leases4_committed)
    each remove DELETED_LEASES4
    each add LEASES4
    ;;
leases6_committed)
    each remove DELETED_LEASES6
    each add LEASES6
    ;;
lease4_release | lease4_expire | lease4_decline)
    remove "${LEASE4_ADDRESS-}"
    ;;
lease6_release | lease6_expire | lease6_decline)
    [ "${LEASE6_TYPE-}" = IA_PD ] || remove "${LEASE6_ADDRESS-}"
    ;;
esac
