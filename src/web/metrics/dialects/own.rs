//! meshping's own families and labels.

use crate::actors::supervisor::TargetRef;
use crate::measure::{LIFETIME_COUNTERS, LifetimeStats, Outage};
use crate::target::Labels;
use crate::web::metrics::family::{Bounds, HistogramNames, MetricFamily, SampleKind, rtt};
use crate::web::metrics::labels::LabelPairs;
use crate::web::metrics::snapshot::Snapshot;
use std::sync::LazyLock;
use std::time::Duration;

/// `name="…",target="…"`, `variant` if there is one, and the target's own labels.
pub(super) fn labels(target: &TargetRef) -> LabelPairs {
    LabelPairs::default()
        .with("name", &target.name)
        .with("target", target.key.address())
        .with_own(target, &Labels::RESERVED)
}

/// The current outage.
fn outage(target: &Snapshot) -> Option<Outage> {
    target.totals.outages.current()
}

/// The duration, or zero without an outage; `None` before the first request is settled.
fn outage_duration(target: &Snapshot, duration: Option<Duration>) -> Option<Duration> {
    target.totals.summary().is_decided().then(|| duration.unwrap_or_default())
}

fn outage_so_far(target: &Snapshot) -> Option<Duration> {
    outage_duration(target, outage(target).map(|outage| target.wall.now().since(outage.since)))
}

fn longest_outage(target: &Snapshot) -> Option<Duration> {
    let longest = target.totals.outages.longest().with_current(outage(target), target.wall.now());
    outage_duration(target, longest.map(|outage| outage.duration()))
}

fn outage_start(target: &Snapshot) -> Option<u64> {
    let unix = outage(target).map(|outage| target.wall.unix(outage.since))?;
    u64::try_from(unix.as_micros()).ok()
}

const RTT: HistogramNames = HistogramNames {
    bucket: "meshping_rtt_seconds_bucket",
    sum: "meshping_rtt_seconds_sum",
    count: "meshping_rtt_seconds_count",
};

/// All families. In every scrape, for every target: requests = replies + errors + lost + void + pending.
pub(super) static FAMILIES: LazyLock<Vec<MetricFamily>> = LazyLock::new(|| {
    let mut families = vec![MetricFamily {
        name: "meshping_requests_total",
        help: "Echo requests sent.",
        kind: SampleKind::Counter(LifetimeStats::requests),
    }];
    for counter in &LIFETIME_COUNTERS {
        families.push(MetricFamily::of_counter(counter));
        families.extend(family_after(counter.name));
    }
    families.extend(OTHER_FAMILIES);
    families
});

/// The family that follows a counter and is not read from the table of counters.
fn family_after(counter: &str) -> Option<MetricFamily> {
    match counter {
        "meshping_replies_total" => Some(MetricFamily {
            name: "meshping_errors_total",
            help: "Requests answered by an ICMP error, or refused by our own routing when sent.",
            kind: SampleKind::Errors,
        }),
        "meshping_void_requests_total" => Some(MetricFamily {
            name: "meshping_pending_requests",
            help: "Requests in flight.",
            kind: SampleKind::Gauge(|target| Some(target.totals.pending)),
        }),
        _ => None,
    }
}

const OTHER_FAMILIES: [MetricFamily; 11] = [
    MetricFamily {
        name: "meshping_rtt_seconds",
        help: "Round-trip times of the requests answered in time.",
        kind: SampleKind::Histogram(Bounds::PowersOfTwo, RTT),
    },
    MetricFamily {
        name: "meshping_rtt_last_seconds",
        help: "Round-trip time of the latest reply in time.",
        kind: SampleKind::Seconds(|target| rtt(target, target.totals.rtt.last)),
    },
    MetricFamily {
        name: "meshping_rtt_min_seconds",
        help: "Smallest round-trip time since the target was added.",
        kind: SampleKind::Seconds(|target| rtt(target, target.totals.rtt.min)),
    },
    MetricFamily {
        name: "meshping_rtt_max_seconds",
        help: "Largest round-trip time since the target was added.",
        kind: SampleKind::Seconds(|target| rtt(target, target.totals.rtt.max)),
    },
    MetricFamily {
        name: "meshping_rtt_stddev_seconds",
        help: "Standard deviation of the round-trip times since the target was added.",
        kind: SampleKind::Duration(|target| target.totals.summary().stddev()),
    },
    MetricFamily {
        name: "meshping_rtt_jitter_seconds",
        help: "Interarrival jitter (RFC 3550) of the latest round-trip times.",
        kind: SampleKind::Duration(|target| target.totals.jitter()),
    },
    MetricFamily {
        name: "meshping_outage_seconds",
        help: "Duration of the current outage: two or more requests in a row without an answer; 0 without an outage.",
        kind: SampleKind::Duration(outage_so_far),
    },
    MetricFamily {
        name: "meshping_outage_start_time_seconds",
        help: "Unix time at which the first request of the current outage was sent; absent without an outage.",
        kind: SampleKind::Seconds(outage_start),
    },
    MetricFamily {
        name: "meshping_longest_outage_seconds",
        help: "Longest outage since the target was added, including the current one; 0 without an outage.",
        kind: SampleKind::Duration(longest_outage),
    },
    MetricFamily {
        name: "meshping_interval_seconds",
        help: "Time between two requests.",
        kind: SampleKind::Seconds(|target| Some(target.interval)),
    },
    MetricFamily {
        name: "meshping_reply_ttl",
        help: "Time to live, or hop limit, of the latest reply.",
        kind: SampleKind::Gauge(|target| target.totals.reply_ttl.map(u64::from)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_follow_the_conventions() {
        for family in FAMILIES.iter() {
            assert!(family.name.starts_with("meshping_"), "{}", family.name);
            assert_eq!(family.name.ends_with("_total"), family.kind.as_str() == "counter", "{}", family.name);
        }
    }
}
