//! A measurement with an end: hosts are pinged until each got so many requests, then nothing is in flight any
//! more, and every figure can be compared exactly.

use crate::daemon::{Daemon, Row};
use crate::sim::Network;
use crate::sim::log::HostLog;
use std::net::IpAddr;
use std::time::Duration;

/// Longer than any test: whoever gets this interval gets no further request.
const NEVER: f64 = 86_400.0;

/// What came of a measurement.
#[derive(Debug)]
pub struct Outcome {
    /// The host.
    pub host: IpAddr,
    /// What the daemon says.
    pub row: Row,
    /// What the host saw and did.
    pub log: HostLog,
}

impl Outcome {
    /// Requests that the host got.
    pub fn requests(&self) -> u64 {
        self.log.requests.len() as u64
    }

    /// Good replies that the host sent.
    pub fn replies(&self) -> u64 {
        self.log.held().len() as u64
    }

    /// The figures that a test says something about; all others have to be 0, but for replies that are out of
    /// date: a busy machine makes them, when a host gets its turn only after the next request was sent.
    pub fn expect(&self, expected: Counts) {
        let Row { sent, recv, errs, lost, void, outd, dups, .. } = self.row;
        let outd = if expected.outd == 0 { 0 } else { outd };
        assert_eq!(sent, self.requests(), "{}: sent", self.host);
        assert_eq!(Counts { recv, errs, lost, void, outd, dups }, expected, "{}", self.host);
    }
}

/// The counters of a row, less `sent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub recv: u64,
    pub errs: u64,
    pub lost: u64,
    pub void: u64,
    pub outd: u64,
    pub dups: u64,
}

impl Daemon {
    /// Pings the hosts every `interval` seconds until each got `requests` requests, looking at the list all
    /// the while; then ends it and waits until nothing is in flight.
    pub fn measure(
        &self,
        network: &Network,
        hosts: &[IpAddr],
        interval: f64,
        requests: usize,
    ) -> Vec<Outcome> {
        for host in hosts {
            self.add(*host, interval);
        }
        let patience = Duration::from_secs_f64(20.0 + 2.0 * interval * requests as f64);
        network.wait_until("enough requests for each", patience, |responder| {
            self.look(network, hosts);
            hosts.iter().all(|host| responder.requests(*host) >= requests)
        });
        self.finish(network, hosts)
    }

    /// Ends the pinging of the hosts, and waits until nothing is in flight.
    pub fn finish(&self, network: &Network, hosts: &[IpAddr]) -> Vec<Outcome> {
        for host in hosts {
            self.add(*host, NEVER);
        }
        network.wait_until("nothing in flight", Duration::from_secs(20), |_| {
            let rows = self.list();
            hosts.iter().all(|host| rows[host].in_flight() == 0)
        });
        let rows = self.list();
        let outcome =
            |host: &IpAddr| Outcome { host: *host, row: rows[host], log: network.responder.host(*host) };
        hosts.iter().map(outcome).collect()
    }

    /// Lists the targets, and checks what holds at every moment.
    fn look(&self, network: &Network, hosts: &[IpAddr]) {
        let seen: Vec<usize> = hosts.iter().map(|host| network.responder.requests(*host)).collect();
        let rows = self.list();
        for (host, seen) in hosts.iter().zip(seen) {
            rows[host].check(*host);
            assert!(rows[host].sent >= seen as u64, "{host} had got {seen} requests: {:?}", rows[host]);
        }
    }
}
