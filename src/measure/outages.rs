//! Outages: runs of consecutive requests without an answer, in the order in which they were sent.
//!
//! An outage begins with the sending of the first of [`Outages::MIN_REQUESTS`] or more consecutive requests that were
//! lost or answered by an error, and ends with the sending of the first request after them that is answered in time.
//! Both ends are times of sending, so neither round-trip times nor timeouts change its length. Void requests neither
//! begin nor end an outage. A late reply does not count as an answer.

use super::{ErrorClass, SendError, Timestamp};
use std::time::Duration;

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing was received until its timeout.
    Lost,
    /// It was answered by an error.
    Error(ErrorClass),
    /// The local system refused to send it, for a known reason; its class is [`ErrorClass::Send`].
    Refused(SendError),
}

impl Cause {
    /// `lost`, or the class of the error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Error(class) => class.as_str(),
            Self::Refused(_) => ErrorClass::Send.as_str(),
        }
    }

    /// Why the local system refused to send the request, if it did and the reason is known.
    pub const fn send_error(self) -> Option<SendError> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Lost | Self::Error(_) => None,
        }
    }
}

/// Consecutive requests without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When the first of them was sent.
    pub since: Timestamp,
    /// Number of requests.
    pub requests: u32,
    /// Why the latest of them has no answer.
    pub cause: Cause,
}

/// An outage and its end, which is the present for the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedOutage {
    /// The outage.
    pub outage: Outage,
    /// When the request that ended it was sent.
    pub until: Timestamp,
}

impl EndedOutage {
    /// Its length.
    pub const fn duration(&self) -> Duration {
        self.until.since(self.outage.since)
    }
}

/// The longest outage that has ended; the first of equal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Longest(Option<EndedOutage>);

impl Longest {
    /// Records an outage.
    pub fn note(&mut self, ended: EndedOutage) {
        if self.0.is_none_or(|longest| ended.duration() > longest.duration()) {
            self.0 = Some(ended);
        }
    }

    /// The longest outage that has ended.
    pub const fn get(self) -> Option<EndedOutage> {
        self.0
    }

    /// The longest outage, the current one included, which lasts until `now`.
    pub fn with_current(mut self, current: Option<Outage>, now: Timestamp) -> Option<EndedOutage> {
        if let Some(outage) = current {
            self.note(EndedOutage { outage, until: now });
        }
        self.get()
    }
}

impl From<Option<EndedOutage>> for Longest {
    fn from(ended: Option<EndedOutage>) -> Self {
        Self(ended)
    }
}

/// The latest unanswered requests, and the longest outage before. Requests are recorded in the order in which they were
/// sent.
///
/// Takes one word until the first request without an answer, which most targets never have.
#[derive(Debug, Clone, Default)]
pub struct Outages(Option<Box<OutageLog>>);

/// Allocated at the first unanswered request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct OutageLog {
    run: Option<Outage>,
    longest: Longest,
}

impl Outages {
    /// Minimum number of requests of an outage. A single lost packet is none.
    pub const MIN_REQUESTS: u32 = 2;

    /// Restores saved values: [`Self::run`], and the longest outage that had ended.
    pub fn restored(run: Option<Outage>, longest: Option<EndedOutage>) -> Self {
        let log = OutageLog { run, longest: longest.into() };
        Self((log != OutageLog::default()).then(|| log.into()))
    }

    /// Records the next request, sent at `sent`, as unanswered.
    pub fn unanswered(&mut self, sent: Timestamp, cause: Cause) {
        let log = self.0.get_or_insert_default();
        let run = log.run.get_or_insert(Outage { since: sent, requests: 0, cause });
        run.requests = run.requests.saturating_add(1);
        run.cause = cause;
    }

    /// Records the next request, sent at `sent`, as answered in time. Returns the outage that this ends.
    pub fn answered(&mut self, sent: Timestamp) -> Option<EndedOutage> {
        let log = self.0.as_deref_mut()?;
        let outage = log.run.take().filter(is_outage)?;
        let ended = EndedOutage { outage, until: sent };
        log.longest.note(ended);
        Some(ended)
    }

