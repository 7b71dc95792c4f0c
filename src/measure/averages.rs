//! Moving averages of round-trip time and loss: exponential and weighted by time, as those of the load.
//!
//! The past fades by 1/e in a window. A request stands for its interval; of times without a request that was
//! answered or not (void ones, a suspended machine, a daemon that was not running) nothing is known, so they have
//! no weight and only fade. Weights are kept beside the sums, so an average is one of what there has been so far:
//! before a window has filled it leans towards nothing.

use super::{Rtt, Timestamp};
use std::time::Duration;

/// The averages over all windows, and what is not yet in them.
///
/// Requests are collected for `BUCKET` and taken in together: that spares exponentials, and makes the precision
/// of an `f32` do. Within a bucket all requests weigh the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Averages {
    begun: Timestamp,
    bucket: PendingRequests,
    interval_seconds: f32,
    windows: [Weights; WINDOWS.len()],
}

/// Requests that are not yet in the averages.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct PendingRequests {
    answered: u16,
    unanswered: u16,
    rtt_seconds: f32,
}

/// The windows, shortest first.
pub const WINDOWS: [Duration; 3] =
    [Duration::from_secs(15 * 60), Duration::from_secs(6 * 3_600), Duration::from_secs(24 * 3_600)];

/// Weights of requests, and the sum of weighted round-trip times.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Weights {
    /// Of the answered ones.
    pub answered: f32,
    /// Of those that were not.
    pub unanswered: f32,
    /// Round-trip times of the answered ones, in seconds, by their weights.
    pub rtt_seconds: f32,
}

impl Weights {
    /// The average round-trip time; `None` while hardly anything (a thousandth) was answered.
    pub fn rtt(&self) -> Option<Duration> {
        let enough = self.answered > self.sum() / 1_024.0;
        let seconds = f64::from(self.rtt_seconds) / f64::from(self.answered);
        Duration::try_from_secs_f64(seconds).ok().filter(|_| enough)
    }

    /// Share of the requests that were not answered, 0 to 1; `None` while there are none of either kind.
    pub fn loss(&self) -> Option<f64> {
        (self.sum() > 0.0).then(|| f64::from(self.unanswered / self.sum()))
    }

    const fn sum(&self) -> f32 {
        self.answered + self.unanswered
    }

    /// What it is after `faded`, with `weight` times what is added.
    fn plus(&self, added: &Self, faded: f64, weight: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a weight needs no more precision")]
        let sum = |mine: f32, other: f32| (f64::from(mine) * faded + f64::from(other) * weight) as f32;
        Self {
            answered: sum(self.answered, added.answered),
            unanswered: sum(self.unanswered, added.unanswered),
            rtt_seconds: sum(self.rtt_seconds, added.rtt_seconds),
        }
    }
}

impl Averages {
    /// Averages of nothing; requests are sent every `interval`.
    pub fn new(interval: Duration) -> Self {
        Self::restored([Weights::default(); WINDOWS.len()], Timestamp::EPOCH, interval)
    }

    /// Averages that had been written down, as of `now`.
    pub const fn restored(windows: [Weights; WINDOWS.len()], now: Timestamp, interval: Duration) -> Self {
        let bucket = PendingRequests { answered: 0, unanswered: 0, rtt_seconds: 0.0 };
        Self { begun: now, bucket, interval_seconds: interval.as_secs_f32(), windows }
    }

    /// Goes on with averages that had been written down, as of `then`.
    pub fn resume(&mut self, windows: [Weights; WINDOWS.len()], then: Timestamp) {
        *self =
            Self { interval_seconds: self.interval_seconds, ..Self::restored(windows, then, Duration::ZERO) };
    }

    /// From now on requests are sent every `interval`.
    pub fn set_interval(&mut self, interval: Duration, now: Timestamp) {
        self.close(now);
        self.interval_seconds = interval.as_secs_f32();
    }

    /// A request was answered with a round-trip time, or not, which was known at `now`.
    pub fn record(&mut self, rtt: Option<Rtt>, now: Timestamp) {
        if self.bucket.requests() == 0
            || self.bucket.requests() == u16::MAX
            || now.since(self.begun) >= BUCKET
        {
            self.close(now);
        }
        match rtt {
            Some(rtt) => {
                self.bucket.answered += 1;
                #[expect(clippy::cast_possible_truncation, reason = "an average needs no more precision")]
                let seconds = (rtt.micros() as f64 / 1e6) as f32;
                self.bucket.rtt_seconds += seconds;
            }
            None => self.bucket.unanswered += 1,
        }
    }

    /// For each of the [`WINDOWS`], as of `now`.
    pub fn windows(&self, now: Timestamp) -> [Weights; WINDOWS.len()] {
        let mut all = self.clone();
        all.close(now);
        all.windows
    }

    /// Reads a little of it; what it returns means nothing.
    pub(super) const fn prefetch(&self) -> u64 {
        self.begun.as_nanos()
    }

    /// Takes the bucket in, and begins another one.
    fn close(&mut self, now: Timestamp) {
        let requests = f64::from(self.bucket.requests());
        let covered = requests * f64::from(self.interval_seconds);
        let elapsed = now.since(self.begun).as_secs_f64().max(covered);
        for (window, length) in self.windows.iter_mut().zip(WINDOWS) {
            let left = |seconds: f64| (-seconds / length.as_secs_f64()).exp();
            // The requests come first, then the time of which nothing is known.
            let weight =
                if requests > 0.0 { (left(elapsed - covered) - left(elapsed)) / requests } else { 0.0 };
            *window = window.plus(&self.bucket.into(), left(elapsed), weight);
        }
        (self.bucket, self.begun) = (PendingRequests::default(), now);
    }
}

