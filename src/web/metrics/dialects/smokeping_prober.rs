//! The names of smokeping_prober.

use super::ExporterFamily;
use crate::actors::supervisor::TargetRef;
use crate::build_info::{REVISION, VERSION};
use crate::measure::{ErrorClass, LifetimeStats};
use crate::web::metrics::family::{Bounds, HistogramNames, MetricFamily, SampleKind};
use crate::web::metrics::labels::LabelPairs;

/// `ip="…",host="…",source="…",tos="…"`, and the target's own labels.
pub(super) fn labels(target: &TargetRef) -> LabelPairs {
    let packet = target.overrides.as_deref().map(|overrides| overrides.packet).unwrap_or_default();
    let pairs = LabelPairs::default().with("ip", target.key.address()).with("host", &target.name);
    let pairs = match packet.source {
        Some(source) => pairs.with("source", source),
        None => pairs.with("source", ""),
    };
    let pairs = pairs.with("tos", packet.traffic_class().unwrap_or_default());
    pairs.with_own(target, &["ip", "host", "source", "tos", "le"])
}

const DURATION: HistogramNames = HistogramNames {
    bucket: "smokeping_response_duration_seconds_bucket",
    sum: "smokeping_response_duration_seconds_sum",
    count: "smokeping_response_duration_seconds_count",
};

/// The families.
pub(super) static FAMILIES: [MetricFamily; 5] = [
    MetricFamily {
        name: "smokeping_requests_total",
        help: "Echo requests sent.",
        kind: SampleKind::Counter(LifetimeStats::requests),
    },
    MetricFamily {
        name: "smokeping_response_duration_seconds",
        help: "Round-trip times of the requests answered in time.",
        kind: SampleKind::Histogram(Bounds::Smokeping, DURATION),
    },
    MetricFamily {
        name: "smokeping_response_ttl",
        help: "Time to live, or hop limit, of the latest reply; 0 before the first one.",
        kind: SampleKind::Gauge(|target| Some(target.totals.reply_ttl.map_or(0, u64::from))),
    },
    MetricFamily {
        name: "smokeping_response_duplicates_total",
        help: "Further replies to a request that had one.",
        kind: SampleKind::Counter(|totals| totals.duplicates),
    },
    MetricFamily {
        name: "smokeping_send_errors_total",
        help: "Requests refused by our own kernel.",
        kind: SampleKind::Counter(|totals| totals.errors[ErrorClass::Send as usize]),
    },
];

/// The families of the exporter itself. Its receive errors are our packets dropped for lack of buffer space.
pub(super) static EXPORTER_FAMILIES: [ExporterFamily; 4] = [
    ExporterFamily {
        name: "smokeping_prober_build_info",
        help: "Version of meshping; always 1.",
        is_counter: false,
        labels: &[("version", VERSION), ("revision", REVISION)],
        value: |_| 1,
    },
    ExporterFamily {
        name: "smokeping_receive_errors_total",
        help: "Packets that our own receive buffers dropped.",
        is_counter: true,
        labels: &[],
        value: |status| status.engines.iter().flat_map(|engine| engine.dropped).sum(),
    },
    ExporterFamily {
        name: "smokeping_prober_config_last_reload_successful",
        help: "Whether the latest reload of the configuration succeeded.",
        is_counter: false,
        labels: &[],
        value: |status| status.reload.successful.into(),
    },
    ExporterFamily {
        name: "smokeping_prober_config_last_reload_success_timestamp_seconds",
        help: "Unix time of the latest successful reload of the configuration.",
        is_counter: false,
        labels: &[],
        value: |status| status.reload.applied_at,
    },
];
