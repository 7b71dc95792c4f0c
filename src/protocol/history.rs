//! `history`: the statistics of targets hour by hour.

use super::counters::WireCounters;
use super::histogram::HistogramReply;
use super::json::{Decimal, MAX_REPLY, append, as_text};
use super::members::Members;
use super::{Command, Quoted, RequestError, Selector};
use crate::measure::LifetimeStats;
use crate::target::{Address, TargetKey};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Asks for the history of targets. The selector is never [`Selector::is_all`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryRequest {
    /// Which targets.
    #[serde(flatten)]
    pub selector: Selector,
    /// Only rows after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<RowPosition>,
    /// Maximum number of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl HistoryRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        let selector = Selector::parse_some(members)?;
        let position = |text: String| text.parse().map_err(|()| RequestError::AfterHour(Quoted::text(&text)));
        let after = members.text("after")?.map(position).transpose()?;
        Ok(Self { selector, after, limit: members.limit()? })
    }
}

impl Command for HistoryRequest {
    const NAME: &'static str = "history";
    type Reply = HistoryPage;
}

/// Position of a row in a history, `192.0.2.1@1763856000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPosition {
    /// Address and variant of the target.
    pub key: TargetKey,
    /// Beginning of the hour in seconds, Unix time.
    pub hour: i64,
}

impl fmt::Display for RowPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.hour)
    }
}

impl FromStr for RowPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (key, hour) = text.rsplit_once('@').ok_or(())?;
        Ok(Self { key: key.parse().map_err(drop)?, hour: hour.parse().map_err(drop)? })
    }
}

impl Serialize for RowPosition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One hour of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow<'a> {
    /// Address of the target.
    #[serde(with = "as_text")]
    pub addr: Address,
    /// Variant of the target, if it has one.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub variant: Cow<'a, str>,
    /// Name at that time.
    #[serde(default)]
    pub name: Cow<'a, str>,
    /// Beginning of the hour in seconds, Unix time.
    pub hour: i64,
    /// Requests that were settled in the hour.
    #[serde(flatten)]
    pub counters: WireCounters,
    /// Sum of the round-trip times in seconds.
    #[serde(default)]
    pub sum: Decimal,
    /// Lower bound of the smallest round-trip time in seconds.
    #[serde(default)]
    pub min: Decimal,
    /// Upper bound of the largest round-trip time in seconds.
    #[serde(default)]
    pub max: Decimal,
    /// Median of the round-trip times in seconds.
    #[serde(default)]
    pub p50: Decimal,
    /// 99 % quantile of the round-trip times in seconds.
    #[serde(default)]
    pub p99: Decimal,
    /// Histogram of the round-trip times.
    #[serde(default)]
    pub hist: HistogramReply,
}

impl<'a> HistoryRow<'a> {
    /// The row of an hour that began at that Unix time.
    pub fn new(key: &'a TargetKey, name: &'a str, hour: i64, settled: &LifetimeStats) -> Self {
        let summary = settled.summary();
        let rtt = &summary.rtt;
        let quantile = |q| {
            let micros = settled.histogram.quantile(q).unwrap_or_default().as_micros();
            // A bin is wider than the times in it.
            let micros = u64::try_from(micros).unwrap_or(u64::MAX).clamp(rtt.min, rtt.max);
            Decimal::from_micros(micros)
        };
        Self {
            addr: key.address(),
            variant: key.variant().into(),
            name: name.into(),
            hour,
            counters: WireCounters::all(&summary),
            sum: Decimal::from_micros(rtt.sum),
            min: Decimal::from_micros(rtt.min),
            max: Decimal::from_micros(rtt.max),
            p50: quantile(0.5),
            p99: quantile(0.99),
            hist: HistogramReply::from(&settled.histogram),
        }
    }

    /// Where the row stands; the next page begins after it.
    pub fn position(&self) -> RowPosition {
        RowPosition { key: self.key(), hour: self.hour }
    }

    /// The key of the target; without a variant if the variant can't be read.
    pub fn key(&self) -> TargetKey {
        TargetKey::new(self.addr, self.variant.parse().unwrap_or_default())
    }
}

/// A reply as a client reads it. An empty page follows the last one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HistoryPage<R = HistoryRow<'static>> {
    /// The rows, by address and hour.
    pub history: Vec<R>,
}

/// A reply as the daemon writes it: the rows, from the first on, that fit into one datagram.
#[derive(Debug)]
pub struct HistoryReply(Vec<u8>);

impl Default for HistoryReply {
    fn default() -> Self {
        Self(HEAD.into())
    }
}

const HEAD: &[u8] = b"{\"history\": [";
const TAIL: &[u8] = b"]}";

impl HistoryReply {
    /// More rows than this never fit.
    pub const MAX_ROWS: usize = MAX_REPLY / 150;

