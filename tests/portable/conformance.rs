//! The figures of the daemon with `--engine portable` against the log of the simulated network, as far as the table
//! in the engine's documentation goes; and what it says of the rest.

use crate::daemon::{Daemon, NONE, Start};
use crate::metrics::equal;
use crate::run::{Counts, Outcome};
use crate::side_by_side;
use crate::sim::behaviour::{byte, of_both_families};
use crate::sim::log::median;
use crate::sim::network::sysctl;
use crate::sim::{at, code, in_namespace};
use meshping::target::Family::{V4, V6};
use serde_json::json;
use std::time::Duration;

const PORTABLE: &[&str] = &["--engine", "portable", "-t", "0.5"];

#[test]
fn round_trip_times_are_what_was_held_and_a_little_more() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let hosts: Vec<_> = [0, 5, 20, 100, 250].iter().map(|&ms| (code::DELAY_MS, ms, 1)).collect();
        let mut excesses = Vec::new();
        for Outcome { host, row, log } in daemon.measure(network, &of_both_families(&hosts), 0.2, 20) {
            let held: Duration = log.held().iter().sum();
            assert_eq!((row.recv, row.lost, row.errs), (log.held().len() as u64, 0, 0), "{host}");
            let excess = (row.sum - held.as_secs_f64()) / row.recv as f64;
            assert!(excess > -1e-3, "{host}: {excess} s less than was held: {row:?}");
            excesses.push(Duration::from_secs_f64(excess.max(0.0)));
        }
        let excess = median(excesses);
        println!("the median host's average is {excess:?} above what was held");
        assert!(excess < Duration::from_millis(5), "{excess:?}");
    });
}

#[test]
fn nothing_of_one_variant_counts_for_another() {
    in_namespace(|network| side_by_side::check(&Daemon::start(PORTABLE), network, false));
}

#[test]
fn nothing_of_one_variant_counts_for_another_on_datagram_sockets() {
    in_namespace(|network| {
        sysctl("net/ipv4/ping_group_range", "0 0");
        let daemon = Start { setpriv: &NONE, arguments: PORTABLE, ..Start::default() }.daemon();
        side_by_side::check_answered(&daemon, network);
    });
}

#[test]
fn losses_and_errors_are_counted_exactly_by_class() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let lossy =
            of_both_families(&[(code::LOSS_EVERY, 3, 1), (code::FLAPPING, 4, 1), (code::SILENT, 9, 1)]);
        for outcome in daemon.measure(network, &lossy, 0.2, 20) {
            let recv = outcome.replies();
            outcome.expect(Counts { recv, lost: outcome.requests() - recv, ..Counts::default() });
        }
        let errors = [
            (at(V4, code::UNREACHABLE, 0, 1), "net_unreachable"),
            (at(V4, code::UNREACHABLE, 13, 1), "admin_prohibited"),
            (at(V4, code::TIME_EXCEEDED, 1, 1), "reassembly_timeout"),
            (at(V4, code::PARAMETER_PROBLEM, 0, 1), "parameter_problem"),
            (at(V4, code::QUOTES_EIGHT, 0, 1), "host_unreachable"),
            (at(V4, code::QUOTES_OPTIONS, 0, 1), "host_unreachable"),
            (at(V4, code::ERROR_THEN_REPLY, 20, 1), "host_unreachable"),
            (at(V6, code::UNREACHABLE, 2, 1), "beyond_scope"),
            (at(V6, code::UNREACHABLE, 4, 1), "port_unreachable"),
            (at(V6, code::TIME_EXCEEDED, 0, 1), "ttl_exceeded"),
            (at(V6, code::TOO_BIG, 0, 1), "frag_needed"),
            (at(V6, code::QUOTES_EIGHT, 0, 1), "host_unreachable"),
            (at(V6, code::QUOTES_OPTIONS, 0, 1), "host_unreachable"),
        ];
        let hosts: Vec<_> = errors.iter().map(|&(host, _)| host).collect();
        let outcomes = daemon.measure(network, &hosts, 0.1, 10);
        let metrics = daemon.metrics();
        for (outcome, (host, class)) in outcomes.iter().zip(errors) {
            outcome.expect(Counts { errs: outcome.requests(), ..Counts::default() });
            let counted: Vec<_> =
                metrics.errors(host).into_iter().filter(|&(_, count)| count > 0.0).collect();
            assert_eq!(counted, [(class.to_owned(), outcome.requests() as f64)], "{host}");
            metrics.check(host);
        }
    });
}

#[test]
fn late_replies_are_late_and_outdated_ones_out_of_date() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let late = of_both_families(&[(code::DELAY_100_MS, 8, 1)]);
        for outcome in daemon.measure(network, &late, 1.0, 4) {
            let lost = outcome.requests();
            outcome.expect(Counts { lost, ..Counts::default() });
            network.wait_until("the last late reply", Duration::from_secs(5), |_| {
                equal(daemon.metrics().of(outcome.host, "meshping_late_total"), lost as f64)
            });
        }
        let reordered = of_both_families(&[(code::REORDERED, 0, 1)]);
        for outcome in daemon.measure(network, &reordered, 0.1, 20) {
            let (recv, requests) = (outcome.replies(), outcome.requests());
            let outd = requests / 2;
            outcome.expect(Counts { recv, lost: requests - recv, outd, ..Counts::default() });
        }
    });
}

#[test]
fn of_several_answers_the_first_counts() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let hosts = of_both_families(&[(code::COPIES, 3, 1), (code::REPLY_THEN_ERROR, 20, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.1, 15) {
            outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
        }
    });
}

