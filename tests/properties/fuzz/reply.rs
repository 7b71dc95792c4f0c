//! Replies of the control socket that hold as many targets or hours as fit.

use super::input::Input;
use meshping::measure::{DetailedStats, EncodedStats, PeriodStats, RttStats, Timestamp, WallMapping};
use meshping::protocol::{HistoryReply, HistoryRow, ListReply, ListedTarget, MAX_REPLY};
use meshping::target::{Interval, OptionKey, TargetKey, TargetOptions};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Whatever is put into a reply, it is JSON with everything that was accepted, and fits into a datagram.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (mut list, mut history) = (ListReply::default(), HistoryReply::default());
    let (mut listed, mut fitting, mut hours) = (0, 0, 0);
    while !input.is_empty() && listed < 1_000 {
        let target = Target::read(&mut input);
        for _ in 0..=input.byte() {
            fitting += usize::from(list.push(&target.listed(&target.key(listed))));
            listed += 1;
        }
        let encoded = EncodedStats::from_bytes(input.bytes(64));
        let settled = encoded.totals().unwrap_or_default();
        let key = target.key(listed);
        hours += usize::from(history.push(&HistoryRow::new(&key, &target.name, 3_600, &settled)));
    }
    assert_eq!(list.fitting(), fitting);
    let page = parsed(&list.into_page());
    assert_eq!(page.as_object().map(serde_json::Map::len), Some(fitting));
    let rows = parsed(&history.into_json());
    assert_eq!(rows["history"].as_array().map(Vec::len), Some(hours));
}

fn parsed(reply: &[u8]) -> Value {
    assert!(reply.len() <= MAX_REPLY, "{} bytes", reply.len());
    serde_json::from_slice(reply).expect("a reply is JSON")
}

/// A target, but for its number.
struct Target {
    is_v6: bool,
    has_variant: bool,
    name: String,
    interval: Interval,
    summary: PeriodStats,
    options: TargetOptions,
    detail: Option<DetailedStats>,
}

impl Target {
    fn read(input: &mut Input<'_>) -> Self {
        let flags = input.byte();
        let name = input.text();
        let summary = PeriodStats {
            replies: input.count(),
            errors: input.count(),
            lost: input.count(),
            void: input.count(),
            out_of_date: input.count(),
            duplicates: input.count(),
            in_flight: input.count(),
            rtt: RttStats {
                sum: input.count(),
                min: input.count(),
                max: input.count(),
                ..RttStats::default()
            },
        };
        let mut options = TargetOptions::default();
        for key in OptionKey::ALL.into_iter().filter(|_| flags & 2 != 0) {
            // A text that the option does not take leaves it unset.
            let _ = options.set(key, &input.text());
        }
        let detail = (flags & 4 != 0).then(|| DetailedStats {
            stddev: Some(Duration::from_nanos(input.count())),
            jitter: Some(Duration::from_nanos(input.count())),
            quantiles: Some([input.count(), input.count(), input.count()].map(Duration::from_micros)),
            ..DetailedStats::default()
        });
        let interval = Interval::from_seconds(f64::from(input.u32()) / 1e3).unwrap_or(Interval::DEFAULT);
        Self { is_v6: flags & 1 != 0, has_variant: flags & 64 != 0, name, interval, summary, options, detail }
    }

    /// The key of the target with that number; numbers start at 0.
    fn key(&self, number: u32) -> TargetKey {
        let ip: IpAddr = if self.is_v6 {
            Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(number)).into()
        } else {
            Ipv4Addr::from(0x0a00_0001 + number).into()
        };
        let variant = if self.has_variant { "#v.2" } else { "" };
        format!("{ip}{variant}").parse().expect("a unicast address")
    }

    fn listed<'a>(&'a self, key: &'a TargetKey) -> ListedTarget<'a> {
        let wall = WallMapping::new(Timestamp::EPOCH, Duration::from_secs(1_700_000_000));
        ListedTarget {
            key,
            name: &self.name,
            names: &[],
            interval: self.interval,
            summary: self.summary,
            detail: self.detail.as_ref().map(|detail| (detail, wall)),
            answered_by: self.detail.as_ref().map(|_| key.address()),
            overrides: self.options.overrides.as_deref(),
        }
    }
}
