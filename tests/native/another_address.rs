//! Hosts that answer from another address than the one that was asked: subnet-router anycast (RFC 4443 §4.2), and what
//! else does so.

use crate::daemon::{Daemon, NONE, Start};
use crate::metrics::equal;
use crate::peer::add_peer;
use crate::run::Counts;
use crate::sim::behaviour::{byte, elsewhere, of_both_families};
use crate::sim::network::sysctl;
use crate::sim::packet::family;
use crate::sim::{Network, code, in_namespace};
use serde_json::{Value, json};
use std::time::Duration;

/// A daemon with that kind of sockets.
fn daemon(socket: &str) -> Daemon {
    sysctl("net/ipv4/ping_group_range", "0 0");
    let setpriv: &[&str] = if socket == "raw" { &[] } else { &NONE };
    let daemon = Start { setpriv, arguments: &["-t", "0.5"], ..Start::default() }.daemon();
    assert_eq!(daemon.metrics().label("meshping_engine_info", "socket"), Some(socket));
    daemon
}

fn answered_by(daemon: &Daemon, key: &str) -> Value {
    daemon.ask(&json!({"cmd": "list", "detail": true}))[key]["answered_by"].clone()
}

fn foreign(daemon: &Daemon, reason: &str) -> f64 {
    daemon.metrics().sum("meshping_foreign_packets_total", &[("reason", reason)])
}

/// Replies from another address count, and the detail says which one it is, for as long as it is so.
fn check_replies(network: &Network, socket: &str) {
    let daemon = daemon(socket);
    let hosts = of_both_families(&[(code::FROM_ELSEWHERE, 0, 1), (code::ELSEWHERE_FIRST, 3, 1)]);
    for (outcome, later_own) in
        daemon.measure(network, &hosts, 0.1, 10).iter().zip([false, true].into_iter().cycle())
    {
        outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
        let expected = if later_own { Value::Null } else { json!(elsewhere(family(outcome.host))) };
        assert_eq!(answered_by(&daemon, &outcome.host.to_string()), expected, "{}", outcome.host);
    }
    let reasons = ["not_ours", "malformed", "corrupt", "stale", "forged"];
    assert!(reasons.iter().all(|reason| equal(foreign(&daemon, reason), 0.0)), "none is foreign");
}

#[test]
fn the_token_proves_a_reply_whatever_address_it_comes_from() {
    in_namespace(|network| check_replies(network, "raw"));
}

#[test]
fn datagram_sockets_take_replies_from_other_addresses_too() {
    in_namespace(|network| check_replies(network, "dgram"));
}

#[test]
fn another_address_proves_nothing_without_the_token_of_the_request() {
    in_namespace(|network| {
        let daemon = daemon("raw");
        let spoiled = [
            (byte::IDENT, "not_ours"),
            (byte::SEQUENCE, "not_ours"),
            (byte::TOKEN, "not_ours"),
            (byte::PATTERN, "corrupt"),
        ];
        for (byte, reason) in spoiled {
            let hosts = of_both_families(&[(code::FLIPPED_ELSEWHERE, byte, 1)]);
            let before = foreign(&daemon, reason);
            let outcomes = daemon.measure(network, &hosts, 0.1, 10);
            let requests: u64 = outcomes.iter().map(crate::run::Outcome::requests).sum();
            for outcome in outcomes {
                outcome.expect(Counts { lost: outcome.requests(), ..Counts::default() });
                assert_eq!(answered_by(&daemon, &outcome.host.to_string()), Value::Null, "{}", outcome.host);
            }
            assert!(equal(foreign(&daemon, reason) - before, requests as f64), "byte {byte}: {reason}");
        }
    });
}

/// Pings the subnet-router anycast addresses of a link, which the kernel of the router answers from its own.
fn check_anycast(network: &Network, socket: &str) {
    let peer = add_peer();
    peer.run("sysctl -qw net.ipv6.conf.all.forwarding=1");
    let daemon = daemon(socket);
    let hosts = [("fd88::", "fd88::2"), ("fe80::%near0", "fe80::2%near0")];
    for (host, _) in hosts {
        assert_eq!(daemon.ask(&json!({"cmd": "add", "addr": host, "itv": 0.1})), json!({"status": "ok"}));
    }
    network.wait_until("ten replies of each", Duration::from_secs(20), |_| {
        let rows = daemon.ask(&json!({"cmd": "list"}));
        hosts.iter().all(|(host, _)| rows[host]["recv"].as_u64() >= Some(10))
    });
    for (host, router) in hosts {
        assert_eq!(answered_by(&daemon, host), router, "{host}");
    }
    assert_eq!(daemon.ask(&json!({"cmd": "add", "addr": "fd88::2", "itv": 0.1})), json!({"status": "ok"}));
    network.wait_until("a reply of the router itself", Duration::from_secs(5), |_| {
        daemon.ask(&json!({"cmd": "list"}))["fd88::2"]["recv"].as_u64() >= Some(1)
    });
    assert_eq!(answered_by(&daemon, "fd88::2"), Value::Null);
    assert!(equal(foreign(&daemon, "not_ours"), 0.0));
}

#[test]
fn a_router_answers_for_the_anycast_address_of_its_subnet() {
    in_namespace(|network| check_anycast(network, "raw"));
}

#[test]
fn a_router_answers_for_the_anycast_address_on_datagram_sockets() {
    in_namespace(|network| check_anycast(network, "dgram"));
}
