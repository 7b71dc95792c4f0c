//! What the outside gets to see of a target: the books of one period, and those of the actor's life.

mod difference;

use super::Histogram;
use super::error_class::ErrorCounts;
use super::jitter::Jitter;
use super::last_rtts::LastRtts;
use super::outages::{EndedOutage, Longest, Outages};
use super::rtt_stats::RttStats;
use std::time::Duration;

/// The books of a target since its last reset. `sent = recv + errs + lost + void + in_flight`, by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeriodStats {
    /// Requests answered in time, each once.
    pub recv: u64,
    /// Requests answered by an ICMP error, or refused by our own kernel's routing.
    pub errs: u64,
    /// Requests that neither happened to, at their timeout.
    pub lost: u64,
    /// Requests that timed out while our own buffers dropped packets: nobody knows.
    pub void: u64,
    /// First replies that were received after a newer request had been sent.
    pub outd: u64,
    /// Further replies to a request that had one.
    pub dups: u64,
    /// Requests sent and not settled yet.
    pub in_flight: u64,
    /// Of the answered requests.
    pub rtt: RttStats,
}

impl PeriodStats {
    /// Echo requests sent.
    pub const fn sent(&self) -> u64 {
        self.settled() + self.in_flight
    }

    /// Requests whose fate is known, or known to be unknowable.
    pub const fn settled(&self) -> u64 {
        self.recv + self.errs + self.lost + self.void
    }

    /// Whether a request has been answered or not: void ones tell nothing.
    pub const fn is_decided(&self) -> bool {
        self.recv + self.errs + self.lost > 0
    }

    /// Standard deviation of the round-trip times, of the population; `None` while there are none.
    pub fn stddev(&self) -> Option<Duration> {
        self.rtt.squares.deviation(self.recv, self.rtt.sum)
    }

    /// Puts the books of the period before in front of these; requests in flight are these'.
    pub(super) fn prepend(&mut self, earlier: &Self) {
        self.recv += earlier.recv;
        self.errs += earlier.errs;
        self.lost += earlier.lost;
        self.void += earlier.void;
        self.outd += earlier.outd;
        self.dups += earlier.dups;
        self.rtt.prepend(earlier.rtt);
    }
}

/// A period that has ended: its settled requests, and what it takes to undo the ending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndedPeriod {
    /// The books at the end; no request is in flight in them.
    pub summary: PeriodStats,
    /// Where the histogram of that period had begun.
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

/// The books of a target since its actor started; they never go back.
///
/// `requests = replies + errors + lost + void + pending`, by construction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifetimeStats {
    /// Requests answered in time.
    pub replies: u64,
    /// Requests answered by an error, by class, in the order of [`ErrorClass::ALL`](super::ErrorClass::ALL).
    pub errors: ErrorCounts,
    /// Requests lost at their timeout.
    pub lost: u64,
    /// Requests of which nobody knows.
    pub void: u64,
    /// First replies after the timeout or after an error.
    pub late: u64,
    /// Further replies to a request that had one.
    pub duplicates: u64,
    /// First replies received after a newer request had been sent.
    pub outdated: u64,
    /// Points of the grid at which nothing was sent.
    pub skipped: u64,
    /// Requests sent and not settled yet.
    pub pending: u64,
    /// TTL or hop limit of the latest reply.
    pub reply_ttl: Option<u8>,
    /// Of the answered requests.
    pub rtt: RttStats,
    /// The answered requests by RTT; its counts add up to `replies`.
    pub histogram: Histogram,
    /// How much successive round-trip times differ.
    pub jitter: Jitter,
    /// The latest requests that were answered or not.
    pub recent: LastRtts,
    /// The outage under way, and the longest one before.
    pub outages: Outages,
}

impl LifetimeStats {
    /// Echo requests sent.
    pub fn requests(&self) -> u64 {
        self.summary().sent()
    }

    /// The jitter, once there have been two round-trip times.
    pub fn jitter(&self) -> Option<Duration> {
        (self.replies > 1).then(|| self.jitter.get())
    }

    /// All of it as one period.
    pub fn summary(&self) -> PeriodStats {
        PeriodStats {
            recv: self.replies,
            errs: self.errors.iter().sum(),
            lost: self.lost,
            void: self.void,
            outd: self.outdated,
            dups: self.duplicates,
            in_flight: self.pending,
            rtt: self.rtt,
        }
    }
}