impl PendingRequests {
    /// How many there are: 65 535 at most, then it is closed.
    const fn requests(self) -> u16 {
        self.answered + self.unanswered
    }
}

impl From<PendingRequests> for Weights {
    fn from(bucket: PendingRequests) -> Self {
        let PendingRequests { answered, unanswered, rtt_seconds } = bucket;
        Self { answered: answered.into(), unanswered: unanswered.into(), rtt_seconds }
    }
}

/// So long requests are collected: a ninetieth of the shortest window.
const BUCKET: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(second: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(1_000) + Duration::from_secs(second)
    }

    /// After so many milliseconds it was answered.
    const fn ms(millis: u64) -> Rtt {
        Rtt::from_micros(millis * 1_000)
    }

    /// Milliseconds and per cent of each window.
    fn shown(averages: &Averages, now: Timestamp) -> [(Option<u128>, Option<u64>); 3] {
        averages.windows(now).map(|window| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage")]
            let percent = |loss: f64| (loss * 100.0).round() as u64;
            (
                window.rtt().map(|rtt| (rtt + Duration::from_micros(500)).as_millis()),
                window.loss().map(percent),
            )
        })
    }

    #[test]
    fn before_a_window_has_filled_it_is_the_average_so_far() {
        let mut averages = Averages::new(SECOND);
        assert_eq!(shown(&averages, at(0)), [(None, None); 3]);
        averages.record(None, at(1));
        assert_eq!(shown(&averages, at(1)), [(None, Some(100)); 3], "nothing was answered");
        averages.record(Some(ms(20)), at(2));
        assert_eq!(shown(&averages, at(2)), [(Some(20), Some(50)); 3]);
        (3..33).for_each(|second| averages.record(Some(ms(40)), at(second)));
        assert_eq!(shown(&averages, at(33)), [(Some(39), Some(3)); 3]);
    }

    #[test]
    fn a_change_takes_a_window_to_be_two_thirds_of_the_average() {
        let mut averages = Averages::new(SECOND);
        (0..200_000).for_each(|second| averages.record(Some(ms(100)), at(second)));
        (200_000..200_900).for_each(|second| averages.record(Some(ms(200)), at(second)));
        // 1 - 1/e of 15 minutes; 1 - e^(-1/24) of 6 hours, 1 - e^(-1/96) of a day, more of it than there was.
        assert_eq!(shown(&averages, at(200_900)).map(|(rtt, _)| rtt), [Some(163), Some(104), Some(101)]);
        (200_900..201_800).for_each(|second| averages.record(None, at(second)));
        assert_eq!(shown(&averages, at(201_800)).map(|(_, loss)| loss), [Some(63), Some(4), Some(1)]);
    }

    #[test]
    fn how_often_is_asked_does_not_matter_but_for_how_long() {
        // A quarter of an hour with 100 ms, then one with 200 ms, at whatever intervals.
        for (first, then) in [(1, 1), (1, 60), (60, 1), (5, 90)] {
            let mut averages = Averages::new(Duration::from_secs(first));
            (0..900 / first).for_each(|request| averages.record(Some(ms(100)), at(request * first)));
            averages.set_interval(Duration::from_secs(then), at(900));
            (0..900 / then).for_each(|request| averages.record(Some(ms(200)), at(900 + request * then)));
            assert_eq!(shown(&averages, at(1_800))[0].0, Some(173), "{first} s, then {then} s");
        }
    }

    #[test]
    fn a_time_of_which_nothing_is_known_has_no_weight() {
        let mut averages = Averages::new(SECOND);
        (0..60).for_each(|second| averages.record(None, at(second)));
        let day = 86_400;
        assert_eq!(shown(&averages, at(60 + day)), shown(&averages, at(60)), "nothing new is known");
        (0..60).for_each(|second| averages.record(Some(ms(50)), at(60 + day + second)));
        assert_eq!(shown(&averages, at(120 + day)).map(|(_, loss)| loss), [Some(0), Some(2), Some(27)]);
        assert_eq!(shown(&averages, at(120 + 100 * day))[0], (None, None), "faded away");
    }

    #[test]
    fn the_round_trip_time_is_not_told_of_a_host_that_is_long_gone() {
        let mut averages = Averages::new(SECOND);
        (0..900).for_each(|second| averages.record(Some(ms(50)), at(second)));
        (900..5_400).for_each(|second| averages.record(None, at(second)));
        assert_eq!(shown(&averages, at(5_400))[0], (Some(50), Some(100)), "75 minutes");
        (5_400..9_000).for_each(|second| averages.record(None, at(second)));
        assert_eq!(shown(&averages, at(9_000))[0], (None, Some(100)), "135 minutes");
    }

    #[test]
    fn the_shortest_interval_moves_the_longest_average() {
        let mut averages = Averages::new(Duration::from_millis(10));
        let tick = |number: u64| at(0) + Duration::from_millis(10) * u32::try_from(number).unwrap_or(0);
        (0..100_000).for_each(|number| averages.record(Some(ms(100)), tick(number)));
        (100_000..200_000).for_each(|number| averages.record(Some(ms(101)), tick(number)));
        let micros = averages.windows(tick(200_000))[2].rtt().map(|rtt| rtt.as_micros());
        assert!(micros.is_some_and(|micros| (100_495..100_510).contains(&micros)), "{micros:?}");
    }
}
