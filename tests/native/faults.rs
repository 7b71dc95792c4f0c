//! Faults of the network and of the machine: what can't be sent, and that nothing ends the daemon.

use crate::daemon::{Daemon, Start};
use crate::metrics::equal;
use crate::run::Counts;
use crate::sim::behaviour::of_both_families;
use crate::sim::network::{bring_up, ip, packets_out, sysctl, take_down, tc};
use crate::sim::{Network, at, code, in_namespace, sys};
use meshping::target::Family;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Addresses that no route of the namespace leads to (documentation prefixes).
fn without_route() -> [IpAddr; 2] {
    ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().expect("an address"))
}

/// Waits until the list shows, of every host, something that `enough` likes.
fn wait_for_rows(
    daemon: &Daemon,
    network: &Network,
    what: &str,
    hosts: &[IpAddr],
    enough: impl Fn(&crate::daemon::Row) -> bool,
) {
    network.wait_until(what, Duration::from_secs(20), |_| {
        let rows = daemon.list();
        hosts.iter().all(|host| enough(&rows[host]))
    });
}

#[test]
fn where_no_route_leads_every_request_is_an_error_of_sending_and_others_do_not_suffer() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let nowhere = without_route();
        for host in nowhere {
            daemon.add(host, 0.05);
        }
        let hosts = of_both_families(&[(code::DELAY_MS, 5, 1)]);
        for outcome in daemon.measure(network, &hosts, 0.05, 40) {
            outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
        }
        wait_for_rows(&daemon, network, "some errors", &nowhere, |row| row.errs >= 20);
        for outcome in daemon.finish(network, &nowhere) {
            let errs = outcome.row.sent;
            let metrics = daemon.metrics();
            assert_eq!((outcome.requests(), outcome.row.errs), (0, errs), "{}", outcome.host);
            assert_eq!(metrics.errors(outcome.host), [("send".to_owned(), errs as f64)]);
        }
    });
}

/// A link whose queue holds two requests and empties at 2.5 a second; hosts behind it that never answer.
fn add_narrow_link() -> Vec<IpAddr> {
    ip("link add link0 type veth peer name link1");
    for link in ["link0", "link1"] {
        sysctl(&format!("net/ipv6/conf/{link}/disable_ipv6"), "1");
        ip(&format!("link set {link} up"));
    }
    ip("address add 192.168.7.1/24 dev link0");
    let hosts: Vec<IpAddr> = (2..=11).map(|number| IpAddr::from([192, 168, 7, number])).collect();
    for host in &hosts {
        ip(&format!("neigh add {host} lladdr 02:00:00:00:00:01 dev link0 nud permanent"));
    }
    tc("qdisc add dev link0 root tbf rate 2kbit burst 200 limit 200");
    hosts
}

#[test]
fn what_our_own_queue_refuses_is_skipped_and_never_lost() {
    in_namespace(|network| {
        let hosts = add_narrow_link();
        let daemon = Daemon::start(&["-t", "0.5"]);
        for host in &hosts {
            daemon.add(*host, 0.1);
        }
        network.wait_until("skipped requests", Duration::from_secs(20), |_| {
            let metrics = daemon.metrics();
            hosts.iter().all(|host| metrics.of(*host, "meshping_skipped_requests_total") >= 10.0)
        });
        let rows: Vec<_> = daemon.finish(network, &hosts).into_iter().map(|outcome| outcome.row).collect();
        let sent: u64 = rows.iter().map(|row| row.sent).sum();
        network
            .wait_until("every request has left", Duration::from_secs(5), |_| packets_out("link0") >= sent);
        assert_eq!(packets_out("link0"), sent, "only what leaves was sent");
        for row in rows {
            assert_eq!((row.lost, row.recv, row.errs, row.void), (row.sent, 0, 0, 0), "{row:?}");
        }
    });
}

#[test]
fn an_interface_may_go_down_and_come_back() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "0.5"]);
        let hosts = of_both_families(&[(code::DELAY_MS, 5, 1), (code::DELAY_MS, 5, 2)]);
        for host in &hosts {
            daemon.add(*host, 0.05);
        }
        wait_for_rows(&daemon, network, "some replies", &hosts, |row| row.recv >= 10);
        take_down();
        wait_for_rows(&daemon, network, "errors of sending", &hosts, |row| row.errs >= 10);
        let before = daemon.list();
        bring_up();
        network.wait_until("replies again", Duration::from_secs(20), |_| {
            let rows = daemon.list();
            hosts.iter().all(|host| rows[host].recv >= before[host].recv + 10)
        });
        for outcome in daemon.finish(network, &hosts) {
            let send = daemon
                .metrics()
                .sum("meshping_errors_total", &[("target", &outcome.host.to_string()), ("class", "send")]);
            assert!(equal(send, outcome.row.errs as f64), "{}: {send} of sending", outcome.host);
            // What was sent just before the interface went down may have got stuck in it.
            let row = outcome.row;
            assert!(row.sent - row.errs >= outcome.requests(), "{row:?}");
            assert!(row.sent - row.errs <= outcome.requests() + 1, "{row:?}");
            assert!(row.lost <= 2 && row.void == 0, "{row:?}");
        }
    });
}

