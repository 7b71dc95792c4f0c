//! The state of a target in one scrape, taken once, so that all its families agree.

use super::labels::LabelPairs;
use crate::actors::supervisor::TargetRef;
use crate::measure::{LifetimeStats, WallMapping};

/// One target at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Labels of its series, escaped.
    pub labels: LabelPairs,
    /// Interval in microseconds.
    pub interval: u64,
    /// Statistics since the target was added.
    pub totals: LifetimeStats,
    /// Converts timestamps of the statistics to wall-clock time, and holds the time of the snapshot.
    pub wall: WallMapping,
}

impl Snapshot {
    /// The statistics of a target at the time of `wall`, with the labels of its series.
    pub fn new(labels: LabelPairs, target: &TargetRef, totals: LifetimeStats, wall: WallMapping) -> Self {
        let interval = u64::try_from(target.interval.get().as_micros()).unwrap_or(u64::MAX);
        Self { labels, interval, totals, wall }
    }
}