    /// The current outage.
    pub fn current(&self) -> Option<Outage> {
        self.run().filter(is_outage)
    }

    /// The unanswered requests since the latest answer; also a single one, which may become an outage.
    pub fn run(&self) -> Option<Outage> {
        self.0.as_deref()?.run
    }

    /// The longest outage that has ended.
    pub fn longest(&self) -> Longest {
        self.0.as_deref().map_or_else(Longest::default, |log| log.longest)
    }
}

impl PartialEq for Outages {
    /// Ignores a run that was too short for an outage and has ended.
    fn eq(&self, other: &Self) -> bool {
        (self.run(), self.longest()) == (other.run(), other.longest())
    }
}

impl Eq for Outages {}

const fn is_outage(run: &Outage) -> bool {
    run.requests >= Outages::MIN_REQUESTS
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Cause = Cause::Error(ErrorClass::HostUnreachable);

    fn at(second: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(second)
    }

    /// Requests a second apart: answered (`.`), lost (`x`), or answered by an error (`e`).
    fn of(outcomes: &str) -> Outages {
        let mut outages = Outages::default();
        for (second, outcome) in (0..).zip(outcomes.chars()) {
            match outcome {
                '.' => drop(outages.answered(at(second))),
                'x' => outages.unanswered(at(second), Cause::Lost),
                _ => outages.unanswered(at(second), ROUTER),
            }
        }
        outages
    }

    fn shown(outage: Outage) -> (u64, u32, &'static str) {
        (outage.since.as_nanos() / 1_000_000_000, outage.requests, outage.cause.as_str())
    }

    #[test]
    fn an_outage_is_two_requests_in_a_row_or_more() {
        // Since when, how many, why; the longest one also has its seconds.
        let cases = [
            ("", None, None),
            ("..", None, None),
            ("x", None, None),
            ("..x.x..", None, None),
            (".xx", Some((1, 2, "lost")), None),
            ("ex", Some((0, 2, "lost")), None),
            (".xxe", Some((1, 3, "host_unreachable")), None),
            (".xx.", None, Some(((1, 2, "lost"), 2))),
            (".xx..xee.x.", None, Some(((5, 3, "host_unreachable"), 3))),
            (".xx..xx.", None, Some(((1, 2, "lost"), 2))),
            ("xx.xxx.x.xx", Some((9, 2, "lost")), Some(((3, 3, "lost"), 3))),
        ];
        for (outcomes, current, longest) in cases {
            let outages = of(outcomes);
            assert_eq!(outages.current().map(shown), current, "{outcomes}");
            let ended = outages.longest().get();
            assert_eq!(
                ended.map(|ended| (shown(ended.outage), ended.duration().as_secs())),
                longest,
                "{outcomes}"
            );
        }
    }

    #[test]
    fn the_longest_outage_may_be_the_current_one() {
        let outages = of("xxx.xx");
        let longest =
            |now| outages.longest().with_current(outages.current(), at(now)).map(|ended| ended.duration());
        assert_eq!(longest(6), Some(Duration::from_secs(3)), "the earlier one");
        assert_eq!(longest(8), Some(Duration::from_secs(4)), "the one since the fourth second");
        assert_eq!(Longest::default().with_current(None, at(9)), None);
    }

    #[test]
    fn restored_outages_continue() {
        let before = of("xx..x");
        let mut after = Outages::restored(before.run(), before.longest().get());
        assert_eq!(after, before);
        after.unanswered(at(5), ROUTER);
        assert_eq!(after.current().map(shown), Some((4, 2, "host_unreachable")));
    }

    #[test]
    fn a_target_that_always_answers_takes_one_word() {
        assert_eq!(size_of::<Outages>(), 8);
        assert!(of("...").0.is_none() && of(".x.") == of("..."));
    }
}
