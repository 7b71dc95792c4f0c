//! Outages: rows of requests without an answer, in the order in which they were sent.
//!
//! An outage begins with the sending of the first request of an unbroken row of [`Outages::ENOUGH`] or more that
//! were lost or answered by an error, and ends with the sending of the first request after it that is answered in
//! time. Both ends are times of sending, so a round trip makes no outage longer, and how late a timeout tells of it
//! does not matter. Void requests say nothing: they neither begin nor end one. A late reply makes nothing answered.

use super::{ErrorClass, SendError, Timestamp};
use std::time::Duration;

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing came until its timeout.
    Lost,
    /// An error came instead.
    Error(ErrorClass),
    /// The local system refused to send it, for a known reason; its class is [`ErrorClass::Send`].
    Refused(SendError),
}

impl Cause {
    /// `lost`, or the class of the error.
    pub const fn as_str(self) -> &'static str {
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

/// A row of requests without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When the first of them was sent.
    pub since: Timestamp,
    /// How many they are.
    pub requests: u32,
    /// Why the latest of them has no answer.
    pub cause: Cause,
}

/// An outage and its end, be it the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedOutage {
    /// What it was.
    pub outage: Outage,
    /// When the request was sent that ended it.
    pub until: Timestamp,
}

impl EndedOutage {
    /// How long it took.
    pub const fn duration(&self) -> Duration {
        self.until.since(self.outage.since)
    }
}

/// The longest of the outages that are over; of equal ones the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Longest(Option<EndedOutage>);

impl Longest {
    /// Takes in an outage.
    pub fn note(&mut self, past: EndedOutage) {
        if self.0.is_none_or(|longest| past.duration() > longest.duration()) {
            self.0 = Some(past);
        }
    }

    /// The longest outage that is over.
    pub const fn get(self) -> Option<EndedOutage> {
        self.0
    }

    /// The longest outage of all, where the one under way lasts until `now`.
    pub fn with(mut self, under_way: Option<Outage>, now: Timestamp) -> Option<EndedOutage> {
        if let Some(outage) = under_way {
            self.note(EndedOutage { outage, until: now });
        }
        self.get()
    }
}

impl From<Option<EndedOutage>> for Longest {
    fn from(past: Option<EndedOutage>) -> Self {
        Self(past)
    }
}

/// The row of unanswered requests at the end, and the longest outage before. To be told of requests in the order
/// in which they were sent.
///
/// Most targets never miss an answer: until then it takes a word.
#[derive(Debug, Clone, Default)]
pub struct Outages(Option<Box<OutageLog>>);

/// What is kept from the first unanswered request on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct OutageLog {
    row: Option<Outage>,
    longest: Longest,
}

impl Outages {
    /// So many requests in a row without an answer are an outage. A single lost packet is none.
    pub const ENOUGH: u32 = 2;

    /// What had been written down: [`Self::row`], and the longest outage that was over.
    pub fn restored(row: Option<Outage>, longest: Option<EndedOutage>) -> Self {
        let trouble = OutageLog { row, longest: longest.into() };
        Self((trouble != OutageLog::default()).then(|| trouble.into()))
    }

    /// The next request was sent at `sent` and has no answer.
    pub fn unanswered(&mut self, sent: Timestamp, cause: Cause) {
        let trouble = self.0.get_or_insert_default();
        let row = trouble.row.get_or_insert(Outage { since: sent, requests: 0, cause });
        row.requests = row.requests.saturating_add(1);
        row.cause = cause;
    }

    /// The next request was sent at `sent` and answered in time. Returns the outage that this ends.
    pub fn answered(&mut self, sent: Timestamp) -> Option<EndedOutage> {
        let trouble = self.0.as_deref_mut()?;
        let outage = trouble.row.take().filter(is_outage)?;
        let past = EndedOutage { outage, until: sent };
        trouble.longest.note(past);
        Some(past)
    }

    /// The outage under way.
    pub fn current(&self) -> Option<Outage> {
        self.row().filter(is_outage)
    }

    /// The unanswered requests at the end, be it only one: an outage that may be about to begin.
    pub fn row(&self) -> Option<Outage> {
        self.0.as_deref()?.row
    }

    /// The longest outage that is over.
    pub fn longest(&self) -> Longest {
        self.0.as_deref().map_or_else(Longest::default, |trouble| trouble.longest)
    }
}

impl PartialEq for Outages {
    /// A row that an answer has ended, and that was no outage, is as if it had never been.
    fn eq(&self, other: &Self) -> bool {
        (self.row(), self.longest()) == (other.row(), other.longest())
    }
}

impl Eq for Outages {}

const fn is_outage(row: &Outage) -> bool {
    row.requests >= Outages::ENOUGH
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Cause = Cause::Error(ErrorClass::HostUnreachable);

    fn at(second: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(second)
    }

    /// Requests a second apart: answered (`.`), lost (`x`), or answered by an error (`e`).
    fn of(fates: &str) -> Outages {
        let mut outages = Outages::default();
        for (second, fate) in (0..).zip(fates.chars()) {
            match fate {
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
        for (fates, current, longest) in cases {
            let outages = of(fates);
            assert_eq!(outages.current().map(shown), current, "{fates}");
            let past = outages.longest().get();
            assert_eq!(past.map(|past| (shown(past.outage), past.duration().as_secs())), longest, "{fates}");
        }
    }

    #[test]
    fn the_longest_outage_may_be_the_one_under_way() {
        let outages = of("xxx.xx");
        let longest = |now| outages.longest().with(outages.current(), at(now)).map(|past| past.duration());
        assert_eq!(longest(6), Some(Duration::from_secs(3)), "the earlier one");
        assert_eq!(longest(8), Some(Duration::from_secs(4)), "the one since the fourth second");
        assert_eq!(Longest::default().with(None, at(9)), None);
    }

    #[test]
    fn what_was_written_down_goes_on() {
        let before = of("xx..x");
        let mut after = Outages::restored(before.row(), before.longest().get());
        assert_eq!(after, before);
        after.unanswered(at(5), ROUTER);
        assert_eq!(after.current().map(shown), Some((4, 2, "host_unreachable")));
    }

    #[test]
    fn a_target_that_always_answers_pays_a_word() {
        assert_eq!(size_of::<Outages>(), 8);
        assert!(of("...").0.is_none() && of(".x.") == of("..."));
    }
}
