//! Reads statistics of the whole time and of the current period, and starts periods.

use super::RequestTracker;
use super::in_flight::{Outcome, TrackedRequest};
use crate::measure::report::QUANTILES;
use crate::measure::{
    DetailedStats, EndedOutage, EndedPeriod, Histogram, LifetimeStats, Longest, Outages, PeriodStats,
    Timestamp,
};

/// Statistics that a reset starts again.
#[derive(Debug, Default)]
pub(super) struct SinceReset {
    pub(super) summary: PeriodStats,
    pub(super) longest_outage: Longest,
}

impl RequestTracker {
    /// The statistics since the latest reset.
    pub fn summary(&self) -> PeriodStats {
        let since = |period: &SinceReset| PeriodStats { in_flight: self.totals.pending, ..period.summary };
        self.period.as_deref().map_or_else(|| self.totals.summary(), since)
    }

    /// The statistics since the beginning.
    pub fn totals(&self) -> LifetimeStats {
        LifetimeStats { outages: self.outages().0, ..self.totals.clone() }
    }

    /// Statistics beyond the counters, as of `now`.
    pub fn detail(&self, now: Timestamp) -> DetailedStats {
        let ((outages, longest), histogram, summary) = (self.outages(), self.histogram(), self.summary());
        let quantile = |q| histogram.quantile(q).map(|rtt| summary.rtt.within(rtt));
        let [p50, p90, p99] = QUANTILES.map(quantile);
        DetailedStats {
            stddev: summary.stddev(),
            jitter: self.totals.jitter(),
            quantiles: p50.zip(p90).zip(p99).map(|((p50, p90), p99)| [p50, p90, p99]),
            averages: self.averages.windows(now),
            outage: outages.current(),
            longest_outage: longest.with_current(outages.current(), now),
        }
    }

    /// The outages without requests that are still open, and the longest that has ended in this period.
    pub(super) fn outages(&self) -> (Outages, Longest) {
        let mut outages = self.totals.outages.clone();
        let period = self.period.as_deref().map(|period| period.longest_outage);
        let mut longest = period.unwrap_or(outages.longest());
        let later = self.requests.range(self.settled..).map(|&request| TrackedRequest::from(request));
        later
            .filter_map(|request| record_in_outages(&mut outages, &request))
            .for_each(|ended| longest.note(ended));
        (outages, longest)
    }

    /// The answered requests by RTT, since the latest reset of the histogram or of everything.
    pub fn histogram(&self) -> Histogram {
        let all = &self.totals.histogram;
        self.histogram_base.as_ref().map_or_else(|| all.clone(), |base| all.since(base))
    }

    /// Starts the histogram again, and nothing else.
    pub fn begin_histogram(&mut self) {
        self.histogram_base = Some(Box::new(self.totals.histogram.clone()));
    }

    /// Starts a new period. Requests in flight belong to the period in which they are settled, the new one.
    pub fn begin_period(&mut self) -> EndedPeriod {
        let ended = self.summary();
        let period = self.period.replace(Box::default());
        let longest = period.map_or_else(|| self.totals.outages.longest(), |period| period.longest_outage);
        let base = Some(Box::new(self.totals.histogram.clone()));
        let histogram_base = std::mem::replace(&mut self.histogram_base, base);
        EndedPeriod {
            summary: PeriodStats { in_flight: 0, ..ended },
            histogram_base,
            longest_outage: longest,
        }
    }

    /// Undoes a [`Self::begin_period`]: the period that had ended continues.
    pub fn resume_period(&mut self, ended: EndedPeriod) {
        let mut summary = self.summary();
        summary.prepend(&ended.summary);
        let mut longest_outage = ended.longest_outage;
        let since = self.period.take().and_then(|period| period.longest_outage.get());
        if let Some(ended) = since {
            longest_outage.note(ended);
        }
        self.period = Some(Box::new(SinceReset { summary, longest_outage }));
        self.histogram_base = ended.histogram_base;
    }

    pub(super) fn in_period(&mut self, note: impl FnOnce(&mut PeriodStats)) {
        if let Some(period) = &mut self.period {
            note(&mut period.summary);
        }
    }
}

/// Records the next request in the outages, and returns the outage that it ended.
pub(super) fn record_in_outages(outages: &mut Outages, request: &TrackedRequest) -> Option<EndedOutage> {
    match request.outcome {
        Outcome::Answered => return outages.answered(request.sent),
        Outcome::Unanswered(cause) => outages.unanswered(request.sent, cause),
        Outcome::Queued | Outcome::Unsent | Outcome::InFlight | Outcome::Void => {}
    }
    None
}
