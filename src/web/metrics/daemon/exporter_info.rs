//! Families that other exporters have for themselves.

use super::gauge;
use crate::actors::supervisor::Status;
use crate::build_info::VERSION;
use crate::web::metrics::CollectorResult;
use prometheus::core::Collector;
use prometheus::{IntCounter, IntGaugeVec, Opts};

/// The families of smokeping_prober. Its receive errors are our packets dropped for lack of buffer space.
pub(super) fn smokeping_prober(status: &Status) -> prometheus::Result<[Box<dyn Collector>; 3]> {
    let help = "Packets that our own receive buffers dropped.";
    let receive_errors = IntCounter::new("smokeping_receive_errors_total", help)?;
    receive_errors.inc_by(status.engines.iter().flat_map(|engine| engine.dropped).sum());
    Ok([
        Box::new(receive_errors),
        gauge(
            "smokeping_prober_config_last_reload_successful",
            "Whether the latest reload of the configuration succeeded.",
            status.reload.successful.into(),
        )?,
        gauge(
            "smokeping_prober_config_last_reload_success_timestamp_seconds",
            "Unix time of the latest successful reload of the configuration.",
            status.reload.applied_at,
        )?,
    ])
}

/// The family of ping_exporter.
pub(super) fn ping_exporter() -> CollectorResult {
    let gauge = IntGaugeVec::new(Opts::new("ping_up", "Version of the exporter; always 1."), &["version"])?;
    gauge.with_label_values(&[VERSION]).set(1);
    Ok(Box::new(gauge))
}
