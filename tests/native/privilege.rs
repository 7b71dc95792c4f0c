//! What the daemon makes of the permissions that it has.

use crate::daemon::{NONE, RAW_ONLY, Start};
use crate::errors;
use crate::metrics::equal;
use crate::run::Counts;
use crate::sim::behaviour::{byte, of_both_families};
use crate::sim::network::{add_empty_link, sysctl};
use crate::sim::{code, in_namespace};
use std::collections::BTreeSet;

/// Who may open datagram ICMP sockets; nobody in a fresh namespace.
const PING_GROUPS: &str = "net/ipv4/ping_group_range";

/// Checks that the daemon says it uses that kind of socket, and that all its figures are right with it.
fn check_socket(network: &crate::sim::Network, setpriv: &[&str], socket: &str) {
    let daemon = Start { setpriv, arguments: &["-t", "0.5"], ..Start::default() }.daemon();
    let metrics = daemon.metrics();
    assert_eq!(metrics.label("meshping_engine_info", "engine"), Some("native"));
    assert_eq!(metrics.label("meshping_engine_info", "socket"), Some(socket));
    errors::check_classes(&daemon, network, |host| socket == "raw" || !errors::is_for_raw_sockets_only(host));
}

#[test]
fn the_right_to_open_raw_sockets_is_enough() {
    in_namespace(|network| {
        check_socket(network, &RAW_ONLY, "raw");
    });
}

#[test]
fn without_capabilities_datagram_sockets_do_where_the_system_allows_them() {
    in_namespace(|network| {
        sysctl(PING_GROUPS, "0 0");
        check_socket(network, &NONE, "dgram");
    });
}

#[test]
fn datagram_sockets_tell_the_same_figures() {
    in_namespace(|network| {
        sysctl(PING_GROUPS, "0 0");
        let daemon = Start { setpriv: &NONE, arguments: &["-t", "0.5"], ..Start::default() }.daemon();
        let hosts = of_both_families(&[
            (code::DELAY_MS, 20, 1),
            (code::LOSS_EVERY, 3, 1),
            (code::COPIES, 1, 1),
            (code::ERROR_THEN_REPLY, 20, 1),
            (code::FLIPPED, byte::TOKEN, 1),
            (code::TTL, 9, 1),
        ]);
        for (outcome, case) in daemon.measure(network, &hosts, 0.1, 20).iter().zip((0..6).cycle()) {
            let (requests, none) = (outcome.requests(), Counts::default());
            outcome.expect(match case {
                1 => Counts { recv: outcome.replies(), lost: requests - outcome.replies(), ..none },
                2 => Counts { recv: requests, dups: requests, ..none },
                3 => Counts { errs: requests, ..none },
                4 => Counts { lost: requests, ..none },
                _ => Counts { recv: requests, ..none },
            });
            let ttl = daemon.metrics().of(outcome.host, "meshping_reply_ttl");
            assert!(case != 5 || equal(ttl, 9.0), "{}: {ttl}", outcome.host);
        }
    });
}

#[test]
fn datagram_sockets_are_told_which_neighbours_do_not_exist() {
    in_namespace(|network| {
        sysctl(PING_GROUPS, "0 0");
        add_empty_link();
        let daemon = Start { setpriv: &NONE, ..Start::default() }.daemon();
        errors::check_missing_neighbours(&daemon, network);
    });
}

#[test]
fn without_any_permission_the_start_fails_and_one_line_says_what_to_do() {
    in_namespace(|_| {
        let output = Start { setpriv: &NONE, ..Start::default() }.fail();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).expect("text");
        println!("{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        let words: BTreeSet<&str> = ["CAP_NET_RAW", "ping_group_range", "root"].into();
        assert!(words.iter().any(|word| text.contains(word)), "{text}");
    });
}
