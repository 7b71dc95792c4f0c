//! Resets at any moment: what the periods say adds up to what happened.

use crate::daemon::{Daemon, Row, Rows};
use crate::metrics::equal;
use crate::run::{Counts, Outcome};
use crate::sim::behaviour::of_both_families;
use crate::sim::{code, in_namespace};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Periods added up.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    row: Row,
    micros: f64,
}

impl Sums {
    fn add(&mut self, period: &Row) {
        let row = &mut self.row;
        row.sent += period.sent;
        row.recv += period.recv;
        row.errs += period.errs;
        row.lost += period.lost;
        row.void += period.void;
        row.outd += period.outd;
        row.dups += period.dups;
        self.micros += (period.sum * 1e6).round();
    }
}

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn request(&mut self, hosts: &[IpAddr]) -> Value {
        let host = hosts[usize::try_from(self.roll(hosts.len() as u64)).expect("a small number")];
        match self.roll(3) {
            0 => json!({"cmd": "list", "reset": true}),
            1 => json!({"cmd": "list", "reset": true, "addr": host}),
            _ => json!({"cmd": "list", "reset": true, "limit": 3, "after": host}),
        }
    }
}

fn take_in(sums: &mut HashMap<IpAddr, Sums>, ended: &Rows) {
    for (host, row) in ended {
        row.check(*host);
        assert_eq!(row.in_flight(), 0, "{host}: a period that has ended holds settled requests only");
        sums.entry(*host).or_default().add(row);
    }
}

#[test]
fn the_periods_between_resets_add_up_to_what_happened() {
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "1"]);
        let hosts = of_both_families(&[
            (code::LOSS_EVERY, 3, 1),
            (code::LOSS_PERCENT, 20, 1),
            (code::DELAY_MS, 20, 1),
            (code::DELAY_MS, 200, 1),
            (code::COPIES, 1, 1),
            (code::UNREACHABLE, 1, 1),
        ]);
        for host in &hosts {
            daemon.add(*host, 0.05);
        }
        let (mut sums, mut dice, mut resets) = (HashMap::new(), Dice(2015), 0);
        network.wait_until("100 requests for each", Duration::from_secs(30), |responder| {
            std::thread::sleep(Duration::from_millis(dice.roll(40)));
            take_in(&mut sums, &daemon.list_with(&dice.request(&hosts)));
            resets += 1;
            hosts.iter().all(|host| responder.requests(*host) >= 100)
        });
        println!("{resets} resets");
        let metrics_before = daemon.metrics();
        for Outcome { host, row, log } in finish_periods(&daemon, network, &hosts, &mut sums) {
            let (requests, answered) = (log.requests.len() as u64, distinct_replies(&log));
            let errs = log.count(crate::sim::answer::Kind::Router) as u64;
            let expected = Counts {
                recv: answered,
                errs,
                lost: requests - answered - errs,
                dups: log.held().len() as u64 - answered,
                outd: row.outd,
                void: 0,
            };
            let micros = sums[&host].micros;
            Outcome { host, row, log }.expect(expected);
            let metrics = daemon.metrics();
            let total = |name| metrics.of(host, name);
            assert!(equal(total("meshping_requests_total"), requests as f64), "{host}");
            assert!(equal(total("meshping_replies_total"), answered as f64), "{host}");
            assert!(equal(total("meshping_rtt_seconds_sum") * 1e6, micros), "{host}: {micros} µs");
            assert!(metrics_before.of(host, "meshping_requests_total") > 90.0, "{host}");
        }
    });
}

/// Ends the pinging, and puts what all periods add up to where the last one was.
fn finish_periods(
    daemon: &Daemon,
    network: &crate::sim::Network,
    hosts: &[IpAddr],
    sums: &mut HashMap<IpAddr, Sums>,
) -> Vec<Outcome> {
    let mut outcomes = daemon.finish(network, hosts);
    for outcome in &mut outcomes {
        let sums = sums.entry(outcome.host).or_default();
        sums.add(&outcome.row);
        outcome.row = sums.row;
    }
    outcomes
}

fn distinct_replies(log: &crate::sim::log::HostLog) -> u64 {
    let replies = log.packets.iter().filter(|packet| packet.kind == crate::sim::answer::Kind::Reply);
    let mut sequences: Vec<u16> = replies.map(|packet| packet.sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    sequences.len() as u64
}
