//! The books of one target: which requests are open, what became of the others, and what that adds up to.
//!
//! Every request is settled exactly once, as answered, error, lost or void, whatever arrives in whatever order.

mod in_flight;
mod report;
mod restore;

use super::{Averages, Cause, ErrorClass, Histogram, LifetimeStats, Rtt, SendError, Timestamp};
use in_flight::{Outcome, PackedRequest, TrackedRequest};
use report::{SinceReset, follow};
use std::collections::VecDeque;
use std::time::Duration;

/// Requests of the recent past, and the sums of all of them.
///
/// Requests are numbered by a counter that starts at a random number, so that nobody can guess it. Those sent
/// within `memory` are remembered, so that late replies and duplicates can be told from answers.
#[derive(Debug)]
pub struct RequestTracker {
    /// Nanoseconds, as the schedule has them: half the size of a `Duration`.
    timeout_nanos: u64,
    memory_nanos: u64,
    /// The number of the first request in `requests`.
    first: u32,
    requests: VecDeque<PackedRequest>,
    /// How many at the front of `requests` are settled: of these the outages know, in the order of their sending.
    settled: usize,
    /// The books since the latest reset; before the first one they are the totals.
    period: Option<Box<SinceReset>>,
    totals: LifetimeStats,
    averages: Averages,
    /// The histogram at the latest reset of the histogram, or of everything.
    histogram_base: Option<Box<Histogram>>,
}

/// What a packet turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// The answer to an open request, in time.
    Answer,
    /// The first reply to a request that had been given up, or had been answered by an error.
    Late,
    /// A further reply.
    Duplicate,
    /// An error that settled its request.
    Error,
    /// An error for a request that was settled already: nothing to count.
    Moot,
    /// No request of ours that we remember: a foreign packet.
    Stale,
}

impl RequestTracker {
    /// Empty books. A request is lost `timeout` after it was sent, and remembered for `memory`; the first
    /// one has the number `first`.
    pub fn new(timeout: Duration, memory: Duration, first: u32) -> Self {
        Self {
            timeout_nanos: nanos(timeout),
            memory_nanos: nanos(memory),
            first,
            requests: VecDeque::new(),
            settled: 0,
            period: None,
            totals: LifetimeStats::default(),
            averages: Averages::new(Duration::from_secs(1)),
            histogram_base: None,
        }
    }

    /// Changes after which time a request is lost, those in flight too, and for how long one is remembered.
    pub fn set_timeout(&mut self, timeout: Duration, memory: Duration) {
        (self.timeout_nanos, self.memory_nanos) = (nanos(timeout), nanos(memory));
    }

    /// From `now` on requests are sent every `interval`: that is what each stands for in the averages. A second
    /// before.
    pub fn set_interval(&mut self, interval: Duration, now: Timestamp) {
        self.averages.set_interval(interval, now);
    }

    /// Opens a request that is about to be sent, and returns its number.
    pub fn open(&mut self, now: Timestamp) -> u32 {
        self.forget(now);
        if self.requests.len() == self.requests.capacity() {
            // Doubling would leave a third of it unused at every target.
            self.requests.reserve_exact((self.requests.len() / 8).max(4));
        }
        self.requests.push_back(TrackedRequest::queued(now).into());
        let offset = u32::try_from(self.requests.len() - 1).unwrap_or(u32::MAX);
        self.first.wrapping_add(offset)
    }

    /// Reads a little of everything that a ping needs, wherever it lies in memory; what it returns means nothing.
    pub fn prefetch(&self) -> u64 {
        let requests = [self.requests.front(), self.requests.back()];
        let requests =
            requests.into_iter().flatten().map(|&request| TrackedRequest::from(request).sent.as_nanos());
        let period =
            self.period.as_deref().map_or(0, |SinceReset { summary, .. }| summary.recv ^ summary.rtt.last);
        let totals = self.totals.replies ^ self.totals.rtt.last ^ self.totals.histogram.prefetch();
        let outage = u64::from(self.totals.outages.row().is_some());
        let more = self.averages.prefetch() ^ self.totals.recent.prefetch() ^ outage;
        requests.fold(0, u64::wrapping_add) ^ period ^ totals ^ more
    }

