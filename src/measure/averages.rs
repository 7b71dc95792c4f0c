//! Moving averages of round-trip time and loss: exponential and weighted by time, as load averages are.
//!
//! Older values decay by 1/e in a window. A request has the weight of its interval; times without a settled request
//! (void ones, a suspended machine, a daemon that was not running) have no weight. Weights are kept beside the sums, so
//! before a window has filled the average is that of all values so far, without a bias.

use super::{Rtt, Timestamp};
use std::time::Duration;

/// The averages over all windows, and the requests that are not yet in them.
///
/// Requests are collected for `BUCKET` and added together: that saves exponentials, and makes the precision of an `f32`
/// sufficient. All requests of a bucket have the same weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Averages {
    bucket_start: Timestamp,
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
    /// Weight of the answered requests.
    pub answered: f32,
    /// Weight of the unanswered requests.
    pub unanswered: f32,
    /// Sum of the weighted round-trip times, in seconds.
    pub rtt_seconds: f32,
}

impl Weights {
    /// The average round-trip time; `None` while less than a thousandth was answered.
    pub fn rtt(&self) -> Option<Duration> {
        let enough = self.answered > self.sum() / 1_024.0;
        let seconds = f64::from(self.rtt_seconds) / f64::from(self.answered);
        Duration::try_from_secs_f64(seconds).ok().filter(|_| enough)
    }

    /// Share of unanswered requests, 0 to 1; `None` without requests.
    pub fn loss(&self) -> Option<f64> {
        (self.sum() > 0.0).then(|| f64::from(self.unanswered / self.sum()))
    }

    const fn sum(&self) -> f32 {
        self.answered + self.unanswered
    }

    /// These weights times `decay`, plus `weight` times `added`.
    fn plus(&self, added: &Self, decay: f64, weight: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a weight needs no more precision")]
        let sum = |own: f32, other: f32| (f64::from(own) * decay + f64::from(other) * weight) as f32;
        Self {
            answered: sum(self.answered, added.answered),
            unanswered: sum(self.unanswered, added.unanswered),
            rtt_seconds: sum(self.rtt_seconds, added.rtt_seconds),
        }
    }
}

impl Averages {
    /// Averages without requests, which are sent every `interval`.
    pub fn new(interval: Duration) -> Self {
        Self::restored([Weights::default(); WINDOWS.len()], Timestamp::EPOCH, interval)
    }

    /// Saved averages, as of `now`.
    pub const fn restored(windows: [Weights; WINDOWS.len()], now: Timestamp, interval: Duration) -> Self {
        let bucket = PendingRequests { answered: 0, unanswered: 0, rtt_seconds: 0.0 };
        Self { bucket_start: now, bucket, interval_seconds: interval.as_secs_f32(), windows }
    }

    /// Continues saved averages, as of `then`.
    pub fn resume(&mut self, windows: [Weights; WINDOWS.len()], then: Timestamp) {
        *self =
            Self { interval_seconds: self.interval_seconds, ..Self::restored(windows, then, Duration::ZERO) };
    }

    /// Sets the interval of requests from `now` on.
    pub fn set_interval(&mut self, interval: Duration, now: Timestamp) {
        self.close(now);
        self.interval_seconds = interval.as_secs_f32();
    }

    /// Adds a request that was settled at `now`; `None` if it was not answered.
    pub fn record(&mut self, rtt: Option<Rtt>, now: Timestamp) {
        if self.bucket.requests() == 0
            || self.bucket.requests() == u16::MAX
            || now.since(self.bucket_start) >= BUCKET
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

    /// The averages of the [`WINDOWS`], as of `now`.
    pub fn windows(&self, now: Timestamp) -> [Weights; WINDOWS.len()] {
        let mut all = self.clone();
        all.close(now);
        all.windows
    }

    /// Touches its memory; the returned value has no meaning.
    pub(super) const fn prefetch(&self) -> u64 {
        self.bucket_start.as_nanos()
    }

    /// Adds the bucket to the windows, and starts a new one.
    fn close(&mut self, now: Timestamp) {
        let requests = f64::from(self.bucket.requests());
        let covered = requests * f64::from(self.interval_seconds);
        let elapsed = now.since(self.bucket_start).as_secs_f64().max(covered);
        for (window, length) in self.windows.iter_mut().zip(WINDOWS) {
            let remaining = |seconds: f64| (-seconds / length.as_secs_f64()).exp();
            // The requests are the older part of the time, the part without requests is the newer one.
            let weight = if requests > 0.0 {
                (remaining(elapsed - covered) - remaining(elapsed)) / requests
            } else {
                0.0
            };
            *window = window.plus(&self.bucket.into(), remaining(elapsed), weight);
        }
        (self.bucket, self.bucket_start) = (PendingRequests::default(), now);
    }
}

impl PendingRequests {
    /// Number of requests: at most 65 535, then the bucket is closed.
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

/// Time for which requests are collected: a ninetieth of the shortest window.
const BUCKET: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(second: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(1_000) + Duration::from_secs(second)
    }

    /// A round-trip time in milliseconds.
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
    fn an_average_depends_on_time_and_not_on_the_interval() {
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
    fn a_time_without_requests_has_no_weight() {
        let mut averages = Averages::new(SECOND);
        (0..60).for_each(|second| averages.record(None, at(second)));
        let day = 86_400;
        assert_eq!(shown(&averages, at(60 + day)), shown(&averages, at(60)), "nothing new is known");
        (0..60).for_each(|second| averages.record(Some(ms(50)), at(60 + day + second)));
        assert_eq!(shown(&averages, at(120 + day)).map(|(_, loss)| loss), [Some(0), Some(2), Some(27)]);
        assert_eq!(shown(&averages, at(120 + 100 * day))[0], (None, None), "faded away");
    }

    #[test]
    fn a_host_that_stopped_answering_long_ago_has_no_round_trip_time() {
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
