//! The script of Kea at every hook point, those too that a server does not come to by itself here: DHCPv6, and
//! addresses that a client declines. The environment is what Kea's documentation of the hook says.

use super::{SCRIPT, nobody_is_pinged, targets, with_meshping};
use std::process::Command;

/// Runs the script, and returns addresses and names of the targets.
fn run(point: &str, environment: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut command = Command::new(SCRIPT);
    let output = command.arg(point).env_clear().envs(environment.iter().copied()).output().expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{point}: {output:?}");
    targets().into_iter().map(|target| (target.addr, target.name)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(addr, name)| ((*addr).to_owned(), (*name).to_owned())).collect()
}

const HOSTILE: &str = "\"'; $(id) `id` ${IFS} \\ * -rf\n";

#[test]
fn the_script_of_kea_knows_every_hook_point_that_begins_or_ends_a_lease() {
    let test = "script::the_script_of_kea_knows_every_hook_point_that_begins_or_ends_a_lease";
    with_meshping(test, |_, _meshping| {
        let committed = [
            ("LEASES4_SIZE", "2"),
            ("LEASES4_AT0_ADDRESS", "192.0.2.7"),
            ("LEASES4_AT0_HOSTNAME", HOSTILE),
            ("LEASES4_AT1_ADDRESS", "192.0.2.8"),
            ("LEASES4_AT1_HOSTNAME", ""),
            ("DELETED_LEASES4_SIZE", "0"),
        ];
        let two = pairs(&[("192.0.2.7", HOSTILE), ("192.0.2.8", "192.0.2.8")]);
        assert_eq!(run("leases4_committed", &committed), two);
        for point in ["lease4_renew", "lease4_recover", "lease6_rebind", "unknown"] {
            assert_eq!(run(point, &[("LEASE4_ADDRESS", "192.0.2.7")]), two, "{point}");
        }
        let moved = [
            ("LEASES4_SIZE", "1"),
            ("LEASES4_AT0_ADDRESS", "192.0.2.9"),
            ("LEASES4_AT0_HOSTNAME", "-rf"),
            ("DELETED_LEASES4_SIZE", "1"),
            ("DELETED_LEASES4_AT0_ADDRESS", "192.0.2.7"),
        ];
        let moved_to = pairs(&[("192.0.2.8", "192.0.2.8"), ("192.0.2.9", "-rf")]);
        assert_eq!(run("leases4_committed", &moved), moved_to);
        assert_eq!(run("lease4_decline", &[("LEASE4_ADDRESS", "192.0.2.8")]), pairs(&[("192.0.2.9", "-rf")]));
        assert_eq!(run("lease4_expire", &[("LEASE4_ADDRESS", "192.0.2.9"), ("REMOVE_LEASE", "0")]), []);

        let committed = [
            ("LEASES6_SIZE", "2"),
            ("LEASES6_AT0_ADDRESS", "2001:db8:1::"),
            ("LEASES6_AT0_TYPE", "IA_PD"),
            ("LEASES6_AT1_ADDRESS", "2001:db8::7"),
            ("LEASES6_AT1_TYPE", "IA_NA"),
            ("LEASES6_AT1_HOSTNAME", "--help"),
        ];
        for point in ["lease6_release", "lease6_expire", "lease6_decline"] {
            assert_eq!(run("leases6_committed", &committed), pairs(&[("2001:db8::7", "--help")]));
            let prefix = [("LEASE6_ADDRESS", "2001:db8::7"), ("LEASE6_TYPE", "IA_PD")];
            assert_eq!(run(point, &prefix).len(), 1, "{point}");
            assert_eq!(run(point, &[("LEASE6_ADDRESS", "2001:db8::7"), ("LEASE6_TYPE", "IA_NA")]), []);
        }
        assert!(nobody_is_pinged());
    });
}
