//! Intervals and timeouts: numbers of seconds within limits.

use std::num::NonZero;
use std::str::FromStr;
use std::time::Duration;

/// Time between two requests to one target: 0.01 s to 86400 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub struct Interval {
    /// Not zero, so that having none takes no memory of its own.
    micros: NonZero<u64>,
}

impl Interval {
    /// Shortest and longest interval, in seconds.
    pub const LIMITS: (f64, f64) = (0.01, 86_400.0);
    /// One second.
    pub const DEFAULT: Self = Self { micros: NonZero::new(1_000_000).expect("it is not zero") };

    /// An interval of that many seconds, rounded to whole microseconds.
    ///
    /// # Errors
    /// [`SecondsError`] outside of [`Self::LIMITS`], and for NaN.
    pub fn from_seconds(seconds: f64) -> Result<Self, SecondsError> {
        within("interval", seconds, Self::LIMITS).map(|micros| Self { micros })
    }

    /// The interval as a duration.
    pub const fn get(self) -> Duration {
        Duration::from_micros(self.micros.get())
    }

    /// The interval in seconds.
    pub fn seconds(self) -> f64 {
        self.get().as_secs_f64()
    }
}

impl FromStr for Interval {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        Self::from_seconds(seconds("interval", text, Self::LIMITS)?)
    }
}

/// Time after which a request without an answer is lost: 0.05 s to 60 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub struct Timeout(Duration);

impl Timeout {
    /// Shortest and longest timeout, in seconds.
    pub const LIMITS: (f64, f64) = (0.05, 60.0);
    /// Five seconds.
    pub const DEFAULT: Self = Self(Duration::from_secs(5));

    /// The timeout as a duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// How long after sending late replies and duplicates are still recognised: max(2 · timeout, 10 s).
    pub fn memory(self) -> Duration {
        (self.0 * 2).max(Duration::from_secs(10))
    }
}

impl FromStr for Timeout {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        within("timeout", seconds("timeout", text, Self::LIMITS)?, Self::LIMITS)
            .map(|micros| Self(Duration::from_micros(micros.get())))
    }
}

/// Why a number of seconds is refused; names the value and the limits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} {given} is not usable, it takes seconds from {min} to {max}")]
pub struct SecondsError {
    what: &'static str,
    given: String,
    min: f64,
    max: f64,
}

impl SecondsError {
    /// The error for an interval whose value is no number at all; `given` is cut and escaped by whoever shows it.
    pub fn interval(given: impl Into<String>) -> Self {
        let (min, max) = Interval::LIMITS;
        Self { what: "interval", given: given.into(), min, max }
    }
}

fn seconds(what: &'static str, text: &str, (min, max): (f64, f64)) -> Result<f64, SecondsError> {
    text.trim().parse().map_err(|_| SecondsError { what, given: format!("{text:?}"), min, max })
}

/// That many seconds in microseconds.
fn within(what: &'static str, seconds: f64, (min, max): (f64, f64)) -> Result<NonZero<u64>, SecondsError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0.01 s and a day")]
    let micros = (min..=max).contains(&seconds).then(|| (seconds * 1e6).round() as u64);
    micros.and_then(NonZero::new).ok_or_else(|| SecondsError { what, given: seconds.to_string(), min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_limits_and_take_fractions() {
        assert_eq!("0.2".parse::<Interval>().unwrap().get(), Duration::from_millis(200));
        assert_eq!("86400".parse::<Interval>().unwrap().get(), Duration::from_secs(86_400));
        for bad in ["0.009", "86401", "NaN", "inf", "-1", "", "1s"] {
            let error = bad.parse::<Interval>().unwrap_err().to_string();
            assert!(error.contains("0.01") && error.contains("86400"), "{error}");
        }
    }

    #[test]
    fn replies_are_remembered_for_twice_the_timeout_and_ten_seconds_at_least() {
        for (timeout, memory) in [("0.05", 10), ("5", 10), ("6", 12), ("60", 120)] {
            assert_eq!(timeout.parse::<Timeout>().unwrap().memory(), Duration::from_secs(memory));
        }
    }
}
