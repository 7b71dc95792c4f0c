//! The requests of one target: which are open, the outcomes of the others, and their sums.
//!
//! Every request is settled exactly once, as answered, error, lost or void, independently of what arrives and when.

mod in_flight;
mod report;
mod restore;

use super::last_rtts::SettledWindow;
use super::{Averages, Cause, ErrorClass, Histogram, LifetimeStats, Rtt, SendError, Timestamp};
use in_flight::{Outcome, PackedRequest, TrackedRequest};
use report::{SinceReset, record_in_outages};
use std::collections::VecDeque;
use std::time::Duration;

/// The recent requests of a target, and the sums over all of them.
///
/// Requests are numbered by a counter that starts at a random number, so that it can't be guessed. Those sent
/// within a retention time are kept, so that late replies and duplicates are recognized.
#[derive(Debug)]
pub struct RequestTracker {
    /// In nanoseconds: half the size of a `Duration`.
    timeout_nanos: u64,
    retention_nanos: u64,
    /// The number of the first request in `requests`.
    first: u32,
    requests: VecDeque<PackedRequest>,
    /// Number of settled requests at the front of `requests`; these are recorded in the outages, in order of sending.
    settled: usize,
    /// Statistics since the latest reset; `None` before the first one, when they equal the totals.
    period: Option<Box<SinceReset>>,
    totals: LifetimeStats,
    averages: Averages,
    /// The histogram at the latest reset of the histogram, or of everything.
    histogram_base: Option<Box<Histogram>>,
}

/// Meaning of a received packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// The answer to an open request, in time.
    Answer,
    /// The first reply to a request that was lost, or answered by an error.
    Late,
    /// A further reply.
    Duplicate,
    /// An error that settled its request.
    Error,
    /// An error for a request that was already settled; not counted.
    Moot,
    /// It belongs to no recent request: a foreign packet.
    Stale,
}

impl RequestTracker {
    /// A tracker without requests. A request is lost `timeout` after sending, and kept for `retention`; the first
    /// one has the number `first`.
    pub fn new(timeout: Duration, retention: Duration, first: u32) -> Self {
        Self {
            timeout_nanos: nanos(timeout),
            retention_nanos: nanos(retention),
            first,
            requests: VecDeque::new(),
            settled: 0,
            period: None,
            totals: LifetimeStats::default(),
            averages: Averages::new(Duration::from_secs(1)),
            histogram_base: None,
        }
    }

    /// Changes the timeout, also of requests in flight, and the retention time.
    pub fn set_timeout(&mut self, timeout: Duration, retention: Duration) {
        (self.timeout_nanos, self.retention_nanos) = (nanos(timeout), nanos(retention));
    }

    /// Sets the interval of requests from `now` on, which is the weight of each in the averages. The default is 1 s.
    pub fn set_interval(&mut self, interval: Duration, now: Timestamp) {
        self.averages.set_interval(interval, now);
    }

    /// Opens a request that is about to be sent, and returns its number.
    pub fn open(&mut self, now: Timestamp) -> u32 {
        self.drop_old(now);
        if self.requests.len() == self.requests.capacity() {
            // Doubling would leave a third of the capacity unused for every target.
            self.requests.reserve_exact((self.requests.len() / 8).max(4));
        }
        self.requests.push_back(TrackedRequest::queued(now).into());
        let offset = u32::try_from(self.requests.len() - 1).unwrap_or(u32::MAX);
        self.first.wrapping_add(offset)
    }

    /// Touches all memory that a ping needs, so that it is in the cache; the returned value has no meaning.
    pub fn prefetch(&self) -> u64 {
        let requests = [self.requests.front(), self.requests.back()];
        let requests =
            requests.into_iter().flatten().map(|&request| TrackedRequest::from(request).sent.as_nanos());
        let period =
            self.period.as_deref().map_or(0, |SinceReset { summary, .. }| summary.replies ^ summary.rtt.last);
        let totals = self.totals.replies ^ self.totals.rtt.last ^ self.totals.histogram.prefetch();
        let outage = u64::from(self.totals.outages.run().is_some());
        let more = self.averages.prefetch() ^ self.totals.recent.prefetch() ^ outage;
        requests.fold(0, u64::wrapping_add) ^ period ^ totals ^ more
    }

    /// The request was sent at `at`.
    pub fn sent(&mut self, number: u32, at: Timestamp) {
        if let Some(request) = self.queued(number) {
            *request = TrackedRequest { sent: at, outcome: Outcome::InFlight, replied: false }.into();
            self.totals.pending += 1;
        }
    }

    /// The request was not sent for lack of local resources; counts as a skipped point of the grid.
    pub fn not_sent(&mut self, number: u32) {
        if let Some(request) = self.queued(number) {
            *request = TrackedRequest { outcome: Outcome::Unsent, ..TrackedRequest::from(*request) }.into();
            self.totals.skipped += 1;
        }
    }

    /// Counts points of the grid at which nothing was sent because of a delay.
    pub fn skip(&mut self, points: u64) {
        self.totals.skipped += points;
    }

    /// The local kernel refused to send the request, for example without a route.
    pub fn refused(&mut self, number: u32, at: Timestamp, reason: Option<SendError>) {
        self.sent(number, at);
        self.failed(number, at, reason.map_or(Cause::Error(ErrorClass::Send), Cause::Refused));
    }