    /// The request went out at `at`.
    pub fn sent(&mut self, number: u32, at: Timestamp) {
        if let Some(request) = self.queued(number) {
            *request = TrackedRequest { sent: at, fate: Outcome::InFlight, replied: false }.into();
            self.totals.pending += 1;
        }
    }

    /// The request could not be sent for want of our own resources: a point of the grid that was skipped.
    pub fn not_sent(&mut self, number: u32) {
        if let Some(request) = self.queued(number) {
            *request = TrackedRequest { fate: Outcome::Unsent, ..TrackedRequest::from(*request) }.into();
            self.totals.skipped += 1;
        }
    }

    /// Points of the grid at which nothing was sent because we were late.
    pub fn skip(&mut self, points: u64) {
        self.totals.skipped += points;
    }

    /// The local system refused to send the request: no route and the like.
    pub fn refused(&mut self, number: u32, at: Timestamp, reason: Option<SendError>) {
        self.sent(number, at);
        self.failed(number, at, reason.map_or(Cause::Error(ErrorClass::Send), Cause::Refused));
    }

    /// A reply with the request's number was received at `received`.
    pub fn reply(&mut self, number: u32, received: Timestamp, ttl: Option<u8>) -> Reception {
        let Some((index, request)) = self.remembered(number, received) else { return Reception::Stale };
        self.totals.reply_ttl = ttl.or(self.totals.reply_ttl);
        if request.replied {
            self.totals.duplicates += 1;
            self.in_period(|period| period.dups += 1);
            return Reception::Duplicate;
        }
        self.requests[index] = TrackedRequest { replied: true, ..request }.into();
        if self.newer_sent_before(index, received) {
            self.totals.outdated += 1;
            self.in_period(|period| period.outd += 1);
        }
        if request.fate == Outcome::InFlight {
            if received <= request.sent + self.timeout() {
                self.answer(index, received, Rtt::new(received.since(request.sent)));
                return Reception::Answer;
            }
            // It has come, so it was not our buffers that dropped it.
            self.unanswered(index, request.sent + self.timeout(), Cause::Lost);
        }
        self.totals.late += 1;
        Reception::Late
    }

    /// An ICMP error that quotes the request was received at `received`.
    pub fn error(&mut self, number: u32, received: Timestamp, class: ErrorClass) -> Reception {
        self.failed(number, received, Cause::Error(class))
    }

    fn failed(&mut self, number: u32, received: Timestamp, cause: Cause) -> Reception {
        let Some((index, request)) = self.remembered(number, received) else { return Reception::Stale };
        if request.fate != Outcome::InFlight {
            return Reception::Moot;
        }
        let deadline = request.sent + self.timeout();
        if received > deadline {
            self.unanswered(index, deadline, Cause::Lost);
            return Reception::Moot;
        }
        self.unanswered(index, received, cause);
        Reception::Error
    }

    /// The full number of the latest request whose number ends in these 16 bits; `None` if none is remembered.
    pub fn number_of(&self, sequence: u16) -> Option<u32> {
        let newest = self.first.wrapping_add(u32::try_from(self.requests.len()).ok()?.checked_sub(1)?);
        #[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are what counts")]
        let back = (newest as u16).wrapping_sub(sequence);
        let number = newest.wrapping_sub(u32::from(back));
        self.index(number).map(|_| number)
    }

    /// Settles the requests whose timeout was before `until`: everything received by then has been booked.
    ///
    /// `dropped(from, to)` tells whether our own buffers dropped packets between two moments: then the
    /// request is void, else it is lost.
    pub fn expire(&mut self, until: Timestamp, dropped: impl Fn(Timestamp, Timestamp) -> bool) {
        for index in self.settled..self.requests.len() {
            let TrackedRequest { sent, fate, .. } = self.requests[index].into();
            let deadline = sent + self.timeout();
            if fate == Outcome::Queued || (fate == Outcome::InFlight && deadline >= until) {
                break;
            }
            if fate != Outcome::InFlight {
                continue;
            }
            if dropped(sent, deadline) {
                self.settle(index, Outcome::Void);
                self.totals.void += 1;
                self.in_period(|period| period.void += 1);
            } else {
                self.unanswered(index, deadline, Cause::Lost);
            }
        }
        self.pass_settled();
    }