    /// Appends a row. Returns false, and leaves it out, if it does not fit.
    pub fn push(&mut self, row: &HistoryRow<'_>) -> bool {
        let before = self.0.len();
        if before > HEAD.len() {
            self.0.push(b',');
        }
        append(&mut self.0, row);
        let fits = self.0.len() + TAIL.len() <= MAX_REPLY;
        if !fits {
            self.0.truncate(before);
        }
        fits
    }

    /// The reply as JSON.
    pub fn into_json(mut self) -> Vec<u8> {
        self.0.extend_from_slice(TAIL);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rtt;
    use crate::protocol::Request;

    fn selector(name: Option<&str>, addr: Option<&str>) -> Selector {
        Selector { name: name.map(Into::into), addr: addr.map(Into::into) }
    }

    #[test]
    fn a_history_selects_targets_and_comes_in_pages() {
        let after = Some(RowPosition { key: "fe80::1%eth0".parse().unwrap(), hour: 7_200 });
        let cases = [
            (r#"{"cmd":"history","addr":"10.0.0.1"}"#, Ok((selector(None, Some("10.0.0.1")), None, None))),
            (r#"{"cmd":"history","name":"a","limit":7}"#, Ok((selector(Some("a"), None), None, Some(7)))),
            (
                r#"{"cmd":"history","name":"a","after":"fe80::1%eth0@7200"}"#,
                Ok((selector(Some("a"), None), after, None)),
            ),
            (r#"{"cmd":"history","addr":"a b"}"#, Ok((selector(None, Some("a b")), None, None))),
            (r#"{"cmd":"history"}"#, Err(RequestError::NeedNameOrAddr)),
            (
                r#"{"cmd":"history","name":"a","after":"10.0.0.1"}"#,
                Err(RequestError::AfterHour(Quoted::text("10.0.0.1"))),
            ),
        ];
        for (text, expected) in cases {
            let expected = expected
                .map(|(selector, after, limit)| Request::History(HistoryRequest { selector, after, limit }));
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
        let (mut reply, key) = (HistoryReply::default(), "10.0.0.1".parse().unwrap());
        let rows = [
            HistoryRow::new(&key, "a\"b", 7_200, &settled(&[1_000, 2_000])),
            HistoryRow::new(&key, "a", 10_800, &settled(&[])),
        ];
        assert!(rows.iter().all(|row| reply.push(row)));
        let text = String::from_utf8(reply.into_json()).unwrap();
        let first = concat!(
            r#"{"history": [{"addr":"10.0.0.1","name":"a\"b","hour":7200,"sent":3,"recv":2,"errs":0,"lost":1,"#,
            r#""void":0,"outd":0,"dups":0,"sum":0.003,"min":0.001,"max":0.002,"#
        );
        assert!(text.starts_with(first), "{text}");
        assert!(text.contains(r#""hist":{"-80":1,"-72":1}},{"addr""#), "{text}");
        assert!(text.ends_with(r#""p50":0.0,"p99":0.0,"hist":{}}]}"#), "{text}");
        let page: HistoryPage = serde_json::from_str(&text).expect("a page");
        assert_eq!(page.history, rows);
    }

    #[test]
    fn a_variant_is_beside_the_address_and_in_the_position() {
        let key = "10.0.0.1#wan2".parse().unwrap();
        let row = HistoryRow::new(&key, "a", 7_200, &settled(&[]));
        let json = serde_json::to_string(&row).unwrap();
        assert!(json.starts_with(r#"{"addr":"10.0.0.1","variant":"wan2","name":"a""#), "{json}");
        assert_eq!(serde_json::from_str::<HistoryRow<'_>>(&json).unwrap().position(), row.position());
        assert_eq!(row.position().to_string().parse(), Ok(row.position()));
    }

    #[test]
    fn a_row_is_read_without_the_members_that_an_older_daemon_leaves_out() {
        let row: HistoryRow<'_> =
            serde_json::from_str(r#"{"addr":"::1","hour":3600,"sent":2,"newer":[1]}"#).expect("a row");
        assert_eq!(
            (row.position().to_string(), row.counters.sent, row.counters.void),
            ("::1@3600".into(), 2, None)
        );
    }

    #[test]
    fn a_reply_holds_the_rows_that_fit() {
        let (mut reply, key) = (HistoryReply::default(), "10.0.0.1".parse().unwrap());
        let rows = (0..2 * i64::try_from(HistoryReply::MAX_ROWS).unwrap())
            .take_while(|hour| reply.push(&HistoryRow::new(&key, "x", hour * 3_600, &settled(&[]))));
        let rows = rows.count();
        assert!(rows > 300 && rows <= HistoryReply::MAX_ROWS, "{rows}");
        assert!(reply.into_json().len() <= MAX_REPLY);
    }
}
