//! How far each round-trip time lies from the one before.

use super::Rtt;
use std::time::Duration;

/// Interarrival jitter as RFC 3550 has it (section 6.4.1), of round-trip times in the order of their receipt:
/// J += (|D| - J) / 16, where D is the difference of two successive ones.
///
/// In sixteenths of a microsecond, by the integer recurrence of appendix A.8: it errs by less than a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jitter(u32);

impl Jitter {
    /// Takes in a round-trip time and the one before.
    pub fn record(&mut self, before: Rtt, rtt: Rtt) {
        let difference = u32::try_from(rtt.micros().abs_diff(before.micros())).unwrap_or(u32::MAX);
        // The new one counts for a sixteenth, so in sixteenths it is added as it is.
        let faded = self.0 - (self.0.saturating_add(8) >> 4);
        self.0 = faded.saturating_add(difference);
    }

    /// The estimate.
    pub fn get(self) -> Duration {
        Duration::from_nanos(u64::from(self.0) * 1_000 / 16)
    }

    /// In sixteenths of a microsecond, to be written down.
    pub const fn sixteenths(self) -> u32 {
        self.0
    }

    /// An estimate that had been written down.
    pub const fn from_sixteenths(sixteenths: u32) -> Self {
        Self(sixteenths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_moves_by_a_sixteenth_of_what_it_is_off() {
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
