//! How many requests leave in one go, and when the next ones may: never a burst, and never behind for good.

use std::time::Duration;

/// Requests that may leave in one go, whatever the rate.
const SMALLEST_VOLLEY: usize = 64;
/// A volley is at most so much time's worth of requests.
const PACE: Duration = Duration::from_millis(5);
/// A slot that is so late was missed in a stall, and so were others.
const LATE: Duration = Duration::from_millis(20);
/// What is later than this is not sent any more.
const PATIENCE: Duration = Duration::from_millis(250);

/// How many requests may leave in one go at `rate` requests a second, when the next ones are `late`.
///
/// After a stall every volley is full, so it is at most what twice the rate allows.
pub(super) fn volley(rate: f64, late: Duration) -> usize {
    let worth = rate * PACE.as_secs_f64();
    let usual = whole(worth).max(SMALLEST_VOLLEY);
    if late > LATE { whole(2.0 * worth).clamp(1, usual) } else { usual }
}

/// How long nothing leaves after a full volley: what is behind catches up at twice the rate.
pub(super) fn pause(volley: usize, rate: f64, late: Duration) -> Duration {
    let longest = if late > LATE { PATIENCE } else { PACE };
    Duration::try_from_secs_f64(volley as f64 / (2.0 * rate)).map_or(longest, |pause| pause.min(longest))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a thousand times the most targets"
)]
fn whole(requests: f64) -> usize {
    requests.ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [f64; 6] = [0.0, 1.0, 100.0, 10_000.0, 100_000.0, 1e6];

    #[test]
    fn a_volley_is_small_unless_the_rate_is_high() {
        let in_time = RATES.map(|rate| volley(rate, Duration::ZERO));
        assert_eq!(in_time, [64, 64, 64, 64, 500, 5_000]);
        let after_a_stall = RATES.map(|rate| volley(rate, LATE * 2));
        assert_eq!(after_a_stall, [1, 1, 1, 64, 500, 5_000]);
    }

    #[test]
    fn what_is_behind_catches_up_at_no_more_than_twice_the_rate() {
        for rate in [10.0, 101.0, 201.0, 1_000.0, 10_000.0, 100_000.0, 123_456.0, 1e6] {
            for late in [Duration::ZERO, LATE * 2] {
                let volley = volley(rate, late);
                let speed = volley as f64 / pause(volley, rate, late).as_secs_f64();
                assert!(speed >= 1.2 * rate, "{speed} at {rate}, {late:?} late");
                assert!(late < LATE || speed <= 2.001 * rate, "{speed} at {rate} after a stall");
            }
        }
    }

    #[test]
    fn nobody_waits_longer_than_the_pace_or_for_nothing() {
        for rate in RATES {
            assert!(pause(1_000_000, rate, Duration::ZERO) <= PACE, "{rate}");
            assert!(pause(1_000_000, rate, LATE * 2) <= PATIENCE, "{rate}");
        }
    }
}
