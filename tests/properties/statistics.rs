//! The account and the model live through the same; after every step they agree, and the invariants hold.

use super::model::{Beginnings, Model, Way};
use meshping::measure::{
    EndedPeriod, ErrorClass, Histogram, LifetimeStats, Reception, RequestTracker, Timestamp,
};
use proptest::prelude::*;
use std::time::Duration;

/// Something that happens to a target. `back` counts requests back from the newest one, `ago` microseconds back
/// from now.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Open,
    Leaves,
    NotSent,
    Refused,
    Skip(usize),
    /// Another timeout, in milliseconds.
    Timeout(u64),
    Reply {
        back: usize,
        ago: u64,
    },
    Error {
        back: usize,
        ago: u64,
        class: ErrorClass,
    },
    /// A number that no request had.
    Unheard(u32),
    Expire {
        ago: u64,
        dropped: bool,
    },
    BeginPeriod,
    ResumePeriod,
    BeginHistogram,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (back, ago) = (0_usize..12, prop_oneof![Just(0_u64), 0..3_000_000_u64]);
    let class = prop::sample::select(ErrorClass::ALL.to_vec());
    let step = prop_oneof![
        4 => prop_oneof![0..2_000_u64, 0..900_000_u64, 0..12_000_000_u64].prop_map(Step::Wait),
        5 => Just(Step::Open),
        5 => Just(Step::Leaves),
        1 => Just(Step::NotSent),
        1 => Just(Step::Refused),
        1 => (0_usize..4).prop_map(Step::Skip),
        1 => (50_u64..60_000).prop_map(Step::Timeout),
        8 => (back.clone(), ago.clone()).prop_map(|(back, ago)| Step::Reply { back, ago }),
        3 => (back, ago.clone(), class).prop_map(|(back, ago, class)| Step::Error { back, ago, class }),
        1 => any::<u32>().prop_map(Step::Unheard),
        4 => (ago, prop::bool::weighted(0.2)).prop_map(|(ago, dropped)| Step::Expire { ago, dropped }),
        2 => Just(Step::BeginPeriod),
        1 => Just(Step::ResumePeriod),
        1 => Just(Step::BeginHistogram),
    ];
    prop::collection::vec(step, 1..250)
}

/// An account beside its model.
struct Pair {
    account: RequestTracker,
    model: Model,
    now: Timestamp,
    /// When a request was last opened: everything received before has been heard by then.
    heard_until: Timestamp,
    /// The periods that can still be resumed, latest last.
    ended: Vec<(EndedPeriod, Beginnings)>,
    before: LifetimeStats,
}

impl Pair {
    fn new(timeout_millis: u64, first: u32) -> Self {
        let (timeout, memory) = times(timeout_millis);
        let now = Timestamp::from_nanos(77_000_000_123);
        Self {
            account: RequestTracker::new(timeout, memory, first),
            model: Model::new(timeout, memory),
            now,
            heard_until: now,
            ended: Vec::new(),
            before: LifetimeStats::default(),
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Wait(micros) => self.now = self.now + Duration::from_micros(micros),
            Step::Open => {
                self.model.open(self.account.open(self.now), self.now);
                self.heard_until = self.now;
            }
            Step::Leaves | Step::NotSent | Step::Refused => self.leave(step),
            Step::Skip(points) => {
                self.account.skip(points as u64);
                self.model.skip(points);
            }
            Step::Timeout(millis) => {
                let (timeout, memory) = times(millis);
                self.account.set_timeout(timeout, memory);
                (self.model.timeout, self.model.memory) = (timeout, memory);
            }
            Step::Reply { back, ago } => self.reply(back, ago)?,
            Step::Error { back, ago, class } => self.error(back, ago, class)?,
            Step::Unheard(number) if self.model.requests.iter().all(|request| request.number != number) => {
                prop_assert_eq!(self.account.reply(number, self.now, None), Reception::Stale);
                prop_assert_eq!(self.account.error(number, self.now, ErrorClass::Other), Reception::Stale);
            }
            Step::Unheard(_) => {}
            Step::Expire { ago, dropped } => {
                let until = self.now - Duration::from_micros(ago);
                self.account.expire(until, |_, _| dropped);
                self.model.expire(until, dropped);
            }
            Step::BeginPeriod | Step::ResumePeriod | Step::BeginHistogram => self.turn_a_page(step)?,
        }
        Ok(())
    }

