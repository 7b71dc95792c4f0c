//! The history of targets: how it is asked for, and the reply.

use super::json::{MAX_REPLY, put, separate, write_count, write_seconds, write_string};
use super::members::Members;
use super::selector::Selector;
use super::{Quoted, RequestError};
use crate::measure::{LifetimeStats, PERIOD_COUNTERS};
use crate::target::Address;

/// A request for the history of targets, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Of which targets. Never [`Selector::All`].
    pub selection: Selector,
    /// Only what comes after the hour of that address that begins at that Unix time.
    pub after: Option<(Address, i64)>,
    /// At most so many hours.
    pub limit: Option<usize>,
}

impl HistoryRequest {
    pub(super) fn parse(selection: Selector, members: &Members<'_>) -> Result<Self, RequestError> {
        if selection == Selector::All {
            return Err(RequestError::NeedNameOrAddr);
        }
        let after = members
            .text("after")?
            .map(|text| place(&text).ok_or(RequestError::AfterHour(Quoted::text(&text))));
        Ok(Self { selection, after: after.transpose()?, limit: members.limit()? })
    }
}

/// `192.0.2.1@1763856000`.
fn place(text: &str) -> Option<(Address, i64)> {
    let (address, begins) = text.rsplit_once('@')?;
    Some((address.parse().ok()?, begins.parse().ok()?))
}

/// A reply with hours of targets: as many, from the first on, as fit.
#[derive(Debug)]
pub struct HistoryReply(String);

impl Default for HistoryReply {
    fn default() -> Self {
        Self(HEAD.into())
    }
}

const HEAD: &str = "{\"history\": [";
const TAIL: &str = "]}";

impl HistoryReply {
    /// More hours than this never fit.
    pub const MOST: usize = MAX_REPLY / 150;

    /// Takes in one more hour, which began at that Unix time; false if it does not fit.
    pub fn push(&mut self, address: Address, name: &str, begins: i64, settled: &LifetimeStats) -> bool {
        let before = self.0.len();
        if before > HEAD.len() {
            separate(&mut self.0);
        }
        write(&mut self.0, address, name, begins, settled);
        let fits = self.0.len() + TAIL.len() <= MAX_REPLY;
        if !fits {
            self.0.truncate(before);
        }
        fits
    }

    /// The reply.
    pub fn into_reply(mut self) -> Vec<u8> {
        self.0.push_str(TAIL);
        self.0.into_bytes()
    }
}

fn write(text: &mut String, address: Address, name: &str, begins: i64, settled: &LifetimeStats) {
    put(text, format_args!("{{\"addr\":\"{address}\",\"name\":"));
    write_string(text, name);
    let summary = settled.summary();
    put(text, format_args!(",\"hour\":{begins}"));
    write_count(text, "sent", summary.sent());
    for counter in &PERIOD_COUNTERS {
        write_count(text, counter.name, (counter.read)(&summary));
    }
    for (member, micros) in [("sum", summary.rtt.sum), ("min", summary.rtt.min), ("max", summary.rtt.max)] {
        put(text, format_args!(",\"{member}\":"));
        write_seconds(text, micros.into());
    }
    for (member, q) in [("p50", 0.5), ("p99", 0.99)] {
        let micros = settled.histogram.quantile(q).unwrap_or_default().as_micros();
        put(text, format_args!(",\"{member}\":"));
        // A bin is wider than what was in it.
        write_seconds(text, micros.clamp(summary.rtt.min.into(), summary.rtt.max.into()));
    }
    text.push_str(",\"hist\":{");
    for (index, (bin, count)) in settled.histogram.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        put(text, format_args!("{comma}\"{bin}\":{count}"));
    }
    text.push_str("}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rtt;
    use crate::protocol::Request;
    use crate::target::Host;

    #[test]
    fn a_history_is_of_somebody_and_comes_in_pages() {
        let host = |text: &str| text.parse::<Host>().ok();
        let of = |name: Option<&str>, host| Selector::Matching { name: name.map(Into::into), host };
        let after = Some(("fe80::1%eth0".parse().unwrap(), 7_200));
        let cases = [
            (r#"{"cmd":"history","addr":"10.0.0.1"}"#, Ok((of(None, host("10.0.0.1")), None, None))),
            (r#"{"cmd":"history","name":"a","limit":7}"#, Ok((of(Some("a"), None), None, Some(7)))),
            (
                r#"{"cmd":"history","name":"a","after":"fe80::1%eth0@7200"}"#,
                Ok((of(Some("a"), None), after, None)),
            ),
            (r#"{"cmd":"history","addr":"a b"}"#, Ok((of(None, None), None, None))),
            (r#"{"cmd":"history"}"#, Err(RequestError::NeedNameOrAddr)),
            (
                r#"{"cmd":"history","name":"a","after":"10.0.0.1"}"#,
                Err(RequestError::AfterHour(Quoted::text("10.0.0.1"))),
            ),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(selection, after, limit)| {
                Request::HistoryRequest(HistoryRequest { selection, after, limit })
            });
            assert_eq!(Request::parse(text.as_bytes()), expected, "{text}");
        }
    }

    fn settled(micros: &[u64]) -> LifetimeStats {
        let mut totals = LifetimeStats { lost: 1, replies: micros.len() as u64, ..LifetimeStats::default() };
        for &micros in micros {
            totals.rtt.record(Rtt::from_micros(micros));
            totals.histogram.record(Rtt::from_micros(micros));
        }
        totals
    }

    #[test]
    fn an_hour_is_an_object_with_its_histogram() {
        let mut past = HistoryReply::default();
        assert!(past.push("10.0.0.1".parse().unwrap(), "a\"b", 7_200, &settled(&[1_000, 2_000])));
        assert!(past.push("10.0.0.1".parse().unwrap(), "a", 10_800, &settled(&[])));
        let text = String::from_utf8(past.into_reply()).unwrap();
        let first = r#"{"addr":"10.0.0.1","name":"a\"b","hour":7200,"sent":3,"recv":2,"errs":0,"lost":1,"void":0,"outd":0,"dups":0,"sum":0.003,"min":0.001,"max":0.002,"#;
        assert!(text.starts_with(&format!("{HEAD}{first}")), "{text}");
        assert!(text.contains(r#""hist":{"-80":1,"-72":1}},{"addr""#), "{text}");
        assert!(text.ends_with(r#""p50":0.0,"p99":0.0,"hist":{}}]}"#), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn no_more_hours_than_fit_are_in_a_reply() {
        let (mut past, address) = (HistoryReply::default(), "10.0.0.1".parse().unwrap());
        let rows = (0..2 * i64::try_from(HistoryReply::MOST).unwrap())
            .take_while(|hour| past.push(address, "x", hour * 3_600, &settled(&[])));
        let rows = rows.count();
        assert!(rows > 300 && rows <= HistoryReply::MOST, "{rows}");
        assert!(past.into_reply().len() <= MAX_REPLY);
    }
}
