//! Which hosts there are: one for everything that a query can be about.

use crate::daemon::Daemon;
use crate::sim::{at, code};
use meshping::target::Family;
use serde_json::{Value, json};
use std::net::IpAddr;
use tempfile::TempDir;

/// A simulated host, and how it is called.
#[derive(Clone, Copy)]
pub struct Host(pub &'static str, pub Family, pub u8, pub u8);

impl Host {
    /// Its address.
    pub fn address(self) -> IpAddr {
        at(self.1, self.2, self.3, 1)
    }
}

/// Loses 30 of 100.
pub const LOSSY: Host = Host("lossy", Family::V4, code::LOSS_PERCENT, 30);
/// Goes away in the middle.
pub const LEAVING: Host = Host("leaving", Family::V6, code::DELAY_MS, 10);

const HOSTS: [Host; 10] = [
    LOSSY,
    LEAVING,
    Host("near", Family::V4, code::DELAY_MS, 33),
    Host("far", Family::V6, code::DELAY_MS, 65),
    Host("silent", Family::V4, code::SILENT, 7),
    Host("unreachable", Family::V6, code::UNREACHABLE, 3),
    Host("expired", Family::V4, code::TIME_EXCEEDED, 0),
    Host("twice", Family::V4, code::COPIES, 1),
    Host("reordered", Family::V4, code::REORDERED, 0),
    Host("late", Family::V4, code::DELAY_100_MS, 25),
];

/// A daemon that pings them all ten times a second, with a timeout of two seconds.
pub struct Scenario {
    daemon: Daemon,
    /// For as long as the daemon runs.
    _state: TempDir,
}

impl Scenario {
    /// Starts it.
    pub fn start() -> Self {
        let scenario = Self::of(&HOSTS, &json!({"site": "a\"b"}));
        // There is no route to it.
        scenario.add("nowhere", "192.0.2.7".parse().expect("an address"), &json!({"site": "a\"b"}));
        scenario
    }

    /// Starts it with these hosts, all with these labels.
    pub fn of(hosts: &[Host], labels: &Value) -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        let directory = state.path().display().to_string();
        let daemon = Daemon::start(&["-i", "0.1", "-t", "2", "--state-dir", &directory]);
        let scenario = Self { daemon, _state: state };
        for host in hosts {
            scenario.add(host.0, host.address(), labels);
        }
        scenario
    }

    fn add(&self, name: &str, address: IpAddr, labels: &Value) {
        let reply = self.daemon.ask(&json!({"cmd": "add", "name": name, "addr": address, "labels": labels}));
        assert_eq!(reply, json!({"status": "ok"}), "adding {name}");
    }

    /// Has it forget a host.
    pub fn remove(&self, host: Host) {
        let reply = self.daemon.ask(&json!({"cmd": "remove", "name": host.0}));
        assert_eq!(reply, json!({"status": "ok"}), "removing {}", host.0);
    }
}