    /// Requests leave in the order in which they were queued.
    fn leave(&mut self, step: &Step) {
        let Some(index) = self.model.oldest_queued() else { return };
        let number = self.model.requests[index].number;
        match step {
            Step::Leaves => {
                self.account.sent(number, self.now);
                self.model.sent(index, self.now);
            }
            Step::NotSent => {
                self.account.not_sent(number);
                self.model.not_sent(index);
            }
            _ => {
                self.account.refused(number, self.now, None);
                self.model.sent(index, self.now);
                self.model.error(index, self.now, ErrorClass::Send);
            }
        }
    }

    /// The request meant, and a moment of receipt since the last time that everything had been heard.
    fn reception(&self, back: usize, ago: u64) -> Option<(usize, u32, Timestamp)> {
        let index = self.model.requests.len().checked_sub(1 + back)?;
        let received = (self.now - Duration::from_micros(ago)).max(self.heard_until);
        Some((index, self.model.requests[index].number, received))
    }

    fn reply(&mut self, back: usize, ago: u64) -> Result<(), TestCaseError> {
        if let Some((index, number, received)) = self.reception(back, ago) {
            let reception = self.account.reply(number, received, None);
            prop_assert_eq!(reception, self.model.reply(index, received));
        }
        Ok(())
    }

    fn error(&mut self, back: usize, ago: u64, class: ErrorClass) -> Result<(), TestCaseError> {
        let Some((index, number, received)) = self.reception(back, ago) else { return Ok(()) };
        let by_sequence = self.account.number_of(low(number));
        let expected = self.model.error(index, received, class);
        if expected != Reception::Stale {
            prop_assert_eq!(by_sequence, Some(number), "an error quotes 16 bits only");
        }
        prop_assert_eq!(self.account.error(number, received, class), expected);
        Ok(())
    }

    fn turn_a_page(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::BeginPeriod => {
                let summary = self.account.summary();
                let ended = self.account.begin_period();
                prop_assert_eq!(ended.summary.settled(), ended.summary.sent(), "settled requests only");
                prop_assert_eq!(ended.summary.settled(), summary.settled());
                self.ended.push((ended, self.model.begin_period()));
            }
            Step::ResumePeriod => {
                if let Some((ended, begun)) = self.ended.pop() {
                    self.account.resume_period(ended);
                    self.model.resume(begun);
                }
            }
            _ => {
                self.account.begin_histogram();
                self.model.begin_histogram();
                // Whoever resumes a period does so at once.
                self.ended.clear();
            }
        }
        Ok(())
    }

    fn agree(&mut self) -> Result<(), TestCaseError> {
        let (summary, totals) = (self.account.summary(), self.account.totals());
        prop_assert_eq!(summary, self.model.summary());
        prop_assert_eq!(&totals, &self.model.totals());
        prop_assert_eq!(self.account.histogram(), self.model.histogram());
        prop_assert_eq!(self.account.detail(self.now).outage, totals.outages.current());
        let oldest = self.model.open_requests().next().map(|request| match request.way {
            Way::Sent(at) => at + self.model.timeout,
            _ => request.queued + self.model.timeout,
        });
        prop_assert_eq!(self.account.next_deadline(), oldest);
        prop_assert_eq!(self.account.has_open(), oldest.is_some());
        self.invariants(&totals)?;
        self.before = totals;
        Ok(())
    }

    fn invariants(&self, totals: &LifetimeStats) -> Result<(), TestCaseError> {
        let s = self.account.summary();
        prop_assert_eq!(s.sent(), s.replies + s.errors + s.lost + s.void + s.in_flight);
        prop_assert!(s.rtt.min * s.replies <= s.rtt.sum && s.rtt.sum <= s.rtt.max * s.replies, "{s:?}");
        prop_assert!(s.rtt.min <= s.rtt.last && s.rtt.last <= s.rtt.max, "{s:?}");
        let ways = self.model.requests.iter().filter(|request| matches!(request.way, Way::Sent(_)));
        prop_assert_eq!(totals.requests(), ways.count() as u64, "every request once");
        prop_assert_eq!(totals.histogram.count(), totals.replies);
        prop_assert!(never_back(&self.before, totals), "{:?} then {totals:?}", self.before);
        Ok(())
    }
}

