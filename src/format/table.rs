//! The table of targets, for every edge. Pure.

use crate::measure::PeriodStats;
use crate::target::TargetKey;
use std::fmt;

/// The line above the rows.
pub const HEADER: &str = "Target                     Sent  Recv  Errs  Outd   Loss     Err    Outd      Avg       Min       Max      Last";

/// The line of one target. Times are in seconds, of the answered requests; 0 while there are none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// The target's address, with its variant if it has one.
    pub address: String,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered in time.
    pub replies: u64,
    /// Requests answered by an error.
    pub errors: u64,
    /// Requests without an answer.
    pub lost: u64,
    /// First replies received after a newer request had been sent.
    pub out_of_date: u64,
    /// Sum of the round-trip times.
    pub sum: f64,
    /// The smallest round-trip time.
    pub min: f64,
    /// The largest round-trip time.
    pub max: f64,
    /// The latest round-trip time.
    pub last: f64,
}

impl Row {
    /// The row of a target with these statistics.
    pub fn new(key: &TargetKey, stats: &PeriodStats) -> Self {
        let seconds = |micros: u64| micros as f64 / 1e6;
        Self {
            address: key.to_string(),
            sent: stats.sent(),
            replies: stats.replies,
            errors: stats.errors,
            lost: stats.lost,
            out_of_date: stats.out_of_date,
            sum: seconds(stats.rtt.sum),
            min: seconds(stats.rtt.min),
            max: seconds(stats.rtt.max),
            last: seconds(stats.rtt.last),
        }
    }

    /// Percentage of requests lost or answered by an error among those with a result; 0 without any.
    pub fn loss_percent(&self) -> f64 {
        percentage(self.lost + self.errors, self.decided())
    }

    /// Percentage of requests answered by an error among those with a result; 0 without any.
    pub fn error_percent(&self) -> f64 {
        percentage(self.errors, self.decided())
    }

    /// Percentage of out-of-date replies among the answers; 0 without any.
    pub fn out_of_date_percent(&self) -> f64 {
        percentage(self.out_of_date, self.replies + self.errors)
    }

    /// Average, minimum, maximum and latest round-trip time in milliseconds; 0 without replies.
    pub fn millis(&self) -> [f64; 4] {
        let average = if self.replies == 0 { 0.0 } else { self.sum / self.replies as f64 };
        [average, self.min, self.max, self.last].map(|seconds| seconds * 1e3)
    }

    fn decided(&self) -> u64 {
        self.replies + self.errors + self.lost
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, sent, replies, errors, out_of_date, .. } = self;
        write!(f, "{address:<25} {sent:5} {replies:5} {errors:5} {out_of_date:5} ")?;
        let [loss, error, outdated] = [self.loss_percent(), self.error_percent(), self.out_of_date_percent()];
        write!(f, "{loss:6.2}% {error:6.2}% {outdated:6.2}% ")?;
        if *replies == 0 {
            return write!(f, "{0:>7}   {0:>7}   {0:>7}   {0:>7}", "-");
        }
        let [avg, min, max, last] = self.millis();
        write!(f, "{avg:7.2}   {min:7.2}   {max:7.2}   {last:7.2}")
    }
}

/// Sorts rows by address as a number, IPv4 first; a text that is no address comes last.
pub fn sort(rows: &mut [Row]) {
    rows.sort_by_cached_key(|row| {
        let key = row.address.parse::<TargetKey>();
        (key.is_err(), key.ok(), row.address.clone())
    });
}

fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::RttStats;

    fn row(address: &str) -> Row {
        Row { address: address.into(), ..Row::default() }
    }

    #[test]
    fn rows_look_like_this() {
        let rtt = RttStats { sum: 36_300, min: 9_870, max: 15_200, last: 11_230, ..RttStats::default() };
        let stats = PeriodStats {
            replies: 3,
            errors: 1,
            lost: 1,
            void: 2,
            out_of_date: 1,
            in_flight: 1,
            rtt,
            duplicates: 0,
        };
        let cases = [
            (
                Row::new(&"192.0.2.1".parse().unwrap(), &stats),
                "192.0.2.1                     8     3     1     1  40.00%  20.00%  25.00%   12.10      9.87     15.20     11.23",
            ),
            (
                row("127.0.0.1"),
                "127.0.0.1                     0     0     0     0   0.00%   0.00%   0.00%       -         -         -         -",
            ),
            (
                row("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff     0     0     0     0   0.00%   0.00%   0.00%       -         -         -         -",
            ),
            (
                Row { sent: 1_234_567, lost: 1_234_567, ..row("10.0.0.1") },
                "10.0.0.1                  1234567     0     0     0 100.00%   0.00%   0.00%       -         -         -         -",
            ),
        ];
        for (row, expected) in cases {
            assert_eq!(row.to_string(), expected);
        }
    }

    #[test]
    fn requests_in_flight_and_void_ones_decide_nothing() {
        let stats = PeriodStats { replies: 1, void: 100, in_flight: 100, ..PeriodStats::default() };
        let row = Row::new(&"127.0.0.1".parse().unwrap(), &stats);
        assert_eq!((row.loss_percent(), row.error_percent(), row.out_of_date_percent()), (0.0, 0.0, 0.0));
        let late = Row { out_of_date: 5, lost: 5, ..super::tests::row("127.0.0.1") };
        assert_eq!(
            (late.loss_percent(), late.out_of_date_percent()),
            (100.0, 0.0),
            "nothing was answered in time"
        );
    }

    #[test]
    fn rows_are_sorted_by_address_as_a_number() {
        let mut rows =
            ["::2", "10.0.0.10", "10.0.0.9#b", "example.net", "10.0.0.9", "fe80::1%eth0", "9.0.0.1"].map(row);
        sort(&mut rows);
        let order: Vec<&str> = rows.iter().map(|row| row.address.as_str()).collect();
        assert_eq!(
            order,
            ["9.0.0.1", "10.0.0.9", "10.0.0.9#b", "10.0.0.10", "::2", "fe80::1%eth0", "example.net"]
        );
    }
}
