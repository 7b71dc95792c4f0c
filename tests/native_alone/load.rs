//! Many targets, and a daemon that could not run for a while: no false loss, no volley.

use crate::daemon::{Daemon, RAW_ONLY, Start};
use crate::metrics::{Metrics, equal};
use crate::run::{Counts, Outcome};
use crate::sim::behaviour::of_both_families;
use crate::sim::log::HostLog;
use crate::sim::{FAMILIES, Network, at, code, in_namespace, sys};
use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many hosts of each family, that answer after 0, 1, 2, … 19 ms.
fn quick_hosts(of_each: usize) -> Vec<IpAddr> {
    let places = (0..20).flat_map(|ms| (1..=250).map(move |number| (ms, number))).take(of_each);
    places.flat_map(|(ms, number)| FAMILIES.map(|family| at(family, code::DELAY_MS, ms, number))).collect()
}

fn targets_file(hosts: &[IpAddr]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a directory for temporary files");
    for host in hosts {
        writeln!(file, "{host}/1").expect("room for a small file");
    }
    file
}

fn drops(metrics: &Metrics) -> f64 {
    metrics.sum("meshping_socket_drops_total", &[])
}

#[test]
fn ten_thousand_targets_and_a_small_receive_buffer_lose_nothing() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let hosts = quick_hosts(5_000);
        let file = targets_file(&hosts);
        let arguments = ["--targets", file.path().to_str().expect("a plain path")];
        let denials = &sys::BUFFERS_STAY_SMALL;
        let daemon =
            Start { setpriv: &RAW_ONLY, denials, arguments: &arguments, ..Start::default() }.daemon();
        let start = Instant::now();
        network.wait_until("15 requests for each", Duration::from_secs(60), |responder| {
            hosts.iter().all(|host| responder.requests(*host) >= 15)
        });
        println!("after {:?}", start.elapsed());
        let metrics = daemon.metrics();
        let skipped = metrics.sum("meshping_skipped_requests_total", &[]);
        println!("{skipped} points of the grid were skipped");
        assert!(equal(drops(&metrics), 0.0), "{} packets were dropped", drops(&metrics));
        for Outcome { host, row, log } in daemon.finish(network, &hosts) {
            let requests = log.requests.len() as u64;
            Outcome { host, row, log }.expect(Counts { recv: requests, outd: row.outd, ..Counts::default() });
        }
    });
}

#[test]
fn what_our_own_buffer_dropped_is_void_and_not_lost() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let hosts: Vec<IpAddr> = (0..4)
            .flat_map(|batch| (1..=200).map(move |number| (code::DELAY_10_MS, 60 + batch, number)))
            .flat_map(|(code, p, number)| FAMILIES.map(|family| at(family, code, p, number)))
            .collect();
        let file = targets_file(&hosts);
        let arguments = ["-t", "1", "--targets", file.path().to_str().expect("a plain path")];
        let denials = &sys::BUFFERS_STAY_SMALL;
        let daemon =
            Start { setpriv: &RAW_ONLY, denials, arguments: &arguments, ..Start::default() }.daemon();
        network.wait_until("3 requests for each", Duration::from_secs(30), |responder| {
            hosts.iter().all(|host| responder.requests(*host) >= 3)
        });
        daemon.signal(libc::SIGSTOP);
        std::thread::sleep(Duration::from_secs(2));
        daemon.signal(libc::SIGCONT);
        let outcomes = daemon.finish(network, &hosts);
        let void: u64 = outcomes.iter().map(|outcome| outcome.row.void).sum();
        let dropped = drops(&daemon.metrics());
        println!("{void} requests are void, {dropped} packets were dropped");
        assert!(void > 0, "the buffer was to overflow");
        assert!(equal(void as f64, dropped), "{void} requests are void, {dropped} packets were dropped");
        for outcome in outcomes {
            let void = outcome.row.void;
            let recv = outcome.requests() - void;
            outcome.expect(Counts { recv, void, ..Counts::default() });
        }
    });
}

/// Has a daemon stand still for ten seconds; returns since when.
fn stand_still(daemon: &Daemon, network: &Network, hosts: &[IpAddr]) -> Instant {
    network.wait_until("5 requests for each", Duration::from_secs(30), |responder| {
        hosts.iter().all(|host| responder.requests(*host) >= 5)
    });
    daemon.signal(libc::SIGSTOP);
    let stopped = Instant::now();
    std::thread::sleep(Duration::from_secs(10));
    daemon.signal(libc::SIGCONT);
    let before: Vec<usize> = hosts.iter().map(|host| network.responder.requests(*host)).collect();
    network.wait_until("5 more requests for each", Duration::from_secs(30), |responder| {
        hosts.iter().zip(&before).all(|(host, before)| responder.requests(*host) >= before + 5)
    });
    stopped
}

#[test]
fn a_daemon_that_stood_still_sends_no_volley_and_loses_nothing() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let codes = [(code::DELAY_MS, 1), (code::DELAY_MS, 20), (code::DELAY_10_MS, 20)];
        let of_each = |(code, p)| (1..=50).map(move |number| (code, p, number));
        let places: Vec<_> = codes.into_iter().flat_map(of_each).collect();
        let hosts = of_both_families(&places);
        let file = targets_file(&hosts);
        let daemon = Daemon::start(&["-t", "1", "--targets", file.path().to_str().expect("a plain path")]);
        let stopped = stand_still(&daemon, network, &hosts);
        let outcomes = daemon.finish(network, &hosts);
        check_for_volleys(&outcomes, stopped);
        let metrics = daemon.metrics();
        for outcome in outcomes {
            let skipped = metrics.of(outcome.host, "meshping_skipped_requests_total");
            let points = points_between_first_and_last(&outcome.log);
            assert!(equal(outcome.requests() as f64 + skipped, points), "{}: {skipped}", outcome.host);
            outcome.expect(Counts { recv: outcome.requests(), ..Counts::default() });
        }
    });
}

/// No window holds more than twice what the busiest one held before, and no host gets two requests closer
/// than half an interval.
fn check_for_volleys(outcomes: &[Outcome], stopped: Instant) {
    let times = |outcome: &Outcome| outcome.log.requests.iter().map(|request| request.at).collect::<Vec<_>>();
    let mut all: Vec<Instant> = outcomes.iter().flat_map(times).collect();
    all.sort_unstable();
    let (before, after) = all.split_at(all.partition_point(|at| *at < stopped));
    for millis in [20, 50, 100, 250, 1_000] {
        let window = Duration::from_millis(millis);
        let (before, after) = (busiest(before, window), busiest(after, window));
        println!("in any {window:?} at most {before} requests before, {after} afterwards");
        // What is up to a quarter second late is still sent, and makes shorter windows fuller.
        assert!(after <= 2 * before, "{after} requests in {window:?}, {before} before");
    }
    for Outcome { host, log, .. } in outcomes {
        let apart = log.requests.windows(2).map(|pair| pair[1].at - pair[0].at).min();
        assert!(apart >= Some(Duration::from_millis(480)), "{host}: {apart:?} apart");
    }
}

/// The most requests that any window of that length holds.
fn busiest(sorted: &[Instant], window: Duration) -> usize {
    let count = |first: usize| sorted.partition_point(|at| *at < sorted[first] + window) - first;
    (0..sorted.len()).map(count).max().unwrap_or(0)
}

/// How many points of a grid of one second lie from the first request to the last one.
fn points_between_first_and_last(log: &HostLog) -> f64 {
    let first = log.requests.first().expect("it got requests").at;
    let last = log.requests.last().expect("it got requests").at;
    (last - first).as_secs_f64().round() + 1.0
}