#[test]
fn what_is_no_answer_but_ends_the_waiting_leaves_the_request_void() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let mut hosts =
            of_both_families(&[(code::LONGER, 4, 1), (code::CUT, 20, 1), (code::REDIRECT, 20, 1)]);
        hosts.push(at(V4, code::SOURCE_QUENCH, 20, 1));
        for outcome in daemon.measure(network, &hosts, 0.1, 10) {
            outcome.expect(Counts { void: outcome.requests(), ..Counts::default() });
        }
        let malformed = daemon.metrics().sum("meshping_foreign_packets_total", &[("reason", "malformed")]);
        assert!(malformed >= 40.0, "{malformed}");
    });
}

#[test]
fn replies_with_a_wrong_address_identifier_or_sequence_answer_nothing() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let hosts = of_both_families(&[
            (code::FROM_ELSEWHERE, 0, 1),
            (code::FLIPPED, byte::IDENT, 1),
            (code::FLIPPED, byte::SEQUENCE, 1),
            (code::ERROR_FLIPPED, byte::IDENT, 1),
        ]);
        for outcome in daemon.measure(network, &hosts, 0.1, 10) {
            outcome.expect(Counts { lost: outcome.requests(), ..Counts::default() });
        }
    });
}

#[test]
fn link_local_hosts_are_pinged_within_their_zone() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let host = "fe80::1:5:1%sim0";
        assert_eq!(daemon.ask(&json!({"cmd": "add", "addr": host, "itv": 0.05})), json!({"status": "ok"}));
        network.wait_until("ten answers", Duration::from_secs(20), |_| {
            daemon.ask(&json!({"cmd": "list"}))[host]["recv"].as_u64() >= Some(10)
        });
        let list = daemon.ask(&json!({"cmd": "list"}));
        assert_eq!((&list[host]["lost"], &list[host]["errs"]), (&json!(0), &json!(0)));
    });
}

#[test]
fn datagram_sockets_do_where_raw_ones_are_not_permitted() {
    in_namespace(|network| {
        sysctl("net/ipv4/ping_group_range", "0 0");
        let daemon = Start { setpriv: &NONE, arguments: PORTABLE, ..Start::default() }.daemon();
        let metrics = daemon.metrics();
        assert_eq!(metrics.label("meshping_engine_info", "engine"), Some("portable"));
        assert_eq!(metrics.label("meshping_engine_info", "socket"), Some("dgram"));
        let hosts = of_both_families(&[(code::DELAY_MS, 20, 1), (code::LOSS_EVERY, 3, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.1, 20) {
            let recv = outcome.replies();
            outcome.expect(Counts { recv, lost: outcome.requests() - recv, ..Counts::default() });
        }
    });
}

#[test]
fn without_any_permission_the_start_fails_and_one_line_says_what_to_do() {
    in_namespace(|_| {
        let output = Start { setpriv: &NONE, arguments: PORTABLE, ..Start::default() }.fail();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(["CAP_NET_RAW", "cap_net_raw", "root"].iter().any(|word| text.contains(word)), "{text}");
    });
}

#[test]
fn sizes_are_sent_as_asked_and_what_can_not_be_is_an_error_of_sending() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let sizes = [16, 57, 1_400];
        for (number, size) in (1..).zip(sizes) {
            let hosts = [V4, V6].map(|family| at(family, code::DELAY_MS, 5, number));
            for host in hosts {
                daemon.add_with(host, 0.1, &json!({"size": size}));
            }
            for outcome in daemon.measure(network, &hosts, 0.1, 10) {
                outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
                assert!(outcome.log.requests.iter().all(|request| request.look.size == size));
            }
        }
        let unable = [
            json!({"size": 1_981}),
            json!({"dscp": 0}),
            json!({"ttl": 9}),
            json!({"source": "10.0.0.1"}),
            json!({"interface": "sim0"}),
            json!({"dont_fragment": true}),
        ];
        let hosts: Vec<_> =
            (11..).zip(&unable).map(|(number, _)| at(V4, code::DELAY_MS, 5, number)).collect();
        for (host, options) in hosts.iter().zip(&unable) {
            daemon.add_with(*host, 0.1, options);
        }
        network.wait_until("errors for each", Duration::from_secs(20), |_| {
            let rows = daemon.list();
            hosts.iter().all(|host| rows[host].errs >= 5)
        });
        for Outcome { host, row, log } in daemon.finish(network, &hosts) {
            assert_eq!((log.requests.len(), row.errs), (0, row.sent), "{host}");
            assert_eq!(daemon.metrics().errors(host), [("send".to_owned(), row.errs as f64)], "{host}");
        }
    });
}

#[test]
fn a_target_with_a_longer_timeout_is_listened_to_for_longer() {
    in_namespace(|network| {
        let daemon = Daemon::start(PORTABLE);
        let hosts = [V4, V6].map(|family| at(family, code::DELAY_100_MS, 110, 1));
        for host in hosts {
            daemon.add_with(host, 5.0, &json!({"timeout": 60}));
        }
        // Eleven seconds, which is longer than others are listened to.
        network.wait_until("an answer of each", Duration::from_secs(60), |_| {
            let rows = daemon.list();
            hosts.iter().all(|host| rows[host].recv >= 1)
        });
        let rows = daemon.list();
        assert!(hosts.iter().all(|host| rows[host].lost == 0), "{rows:?}");
    });
}
