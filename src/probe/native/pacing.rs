//! How many requests leave in one go, and when the next ones may: never a burst, and never behind for good.

use std::time::Duration;

/// Requests that may leave in one go, whatever the rate.
const SMALLEST_VOLLEY: usize = 64;
/// A volley is at most so much time's worth of requests.
const PACE: Duration = Duration::from_millis(5);
/// A slot that is so late was missed in a stall, and so were others.
const LATE: Duration = Duration::from_millis(20);

/// How many requests may leave in one go at `rate` requests a second, when the next ones are `late`.
///
/// After a stall every volley is full, so it is at most what twice the rate allows.
pub fn volley(rate: f64, late: Duration) -> usize {
    let worth = rate * PACE.as_secs_f64();
    let usual = whole(worth).max(SMALLEST_VOLLEY);
    if late > LATE { whole(2.0 * worth).clamp(1, usual) } else { usual }
}

/// How long nothing leaves after a full volley: what is behind catches up at twice the rate.
pub fn pause(volley: usize, rate: f64) -> Duration {
    Duration::try_from_secs_f64(volley as f64 / (2.0 * rate)).map_or(PACE, |pause| pause.min(PACE))
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
        for rate in [200.0, 1_000.0, 10_000.0, 100_000.0, 1e6] {
            let volley = volley(rate, LATE * 2);
            let speed = volley as f64 / pause(volley, rate).as_secs_f64();
            assert!((1.2 * rate..=2.01 * rate).contains(&speed), "{speed} at {rate}");
        }
    }

    #[test]
    fn nobody_waits_longer_than_the_pace() {
        for rate in RATES {
            assert!(pause(1_000_000, rate) <= PACE, "{rate}");
        }
    }
}