#[test]
fn what_can_not_be_sent_is_said_once_and_so_is_its_end() {
    in_namespace(|network| {
        let log = tempfile::NamedTempFile::new().expect("a place for the log");
        let start = Start { log: Some(log.path()), arguments: &["--log-level", "info"], ..Start::default() };
        let daemon = start.daemon();
        let host = at(Family::V4, code::DELAY_MS, 5, 1);
        daemon.add(host, 0.05);
        daemon.add(without_route()[0], 0.05);
        wait_for_rows(&daemon, network, "some replies", &[host], |row| row.recv >= 3);
        take_down();
        wait_for_rows(&daemon, network, "errors of sending", &[host], |row| row.errs >= 20);
        let before = daemon.list()[&host].recv;
        bring_up();
        wait_for_rows(&daemon, network, "replies again", &[host], |row| row.recv >= before + 3);
        let said = |what: &str| {
            let log = std::fs::read_to_string(log.path()).expect("the log is text");
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(what)).collect();
            lines.iter().map(|line| line.split("addr=").nth(1).unwrap_or(line).to_owned()).collect::<Vec<_>>()
        };
        network.wait_until("the end is said", Duration::from_secs(20), |_| !said("sent again").is_empty());
        let refused = said("can't be sent");
        assert_eq!(refused.len(), 2, "{refused:?}");
        for address in [host, without_route()[0]] {
            let mut lines = refused.iter().filter(|line| line.starts_with(&address.to_string()));
            assert!(lines.next().is_some_and(|line| line.contains("Network is unreachable")), "{refused:?}");
        }
        assert_eq!(said("sent again"), [host.to_string()]);
    });
}

/// Pings a host of each family; only IPv4 works.
fn check_without_ipv6(daemon: &Daemon, network: &Network) {
    let [v4, v6] = [Family::V4, Family::V6].map(|family| at(family, code::DELAY_MS, 5, 1));
    daemon.add(v6, 0.05);
    for outcome in daemon.measure(network, &[v4], 0.05, 20) {
        outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
    }
    wait_for_rows(daemon, network, "some errors", &[v6], |row| row.errs >= 10);
    for outcome in daemon.finish(network, &[v6]) {
        assert_eq!(outcome.row.errs, outcome.row.sent);
    }
}

#[test]
fn where_ipv6_is_turned_off_the_daemon_pings_ipv4() {
    in_namespace(|network| {
        for which in ["all", "default", "lo", "sim0"] {
            sysctl(&format!("net/ipv6/conf/{which}/disable_ipv6"), "1");
        }
        check_without_ipv6(&Daemon::start(&["-t", "0.5"]), network);
    });
}

#[test]
fn where_the_kernel_has_no_ipv6_the_daemon_pings_ipv4() {
    in_namespace(|network| {
        let start = Start { denials: &sys::NO_IPV6, arguments: &["-t", "0.5"], ..Start::default() };
        check_without_ipv6(&start.daemon(), network);
    });
}

#[test]
fn sigterm_and_sigint_end_the_daemon_within_a_second() {
    in_namespace(|network| {
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let mut daemon = Daemon::start(&[]);
            for number in 1..=100 {
                daemon.add(at(Family::V4, code::DELAY_MS, 100, number), 0.2);
                daemon.add(at(Family::V6, code::SILENT, 1, number), 0.2);
            }
            let host = at(Family::V4, code::DELAY_MS, 100, 100);
            let before = network.responder.requests(host);
            network.wait_until("pings", Duration::from_secs(20), |responder| {
                responder.requests(host) >= before + 2
            });
            let start = Instant::now();
            daemon.signal(signal);
            let status = daemon.wait(Duration::from_secs(10));
            let took = start.elapsed();
            assert_eq!(status.code(), Some(0), "after signal {signal}");
            assert!(took < Duration::from_secs(1), "{took:?} after signal {signal}");
        }
    });
}
