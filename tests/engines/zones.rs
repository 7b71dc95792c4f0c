//! Targets that are one link-local address on one interface, each named in another way.

use crate::daemon::Daemon;
use crate::kind::{
    Counters, EngineKind, NATIVE_DATAGRAM, NATIVE_RAW, PORTABLE_DATAGRAM, PORTABLE_RAW, add, list,
};
use crate::sim::behaviour::code;
use crate::sim::{Network, in_namespace};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

/// Code and parameter of hosts that answer, or are answered for by a router: near or far, with a long or short quotation.
const ANSWERING: (u8, u8) = (code::DELAY_MS, 5);
const UNREACHABLE: [(u8, u8); 4] =
    [(code::UNREACHABLE, 3), (code::QUOTES_EIGHT, 0), (code::FAR_ROUTER, 0), (code::FAR_ROUTER, 1)];

/// The targets of a host, with interval and options.
fn targets(host: IpAddr, index: u32) -> [(String, f64, Value); 3] {
    [
        (format!("{host}%sim0"), 0.1, json!({})),
        (format!("{host}%{index}"), 0.13, json!({})),
        (host.to_string(), 0.17, json!({"interface": "sim0"})),
    ]
}

fn interface_index() -> u32 {
    let output =
        Command::new("ip").args(["-o", "link", "show", "sim0"]).output().expect("iproute2 is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(':').next().and_then(|index| index.trim().parse().ok()).expect("the index comes first")
}

fn host((code, parameter): (u8, u8)) -> IpAddr {
    IpAddr::from([0xfe80, 0, 0, 0, 0, code.into(), parameter.into(), 1])
}

fn measure(daemon: &Daemon, network: &Network, hosts: &[IpAddr]) {
    let index = interface_index();
    let all: Vec<_> = hosts.iter().flat_map(|host| targets(*host, index)).collect();
    for (address, interval, options) in &all {
        add(daemon, address, *interval, options);
    }
    network.wait_until("sixty requests for each", Duration::from_secs(20), |responder| {
        hosts.iter().all(|host| responder.requests(*host) >= 60)
    });
    for (address, _, options) in &all {
        add(daemon, address, 86_400.0, options);
    }
    network.wait_until("nothing in flight", Duration::from_secs(10), |_| {
        let rows = list(daemon);
        all.iter().all(|(address, ..)| Counters::of(&rows, address).is_settled())
    });
}

fn check(network: &Network, kind: EngineKind) {
    let daemon = kind.start("0.5");
    let with_errors = kind != PORTABLE_DATAGRAM;
    let unreachable = UNREACHABLE.iter().copied().filter(|_| with_errors);
    let hosts: Vec<IpAddr> = [ANSWERING].into_iter().chain(unreachable).map(host).collect();
    measure(&daemon, network, &hosts);
    let (rows, index) = (list(&daemon), interface_index());
    for address in hosts {
        let mut all = 0;
        for (target, ..) in targets(address, index) {
            let Counters { sent, recv, errs, .. } = Counters::of(&rows, &target);
            let expected = if address == host(ANSWERING) { (sent, 0) } else { (0, sent) };
            assert_eq!((recv, errs), expected, "{target}: {}", rows[&target]);
            assert!(sent > 10, "{target}: {}", rows[&target]);
            all += sent;
        }
        assert_eq!(all, network.responder.requests(address) as u64, "{address}");
    }
}

#[test]
fn nothing_of_one_spelling_counts_for_another_on_native_raw_sockets() {
    in_namespace(|network| check(network, NATIVE_RAW));
}

#[test]
fn nothing_of_one_spelling_counts_for_another_on_native_datagram_sockets() {
    in_namespace(|network| check(network, NATIVE_DATAGRAM));
}

#[test]
fn nothing_of_one_spelling_counts_for_another_on_portable_raw_sockets() {
    in_namespace(|network| check(network, PORTABLE_RAW));
}

#[test]
fn nothing_of_one_spelling_counts_for_another_on_portable_datagram_sockets() {
    in_namespace(|network| check(network, PORTABLE_DATAGRAM));
}
