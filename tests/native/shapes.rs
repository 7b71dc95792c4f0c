//! What requests look like on the wire, as each target's options say, and what becomes of those that can't leave.

use crate::daemon::{Daemon, NONE, Start};
use crate::peer::add_peer;
use crate::run::{Counts, Outcome};
use crate::sim::behaviour::{of_both_families, ourselves};
use crate::sim::network::{SECOND, add_second_device, ip, packets_out, sysctl};
use crate::sim::packet::Look;
use crate::sim::{FAMILIES, Network, at, code, in_namespace};
use meshping::target::Family;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A host that answers at once.
fn host(family: Family, number: u8) -> IpAddr {
    at(family, code::DELAY_MS, 0, number)
}

/// An address of ours that the routes do not choose.
fn other_source(family: Family) -> IpAddr {
    at(family, code::SILENT, 0, 2)
}

fn add_other_source() {
    ip("address add 10.0.0.2/32 dev sim0");
    // Deprecated, or the system would choose it by itself.
    ip("address add fd77::2/128 dev sim0 nodad preferred_lft 0");
}

/// A daemon that has to do with datagram sockets.
fn unprivileged() -> Daemon {
    sysctl("net/ipv4/ping_group_range", "0 0");
    Start { setpriv: &NONE, arguments: &["-t", "2"], ..Start::default() }.daemon()
}

/// What a request looks like that nobody asked anything of.
fn usual(family: Family) -> Look {
    let source = ourselves(family);
    Look { source, traffic_class: 0, ttl: 64, dont_fragment: true, size: 56 }
}

/// Pings hosts with options until each has got ten requests; each request has to look as expected, and each has to
/// be answered.
fn check_looks(daemon: &Daemon, network: &Network, cases: &[(IpAddr, Value, Look)]) {
    for (host, options, _) in cases {
        daemon.add_with(*host, 0.1, options);
    }
    network.wait_until("ten requests for each", Duration::from_secs(30), |responder| {
        cases.iter().all(|(host, ..)| responder.requests(*host) >= 10)
    });
    let hosts: Vec<IpAddr> = cases.iter().map(|(host, ..)| *host).collect();
    for (outcome, (host, options, look)) in daemon.finish(network, &hosts).iter().zip(cases) {
        let looks = outcome.log.requests.iter().map(|request| request.look);
        let strange: Vec<Look> = looks.filter(|seen| seen != look).collect();
        assert_eq!(strange, [], "{host} with {options}; expected {look:?}");
        outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
    }
}

/// Every option alone, all of them together, and none.
fn options_and_looks(family: Family) -> Vec<(IpAddr, Value, Look)> {
    let (usual, source) = (usual(family), other_source(family));
    let v6 = family == Family::V6;
    let cases = [
        (json!({}), usual),
        (json!({"dscp": "EF"}), Look { traffic_class: 184, ..usual }),
        (json!({"ttl": 3}), Look { ttl: 3, ..usual }),
        (json!({"source": source}), Look { source, ..usual }),
        (json!({"interface": "sim0"}), usual),
        (json!({"dont_fragment": true}), usual),
        (json!({"dont_fragment": false}), Look { dont_fragment: v6, ..usual }),
        (json!({"size": 16}), Look { size: 16, ..usual }),
        (json!({"size": 17}), Look { size: 17, ..usual }),
        (json!({"size": 57}), Look { size: 57, ..usual }),
        (json!({"size": 1_452}), Look { size: 1_452, ..usual }),
        (
            json!({"size": 1_000, "dscp": 10, "ttl": 255, "source": source, "interface": "sim0", "dont_fragment": false}),
            Look { source, traffic_class: 40, ttl: 255, dont_fragment: v6, size: 1_000 },
        ),
    ];
    (1_u8..).zip(cases).map(|(number, (options, look))| (host(family, number), options, look)).collect()
}

fn of_families(cases: impl Fn(Family) -> Vec<(IpAddr, Value, Look)>) -> Vec<(IpAddr, Value, Look)> {
    FAMILIES.into_iter().flat_map(cases).collect()
}

#[test]
fn every_option_is_to_be_seen_on_the_wire() {
    in_namespace(|network| {
        add_other_source();
        check_looks(&Daemon::start(&["-t", "2"]), network, &of_families(options_and_looks));
    });
}

#[test]
fn datagram_sockets_send_the_same_or_say_that_they_can_not() {
    in_namespace(|network| {
        add_other_source();
        let mut cases = of_families(options_and_looks);
        let (v6_with_source, cases): (Vec<_>, Vec<_>) =
            cases.drain(..).partition(|(host, options, _)| host.is_ipv6() && options["source"].is_string());
        let daemon = unprivileged();
        check_looks(&daemon, network, &cases);
        // The kernel would choose another source, and say nothing.
        let hosts: Vec<IpAddr> = v6_with_source.iter().map(|(host, ..)| *host).collect();
        assert_eq!(hosts.len(), 2);
        for (host, options, _) in &v6_with_source {
            daemon.add_with(*host, 0.1, options);
        }
        wait_for_more(&daemon, network, &hosts, |row| row.errs);
        for outcome in daemon.finish(network, &hosts) {
            assert_eq!((outcome.requests(), outcome.row.errs), (0, outcome.row.sent), "{}", outcome.host);
        }
    });
}

