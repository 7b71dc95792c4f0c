//! ICMP errors: each class under its name, settling exactly the request that it quotes.

use crate::daemon::Daemon;
use crate::metrics::equal;
use crate::run::{Counts, Outcome};
use crate::sim::behaviour::{byte, of_both_families};
use crate::sim::network::add_empty_link;
use crate::sim::{Network, at, code, in_namespace};
use meshping::target::Family::{V4, V6};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// Hosts and the class of the error that answers requests to them.
fn classes() -> Vec<(IpAddr, &'static str)> {
    let v4 = [
        (code::UNREACHABLE, 0, "net_unreachable"),
        (code::UNREACHABLE, 1, "host_unreachable"),
        (code::UNREACHABLE, 2, "protocol_unreachable"),
        (code::UNREACHABLE, 3, "port_unreachable"),
        (code::UNREACHABLE, 4, "frag_needed"),
        (code::UNREACHABLE, 5, "source_route_failed"),
        (code::UNREACHABLE, 6, "net_unreachable"),
        (code::UNREACHABLE, 7, "host_unreachable"),
        (code::UNREACHABLE, 8, "host_unreachable"),
        (code::UNREACHABLE, 9, "admin_prohibited"),
        (code::UNREACHABLE, 10, "admin_prohibited"),
        (code::UNREACHABLE, 11, "net_unreachable"),
        (code::UNREACHABLE, 12, "host_unreachable"),
        (code::UNREACHABLE, 13, "admin_prohibited"),
        (code::UNREACHABLE, 14, "admin_prohibited"),
        (code::UNREACHABLE, 15, "admin_prohibited"),
        (code::TIME_EXCEEDED, 0, "ttl_exceeded"),
        (code::TIME_EXCEEDED, 1, "reassembly_timeout"),
        (code::PARAMETER_PROBLEM, 0, "parameter_problem"),
        (code::TOO_BIG, 0, "frag_needed"),
        (code::QUOTES_EIGHT, 0, "host_unreachable"),
        (code::QUOTES_OPTIONS, 0, "host_unreachable"),
    ];
    let v6 = [
        (code::UNREACHABLE, 0, "net_unreachable"),
        (code::UNREACHABLE, 1, "admin_prohibited"),
        (code::UNREACHABLE, 2, "beyond_scope"),
        (code::UNREACHABLE, 3, "host_unreachable"),
        (code::UNREACHABLE, 4, "port_unreachable"),
        (code::UNREACHABLE, 5, "admin_prohibited"),
        (code::UNREACHABLE, 6, "admin_prohibited"),
        (code::UNREACHABLE, 7, "source_route_failed"),
        (code::TIME_EXCEEDED, 0, "ttl_exceeded"),
        (code::TIME_EXCEEDED, 1, "reassembly_timeout"),
        (code::PARAMETER_PROBLEM, 0, "parameter_problem"),
        (code::PARAMETER_PROBLEM, 1, "parameter_problem"),
        (code::TOO_BIG, 0, "frag_needed"),
        (code::QUOTES_EIGHT, 0, "host_unreachable"),
        (code::QUOTES_OPTIONS, 0, "host_unreachable"),
    ];
    let v4 = v4.into_iter().map(|(code, p, class)| (at(V4, code, p, 1), class));
    let v6 = v6.into_iter().map(|(code, p, class)| (at(V6, code, p, 1), class));
    v4.chain(v6).collect()
}

/// Of these the kernel tells raw sockets only: reassembly timeouts of IPv4 (`icmp_unreach` in its `icmp.c`).
pub fn is_for_raw_sockets_only(host: IpAddr) -> bool {
    host == at(V4, code::TIME_EXCEEDED, 1, 1)
}