    /// When the oldest open request times out; `None` without one.
    pub fn next_deadline(&mut self) -> Option<Timestamp> {
        self.pass_settled();
        let oldest = TrackedRequest::from(*self.requests.get(self.settled)?);
        Some(oldest.sent + self.timeout())
    }

    /// After which a request is lost.
    pub const fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_nanos)
    }

    /// Whether a request is open.
    pub fn has_open(&self) -> bool {
        self.settled < self.requests.len()
    }

    fn answer(&mut self, index: usize, received: Timestamp, rtt: Rtt) {
        self.settle(index, Outcome::Answered);
        self.totals.replies += 1;
        if let Some(before) = self.totals.rtt.latest() {
            self.totals.jitter.record(before, rtt);
        }
        self.totals.rtt.record(rtt);
        self.totals.histogram.record(rtt);
        self.totals.recent.record(Some(rtt));
        self.averages.record(Some(rtt), received);
        self.in_period(|period| {
            period.recv += 1;
            period.rtt.record(rtt);
        });
    }

    fn unanswered(&mut self, index: usize, at: Timestamp, cause: Cause) {
        self.settle(index, Outcome::Unanswered(cause));
        match cause {
            Cause::Lost => {
                self.totals.lost += 1;
                self.in_period(|period| period.lost += 1);
            }
            Cause::Error(class) => self.count_error(class),
            Cause::Refused(_) => self.count_error(ErrorClass::Send),
        }
        self.totals.recent.record(None);
        self.averages.record(None, at);
    }

    fn count_error(&mut self, class: ErrorClass) {
        self.totals.errors[class as usize] += 1;
        self.in_period(|period| period.errs += 1);
    }

    /// What became of a request in flight is known.
    fn settle(&mut self, index: usize, fate: Outcome) {
        self.requests[index] = TrackedRequest { fate, ..self.requests[index].into() }.into();
        self.totals.pending -= 1;
        self.pass_settled();
    }

    const fn memory(&self) -> Duration {
        Duration::from_nanos(self.memory_nanos)
    }

    fn index(&self, number: u32) -> Option<usize> {
        let index = usize::try_from(number.wrapping_sub(self.first)).ok()?;
        (index < self.requests.len()).then_some(index)
    }

    fn queued(&mut self, number: u32) -> Option<&mut PackedRequest> {
        let index = self.index(number)?;
        self.requests.get_mut(index).filter(|request| TrackedRequest::from(**request).fate == Outcome::Queued)
    }

    /// The request, if it was sent and not too long ago.
    fn remembered(&self, number: u32, received: Timestamp) -> Option<(usize, TrackedRequest)> {
        let index = self.index(number)?;
        let request = TrackedRequest::from(self.requests[index]);
        (request.has_left() && received <= request.sent + self.memory()).then_some((index, request))
    }

    fn newer_sent_before(&self, index: usize, received: Timestamp) -> bool {
        let newer = self.requests.range(index + 1..).map(|&request| TrackedRequest::from(request));
        let mut sent = newer.filter(TrackedRequest::has_left);
        sent.next().is_some_and(|request| request.sent < received)
    }

    /// Moves on to the oldest open request, and tells the outages of those before, in the order of their sending.
    fn pass_settled(&mut self) {
        while let Some(request) =
            self.requests.get(self.settled).map(|&request| TrackedRequest::from(request))
        {
            if request.is_open() {
                break;
            }
            self.settled += 1;
            let ended = follow(&mut self.totals.outages, &request);
            if let (Some(past), Some(period)) = (ended, &mut self.period) {
                period.longest_outage.note(past);
            }
        }
    }

    /// Drops settled requests that are older than our memory.
    fn forget(&mut self, now: Timestamp) {
        self.pass_settled();
        let memory = self.memory();
        let forgotten = |oldest: &PackedRequest| TrackedRequest::from(*oldest).sent + memory < now;
        while self.settled > 0 && self.requests.front().is_some_and(forgotten) {
            self.requests.pop_front();
            self.first = self.first.wrapping_add(1);
            self.settled -= 1;
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