/// Payloads up to the largest, as far as a packet of the device holds them.
fn large(family: Family) -> Vec<(IpAddr, Value, Look)> {
    let sizes = if family == Family::V4 { [1_600, 9_000, 65_507] } else { [1_600, 9_000, 65_487] };
    let case = |(number, size): (u8, usize)| {
        (host(family, number), json!({"size": size}), Look { size, ..usual(family) })
    };
    (1..).zip(sizes).map(case).collect()
}

#[test]
fn large_requests_and_replies_are_sent_and_received_whole() {
    in_namespace(|network| {
        ip("link set sim0 mtu 65535");
        check_looks(&Daemon::start(&["-t", "2"]), network, &of_families(large));
    });
}

#[test]
fn datagram_sockets_take_large_ones_too() {
    in_namespace(|network| {
        ip("link set sim0 mtu 65535");
        check_looks(&unprivileged(), network, &of_families(large));
    });
}

#[test]
fn large_replies_are_checked_to_their_last_byte() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::FLIPPED, 255, 1), (code::CUT, 200, 1), (code::LONGER, 9, 1)]);
        for host in &hosts {
            daemon.add_with(*host, 0.1, &json!({"size": 301}));
        }
        for outcome in daemon.measure(network, &hosts, 0.1, 10) {
            outcome.expect(Counts { lost: outcome.requests(), ..Counts::default() });
        }
        let spoiled = |reason| daemon.metrics().sum("meshping_foreign_packets_total", &[("reason", reason)]);
        assert!(spoiled("corrupt") >= 20.0 && spoiled("malformed") >= 40.0);
    });
}

/// Fragments, and of which class the errors are, of 3000 bytes on links that take 1500.
fn check_fragments(daemon: &Daemon, network: &Network) {
    let cases = [
        (json!({"size": 3_000}), true),
        (json!({"size": 3_000, "dont_fragment": false}), true),
        (json!({"size": 3_000, "dont_fragment": true}), false),
    ];
    let hosts: Vec<(IpAddr, &(Value, bool))> = FAMILIES
        .into_iter()
        .flat_map(|family| (1..).zip(&cases).map(move |(number, case)| (host(family, number), case)))
        .collect();
    for (host, (options, _)) in &hosts {
        daemon.add_with(*host, 0.1, options);
    }
    network.wait_until("some requests for each", Duration::from_secs(30), |_| {
        let rows = daemon.list();
        hosts.iter().all(|(host, _)| rows[host].sent >= 10)
    });
    let addresses: Vec<IpAddr> = hosts.iter().map(|(host, _)| *host).collect();
    for (Outcome { host, row, log }, (_, (options, fragmented))) in
        daemon.finish(network, &addresses).into_iter().zip(&hosts)
    {
        let errors = daemon.metrics().errors(host);
        if *fragmented {
            assert_eq!((log.fragments as u64, row.errs), (3 * row.sent, 0), "{host} {options} {row:?}");
        } else {
            assert_eq!((log.fragments, row.errs), (0, row.sent), "{host} {options} {row:?}");
            assert_eq!(errors, [("frag_needed".to_owned(), row.errs as f64)], "{host}");
        }
    }
}

#[test]
fn what_is_too_large_for_the_link_goes_in_fragments_unless_that_is_forbidden() {
    in_namespace(|network| check_fragments(&Daemon::start(&["-t", "0.5"]), network));
}

#[test]
fn datagram_sockets_fragment_alike() {
    in_namespace(|network| check_fragments(&unprivileged(), network));
}

#[test]
fn on_loopback_the_largest_requests_are_answered() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "2"]);
        let hosts: [IpAddr; 2] = ["127.0.0.9", "::1"].map(|text| text.parse().expect("an address"));
        for host in hosts {
            daemon.add_with(host, 0.1, &json!({"size": 65_507}));
        }
        network.wait_until("replies", Duration::from_secs(20), |_| {
            let rows = daemon.list();
            hosts.iter().all(|host| rows[host].recv >= 10)
        });
        for outcome in daemon.finish(network, &hosts) {
            let Outcome { host, row, .. } = outcome;
            assert_eq!((row.recv, row.lost, row.errs), (row.sent, 0, 0), "{host}: {row:?}");
        }
    });
}

#[test]
fn a_change_takes_effect_with_the_next_request_and_loses_none_in_flight() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "5"]);
        let hosts = of_both_families(&[(code::DELAY_100_MS, 10, 1)]);
        let sizes = [56, 1_400, 16, 700, 56];
        for (round, size) in (1..).zip(sizes) {
            for host in &hosts {
                daemon.add_with(*host, 0.05, &json!({"size": size}));
            }
            // Less than what is on its way at a time.
            network.wait_until("the next size", Duration::from_secs(30), |responder| {
                hosts.iter().all(|host| responder.requests(*host) >= 12 * round)
            });
        }
        for outcome in daemon.finish(network, &hosts) {
            outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
            let mut seen: Vec<usize> = outcome.log.requests.iter().map(|request| request.look.size).collect();
            seen.dedup();
            assert_eq!(seen, sizes, "{}", outcome.host);
        }
    });
}

