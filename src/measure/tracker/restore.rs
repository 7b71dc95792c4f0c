//! Saves and restores the statistics over a restart.

use super::RequestTracker;
use super::report::SinceReset;
use crate::measure::encoding::{EncodedStats, StatsParts};
use crate::measure::{LifetimeStats, Timestamp};
use std::time::Duration;

impl RequestTracker {
    /// Encodes everything that is needed after a restart.
    pub fn save(&self, now: Timestamp) -> EncodedStats {
        let (outages, longest) = self.outages();
        let totals = LifetimeStats { outages, ..self.totals.clone() };
        EncodedStats::of(
            &StatsParts {
                period: self.period.as_ref().map(|period| (period.summary, longest.get())),
                histogram_base: self.histogram_base.as_deref().cloned(),
                windows: self.averages.windows(now),
                totals,
            },
            now,
        )
    }

    /// Continues statistics that were [saved](Self::save) `downtime` ago. The outcome of requests that were in flight
    /// then is unknown, so they are void. Returns `false` and changes nothing if the bytes can't be decoded.
    pub fn restore(&mut self, saved: &EncodedStats, now: Timestamp, downtime: Duration) -> bool {
        let then = now - downtime;
        let Some(mut parts) = saved.parts(then) else { return false };
        let unknown = std::mem::take(&mut parts.totals.pending);
        parts.totals.void += unknown;
        self.period = parts.period.map(|(mut summary, longest)| {
            summary.void += unknown;
            Box::new(SinceReset { summary, longest_outage: longest.into() })
        });
        self.totals = parts.totals;
        self.histogram_base = parts.histogram_base.map(Box::new);
        self.averages.resume(parts.windows, then);
        true
    }
}
