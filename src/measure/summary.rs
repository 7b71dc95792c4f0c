//! What the outside gets to see of a target: the books of one period, and those of the actor's life.

use super::{Histogram, Jitter, Longest, Outages, Past, Recent, Squares};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// A round-trip time: whole microseconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rtt(u64);

impl Rtt {
    /// Rounds to whole microseconds, at least one.
    pub fn new(duration: Duration) -> Self {
        let micros = (duration + Duration::from_nanos(500)).as_micros();
        Self::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// That many microseconds, at least one.
    pub const fn from_micros(micros: u64) -> Self {
        Self(if micros == 0 { 1 } else { micros })
    }

    /// Microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }
}

/// Sums and extremes of the round-trip times of answered requests, in microseconds; all 0 while there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RttStats {
    /// Sum of all of them.
    pub sum: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
    /// The latest.
    pub last: u64,
    /// The sum of their squares.
    pub squares: Squares,
}

impl RttStats {
    /// Takes in one more.
    pub fn record(&mut self, rtt: Rtt) {
        let micros = rtt.micros();
        self.sum += micros;
        self.min = if self.min == 0 { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.last = micros;
        self.squares.record(rtt);
    }

    /// What lies nearest to `rtt` between the extremes; there is one at least.
    pub(super) fn within(&self, rtt: Duration) -> Duration {
        rtt.max(Duration::from_micros(self.min)).min(Duration::from_micros(self.max))
    }

    /// The latest, if there is one.
    pub fn latest(&self) -> Option<Rtt> {
        (self.last > 0).then(|| Rtt::from_micros(self.last))
    }

    /// Puts the statistics of an earlier time before these.
    pub(super) fn prepend(&mut self, earlier: Self) {
        if self.last == 0 {
            *self = earlier;
        } else if earlier.last != 0 {
            self.sum += earlier.sum;
            self.min = self.min.min(earlier.min);
            self.max = self.max.max(earlier.max);
            self.squares = self.squares.plus(earlier.squares);
        }
    }
}

/// The books of a target since its last reset. `sent = recv + errs + lost + void + in_flight`, by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
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

impl Summary {
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
pub struct Period {
    /// The books at the end; no request is in flight in them.
    pub summary: Summary,
    /// Where the histogram of that period had begun.
    pub(super) histogram_base: Option<Box<Histogram>>,
    /// The longest outage that ended in it.
    pub(super) longest_outage: Longest,
}

impl Period {
    /// The longest outage that ended in it.
    pub fn longest_outage(&self) -> Option<Past> {
        self.longest_outage.get()
    }
}

/// Why a request was answered by an error. The classes of `meshping_errors_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Network unreachable or unknown; ICMPv6 no route to destination.
    NetUnreachable,
    /// Host unreachable or unknown; ICMPv6 address unreachable.
    HostUnreachable,
    /// Protocol unreachable.
    ProtocolUnreachable,
    /// Port unreachable.
    PortUnreachable,
    /// Fragmentation needed, ICMPv6 packet too big.
    FragNeeded,
    /// Source route failed; ICMPv6 error in source routing header.
    SourceRouteFailed,
    /// Administratively prohibited, in any form; ICMPv6 policy and reject route.
    AdminProhibited,
    /// ICMPv6 beyond scope of source address.
    BeyondScope,
    /// Time to live, or hop limit, exceeded in transit.
    TtlExceeded,
    /// Fragment reassembly time exceeded.
    ReassemblyTimeout,
    /// Parameter problem.
    ParameterProblem,
    /// Refused by our own kernel at sending: no route and the like.
    Send,
    /// A type or code that has no class of its own.
    Other,
}

impl ErrorClass {
    /// Every class, in the order of its counters.
    pub const ALL: [Self; 13] = [
        Self::NetUnreachable,
        Self::HostUnreachable,
        Self::ProtocolUnreachable,
        Self::PortUnreachable,
        Self::FragNeeded,
        Self::SourceRouteFailed,
        Self::AdminProhibited,
        Self::BeyondScope,
        Self::TtlExceeded,
        Self::ReassemblyTimeout,
        Self::ParameterProblem,
        Self::Send,
        Self::Other,
    ];

    /// The value of the label `class`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetUnreachable => "net_unreachable",
            Self::HostUnreachable => "host_unreachable",
            Self::ProtocolUnreachable => "protocol_unreachable",
            Self::PortUnreachable => "port_unreachable",
            Self::FragNeeded => "frag_needed",
            Self::SourceRouteFailed => "source_route_failed",
            Self::AdminProhibited => "admin_prohibited",
            Self::BeyondScope => "beyond_scope",
            Self::TtlExceeded => "ttl_exceeded",
            Self::ReassemblyTimeout => "reassembly_timeout",
            Self::ParameterProblem => "parameter_problem",
            Self::Send => "send",
            Self::Other => "other",
        }
    }
}

/// Requests answered by an error, by class, in the order of [`ErrorClass::ALL`].
///
/// Most targets never have one: until then it takes no memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorCounts(Option<Box<[u64; ErrorClass::ALL.len()]>>);

impl From<[u64; ErrorClass::ALL.len()]> for ErrorCounts {
    fn from(counts: [u64; ErrorClass::ALL.len()]) -> Self {
        Self(counts.iter().any(|&count| count > 0).then(|| counts.into()))
    }
}

impl Deref for ErrorCounts {
    type Target = [u64; ErrorClass::ALL.len()];

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&[0; ErrorClass::ALL.len()])
    }
}

impl DerefMut for ErrorCounts {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}

/// The books of a target since its actor started; they never go back.
///
/// `requests = replies + errors + lost + void + pending`, by construction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests answered in time.
    pub replies: u64,
    /// Requests answered by an error, by class, in the order of [`ErrorClass::ALL`].
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
    pub recent: Recent,
    /// The outage under way, and the longest one before.
    pub outages: Outages,
}

impl Totals {
    /// Echo requests sent.
    pub fn requests(&self) -> u64 {
        self.summary().sent()
    }

    /// The jitter, once there have been two round-trip times.
    pub fn jitter(&self) -> Option<Duration> {
        (self.replies > 1).then(|| self.jitter.get())
    }

    /// All of it as one period.
    pub fn summary(&self) -> Summary {
        Summary {
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
