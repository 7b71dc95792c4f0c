//! Targets that come and go leave nothing behind.

use crate::daemon::Daemon;
use crate::sim::{Network, in_namespace};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

const TARGETS: u8 = 8;
const ROUNDS: usize = 20;

/// What a process holds: its descriptors, its threads, and its memory in KiB.
fn holdings(pid: u32) -> (usize, usize, u64) {
    let count = |what| std::fs::read_dir(format!("/proc/{pid}/{what}")).expect("it runs").count();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    let kib = resident.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number");
    (count("fd"), count("task"), kib)
}

/// Adds the hosts, waits until each has answered, and removes them.
fn come_and_go(network: &Network, daemon: &Daemon, hosts: &[IpAddr]) {
    for host in hosts {
        daemon.add(*host, 0.2);
    }
    network.wait_until("a reply from each", Duration::from_secs(20), |_| {
        let rows = daemon.list();
        rows.len() == hosts.len() && rows.values().all(|row| row.recv > 0)
    });
    for host in hosts {
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": host})), json!({"status": "ok"}));
    }
}

#[test]
fn thousands_of_targets_that_come_and_go_leave_nothing_behind() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let hosts: Vec<IpAddr> =
            (1..=TARGETS).flat_map(|c| (1..=250).map(move |d| IpAddr::from([127, 7, c, d]))).collect();
        let daemon = Daemon::start(&[]);
        for _ in 0..ROUNDS / 4 {
            come_and_go(network, &daemon, &hosts);
        }
        let (files, threads, before) = holdings(daemon.pid());
        for _ in ROUNDS / 4..ROUNDS {
            come_and_go(network, &daemon, &hosts);
        }
        // Before anybody connects: a connection that was just closed is still a descriptor for a moment.
        let after = holdings(daemon.pid());
        let metrics = daemon.metrics();
        assert!(metrics.sum("meshping_targets", &[]) < 0.5, "there are targets left");
        assert_eq!(metrics.label("meshping_requests_total", "target"), None, "there are series left");
        println!("{before} KiB after {} rounds, {} KiB after {ROUNDS}", ROUNDS / 4, after.2);
        assert_eq!((after.0, after.1), (files, threads), "descriptors and threads");
        // A hundred bytes for every target that was there would be as much.
        assert!(after.2 < before + 3_000, "{before} KiB became {}", after.2);
    });
}
