//! The counters of a target in the words of the control socket.

use crate::measure::PeriodStats;
use serde::{Deserialize, Serialize};

/// The counters of one target. Those that are `None` are left out of a reply; a reader takes them for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WireCounters {
    /// Echo requests sent.
    pub sent: u64,
    /// Requests answered in time.
    #[serde(rename = "recv")]
    pub replies: u64,
    /// Requests answered by an ICMP error, or that the local system did not send.
    #[serde(rename = "errs")]
    pub errors: u64,
    /// Requests without an answer at their timeout.
    pub lost: u64,
    /// Requests without a result, because a receive buffer overflowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub void: Option<u64>,
    /// First replies received after a newer request had been sent.
    #[serde(rename = "outd")]
    pub out_of_date: u64,
    /// Further replies to answered requests.
    #[serde(rename = "dups", skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
}

impl WireCounters {
    /// All counters.
    pub(super) const fn all(stats: &PeriodStats) -> Self {
        Self {
            sent: stats.sent(),
            replies: stats.replies,
            errors: stats.errors,
            lost: stats.lost,
            void: Some(stats.void),
            out_of_date: stats.out_of_date,
            duplicates: Some(stats.duplicates),
        }
    }

    /// The counters without those that are nearly always 0, where they are 0.
    pub(super) fn without_zeros(stats: &PeriodStats) -> Self {
        let all = Self::all(stats);
        let nonzero = |count: Option<u64>| count.filter(|&count| count > 0);
        Self { void: nonzero(all.void), duplicates: nonzero(all.duplicates), ..all }
    }
}
