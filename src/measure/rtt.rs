//! A round-trip time.

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

    /// A round-trip time in microseconds, at least one.
    pub const fn from_micros(micros: u64) -> Self {
        Self(if micros == 0 { 1 } else { micros })
    }

    /// Microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }
}
