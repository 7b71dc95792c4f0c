//! The names of ping_exporter. Its values cover the latest settled requests, as many as the scrape asks for.

use super::ExporterFamily;
use crate::actors::supervisor::TargetRef;
use crate::build_info::VERSION;
use crate::measure::last_rtts::LastRttsSummary;
use crate::target::Family;
use crate::web::metrics::family::{MetricFamily, SampleKind};
use crate::web::metrics::labels::LabelPairs;
use crate::web::metrics::snapshot::Snapshot;
use std::time::Duration;

/// `target="…",ip="…",ip_version="…"`, and the target's own labels.
pub(super) fn labels(target: &TargetRef) -> LabelPairs {
    let version = match target.key.family() {
        Family::V4 => "4",
        Family::V6 => "6",
    };
    let pairs = LabelPairs::default().with("target", &target.name).with("ip", target.key.address());
    pairs.with("ip_version", version).with_own(target, &["target", "ip", "ip_version"])
}

/// The families.
pub(super) static FAMILIES: [MetricFamily; 5] = [
    MetricFamily {
        name: "ping_rtt_best_seconds",
        help: "Smallest round-trip time of the latest settled requests.",
        kind: SampleKind::Duration(|target| replies(target, |rtts| rtts.min)),
    },
    MetricFamily {
        name: "ping_rtt_worst_seconds",
        help: "Largest round-trip time of the latest settled requests.",
        kind: SampleKind::Duration(|target| replies(target, |rtts| rtts.max)),
    },
    MetricFamily {
        name: "ping_rtt_mean_seconds",
        help: "Mean round-trip time of the latest settled requests.",
        kind: SampleKind::Duration(|target| replies(target, |rtts| rtts.mean)),
    },
    MetricFamily {
        name: "ping_rtt_std_deviation_seconds",
        help: "Standard deviation of the round-trip times of the latest settled requests.",
        kind: SampleKind::Duration(|target| replies(target, |rtts| rtts.stddev)),
    },
    MetricFamily {
        name: "ping_loss_ratio",
        help: "Share of the latest settled requests without a reply in time, 0 to 1.",
        kind: SampleKind::Ratio(|target| target.totals.recent.loss()),
    },
];

/// A value of the replies in the window; `None` without replies.
fn replies(target: &Snapshot, read: fn(LastRttsSummary) -> Duration) -> Option<Duration> {
    target.totals.recent.rtts().map(read)
}

/// The family of the exporter itself.
pub(super) static EXPORTER_FAMILIES: [ExporterFamily; 1] = [ExporterFamily {
    name: "ping_up",
    help: "Version of the exporter; always 1.",
    is_counter: false,
    labels: &[("version", VERSION)],
    value: |_| 1,
}];
