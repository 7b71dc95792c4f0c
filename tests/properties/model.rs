//! The books as anybody would keep them who has all the time and memory in the world: a list of every request
//! ever made, a journal of all that was ever counted, and every figure added up from the journal.

use meshping::measure::{
    Cause, EndedOutage, ErrorClass, Histogram, Jitter, LifetimeStats, Outage, Outages, PeriodStats,
    Reception, Rtt, RttStats, SquareSum, Timestamp,
};
use std::time::Duration;

pub struct Model {
    pub timeout: Duration,
    pub memory: Duration,
    pub requests: Vec<Request>,
    /// So many of the first are remembered no more, whatever the memory will be.
    forgotten: usize,
    journal: Vec<Entry>,
    /// Where in the journal the period began, and where the histogram did.
    begun: Beginnings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub number: u32,
    pub queued: Timestamp,
    pub way: Way,
    settled: Option<Entry>,
    replied: bool,
}

/// What our own side did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Queued,
    Unsent,
    Sent(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Answer(Rtt),
    Error(ErrorClass),
    Lost,
    Void,
    Late,
    Duplicate,
    Outdated,
    Skipped,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Beginnings {
    period: usize,
    histogram: usize,
}

impl Model {
    pub fn new(timeout: Duration, memory: Duration) -> Self {
        let begun = Beginnings::default();
        Self { timeout, memory, requests: Vec::new(), forgotten: 0, journal: Vec::new(), begun }
    }

    pub fn open(&mut self, number: u32, now: Timestamp) {
        while self.requests.get(self.forgotten).is_some_and(|oldest| oldest.is_over(self.memory, now)) {
            self.forgotten += 1;
        }
        let way = Way::Queued;
        self.requests.push(Request { number, queued: now, way, settled: None, replied: false });
    }

    /// The oldest request whose sending is not known yet.
    pub fn oldest_queued(&self) -> Option<usize> {
        self.requests.iter().position(|request| request.way == Way::Queued)
    }

    pub fn sent(&mut self, index: usize, at: Timestamp) {
        self.requests[index].way = Way::Sent(at);
    }

    pub fn not_sent(&mut self, index: usize) {
        self.requests[index].way = Way::Unsent;
        self.journal.push(Entry::Skipped);
    }

    pub fn skip(&mut self, points: usize) {
        self.journal.extend(std::iter::repeat_n(Entry::Skipped, points));
    }

    pub fn reply(&mut self, index: usize, received: Timestamp) -> Reception {
        let Some(sent) = self.sent_and_remembered(index, received) else { return Reception::Stale };
        let request = self.requests[index];
        if request.replied {
            self.journal.push(Entry::Duplicate);
            return Reception::Duplicate;
        }
        self.requests[index].replied = true;
        if self.requests[index + 1..].iter().any(|newer| newer.was_sent_before(received)) {
            self.journal.push(Entry::Outdated);
        }
        if request.settled.is_none() && received <= sent + self.timeout {
            self.settle(index, Entry::Answer(Rtt::new(received.since(sent))));
            return Reception::Answer;
        }
        if request.settled.is_none() {
            self.settle(index, Entry::Lost);
        }
        self.journal.push(Entry::Late);
        Reception::Late
    }

    pub fn error(&mut self, index: usize, received: Timestamp, class: ErrorClass) -> Reception {
        let Some(sent) = self.sent_and_remembered(index, received) else { return Reception::Stale };
        if self.requests[index].settled.is_some() {
            return Reception::Moot;
        }
        if received > sent + self.timeout {
            self.settle(index, Entry::Lost);
            return Reception::Moot;
        }
        self.settle(index, Entry::Error(class));
        Reception::Error
    }

    /// Requests are given up in the order in which they were opened: none before what became of an older one.
    pub fn expire(&mut self, until: Timestamp, dropped: bool) {
        for index in 0..self.requests.len() {
            match self.requests[index] {
                Request { settled: Some(_), .. } | Request { way: Way::Unsent, .. } => {}
                Request { way: Way::Sent(sent), .. } if sent + self.timeout < until => {
                    self.settle(index, if dropped { Entry::Void } else { Entry::Lost });
                }
                _ => break,
            }
        }
    }

    /// Starts a new period; returns where the old one and its histogram had begun.
    pub fn begin_period(&mut self) -> Beginnings {
        let end = self.journal.len();
        std::mem::replace(&mut self.begun, Beginnings { period: end, histogram: end })
    }

    pub fn begin_histogram(&mut self) {
        self.begun.histogram = self.journal.len();
    }

    pub fn resume(&mut self, begun: Beginnings) {
        self.begun = begun;
    }

    pub fn summary(&self) -> PeriodStats {
        let period = &self.journal[self.begun.period..];
        let count = |entry: Entry| period.iter().filter(|&&other| other == entry).count() as u64;
        PeriodStats {
            replies: rtts(period).count() as u64,
            errors: period.iter().filter(|entry| matches!(entry, Entry::Error(_))).count() as u64,
            lost: count(Entry::Lost),
            void: count(Entry::Void),
            out_of_date: count(Entry::Outdated),
            duplicates: count(Entry::Duplicate),
            in_flight: self.in_flight(),
            rtt: stats(period),
        }
    }

    pub fn totals(&self) -> LifetimeStats {
        let count = |entry: Entry| self.journal.iter().filter(|&&other| other == entry).count() as u64;
        LifetimeStats {
            replies: rtts(&self.journal).count() as u64,
            errors: std::array::from_fn(|class| count(Entry::Error(ErrorClass::ALL[class]))).into(),
            lost: count(Entry::Lost),
            void: count(Entry::Void),
            late: count(Entry::Late),
            duplicates: count(Entry::Duplicate),
            out_of_date: count(Entry::Outdated),
            skipped: count(Entry::Skipped),
            pending: self.in_flight(),
            reply_ttl: None,
            rtt: stats(&self.journal),
            histogram: histogram(&self.journal),
            jitter: self.jitter(),
            recent: self.recent().into_iter().collect(),
            outages: self.outages(),
        }
    }

    /// By the recurrence of the RFC's appendix.
    fn jitter(&self) -> Jitter {
        let micros: Vec<u64> = rtts(&self.journal).map(Rtt::micros).collect();
        let difference = |pair: &[u64]| i64::try_from(pair[0].abs_diff(pair[1])).expect("seconds at most");
        let differences = micros.windows(2).map(difference);
        let jitter = differences.fold(0_i64, |jitter, d| jitter + d - ((jitter + 8) >> 4));
        Jitter::from_sixteenths(u32::try_from(jitter).expect("positive"))
    }

    /// The last ten requests that were answered or not.
    pub fn recent(&self) -> Vec<Option<Rtt>> {
        let outcome = |entry: &Entry| match entry {
            Entry::Answer(rtt) => Some(Some(*rtt)),
            Entry::Error(_) | Entry::Lost => Some(None),
            _ => None,
        };
        let mut outcomes: Vec<Option<Rtt>> = self.journal.iter().filter_map(outcome).collect();
        outcomes.split_off(outcomes.len().saturating_sub(10))
    }

    /// Requests in the order of their sending, as far as is known what became of them: why they have no answer, if so.
    fn known(&self) -> Vec<(Timestamp, Option<Cause>)> {
        let known = |request: &Request| match (request.way, request.settled?) {
            (Way::Sent(at), Entry::Answer(_)) => Some((at, None)),
            (Way::Sent(at), Entry::Lost) => Some((at, Some(Cause::Lost))),
            (Way::Sent(at), Entry::Error(class)) => Some((at, Some(Cause::Error(class)))),
            _ => None,
        };
        self.requests.iter().filter_map(known).collect()
    }

    /// Every row of unanswered requests between two answered ones, and the one behind the last of these.
    fn outages(&self) -> Outages {
        let known = self.known();
        let rows = known.split_inclusive(|(_, cause)| cause.is_none());
        let (mut longest, mut current) = (None::<EndedOutage>, None);
        for row in rows {
            let unanswered: Vec<_> = row.iter().filter_map(|&(at, cause)| Some((at, cause?))).collect();
            let (Some(first), Some(last)) = (unanswered.first(), unanswered.last()) else { continue };
            let requests = u32::try_from(unanswered.len()).expect("a few");
            let outage = Outage { since: first.0, requests, cause: last.1 };
            let end = row.last().filter(|(_, cause)| cause.is_none());
            match end {
                None => current = Some(outage),
                Some(&(until, _)) if outage.requests >= 2 => {
                    let past = EndedOutage { outage, until };
                    if longest.is_none_or(|longest| past.duration() > longest.duration()) {
                        longest = Some(past);
                    }
                }
                Some(_) => {}
            }
        }
        Outages::restored(current, longest)
    }

    pub fn histogram(&self) -> Histogram {
        histogram(&self.journal[self.begun.histogram..])
    }

    /// Requests that are neither settled nor known not to have been sent, oldest first.
    pub fn open_requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| request.settled.is_none() && request.way != Way::Unsent)
    }

    fn settle(&mut self, index: usize, entry: Entry) {
        assert!(self.requests[index].settled.is_none(), "settled twice");
        self.requests[index].settled = Some(entry);
        self.journal.push(entry);
    }

    fn in_flight(&self) -> u64 {
        self.open_requests().filter(|request| request.way != Way::Queued).count() as u64
    }

    fn sent_and_remembered(&self, index: usize, received: Timestamp) -> Option<Timestamp> {
        match self.requests[index].way {
            Way::Sent(sent) if index >= self.forgotten && received <= sent + self.memory => Some(sent),
            _ => None,
        }
    }
}

