//! Intervals and timeouts: numbers of seconds within limits.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::time::Duration;

/// Time between two requests to one target: 0.01 s to 86400 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub struct Interval {
    /// Not zero, so that `Option<Interval>` takes no more memory.
    micros: NonZero<u64>,
}

impl Interval {
    /// Minimum and maximum, in seconds.
    pub const LIMITS: (f64, f64) = (0.01, 86_400.0);
    /// One second.
    pub const DEFAULT: Self = Self { micros: NonZero::new(1_000_000).expect("it is not zero") };

    /// The interval of a number of seconds, rounded to whole microseconds.
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

/// The number of seconds, without a unit.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seconds().fmt(f)
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
    /// Minimum and maximum, in seconds.
    pub const LIMITS: (f64, f64) = (0.05, 60.0);
    /// Five seconds.
    pub const DEFAULT: Self = Self(Duration::from_secs(5));

    /// The timeout as a duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Time after sending during which late replies and duplicates are recognised: max(2 · timeout, 10 s).
    pub fn memory(self) -> Duration {
        (self.0 * 2).max(Duration::from_secs(10))
    }
}

/// The number of seconds, without a unit.
impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_secs_f64().fmt(f)
    }
}

impl FromStr for Timeout {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        within("timeout", seconds("timeout", text, Self::LIMITS)?, Self::LIMITS)
            .map(|micros| Self(Duration::from_micros(micros.get())))
    }
}

/// A number of seconds that is not one, or is out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{quantity} {value} is not usable, it takes seconds from {min} to {max}")]
pub struct SecondsError {
    quantity: &'static str,
    value: String,
    min: f64,
    max: f64,
}

fn seconds(quantity: &'static str, text: &str, (min, max): (f64, f64)) -> Result<f64, SecondsError> {
    text.trim().parse().map_err(|_| SecondsError { quantity, value: format!("{text:?}"), min, max })
}

/// A number of seconds within the limits, in microseconds.
fn within(
    quantity: &'static str,
    seconds: f64,
    (min, max): (f64, f64),
) -> Result<NonZero<u64>, SecondsError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0.01 s and a day")]
    let micros = (min..=max).contains(&seconds).then(|| (seconds * 1e6).round() as u64);
    micros.and_then(NonZero::new).ok_or_else(|| SecondsError {
        quantity,
        value: seconds.to_string(),
        min,
        max,
    })
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
    fn late_replies_are_recognised_for_twice_the_timeout_and_ten_seconds_at_least() {
        for (timeout, memory) in [("0.05", 10), ("5", 10), ("6", 12), ("60", 120)] {
            assert_eq!(timeout.parse::<Timeout>().unwrap().memory(), Duration::from_secs(memory));
        }
    }
}
