//! Three targets of each host side by side, which differ in their variant: nothing of one counts for another.

use crate::daemon::Daemon;
use crate::sim::Network;
use crate::sim::behaviour::{Behaviour, code, of_both_families};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// Variant, payload and interval of each target of a host. Two have packets that only their tokens, or the identifiers
/// that the engine chooses, tell apart.
const TARGETS: [(&str, usize, f64); 3] = [("", 56, 0.1), ("large", 1_400, 0.07), ("same", 56, 0.13)];

/// Requests of each host in a measurement.
const REQUESTS: usize = 60;

/// A target's counters in a list with its bare address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counters {
    sent: u64,
    recv: u64,
    errs: u64,
    lost: u64,
    void: u64,
    dups: u64,
}

impl Counters {
    fn is_settled(self) -> bool {
        self.sent == self.recv + self.errs + self.lost + self.void
    }
}

fn add(daemon: &Daemon, host: IpAddr, (variant, size, interval): (&str, usize, f64)) {
    let request = json!({"cmd": "add", "addr": host, "variant": variant, "size": size, "itv": interval});
    assert_eq!(daemon.ask(&request), json!({"status": "ok"}), "{request}");
}

fn counters(daemon: &Daemon, host: IpAddr) -> [Counters; 3] {
    let rows = daemon.ask(&json!({"cmd": "list", "addr": host}));
    assert_eq!(rows.as_object().map(serde_json::Map::len), Some(TARGETS.len()), "{rows}");
    TARGETS.map(|(variant, ..)| {
        let key = if variant.is_empty() { host.to_string() } else { format!("{host}#{variant}") };
        let row = &rows[&key];
        assert_eq!(
            (&row["addr"], row.get("variant")),
            (&json!(host), (!variant.is_empty()).then_some(&json!(variant)))
        );
        let count = |member: &str| row.get(member).and_then(Value::as_u64).unwrap_or(0);
        let [sent, recv, errs, lost, void, dups] =
            ["sent", "recv", "errs", "lost", "void", "dups"].map(count);
        Counters { sent, recv, errs, lost, void, dups }
    })
}

/// Hosts that answer, or do not.
const ANSWERING: [(u8, u8, u8); 5] = [
    (code::DELAY_MS, 20, 1),
    (code::LOSS_EVERY, 3, 1),
    (code::COPIES, 1, 1),
    (code::DELAY_100_MS, 8, 1),
    (code::REORDERED, 0, 1),
];
/// Hosts for which a router sends errors.
const UNREACHABLE: [(u8, u8, u8); 3] =
    [(code::UNREACHABLE, 1, 1), (code::QUOTES_EIGHT, 0, 1), (code::ERROR_LATE, 3, 1)];

/// Pings hosts of every kind by three targets each, and compares every figure with what the hosts saw. The daemon has a
/// timeout of 0.5 s.
pub fn check(daemon: &Daemon, network: &Network, counts_duplicates: bool) {
    let hosts = of_both_families(&[&ANSWERING[..], &UNREACHABLE].concat());
    check_hosts(daemon, network, hosts, counts_duplicates);
}

/// Like [`check`], for an engine that gets no errors and does not count duplicates.
#[allow(dead_code, reason = "the native engine has no such limit")]
pub fn check_answered(daemon: &Daemon, network: &Network) {
    check_hosts(daemon, network, of_both_families(&ANSWERING), false);
}

fn check_hosts(daemon: &Daemon, network: &Network, hosts: Vec<IpAddr>, counts_duplicates: bool) {
    for host in &hosts {
        for target in TARGETS {
            add(daemon, *host, target);
        }
    }
    network.wait_until("enough requests for each", Duration::from_secs(30), |responder| {
        hosts.iter().all(|host| responder.requests(*host) >= REQUESTS)
    });
    for host in &hosts {
        for (variant, size, _) in TARGETS {
            add(daemon, *host, (variant, size, 86_400.0));
        }
    }
    network.wait_until("nothing in flight", Duration::from_secs(20), |_| {
        hosts.iter().all(|host| counters(daemon, *host).iter().all(|target| target.is_settled()))
    });
    for host in hosts {
        check_host(daemon, network, host, counts_duplicates);
    }
}

fn check_host(daemon: &Daemon, network: &Network, host: IpAddr, counts_duplicates: bool) {
    let log = network.responder.host(host);
    let of_size = |size: usize| log.requests.iter().filter(|it| it.look.size == size).count() as u64;
    let [bare, large, same] = counters(daemon, host);
    assert_eq!((bare.sent + same.sent, large.sent), (of_size(56), of_size(1_400)), "{host}");
    let behaviour = Behaviour::of(host);
    for (target, (variant, ..)) in [bare, large, same].into_iter().zip(TARGETS) {
        let Counters { sent, .. } = target;
        assert!(sent > 10, "{host}#{variant}: {target:?}");
        let none = Counters { sent, recv: 0, errs: 0, lost: 0, void: 0, dups: 0 };
        let dups = if counts_duplicates { sent } else { 0 };
        let expected = match behaviour.code {
            code::DELAY_MS => Counters { recv: sent, ..none },
            code::COPIES => Counters { recv: sent, dups, ..none },
            code::UNREACHABLE | code::QUOTES_EIGHT | code::ERROR_LATE => Counters { errs: sent, ..none },
            code::DELAY_100_MS => Counters { lost: sent, ..none },
            // Which requests of a target are lost, and whether the last one is held back, depends on the others.
            _ => Counters { recv: target.recv, lost: target.lost, ..none },
        };
        assert_eq!(target, expected, "{host}#{variant}");
    }
    if behaviour.code == code::LOSS_EVERY {
        let answered = (0..log.requests.len() as u64).filter(|count| !behaviour.loses(*count)).count() as u64;
        assert_eq!(bare.recv + large.recv + same.recv, answered, "{host}");
    }
}
