//! The books as anybody would keep them who has all the time and memory in the world: a list of every request
//! ever made, a journal of all that was ever counted, and every figure added up from the journal.

use meshping::measure::{ErrorClass, Histogram, Moment, Reception, Rtt, RttStats, Summary, Totals};
use std::time::Duration;

pub struct Model {
    pub timeout: Duration,
    pub memory: Duration,
    pub requests: Vec<Request>,
    journal: Vec<Entry>,
    /// Where in the journal the period began, and where the histogram did.
    begun: Beginnings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub number: u32,
    pub queued: Moment,
    pub way: Way,
    settled: bool,
    replied: bool,
}

/// What our own side did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Queued,
    Unsent,
    Sent(Moment),
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
        Self { timeout, memory, requests: Vec::new(), journal: Vec::new(), begun }
    }

    pub fn open(&mut self, number: u32, now: Moment) {
        let way = Way::Queued;
        self.requests.push(Request { number, queued: now, way, settled: false, replied: false });
    }

    /// The oldest request whose sending is not known yet.
    pub fn oldest_queued(&self) -> Option<usize> {
        self.requests.iter().position(|request| request.way == Way::Queued)
    }

    pub fn sent(&mut self, index: usize, at: Moment) {
        self.requests[index].way = Way::Sent(at);
    }

    pub fn not_sent(&mut self, index: usize) {
        self.requests[index].way = Way::Unsent;
        self.journal.push(Entry::Skipped);
    }

    pub fn skip(&mut self, points: usize) {
        self.journal.extend(std::iter::repeat_n(Entry::Skipped, points));
    }

    pub fn reply(&mut self, index: usize, received: Moment) -> Reception {
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
        if !request.settled && received <= sent + self.timeout {
            self.settle(index, Entry::Answer(Rtt::new(received.since(sent))));
            return Reception::Answer;
        }
        if !request.settled {
            self.settle(index, Entry::Lost);
        }
        self.journal.push(Entry::Late);
        Reception::Late
    }

    pub fn error(&mut self, index: usize, received: Moment, class: ErrorClass) -> Reception {
        let Some(sent) = self.sent_and_remembered(index, received) else { return Reception::Stale };
        if self.requests[index].settled {
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
    pub fn expire(&mut self, until: Moment, dropped: bool) {
        for index in 0..self.requests.len() {
            match self.requests[index] {
                Request { settled: true, .. } | Request { way: Way::Unsent, .. } => {}
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

    pub fn summary(&self) -> Summary {
        let period = &self.journal[self.begun.period..];
        let count = |entry: Entry| period.iter().filter(|&&other| other == entry).count() as u64;
        Summary {
            recv: rtts(period).count() as u64,
            errs: period.iter().filter(|entry| matches!(entry, Entry::Error(_))).count() as u64,
            lost: count(Entry::Lost),
            void: count(Entry::Void),
            outd: count(Entry::Outdated),
            dups: count(Entry::Duplicate),
            in_flight: self.in_flight(),
            rtt: stats(period),
        }
    }

    pub fn totals(&self) -> Totals {
        let count = |entry: Entry| self.journal.iter().filter(|&&other| other == entry).count() as u64;
        Totals {
            replies: rtts(&self.journal).count() as u64,
            errors: ErrorClass::ALL.map(|class| count(Entry::Error(class))).into(),
            lost: count(Entry::Lost),
            void: count(Entry::Void),
            late: count(Entry::Late),
            duplicates: count(Entry::Duplicate),
            outdated: count(Entry::Outdated),
            skipped: count(Entry::Skipped),
            pending: self.in_flight(),
            reply_ttl: None,
            rtt: stats(&self.journal),
            histogram: histogram(&self.journal),
        }
    }

    pub fn histogram(&self) -> Histogram {
        histogram(&self.journal[self.begun.histogram..])
    }

    /// Requests that are neither settled nor known not to have been sent, oldest first.
    pub fn open_requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| !request.settled && request.way != Way::Unsent)
    }

    fn settle(&mut self, index: usize, entry: Entry) {
        assert!(!self.requests[index].settled, "settled twice");
        self.requests[index].settled = true;
        self.journal.push(entry);
    }

    fn in_flight(&self) -> u64 {
        self.open_requests().filter(|request| request.way != Way::Queued).count() as u64
    }

    fn sent_and_remembered(&self, index: usize, received: Moment) -> Option<Moment> {
        match self.requests[index].way {
            Way::Sent(sent) if received <= sent + self.memory => Some(sent),
            _ => None,
        }
    }
}

impl Request {
    fn was_sent_before(&self, moment: Moment) -> bool {
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
    }
}

fn histogram(journal: &[Entry]) -> Histogram {
    let mut histogram = Histogram::default();
    rtts(journal).for_each(|rtt| histogram.record(rtt));
    histogram
}
