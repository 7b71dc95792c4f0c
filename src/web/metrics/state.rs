//! The families that tell how the keeping of state is going.

use crate::actors::persistence::StoreStats;
use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Registers what is known of the databases; `None` if nothing is kept.
pub(super) fn register(kept: Option<&[StoreStats]>, registry: &Registry) -> prometheus::Result<()> {
    let enabled =
        IntGauge::new("meshping_state_enabled", "Whether anything is kept over restarts (--state-dir).")?;
    enabled.set(kept.is_some().into());
    registry.register(Box::new(enabled))?;
    let Some(kept) = kept else { return Ok(()) };
    let families: [Box<dyn Collector>; 4] = [errors(kept)?, working(kept)?, last_save(kept)?, size(kept)?];
    families.into_iter().try_for_each(|family| registry.register(family))
}

type CollectorResult = prometheus::Result<Box<dyn Collector>>;

fn errors(kept: &[StoreStats]) -> CollectorResult {
    let help = "Attempts to read or write the state that failed.";
    let counter = IntCounterVec::new(Opts::new("meshping_state_errors_total", help), &["database"])?;
    for stats in kept {
        counter.with_label_values(&[stats.database]).inc_by(stats.errors);
    }
    Ok(Box::new(counter))
}

fn working(kept: &[StoreStats]) -> CollectorResult {
    let help = "Whether the latest attempt to write the state succeeded.";
    let gauge = IntGaugeVec::new(Opts::new("meshping_state_working", help), &["database"])?;
    for stats in kept {
        gauge.with_label_values(&[stats.database]).set(stats.works.into());
    }
    Ok(Box::new(gauge))
}

fn last_save(kept: &[StoreStats]) -> CollectorResult {
    let help = "When the state was last written, in Unix time.";
    let gauge = GaugeVec::new(Opts::new("meshping_state_last_save_timestamp_seconds", help), &["database"])?;
    for stats in kept {
        if let Some(at) = stats.last_saved {
            gauge.with_label_values(&[stats.database]).set(at.as_secs_f64());
        }
    }
    Ok(Box::new(gauge))
}

fn size(kept: &[StoreStats]) -> CollectorResult {
    let help = "Size of the database, its log apart.";
    let gauge = IntGaugeVec::new(Opts::new("meshping_state_size_bytes", help), &["database"])?;
    for stats in kept {
        gauge.with_label_values(&[stats.database]).set(i64::try_from(stats.bytes).unwrap_or(i64::MAX));
    }
    Ok(Box::new(gauge))
}
