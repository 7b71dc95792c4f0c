//! The counters of a target, one table for each span of time: since the latest reset, and since the actor's start.
//!
//! A row of a table declares a field and, where it has one, its metric. Code that adds, subtracts or saves counters
//! iterates over the table, and so do the families, so a new counter is a row here and the place that counts it
//! (`tracker`).

mod difference;

use super::Histogram;
use super::error_class::ErrorCounts;
use super::jitter::Jitter;
use super::last_rtts::LastRtts;
use super::outages::{EndedOutage, Longest, Outages};
use super::rtt_stats::RttStats;
use std::time::Duration;

/// A counter of [`LifetimeStats`], as a metric.
#[derive(Debug)]
pub struct Counter {
    /// Name of the metric.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Reads the counter.
    pub read: fn(&LifetimeStats) -> u64,
}

/// Declares a struct of statistics: its counters from a table, then its other fields. With `metrics` the rows also hold
/// the name of each counter's metric.
///
/// The order of the rows is their order on disk: new rows go last.
macro_rules! statistics {
    (
        $(#[$attribute:meta])*
        struct $stats:ident, metrics $table:ident {
            $($counter:ident: $metric:literal, $help:literal;)+
        }
        $($fields:tt)+
    ) => {
        statistics! {
            $(#[$attribute])*
            struct $stats {
                $($counter: $help;)+
            }
            $($fields)+
        }

        #[doc = concat!("The counters of [`", stringify!($stats), "`].")]
        pub static $table: [Counter; $stats::COUNTERS] = [
            $(Counter { name: $metric, help: $help, read: |stats| stats.$counter }),+
        ];
    };
    (
        $(#[$attribute:meta])*
        struct $stats:ident {
            $($counter:ident: $help:literal;)+
        }
        $($(#[$field_attribute:meta])+ $field:ident: $type:ty,)+
    ) => {
        $(#[$attribute])*
        pub struct $stats {
            $(#[doc = $help] pub $counter: u64,)+
            $($(#[$field_attribute])+ pub $field: $type,)+
        }

        impl $stats {
            const COUNTERS: usize = [$($help),+].len();

            /// The counters, in the order of their table.
            pub(super) fn counters(&self) -> [u64; Self::COUNTERS] {
                [$(self.$counter),+]
            }

            /// The counters, in the order of their table.
            pub(super) fn counters_mut(&mut self) -> [&mut u64; Self::COUNTERS] {
                [$(&mut self.$counter),+]
            }
        }
    };
}

statistics! {
    /// The statistics of a target since its latest reset.
    ///
    /// `sent = replies + errors + lost + void + in_flight`, by construction.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    struct PeriodStats {
        replies: "Requests answered in time, each once.";
        errors: "Requests answered by an ICMP error, or refused by our own routing when sent.";
        lost: "Requests without an answer at their timeout.";
        void: "Requests that timed out while our own receive buffer dropped packets: their outcome is unknown.";
        out_of_date: "First replies that arrived after a newer request had been sent.";
        duplicates: "Further replies to a request that had one.";
    }
    /// Requests sent and not settled yet.
    in_flight: u64,
    /// Round-trip times of the answered requests.
    rtt: RttStats,
}

statistics! {
    /// The statistics of a target since its actor started; no counter ever decreases.
    ///
    /// `requests = replies + errors + lost + void + pending`, by construction.
    #[derive(Debug, Clone, PartialEq, Eq, Default)]
    struct LifetimeStats, metrics LIFETIME_COUNTERS {
        replies: "meshping_replies_total", "Requests answered in time, each once.";
        lost: "meshping_lost_total", "Requests without an answer at their timeout.";
        void: "meshping_void_requests_total",
            "Requests that timed out while our own receive buffer dropped packets: their outcome is unknown.";
        late: "meshping_late_total", "First replies that arrived after the timeout or after an error.";
        duplicates: "meshping_duplicates_total", "Further replies to a request that had one.";
        out_of_date: "meshping_outdated_total", "First replies that arrived after a newer request had been sent.";
        skipped: "meshping_skipped_requests_total",
            "Points of the grid without a request, because the daemon was late or short of buffers.";
    }
    /// Requests answered by an error, by class, in the order of [`ErrorClass::ALL`](super::ErrorClass::ALL).
    errors: ErrorCounts,
    /// Requests sent and not settled yet.
    pending: u64,
    /// TTL or hop limit of the latest reply.
    reply_ttl: Option<u8>,
    /// Round-trip times of the answered requests.
    rtt: RttStats,
    /// The answered requests by RTT; its counts add up to `replies`.
    histogram: Histogram,
    /// Interarrival jitter of the round-trip times.
    jitter: Jitter,
    /// The latest settled requests, void ones left out.
    recent: LastRtts,
    /// The current outage, and the longest that has ended.
    outages: Outages,
}

impl PeriodStats {
    /// Echo requests sent.
    pub const fn sent(&self) -> u64 {
        self.settled() + self.in_flight
    }

    /// Requests whose outcome is final, void ones included.
    pub const fn settled(&self) -> u64 {
        self.replies + self.errors + self.lost + self.void
    }

    /// Whether at least one request was answered, lost or answered by an error.
    pub const fn is_decided(&self) -> bool {
        self.replies + self.errors + self.lost > 0
    }

    /// Standard deviation of the round-trip times, of the population; `None` while there are none.
    pub fn stddev(&self) -> Option<Duration> {
        self.rtt.squares.deviation(self.replies, self.rtt.sum)
    }

    /// Adds the statistics of the period before; requests in flight stay those of this period.
    pub(super) fn prepend(&mut self, earlier: &Self) {
        for (count, before) in self.counters_mut().into_iter().zip(earlier.counters()) {
            *count += before;
        }
        self.rtt.prepend(earlier.rtt);
    }
}

/// A period that has ended: its settled requests, and the state needed to undo the reset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndedPeriod {
    /// The statistics at its end; no request is in flight in them.
    pub summary: PeriodStats,
    /// The histogram at the beginning of that period.
    pub(super) histogram_base: Option<Box<Histogram>>,
    /// The longest outage that ended in it.
    pub(super) longest_outage: Longest,
}

impl EndedPeriod {
    /// The longest outage that ended in it.
    pub fn longest_outage(&self) -> Option<EndedOutage> {
        self.longest_outage.get()
    }
}

impl LifetimeStats {
    /// Echo requests sent.
    pub fn requests(&self) -> u64 {
        self.summary().sent()
    }

    /// The jitter; `None` before the second round-trip time.
    pub fn jitter(&self) -> Option<Duration> {
        (self.replies > 1).then(|| self.jitter.get())
    }

    /// The whole time as one period.
    pub fn summary(&self) -> PeriodStats {
        PeriodStats {
            replies: self.replies,
            errors: self.errors.iter().sum(),
            lost: self.lost,
            void: self.void,
            out_of_date: self.out_of_date,
            duplicates: self.duplicates,
            in_flight: self.pending,
            rtt: self.rtt,
        }
    }
}