/// A timeout of so many milliseconds, and how long requests are remembered with it.
fn times(millis: u64) -> (Duration, Duration) {
    let timeout = Duration::from_millis(millis);
    (timeout, (timeout * 2).max(Duration::from_secs(10)))
}

/// Whether no counter of the second is below that of the first.
fn never_back(before: &LifetimeStats, after: &LifetimeStats) -> bool {
    let flat = |totals: &LifetimeStats| {
        let mut all = vec![totals.requests(), totals.replies, totals.lost, totals.void, totals.late];
        all.extend([totals.duplicates, totals.out_of_date, totals.skipped, totals.rtt.sum, totals.rtt.max]);
        all.extend(*totals.errors);
        all.extend(totals.histogram.buckets());
        all
    };
    flat(before).iter().zip(flat(after)).all(|(&before, after)| before <= after)
}

#[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are meant")]
fn low(number: u32) -> u16 {
    number as u16
}

/// First numbers of every kind, most of them about to wrap around, as 32 or as 16 bits.
fn first() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), u32::MAX - 30..=u32::MAX, 0x0001_ffe0..0x0002_0001_u32, Just(0)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_are_those_of_the_naive_model(
        timeout in 50_u64..9_000,
        first in first(),
        steps in steps(),
    ) {
        let mut pair = Pair::new(timeout, first);
        for step in &steps {
            pair.take(step)?;
            pair.agree()?;
        }
    }

    #[test]
    fn the_sums_over_periods_are_those_of_one(first in first(), steps in steps(), resets in 1_usize..20) {
        let mut unbroken = Pair::new(500, first);
        let mut broken = Pair::new(500, first);
        let (mut sum, mut longest) = ([0; 6], None);
        let pages = |step: &&Step| !matches!(step, Step::BeginPeriod | Step::ResumePeriod | Step::BeginHistogram);
        for (index, step) in steps.iter().filter(pages).enumerate() {
            unbroken.take(step)?;
            broken.take(step)?;
            if index % resets == 0 {
                let ended = broken.account.begin_period();
                longest = longest.max(ended.longest_outage().map(|past| past.duration()));
                sum = add(sum, counts(&ended.summary));
            }
        }
        sum = add(sum, counts(&broken.account.summary()));
        prop_assert_eq!(sum, counts(&unbroken.account.summary()));
        prop_assert_eq!(broken.account.totals(), unbroken.account.totals());
        let [last, all] = [broken, unbroken].map(|pair| pair.account.detail(pair.now).longest_outage);
        prop_assert_eq!(longest.max(last.map(|past| past.duration())), all.map(|past| past.duration()));
    }
}

fn counts(s: &meshping::measure::PeriodStats) -> [u64; 6] {
    [s.sent() - s.in_flight, s.replies, s.errors, s.lost, s.void, s.rtt.sum]
}

fn add<const N: usize>(left: [u64; N], right: [u64; N]) -> [u64; N] {
    std::array::from_fn(|index| left[index] + right[index])
}

#[test]
fn an_error_finds_its_request_among_as_many_as_16_bits_can_tell_apart() {
    for first in [0, 40_000, u32::MAX - 40_000, 0xffff_0000] {
        let mut account = RequestTracker::new(Duration::from_secs(60), Duration::from_secs(120), first);
        let now = Timestamp::from_nanos(1);
        assert_eq!(account.number_of(low(first)), None, "nothing was sent");
        let numbers: Vec<u32> = (0..70_000).map(|_| account.open(now)).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
        for &number in &numbers[70_000 - 65_536..] {
            assert_eq!(account.number_of(low(number)), Some(number));
        }
    }
}

#[test]
fn memory_is_bounded_by_what_has_to_be_remembered() {
    let mut account = RequestTracker::new(Duration::from_millis(50), Duration::from_secs(10), u32::MAX - 7);
    let mut now = Timestamp::from_nanos(1);
    let mut oldest = Vec::new();
    for _ in 0..5_000 {
        let number = account.open(now);
        account.sent(number, now);
        oldest.push(number);
        now = now + Duration::from_millis(10);
        account.expire(now, |_, _| false);
    }
    let remembered = oldest.iter().filter(|&&number| account.number_of(low(number)) == Some(number)).count();
    assert!((1_000..=1_002).contains(&remembered), "{remembered} requests of the last 10 s");
    assert_eq!(account.histogram(), Histogram::default());
}