/// A daemon that writes its log to a file.
fn logging() -> (Daemon, PathBuf) {
    let log = std::env::temp_dir().join(format!("meshping-shapes-{}.log", std::process::id()));
    (Start { arguments: &["-t", "2"], log: Some(&log), ..Start::default() }.daemon(), log)
}

fn take_log(path: &PathBuf) -> String {
    let text = std::fs::read_to_string(path).expect("the daemon has a log");
    let _ = std::fs::remove_file(path);
    text
}

/// Waits until each host has so many more errors, or replies, than it had.
fn wait_for_more(daemon: &Daemon, network: &Network, hosts: &[IpAddr], of: fn(&crate::daemon::Row) -> u64) {
    let before = daemon.list();
    network.wait_until("five more of each", Duration::from_secs(30), |_| {
        let rows = daemon.list();
        hosts.iter().all(|host| of(&rows[host]) >= of(&before[host]) + 5)
    });
}

#[test]
fn a_source_that_is_no_address_of_ours_is_an_error_of_sending_until_it_is_one() {
    in_namespace(|network| {
        let (daemon, log) = logging();
        let hosts = FAMILIES.map(|family| host(family, 1));
        for (host, family) in hosts.into_iter().zip(FAMILIES) {
            daemon.add_with(host, 0.1, &json!({"source": other_source(family)}));
        }
        wait_for_more(&daemon, network, &hosts, |row| row.errs);
        let refused = daemon.list();
        add_other_source();
        wait_for_more(&daemon, network, &hosts, |row| row.recv);
        for (outcome, family) in daemon.finish(network, &hosts).into_iter().zip(FAMILIES) {
            let Outcome { host, row, log } = &outcome;
            // The reply to one that leaves at the very moment may find that the address is not quite there yet.
            assert!(refused[host].recv == 0 && row.lost <= 1, "{host}: {row:?}, {:?}", refused[host]);
            assert!(log.requests.iter().all(|request| request.look.source == other_source(family)));
            assert_eq!(daemon.metrics().errors(*host), [("send".to_owned(), row.errs as f64)], "{host}");
        }
        let text = take_log(&log);
        for family in FAMILIES {
            let source = format!("is {}, its source, an address of this machine?", other_source(family));
            assert_eq!(text.matches(&source).count(), 1, "{text}");
        }
    });
}

/// Pings by an interface that is not there, appears, vanishes, and appears again.
fn check_interface(daemon: &Daemon, network: &Network) {
    let hosts = FAMILIES.map(|family| host(family, 1));
    for host in hosts {
        daemon.add_with(host, 0.1, &json!({"interface": SECOND}));
    }
    for _ in 0..2 {
        wait_for_more(daemon, network, &hosts, |row| row.errs);
        let second = add_second_device();
        wait_for_more(daemon, network, &hosts, |row| row.recv);
        for host in hosts {
            assert!(second.requests(host) >= 5, "{host} by the second interface");
        }
    }
    wait_for_more(daemon, network, &hosts, |row| row.errs);
    for outcome in daemon.finish(network, &hosts) {
        assert_eq!(outcome.requests(), 0, "{} by the first interface", outcome.host);
    }
}

#[test]
fn an_interface_is_the_one_of_that_name_also_when_it_comes_back() {
    in_namespace(|network| {
        let (daemon, log) = logging();
        check_interface(&daemon, network);
        assert!(take_log(&log).contains(&format!("there is no interface {SECOND:?}")));
    });
}

#[test]
fn datagram_sockets_take_the_interface_too() {
    in_namespace(|network| check_interface(&unprivileged(), network));
}

#[test]
fn requests_and_replies_in_fragments_are_put_together_again() {
    in_namespace(|network| {
        let _peer = add_peer();
        let daemon = Daemon::start(&["-t", "2"]);
        let hosts: [IpAddr; 2] = ["192.168.8.2", "fd88::2"].map(|text| text.parse().expect("an address"));
        for host in hosts {
            daemon.add_with(host, 0.1, &json!({"size": 20_000}));
        }
        wait_for_more(&daemon, network, &hosts, |row| row.recv);
        let before = daemon.list();
        // Some more, with all of the way known.
        network.wait_until("thirty replies", Duration::from_secs(30), |_| {
            let rows = daemon.list();
            hosts.iter().all(|host| rows[host].recv >= before[host].recv + 30)
        });
        for Outcome { host, row, .. } in daemon.finish(network, &hosts) {
            // Of the first ones the neighbour had to be found.
            assert!(row.lost <= before[&host].lost && row.errs == 0 && row.void == 0, "{host}: {row:?}");
        }
        assert!(packets_out("near0") > 30 * 2 * 16, "in fragments");
    });
}
