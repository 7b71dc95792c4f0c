//! What one scrape knows of a target: taken once, so that all its families agree.

use super::labels::LabelPairs;
use crate::actors::supervisor::TargetRef;
use crate::measure::{LifetimeStats, WallMapping};

/// One target at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What its series bear, escaped.
    pub labels: LabelPairs,
    /// In microseconds.
    pub interval: u64,
    /// The books.
    pub totals: LifetimeStats,
    /// The wall-clock time of the moments in the books, and when they were asked for.
    pub wall: WallMapping,
}

impl Snapshot {
    /// The books of a target, as of the present of `wall`; its series bear these labels.
    pub fn new(labels: LabelPairs, member: &TargetRef, totals: LifetimeStats, wall: WallMapping) -> Self {
        let interval = u64::try_from(member.interval.get().as_micros()).unwrap_or(u64::MAX);
        Self { labels, interval, totals, wall }
    }
}