    /// A reply with the request's number was received at `received`.
    pub fn reply(&mut self, number: u32, received: Timestamp, ttl: Option<u8>) -> Reception {
        let Some((index, request)) = self.sent_request(number, received) else { return Reception::Stale };
        self.totals.reply_ttl = ttl.or(self.totals.reply_ttl);
        if request.replied {
            self.totals.duplicates += 1;
            self.in_period(|period| period.duplicates += 1);
            return Reception::Duplicate;
        }
        self.requests[index] = TrackedRequest { replied: true, ..request }.into();
        if self.newer_sent_before(index, received) {
            self.totals.out_of_date += 1;
            self.in_period(|period| period.out_of_date += 1);
        }
        if request.outcome == Outcome::InFlight {
            if received <= request.sent + self.timeout() {
                self.answer(index, received, Rtt::new(received.since(request.sent)));
                return Reception::Answer;
            }
            // The reply arrived, so our own buffers did not drop it.
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
        let Some((index, request)) = self.sent_request(number, received) else { return Reception::Stale };
        if request.outcome != Outcome::InFlight {
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

    /// The full number of the latest request whose low 16 bits are `sequence`; `None` without such a request.
    pub fn number_of(&self, sequence: u16) -> Option<u32> {
        let newest = self.first.wrapping_add(u32::try_from(self.requests.len()).ok()?.checked_sub(1)?);
        #[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are what counts")]
        let back = (newest as u16).wrapping_sub(sequence);
        let number = newest.wrapping_sub(u32::from(back));
        self.index(number).map(|_| number)
    }

    /// Whether the latest request whose low 16 bits are `sequence` is in flight.
    pub fn is_in_flight(&self, sequence: u16) -> bool {
        let index = self.number_of(sequence).and_then(|number| self.index(number));
        index.is_some_and(|index| TrackedRequest::from(self.requests[index]).outcome == Outcome::InFlight)
    }

    /// Settles requests whose timeout was before `until`; everything received by then has been recorded.
    ///
    /// `dropped(from, to)` returns whether our own buffers dropped packets between two moments: then the
    /// request is void, otherwise lost.
    pub fn expire(&mut self, until: Timestamp, dropped: impl Fn(Timestamp, Timestamp) -> bool) {
        for index in self.settled..self.requests.len() {
            let TrackedRequest { sent, outcome, .. } = self.requests[index].into();
            let deadline = sent + self.timeout();
            if outcome == Outcome::Queued || (outcome == Outcome::InFlight && deadline >= until) {
                break;
            }
            if outcome != Outcome::InFlight {
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

    /// Keeps at least this many of the latest settled requests from now on.
    pub fn keep_last(&mut self, window: SettledWindow) {
        self.totals.recent.keep(window);
    }

    /// Time after which a request is lost.
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
            period.replies += 1;
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
        self.in_period(|period| period.errors += 1);
    }

    /// Sets the final outcome of a request in flight.
    fn settle(&mut self, index: usize, outcome: Outcome) {
        self.requests[index] = TrackedRequest { outcome, ..self.requests[index].into() }.into();
        self.totals.pending -= 1;
        self.pass_settled();
    }

    const fn retention(&self) -> Duration {
        Duration::from_nanos(self.retention_nanos)
    }

    fn index(&self, number: u32) -> Option<usize> {
        let index = usize::try_from(number.wrapping_sub(self.first)).ok()?;
        (index < self.requests.len()).then_some(index)
    }

    fn queued(&mut self, number: u32) -> Option<&mut PackedRequest> {
        let index = self.index(number)?;
        self.requests
            .get_mut(index)
            .filter(|request| TrackedRequest::from(**request).outcome == Outcome::Queued)
    }

    /// The request, if it was sent within the retention time.
    fn sent_request(&self, number: u32, received: Timestamp) -> Option<(usize, TrackedRequest)> {
        let index = self.index(number)?;
        let request = TrackedRequest::from(self.requests[index]);
        (request.was_sent() && received <= request.sent + self.retention()).then_some((index, request))
    }

    fn newer_sent_before(&self, index: usize, received: Timestamp) -> bool {
        let newer = self.requests.range(index + 1..).map(|&request| TrackedRequest::from(request));
        let mut sent = newer.filter(TrackedRequest::was_sent);
        sent.next().is_some_and(|request| request.sent < received)
    }

    /// Advances to the oldest open request, and records those before in the outages, in order of sending.
    fn pass_settled(&mut self) {
        while let Some(request) =
            self.requests.get(self.settled).map(|&request| TrackedRequest::from(request))
        {
            if request.is_open() {
                break;
            }
            self.settled += 1;
            let ended = record_in_outages(&mut self.totals.outages, &request);
            if let (Some(ended), Some(period)) = (ended, &mut self.period) {
                period.longest_outage.note(ended);
            }
        }
    }

    /// Drops settled requests that are older than the retention time.
    fn drop_old(&mut self, now: Timestamp) {
        self.pass_settled();
        let retention = self.retention();
        let is_old = |oldest: &PackedRequest| TrackedRequest::from(*oldest).sent + retention < now;
        while self.settled > 0 && self.requests.front().is_some_and(is_old) {
            self.requests.pop_front();
            self.first = self.first.wrapping_add(1);
            self.settled -= 1;
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
