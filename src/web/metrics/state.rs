//! The families of the databases in the state directory.

use super::CollectorResult;
use crate::actors::persistence::StoreStats;
use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Registers the families; `None` without a state directory.
pub(super) fn register(stores: Option<&[StoreStats]>, registry: &Registry) -> prometheus::Result<()> {
    let enabled = IntGauge::new("meshping_state_enabled", "Whether state survives restarts (--state-dir).")?;
    enabled.set(stores.is_some().into());
    registry.register(Box::new(enabled))?;
    let Some(stores) = stores else { return Ok(()) };
    let families: [Box<dyn Collector>; 4] =
        [errors(stores)?, working(stores)?, last_save(stores)?, size(stores)?];
    families.into_iter().try_for_each(|family| registry.register(family))
}

fn errors(stores: &[StoreStats]) -> CollectorResult {
    let help = "Failed attempts to read or write the state.";
    let counter = IntCounterVec::new(Opts::new("meshping_state_errors_total", help), &["database"])?;
    for stats in stores {
        counter.with_label_values(&[stats.database]).inc_by(stats.errors);
    }
    Ok(Box::new(counter))
}

fn working(stores: &[StoreStats]) -> CollectorResult {
    let help = "Whether the latest attempt to write the state succeeded.";
    let gauge = IntGaugeVec::new(Opts::new("meshping_state_working", help), &["database"])?;
    for stats in stores {
        gauge.with_label_values(&[stats.database]).set(stats.works.into());
    }
    Ok(Box::new(gauge))
}

fn last_save(stores: &[StoreStats]) -> CollectorResult {
    let help = "Unix time at which the state was last written.";
    let gauge = GaugeVec::new(Opts::new("meshping_state_last_save_timestamp_seconds", help), &["database"])?;
    for stats in stores {
        if let Some(at) = stats.last_saved {
            gauge.with_label_values(&[stats.database]).set(at.as_secs_f64());
        }
    }
    Ok(Box::new(gauge))
}

fn size(stores: &[StoreStats]) -> CollectorResult {
    let help = "Size of the database without its write-ahead log.";
    let gauge = IntGaugeVec::new(Opts::new("meshping_state_size_bytes", help), &["database"])?;
    for stats in stores {
        gauge.with_label_values(&[stats.database]).set(i64::try_from(stats.bytes).unwrap_or(i64::MAX));
    }
    Ok(Box::new(gauge))
}
