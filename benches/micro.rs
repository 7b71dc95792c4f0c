//! Micro-benchmarks of the code that runs for each reply, request, list page and scrape: `scripts/bench --micro`.

use actix_web::web::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use meshping::measure::{RequestTracker, Timestamp, WallMapping};
use meshping::probe::TargetId;
use meshping::probe::wire::{self, HEADER, PAYLOAD, Packet, RequestToken, TokenKey};
use meshping::protocol::{ListReply, ListedTarget, Request};
use meshping::target::{Interval, TargetKey};
use meshping::web::metrics::dialects::Dialect;
use meshping::web::metrics::exposition::{Columns, Exposition};
use meshping::web::metrics::labels::LabelPairs;
use meshping::web::metrics::snapshot::Snapshot;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

fn main() {
    divan::main();
}

const SECOND: Duration = Duration::from_secs(1);
const START: Timestamp = Timestamp::from_nanos(1_000_000_000_000);

/// A target that is pinged once a second; every tenth request has no answer.
struct Target {
    tracker: RequestTracker,
    now: Timestamp,
    pings: u32,
}

impl Target {
    fn new(pings: u32) -> Self {
        let tracker = RequestTracker::new(5 * SECOND, 10 * SECOND, 7);
        let mut target = Self { tracker, now: START, pings: 0 };
        (0..pings).for_each(|_| target.ping(Some));
        target
    }

    /// Sends a request; `deliver` turns its number into the number in the reply.
    fn ping(&mut self, deliver: impl FnOnce(u32) -> Option<u32>) {
        self.now = self.now + SECOND;
        let number = self.tracker.open(self.now);
        self.tracker.sent(number, self.now);
        self.pings += 1;
        let rtt = Duration::from_micros(u64::from(10_000 + self.pings * 7_919 % 5_000));
        if let Some(number) = deliver(number).filter(|_| !self.pings.is_multiple_of(10)) {
            self.tracker.reply(number, self.now + rtt, Some(57));
        }
        self.tracker.expire(self.now, |_, _| false);
    }
}

const KEY: TokenKey = TokenKey::new([7; 16]);
const ID: TargetId = TargetId { index: 41, generation: 3 };
const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The IPv4 packet that answers a request, as a raw socket delivers it.
fn reply_to(number: u32) -> Vec<u8> {
    let mut message = [0; HEADER + PAYLOAD];
    wire::write_request(&KEY, HOST, 0xbeef, RequestToken { target: ID, number }, &mut message);
    message[0] = 0;
    message[2..4].fill(0);
    let sum = wire::checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut header = [0; 20];
    (header[0], header[3], header[8], header[9]) = (0x45, 20 + 64, 57, 1);
    [&header[..], &message].concat()
}

fn number_in(packet: &[u8]) -> Option<u32> {
    let (Packet::Reply(reply), _) = wire::read_ipv4(packet).ok()? else { return None };
    reply.verify(&KEY, HOST, ID, PAYLOAD).ok()
}

/// From a packet to the number of the request that it answers.
#[divan::bench]
fn read_reply(bencher: Bencher<'_, '_>) {
    let packet = reply_to(7);
    assert_eq!(number_in(&packet), Some(7));
    bencher.bench(|| number_in(black_box(&packet)));
}

/// The statistics of one ping: the request is opened and sent, its reply is counted, old requests expire.
#[divan::bench]
fn count_ping(bencher: Bencher<'_, '_>) {
    let mut target = Target::new(100);
    bencher.bench_local(|| target.ping(|number| Some(black_box(number))));
}

/// A datagram becomes a request.
#[divan::bench(args = [
    r#"{"cmd": "list", "limit": 300, "after": "10.0.1.44"}"#,
    r#"{"cmd": "add", "name": "dns", "addr": "9.9.9.9", "itv": 5}"#,
    r#"{"cmd": "add", "addr": "::1", "timeout": 1, "size": 1472, "dscp": "EF", "labels": {"site": "berlin"}}"#,
])]
fn parse_request(datagram: &str) -> bool {
    Request::parse(black_box(datagram.as_bytes())).is_ok()
}

/// A page of a list, as `meshpingctl` asks for it.
#[divan::bench(args = [300])]
fn list_page(bencher: Bencher<'_, '_>, targets: u32) {
    let summary = Target::new(1_000).tracker.summary();
    let keys: Vec<TargetKey> = (0..targets).filter_map(|number| address(number).parse().ok()).collect();
    bencher.counter(ItemsCount::new(targets)).bench(|| {
        let mut page = ListReply::default();
        for key in black_box(&keys) {
            let target = ListedTarget {
                key,
                name: "host.example",
                names: &[],
                interval: Interval::DEFAULT,
                summary,
                detail: None,
                answered_by: None,
                overrides: None,
            };
            page.push(&target);
        }
        page.into_page()
    });
}

fn address(number: u32) -> String {
    Ipv4Addr::from(0x0a00_0001 + number).to_string()
}

fn columns(snapshots: &[Snapshot]) -> Columns {
    let mut columns = Columns::new(Dialect::Own);
    for snapshot in snapshots {
        columns.push(snapshot);
    }
    columns
}

/// The text of a scrape, in the pieces in which it is sent.
fn text(columns: Columns) -> usize {
    Exposition::new(columns, Bytes::new()).map(|piece| piece.len()).sum()
}

fn snapshots(targets: u32) -> Vec<Snapshot> {
    let target = Target::new(1_000);
    let wall = WallMapping::new(target.now, Duration::from_secs(1_700_000_000));
    let snapshot = |number| {
        let labels = LabelPairs::default().with("name", "host.example").with("target", address(number));
        Snapshot { labels, interval: 1_000_000, totals: target.tracker.totals(), wall }
    };
    (0..targets).map(snapshot).collect()
}

/// Snapshots of targets are packed until they are written.
#[divan::bench(args = [1_000, 10_000])]
fn pack_snapshots(bencher: Bencher<'_, '_>, targets: u32) {
    let snapshots = snapshots(targets);
    bencher.counter(ItemsCount::new(targets)).bench(|| columns(black_box(&snapshots)));
}

/// Packed snapshots become the text of `/metrics`.
#[divan::bench(args = [1_000, 10_000])]
fn render_metrics(bencher: Bencher<'_, '_>, targets: u32) {
    let snapshots = snapshots(targets);
    let bencher = bencher.counter(BytesCount::new(text(columns(&snapshots))));
    bencher.with_inputs(|| columns(&snapshots)).bench_values(text);
}
