//! Interarrival jitter of round-trip times.

use super::Rtt;
use std::time::Duration;

/// Interarrival jitter (RFC 3550, section 6.4.1) of round-trip times in the order of their receipt:
/// J += (|D| - J) / 16, where D is the difference of two successive ones.
///
/// In sixteenths of a microsecond, by the integer recurrence of appendix A.8, whose error is below one microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jitter(u32);

impl Jitter {
    /// Adds a round-trip time and the one before.
    pub fn record(&mut self, before: Rtt, rtt: Rtt) {
        let difference = u32::try_from(rtt.micros().abs_diff(before.micros())).unwrap_or(u32::MAX);
        // The new difference has a weight of a sixteenth, so in sixteenths it is added unchanged.
        let decayed = self.0 - (self.0.saturating_add(8) >> 4);
        self.0 = decayed.saturating_add(difference);
    }

    /// The estimate.
    pub fn get(self) -> Duration {
        Duration::from_nanos(u64::from(self.0) * 1_000 / 16)
    }

    /// The estimate in sixteenths of a microsecond, for saving.
    pub const fn sixteenths(self) -> u32 {
        self.0
    }

    /// A saved estimate.
    pub const fn from_sixteenths(sixteenths: u32) -> Self {
        Self(sixteenths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_moves_by_a_sixteenth_of_the_difference() {
        let mut jitter = Jitter::default();
        // Round-trip times, then the jitter in nanoseconds.
        let steps = [(10_000, 10_000, 0), (10_000, 26_000, 1_000_000), (26_000, 10_000, 1_937_500)];
        for (before, rtt, nanos) in steps {
            jitter.record(Rtt::from_micros(before), Rtt::from_micros(rtt));
            assert_eq!(jitter.get(), Duration::from_nanos(nanos), "{before} µs, then {rtt}");
        }
        (0..200).for_each(|_| jitter.record(Rtt::from_micros(7), Rtt::from_micros(7)));
        assert!(jitter.get() < Duration::from_micros(1), "{jitter:?}");
        (0..200).for_each(|_| jitter.record(Rtt::from_micros(1), Rtt::from_micros(u64::MAX)));
        assert_eq!(Jitter::from_sixteenths(jitter.sixteenths()), jitter, "as large as it gets");
    }
}