/// Pings every host of [`classes`] that `wanted` likes and one that answers, and compares every figure.
pub fn check_classes(daemon: &Daemon, network: &Network, wanted: impl Fn(IpAddr) -> bool) {
    let mut classes = classes();
    classes.retain(|(host, _)| wanted(*host));
    let healthy = of_both_families(&[(code::DELAY_MS, 10, 1)]);
    let hosts: Vec<IpAddr> = classes.iter().map(|(host, _)| *host).chain(healthy.iter().copied()).collect();
    let outcomes = daemon.measure(network, &hosts, 0.1, 10);
    let metrics = daemon.metrics();
    for outcome in outcomes {
        let Outcome { host, .. } = outcome;
        metrics.check(host);
        let requests = outcome.requests();
        if healthy.contains(&host) {
            outcome.expect(Counts { recv: requests, ..Counts::default() });
            assert_eq!(metrics.errors(host), []);
            continue;
        }
        outcome.expect(Counts { errs: requests, ..Counts::default() });
        let class = classes.iter().find(|(listed, _)| *listed == host).expect("it is listed").1;
        assert_eq!(metrics.errors(host), [(class.to_owned(), requests as f64)], "{host}");
    }
}

#[test]
fn every_class_of_error_settles_the_request_that_it_quotes() {
    in_namespace(|network| check_classes(&Daemon::start(&["-t", "0.5"]), network, |_| true));
}

#[test]
fn an_unreachable_of_a_code_that_nobody_knows_is_an_error_all_the_same() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::UNREACHABLE, 99, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.1, 10) {
            let errs = outcome.requests();
            outcome.expect(Counts { errs, ..Counts::default() });
            let errors = daemon.metrics().errors(outcome.host);
            assert_eq!(errors, [("other".to_owned(), errs as f64)], "{}", outcome.host);
        }
    });
}

#[test]
fn redirects_and_source_quenches_are_no_errors() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::REDIRECT, 10, 1), (code::SOURCE_QUENCH, 10, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.1, 10) {
            outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
        }
    });
}

#[test]
fn whatever_comes_first_settles_the_request() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[
            (code::ERROR_THEN_REPLY, 20, 1),
            (code::REPLY_THEN_ERROR, 20, 1),
            (code::ERROR_LATE, 8, 1),
        ]);
        let outcomes = daemon.measure(network, &hosts, 0.2, 10);
        network.wait_until("all late packets are out", Duration::from_secs(5), |responder| {
            hosts.iter().all(|host| responder.host(*host).packets.len() >= responder.requests(*host))
        });
        for (outcome, case) in outcomes.iter().zip((0..3).cycle()) {
            let requests = outcome.requests();
            let late = daemon.metrics().of(outcome.host, "meshping_late_total");
            let (expected, late_expected) = match case {
                0 => (Counts { errs: requests, ..Counts::default() }, requests),
                1 => (Counts { recv: requests, ..Counts::default() }, 0),
                _ => (Counts { lost: requests, ..Counts::default() }, 0),
            };
            outcome.expect(expected);
            assert!(equal(late, late_expected as f64), "{}: {late} late", outcome.host);
        }
    });
}

#[test]
fn an_error_that_quotes_another_request_settles_nothing() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[
            (code::ERROR_FLIPPED, byte::IDENT, 1),
            (code::ERROR_FLIPPED, byte::SEQUENCE, 1),
        ]);
        for outcome in daemon.measure(network, &hosts, 0.1, 10) {
            outcome.expect(Counts { lost: outcome.requests(), ..Counts::default() });
        }
    });
}

/// Pings neighbours that do not exist, until each counts errors; nothing else may be counted.
pub fn check_missing_neighbours(daemon: &Daemon, network: &Network) {
    let hosts = ["192.168.7.9", "fd78::9", "fe80::9%link0"];
    for host in hosts {
        let reply = daemon.ask(&json!({"cmd": "add", "addr": host, "itv": 0.5}));
        assert_eq!(reply, json!({"status": "ok"}));
    }
    network.wait_until("some errors for each", Duration::from_secs(40), |_| {
        let list = daemon.ask(&json!({"cmd": "list"}));
        hosts.iter().all(|host| list[host]["errs"].as_u64() >= Some(10))
    });
    let list = daemon.ask(&json!({"cmd": "list"}));
    for host in hosts {
        let row = &list[host];
        assert_eq!((&row["lost"], &row["recv"]), (&json!(0), &json!(0)), "{host}: {row}");
    }
}

#[test]
fn our_own_kernel_says_which_neighbours_do_not_exist() {
    in_namespace(|network| {
        add_empty_link();
        check_missing_neighbours(&Daemon::start(&[]), network);
    });
}
