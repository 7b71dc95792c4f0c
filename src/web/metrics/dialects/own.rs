//! meshping's own families and labels.

use crate::actors::supervisor::TargetRef;
use crate::measure::Outage;
use crate::web::metrics::family::{Family, Kind, Names, rtt};
use crate::web::metrics::labels::LabelPairs;
use crate::web::metrics::snapshot::Snapshot;
use std::time::Duration;

/// `name="…",target="…"`, and the target's own, none of which can be called like one of ours.
pub(super) fn labels(member: &TargetRef) -> LabelPairs {
    LabelPairs::default().with("name", &member.name).with("target", member.address).with_own(member, &[])
}

/// The outage under way.
fn outage(target: &Snapshot) -> Option<Outage> {
    target.totals.outages.current()
}

/// A time that is zero without an outage, once a request has been answered or not.
fn of_outages(target: &Snapshot, duration: Option<Duration>) -> Option<Duration> {
    target.totals.summary().is_decided().then(|| duration.unwrap_or_default())
}

fn outage_so_far(target: &Snapshot) -> Option<Duration> {
    of_outages(target, outage(target).map(|outage| target.wall.now().since(outage.since)))
}

fn longest_outage(target: &Snapshot) -> Option<Duration> {
    let longest = target.totals.outages.longest().with(outage(target), target.wall.now());
    of_outages(target, longest.map(|past| past.duration()))
}

fn outage_start(target: &Snapshot) -> Option<u64> {
    let unix = outage(target).map(|outage| target.wall.unix(outage.since))?;
    u64::try_from(unix.as_micros()).ok()
}

const RTT: Names = Names {
    bucket: "meshping_rtt_seconds_bucket",
    sum: "meshping_rtt_seconds_sum",
    count: "meshping_rtt_seconds_count",
};

/// All of them. In every scrape, for every target: requests = replies + errors + lost + void + pending.
pub(super) static FAMILIES: [Family; 21] = [
    Family {
        name: "meshping_requests_total",
        help: "Echo requests sent.",
        kind: Kind::Counter(|target| target.totals.requests()),
    },
    Family {
        name: "meshping_replies_total",
        help: "Requests answered in time, each once.",
        kind: Kind::Counter(|target| target.totals.replies),
    },
    Family {
        name: "meshping_errors_total",
        help: "Requests answered by an ICMP error, or refused by our own routing at sending.",
        kind: Kind::Errors,
    },
    Family {
        name: "meshping_lost_total",
        help: "Requests that nothing had answered at their timeout.",
        kind: Kind::Counter(|target| target.totals.lost),
    },
    Family {
        name: "meshping_void_requests_total",
        help: "Requests that timed out while our own receive buffer dropped packets: nobody knows.",
        kind: Kind::Counter(|target| target.totals.void),
    },
    Family {
        name: "meshping_pending_requests",
        help: "Requests sent and not settled yet.",
        kind: Kind::Gauge(|target| Some(target.totals.pending)),
    },
    Family {
        name: "meshping_late_total",
        help: "First replies that came after the timeout or after an error.",
        kind: Kind::Counter(|target| target.totals.late),
    },
    Family {
        name: "meshping_duplicates_total",
        help: "Further replies to a request that had one.",
        kind: Kind::Counter(|target| target.totals.duplicates),
    },
    Family {
        name: "meshping_outdated_total",
        help: "First replies that came after a newer request had been sent.",
        kind: Kind::Counter(|target| target.totals.outdated),
    },
    Family {
        name: "meshping_skipped_requests_total",
        help: "Points of the grid at which nothing was sent because we were late or short of buffers.",
        kind: Kind::Counter(|target| target.totals.skipped),
    },
    Family {
        name: "meshping_rtt_seconds",
        help: "Round-trip times of the requests answered in time.",
        kind: Kind::Log2Histogram(RTT),
    },
    Family {
        name: "meshping_rtt_last_seconds",
        help: "Round-trip time of the latest reply in time.",
        kind: Kind::Seconds(|target| rtt(target, target.totals.rtt.last)),
    },
    Family {
        name: "meshping_rtt_min_seconds",
        help: "Smallest round-trip time since the target was added.",
        kind: Kind::Seconds(|target| rtt(target, target.totals.rtt.min)),
    },
    Family {
        name: "meshping_rtt_max_seconds",
        help: "Largest round-trip time since the target was added.",
        kind: Kind::Seconds(|target| rtt(target, target.totals.rtt.max)),
    },
    Family {
        name: "meshping_rtt_stddev_seconds",
        help: "Standard deviation of the round-trip times since the target was added.",
        kind: Kind::Duration(|target| target.totals.summary().stddev()),
    },
    Family {
        name: "meshping_rtt_jitter_seconds",
        help: "Interarrival jitter (RFC 3550) of the latest round-trip times.",
        kind: Kind::Duration(|target| target.totals.jitter()),
    },
    Family {
        name: "meshping_outage_seconds",
        help: "How long two or more requests in a row have had no answer; 0 without an outage.",
        kind: Kind::Duration(outage_so_far),
    },
    Family {
        name: "meshping_outage_start_time_seconds",
        help: "Unix time at which the first request of the present outage was sent; only during one.",
        kind: Kind::Seconds(outage_start),
    },
    Family {
        name: "meshping_longest_outage_seconds",
        help: "The longest outage since the target was added, the present one included; 0 without any.",
        kind: Kind::Duration(longest_outage),
    },
    Family {
        name: "meshping_interval_seconds",
        help: "Time between two requests.",
        kind: Kind::Seconds(|target| Some(target.interval)),
    },
    Family {
        name: "meshping_reply_ttl",
        help: "Time to live, or hop limit, of the latest reply.",
        kind: Kind::Gauge(|target| target.totals.reply_ttl.map(u64::from)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_follow_the_conventions() {
        for family in &FAMILIES {
            assert!(family.name.starts_with("meshping_"), "{}", family.name);
            assert_eq!(family.name.ends_with("_total"), family.kind.as_str() == "counter", "{}", family.name);
        }
    }
}
