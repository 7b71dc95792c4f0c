//! Packets that are not what they should be: counted by reason, and never as an answer.

use crate::daemon::Daemon;
use crate::metrics::{Metrics, equal};
use crate::run::Counts;
use crate::sim::behaviour::{byte, of_both_families, ourselves};
use crate::sim::packet::{datagram, echo_reply};
use crate::sim::{FAMILIES, Network, at, code, in_namespace};
use std::collections::BTreeMap;
use std::time::Duration;

const REASONS: [&str; 5] = ["not_ours", "malformed", "corrupt", "stale", "forged"];

fn foreign(metrics: &Metrics) -> BTreeMap<&'static str, f64> {
    let count = |reason| metrics.sum("meshping_foreign_packets_total", &[("reason", reason)]);
    REASONS.into_iter().map(|reason| (reason, count(reason))).collect()
}

fn expect(network: &Network, daemon: &Daemon, expected: &BTreeMap<&'static str, f64>) {
    let mut seen = BTreeMap::new();
    network.wait_until("every foreign packet is counted", Duration::from_secs(5), |_| {
        seen = foreign(&daemon.metrics());
        REASONS.into_iter().all(|reason| seen[reason] >= expected.get(reason).copied().unwrap_or(0.0))
    });
    for reason in REASONS {
        let expected = expected.get(reason).copied().unwrap_or(0.0);
        assert!(equal(seen[reason], expected), "{reason}: {expected} expected, {seen:?}");
    }
}

/// Pings hosts of both families, all of whose packets are foreign for the reason given, and compares.
fn check(network: &Network, spoilers: &[(u8, u8, &'static str)]) {
    let daemon = Daemon::start(&["-t", "0.5"]);
    let hosts: Vec<_> = spoilers.iter().map(|&(code, p, _)| (code, p, 1)).collect();
    let outcomes = daemon.measure(network, &of_both_families(&hosts), 0.1, 10);
    let mut expected = BTreeMap::new();
    for (outcome, (code, _, reason)) in outcomes.iter().zip(spoilers.iter().cycle()) {
        let requests = outcome.requests();
        *expected.entry(*reason).or_default() += requests as f64;
        outcome.expect(match *code {
            code::FLIPPED_THEN_RIGHT => Counts { recv: requests, ..Counts::default() },
            _ => Counts { lost: requests, ..Counts::default() },
        });
    }
    expect(network, &daemon, &expected);
}

#[test]
fn replies_that_are_somebody_elses_answer_nothing() {
    in_namespace(|network| {
        check(network, &[(code::FLIPPED, byte::IDENT, "not_ours")]);
    });
}

#[test]
fn forged_replies_answer_nothing() {
    in_namespace(|network| {
        let spoilers = [byte::SEQUENCE, byte::INDEX, byte::TOKEN].map(|b| (code::FLIPPED, b, "forged"));
        check(network, &spoilers);
    });
}

#[test]
fn corrupt_replies_answer_nothing() {
    in_namespace(|network| {
        let spoilers = [(code::FLIPPED, byte::PATTERN, "corrupt"), (code::BAD_CHECKSUM, 0, "corrupt")];
        check(network, &spoilers);
    });
}

#[test]
fn malformed_replies_answer_nothing() {
    in_namespace(|network| {
        // Of less than 8 bytes the kernel shows us nothing.
        let cut = [8, 20, 63].map(|length| (code::CUT, length, "malformed"));
        check(network, &[&cut[..], &[(code::LONGER, 8, "malformed")]].concat());
    });
}

#[test]
fn a_forged_reply_does_not_keep_the_right_one_from_counting() {
    in_namespace(|network| check(network, &[(code::FLIPPED_THEN_RIGHT, byte::TOKEN, "forged")]));
}

#[test]
fn errors_about_requests_that_never_were_are_counted_as_foreign() {
    in_namespace(|network| {
        let ident = (code::ERROR_FLIPPED, byte::IDENT, "not_ours");
        check(network, &[ident, (code::ERROR_FLIPPED, byte::SEQUENCE, "stale")]);
    });
}

#[test]
fn a_reply_after_its_request_is_forgotten_is_stale() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::DELAY_100_MS, 120, 1)]);
        let outcomes = daemon.measure(network, &hosts, 0.5, 3);
        let requests: u64 = outcomes.iter().map(super::run::Outcome::requests).sum();
        network.wait_until("all replies are out", Duration::from_secs(20), |responder| {
            hosts.iter().all(|host| responder.host(*host).held().len() == responder.requests(*host))
        });
        expect(network, &daemon, &BTreeMap::from([("stale", requests as f64)]));
        for host in hosts {
            assert!(equal(daemon.metrics().of(host, "meshping_late_total"), 0.0), "{host}");
        }
    });
}

#[test]
fn packets_that_nobody_asked_for_are_not_ours() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::DELAY_MS, 1, 1)]);
        daemon.measure(network, &hosts, 0.1, 3);
        for family in FAMILIES {
            // The identifier of a request that was sent, with one bit flipped.
            let log = network.responder.host(at(family, code::DELAY_MS, 1, 1));
            let ident = (log.requests[0].ident ^ 1).to_be_bytes();
            for length in [8, 64] {
                let mut message = vec![0; length];
                message[0] = echo_reply(family);
                message[4..6].copy_from_slice(&ident);
                let stranger = at(family, code::SILENT, 9, 9);
                network.responder.inject(datagram(stranger, ourselves(family), 60, message));
            }
        }
        expect(network, &daemon, &BTreeMap::from([("not_ours", 4.0)]));
        assert_eq!(daemon.list().len(), hosts.len());
    });
}