impl Request {
    /// Nothing is to come of it any more.
    fn is_over(&self, memory: Duration, now: Timestamp) -> bool {
        match self.way {
            Way::Queued => false,
            Way::Unsent => self.queued + memory < now,
            Way::Sent(sent) => self.settled.is_some() && sent + memory < now,
        }
    }

    fn was_sent_before(&self, moment: Timestamp) -> bool {
        matches!(self.way, Way::Sent(sent) if sent < moment)
    }
}

fn rtts(journal: &[Entry]) -> impl Iterator<Item = Rtt> {
    journal.iter().filter_map(|entry| match entry {
        Entry::Answer(rtt) => Some(*rtt),
        _ => None,
    })
}

fn stats(journal: &[Entry]) -> RttStats {
    let micros = || rtts(journal).map(Rtt::micros);
    RttStats {
        sum: micros().sum(),
        min: micros().min().unwrap_or(0),
        max: micros().max().unwrap_or(0),
        last: micros().last().unwrap_or(0),
        squares: rtts(journal).fold(SquareSum::default(), |mut squares, rtt| {
            squares.record(rtt);
            squares
        }),
    }
}

fn histogram(journal: &[Entry]) -> Histogram {
    let mut histogram = Histogram::default();
    rtts(journal).for_each(|rtt| histogram.record(rtt));
    histogram
}
