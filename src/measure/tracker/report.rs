//! What an account tells, of the whole time and of the period since the latest reset.

use super::Account;
use super::in_flight::{Fate, Request};
use crate::measure::report::QUANTILES;
use crate::measure::{Detail, Histogram, Longest, Moment, Outages, Past, Period, Summary, Totals};

/// What begins again with a reset.
#[derive(Debug, Default)]
pub(super) struct SinceReset {
    pub(super) summary: Summary,
    pub(super) longest_outage: Longest,
}

impl Account {
    /// The books since the latest reset.
    pub fn summary(&self) -> Summary {
        let since = |period: &SinceReset| Summary { in_flight: self.totals.pending, ..period.summary };
        self.period.as_deref().map_or_else(|| self.totals.summary(), since)
    }

    /// The books since the beginning.
    pub fn totals(&self) -> Totals {
        Totals { outages: self.outages().0, ..self.totals.clone() }
    }

    /// What there is to tell beyond the counters, as of `now`.
    pub fn detail(&self, now: Moment) -> Detail {
        let ((outages, longest), histogram, summary) = (self.outages(), self.histogram(), self.summary());
        let quantile = |q| histogram.quantile(q).map(|rtt| summary.rtt.within(rtt));
        let [p50, p90, p99] = QUANTILES.map(quantile);
        Detail {
            stddev: summary.stddev(),
            jitter: self.totals.jitter(),
            quantiles: p50.zip(p90).zip(p99).map(|((p50, p90), p99)| [p50, p90, p99]),
            averages: self.averages.windows(now),
            outage: outages.current(),
            longest_outage: longest.with(outages.current(), now),
        }
    }

    /// The outages as far as they are known: requests that are still open say nothing. And the longest that has
    /// ended in this period.
    pub(super) fn outages(&self) -> (Outages, Longest) {
        let mut outages = self.totals.outages.clone();
        let period = self.period.as_deref().map(|period| period.longest_outage);
        let mut longest = period.unwrap_or(outages.longest());
        let later = self.requests.range(self.settled..).map(|&request| Request::from(request));
        later.filter_map(|request| follow(&mut outages, &request)).for_each(|past| longest.note(past));
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
    pub fn begin_period(&mut self) -> Period {
        let ended = self.summary();
        let period = self.period.replace(Box::default());
        let longest = period.map_or_else(|| self.totals.outages.longest(), |period| period.longest_outage);
        let base = Some(Box::new(self.totals.histogram.clone()));
        let histogram_base = std::mem::replace(&mut self.histogram_base, base);
        Period { summary: Summary { in_flight: 0, ..ended }, histogram_base, longest_outage: longest }
    }

    /// Undoes a [`Self::begin_period`]: as if that period had never ended.
    pub fn resume_period(&mut self, ended: Period) {
        let mut summary = self.summary();
        summary.prepend(&ended.summary);
        let mut longest_outage = ended.longest_outage;
        let since = self.period.take().and_then(|period| period.longest_outage.get());
        if let Some(past) = since {
            longest_outage.note(past);
        }
        self.period = Some(Box::new(SinceReset { summary, longest_outage }));
        self.histogram_base = ended.histogram_base;
    }

    pub(super) fn in_period(&mut self, note: impl FnOnce(&mut Summary)) {
        if let Some(period) = &mut self.period {
            note(&mut period.summary);
        }
    }
}

/// Tells outages what became of the next request, and returns the one that it ended.
pub(super) fn follow(outages: &mut Outages, request: &Request) -> Option<Past> {
    match request.fate {
        Fate::Answered => return outages.answered(request.sent),
        Fate::Unanswered(cause) => outages.unanswered(request.sent, cause),
        Fate::Queued | Fate::Unsent | Fate::InFlight | Fate::Void => {}
    }
    None
}
