//! The names of meshping of 2017. Times are in milliseconds.

use crate::actors::supervisor::TargetRef;
use crate::measure::LifetimeStats;
use crate::web::metrics::family::{HistogramNames, MetricFamily, SampleKind, rtt};
use crate::web::metrics::labels::LabelPairs;
use crate::web::metrics::snapshot::Snapshot;

/// `name="…",target="…"`, and `variant` if there is one, without the target's own labels.
pub(super) fn labels(target: &TargetRef) -> LabelPairs {
    LabelPairs::default().with("name", &target.name).with("target", target.key.address()).with_variant(target)
}

const PINGS: HistogramNames = HistogramNames {
    bucket: "meshping_pings_bucket",
    sum: "meshping_pings_sum",
    count: "meshping_pings_count",
};

/// The families.
pub(super) static FAMILIES: [MetricFamily; 7] = [
    MetricFamily {
        name: "meshping_sent",
        help: "Echo requests sent.",
        kind: SampleKind::Counter(LifetimeStats::requests),
    },
    MetricFamily {
        name: "meshping_recv",
        help: "Requests answered in time, each once.",
        kind: SampleKind::Counter(|totals| totals.replies),
    },
    MetricFamily {
        name: "meshping_lost",
        help: "Requests lost, or answered by an error.",
        kind: SampleKind::Counter(|totals| totals.lost + totals.errors.iter().sum::<u64>()),
    },
    MetricFamily {
        name: "meshping_max",
        help: "Largest round-trip time since the target was added, in milliseconds.",
        kind: SampleKind::Millis(|target| rtt(target, target.totals.rtt.max).map(|micros| micros as f64)),
    },
    MetricFamily {
        name: "meshping_min",
        help: "Smallest round-trip time since the target was added, in milliseconds.",
        kind: SampleKind::Millis(|target| rtt(target, target.totals.rtt.min).map(|micros| micros as f64)),
    },
    MetricFamily {
        name: "meshping_avg",
        help: "Mean round-trip time since the target was added, in milliseconds.",
        kind: SampleKind::Millis(mean),
    },
    MetricFamily {
        name: "meshping_pings",
        help: "Round-trip times of the requests answered in time, in milliseconds.",
        kind: SampleKind::Bins(PINGS),
    },
];

fn mean(target: &Snapshot) -> Option<f64> {
    rtt(target, target.totals.rtt.sum).map(|sum| sum as f64 / target.totals.replies as f64)
}
