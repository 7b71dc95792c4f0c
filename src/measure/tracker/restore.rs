//! How an account is kept over a restart.

use super::RequestTracker;
use super::report::SinceReset;
use crate::measure::encoding::{EncodedStats, StatsParts};
use crate::measure::{LifetimeStats, Timestamp};
use std::time::Duration;

impl RequestTracker {
    /// Everything that is to be known after a restart.
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

    /// Goes on with books that were [saved](Self::save), and had been `away` for so long. What became of the requests
    /// that were in flight then is not known, so they are void. `false` if these are no saved books: then nothing is
    /// changed.
    pub fn restore(&mut self, saved: &EncodedStats, now: Timestamp, away: Duration) -> bool {
        let then = now - away;
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
