//! Round-trip times, losses, duplicates, late and outdated replies: what the list says is what happened.

use crate::daemon::{Daemon, Start};
use crate::metrics::equal;
use crate::run::{Counts, Outcome};
use crate::sim::behaviour::of_both_families;
use crate::sim::{code, in_namespace};
use serde_json::json;
use std::time::Duration;

#[test]
fn losses_are_counted_exactly() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[
            (code::LOSS_EVERY, 3, 1),
            (code::LOSS_PERCENT, 7, 1),
            (code::LOSS_PERCENT, 50, 1),
            (code::FLAPPING, 4, 1),
            (code::SILENT, 9, 1),
            (code::DELAY_MS, 20, 1),
        ]);
        for outcome in daemon.measure(network, &hosts, 0.05, 80) {
            let recv = outcome.replies();
            outcome.expect(Counts { recv, lost: outcome.requests() - recv, ..Counts::default() });
        }
        let metrics = daemon.metrics();
        for host in hosts {
            let log = network.responder.host(host);
            let (requests, replies) = (log.requests.len() as f64, log.held().len() as f64);
            metrics.check(host);
            assert!(equal(metrics.of(host, "meshping_requests_total"), requests), "{host}");
            assert!(equal(metrics.of(host, "meshping_replies_total"), replies), "{host}");
            assert!(equal(metrics.of(host, "meshping_lost_total"), requests - replies), "{host}");
            assert!(equal(metrics.of(host, "meshping_rtt_seconds_count"), replies), "{host}");
        }
    });
}

#[test]
fn duplicates_count_apart_from_replies() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::COPIES, 1, 1), (code::COPIES, 3, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.1, 20) {
            let recv = outcome.requests();
            let dups = outcome.replies() - recv;
            assert!(dups >= recv);
            outcome.expect(Counts { recv, dups, ..Counts::default() });
            let counted = daemon.metrics().of(outcome.host, "meshping_duplicates_total");
            assert!(equal(counted, dups as f64), "{}: {counted}", outcome.host);
        }
    });
}

#[test]
fn replies_after_a_newer_request_are_out_of_date_and_still_answers() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "2"]);
        let hosts = of_both_families(&[(code::REORDERED, 0, 1), (code::REORDERED, 0, 2)]);
        for outcome in daemon.measure(network, &hosts, 0.1, 20) {
            // The last one has no successor when the count is odd, and stays withheld.
            let outd = outcome.requests() / 2;
            let lost = outcome.requests() % 2;
            outcome.expect(Counts { recv: 2 * outd, outd, lost, ..Counts::default() });
        }
    });
}

#[test]
fn a_reply_after_3_5_seconds_is_late_for_a_timeout_of_one() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "1"]);
        let hosts = of_both_families(&[(code::DELAY_100_MS, 35, 1)]);
        let outcomes = daemon.measure(network, &hosts, 0.5, 8);
        network.wait_until("all replies are out", Duration::from_secs(10), |responder| {
            hosts.iter().all(|host| responder.host(*host).held().len() == responder.requests(*host))
        });
        for Outcome { host, .. } in outcomes {
            let log = network.responder.host(host);
            let requests = log.requests.len() as u64;
            let metrics = daemon.metrics();
            metrics.check(host);
            assert!(equal(metrics.of(host, "meshping_late_total"), requests as f64), "{host}");
            let row = daemon.list()[&host];
            // All but the last one came after a newer request.
            let expected = Counts { lost: requests, outd: requests - 1, ..Counts::default() };
            Outcome { host, row, log }.expect(expected);
        }
    });
}

#[test]
fn a_reply_after_3_5_seconds_is_an_answer_for_a_timeout_of_five() {
    in_namespace(|network| {
        let daemon = Daemon::start(&[]);
        let hosts = of_both_families(&[(code::DELAY_100_MS, 35, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.5, 8) {
            let recv = outcome.requests();
            outcome.expect(Counts { recv, outd: recv - 1, ..Counts::default() });
            assert!(outcome.row.min >= 3.4999, "{:?}", outcome.row);
        }
    });
}

#[test]
fn the_time_to_live_of_the_latest_reply_is_shown() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::TTL, 9, 1), (code::TTL, 255, 1)]);
        daemon.measure(network, &hosts, 0.1, 3);
        let metrics = daemon.metrics();
        for (host, ttl) in hosts.iter().zip([9.0, 255.0, 9.0, 255.0]) {
            assert!(equal(metrics.of(*host, "meshping_reply_ttl"), ttl), "{host}");
        }
    });
}

#[test]
fn link_local_hosts_are_pinged_within_their_zone() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let [healthy, unreachable] = ["fe80::1:5:1%sim0", "fe80::1e:3:1%sim0"];
        for host in [healthy, unreachable] {
            let reply = daemon.ask(&json!({"cmd": "add", "addr": host, "itv": 0.05}));
            assert_eq!(reply, json!({"status": "ok"}));
        }
        network.wait_until("answers of both", Duration::from_secs(20), |_| {
            let list = daemon.ask(&json!({"cmd": "list"}));
            list[healthy]["recv"].as_u64() >= Some(10) && list[unreachable]["errs"].as_u64() >= Some(10)
        });
        let list = daemon.ask(&json!({"cmd": "list"}));
        assert_eq!((&list[healthy]["lost"], &list[healthy]["errs"]), (&json!(0), &json!(0)));
        assert_eq!((&list[unreachable]["lost"], &list[unreachable]["recv"]), (&json!(0), &json!(0)));
    });
}

#[test]
fn two_daemons_on_one_machine_never_mix_up() {
    in_namespace(|network| {
        let hosts = of_both_families(&[(code::DELAY_MS, 5, 1), (code::UNREACHABLE, 1, 1)]);
        let arguments = &["-t", "0.5"];
        let first = Start { arguments, ..Start::default() }.daemon();
        let second = Start { arguments, second: true, ..Start::default() }.daemon();
        for host in &hosts {
            first.add(*host, 0.05);
            second.add(*host, 0.07);
        }
        network.wait_until("requests of both", Duration::from_secs(20), |responder| {
            hosts.iter().all(|host| responder.requests(*host) >= 80)
        });
        let outcomes = [first.finish(network, &hosts), second.finish(network, &hosts)];
        for (first, second) in outcomes[0].iter().zip(&outcomes[1]) {
            let log = network.responder.host(first.host);
            assert_eq!(first.row.sent + second.row.sent, log.requests.len() as u64, "{}", first.host);
            for row in [first.row, second.row] {
                let settled = if first.log.held().is_empty() { row.errs } else { row.recv };
                assert_eq!(settled, row.sent, "{}: {row:?}", first.host);
            }
        }
    });
}
