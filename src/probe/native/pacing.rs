//! How many requests are sent in one volley, and when the next volley may follow: no bursts, and delays are made up.

use std::time::Duration;

/// Requests that may be sent in one volley at any rate.
const MIN_VOLLEY: usize = 64;
/// Time whose requests fit into one volley.
const VOLLEY_TIME: Duration = Duration::from_millis(5);
/// Lateness of a slot that indicates a stall, after which other slots are late, too.
const STALL_LATENESS: Duration = Duration::from_millis(20);
/// Requests later than this are skipped.
const MAX_LATENESS: Duration = Duration::from_millis(250);

/// Maximum number of requests in one volley at `rate` requests a second, if the next ones are `late`.
///
/// After a stall every volley is full, so its size is limited to twice the rate.
pub(super) fn volley(rate: f64, late: Duration) -> usize {
    let worth = rate * VOLLEY_TIME.as_secs_f64();
    let usual = whole(worth).max(MIN_VOLLEY);
    if late > STALL_LATENESS { whole(2.0 * worth).clamp(1, usual) } else { usual }
}

/// Pause after a full volley: delayed requests are sent at twice the rate.
pub(super) fn pause(volley: usize, rate: f64, late: Duration) -> Duration {
    let longest = if late > STALL_LATENESS { MAX_LATENESS } else { VOLLEY_TIME };
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
        let after_a_stall = RATES.map(|rate| volley(rate, STALL_LATENESS * 2));
        assert_eq!(after_a_stall, [1, 1, 1, 64, 500, 5_000]);
    }

    #[test]
    fn delayed_requests_are_sent_at_no_more_than_twice_the_rate() {
        for rate in [10.0, 101.0, 201.0, 1_000.0, 10_000.0, 100_000.0, 123_456.0, 1e6] {
            for late in [Duration::ZERO, STALL_LATENESS * 2] {
                let volley = volley(rate, late);
                let speed = volley as f64 / pause(volley, rate, late).as_secs_f64();
                assert!(speed >= 1.2 * rate, "{speed} at {rate}, {late:?} late");
                assert!(late < STALL_LATENESS || speed <= 2.001 * rate, "{speed} at {rate} after a stall");
            }
        }
    }

    #[test]
    fn pauses_are_limited() {
        for rate in RATES {
            assert!(pause(1_000_000, rate, Duration::ZERO) <= VOLLEY_TIME, "{rate}");
            assert!(pause(1_000_000, rate, STALL_LATENESS * 2) <= MAX_LATENESS, "{rate}");
        }
    }
}
