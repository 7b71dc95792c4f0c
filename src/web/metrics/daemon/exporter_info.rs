//! What other exporters tell of themselves.

use super::{CollectorResult, gauge};
use crate::actors::supervisor::Status;
use crate::build_info::VERSION;
use prometheus::core::Collector;
use prometheus::{IntCounter, IntGaugeVec, Opts};

/// smokeping_prober's own families. It counts what its sockets failed to receive: with us, what they had no room for.
pub(super) fn smokeping_prober(status: &Status) -> prometheus::Result<[Box<dyn Collector>; 3]> {
    let help = "Packets that our own receive buffers dropped.";
    let receive_errors = IntCounter::new("smokeping_receive_errors_total", help)?;
    receive_errors.inc_by(status.engines.iter().flat_map(|engine| engine.dropped).sum());
    Ok([
        Box::new(receive_errors),
        gauge(
            "smokeping_prober_config_last_reload_successful",
            "Whether the configuration could be read the latest time.",
            status.reload.successful.into(),
        )?,
        gauge(
            "smokeping_prober_config_last_reload_success_timestamp_seconds",
            "When the configuration was applied last, in seconds since 1970.",
            status.reload.applied_at,
        )?,
    ])
}

/// ping_exporter's own family.
pub(super) fn ping_exporter() -> CollectorResult {
    let gauge = IntGaugeVec::new(Opts::new("ping_up", "What is running; always 1."), &["version"])?;
    gauge.with_label_values(&[VERSION]).set(1);
    Ok(Box::new(gauge))
}
