//! The members that a target has only in a list with detail. A member without a value is left out.

use crate::measure::{DetailedStats, EndedOutage, Outage, WallMapping};
use crate::protocol::json::{Decimal, put, write_string};
use crate::target::{Address, OptionOverrides, ValueKind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// Statistics beyond the counters. Times are in seconds, losses are shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetDetail<'a> {
    /// Standard deviation of the round-trip times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stddev: Option<Decimal>,
    /// Interarrival jitter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Decimal>,
    /// Median of the round-trip times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<Decimal>,
    /// 90 % quantile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<Decimal>,
    /// 99 % quantile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<Decimal>,
    /// Moving average of the round-trip time over 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg15m: Option<Decimal>,
    /// The same over 6 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg6h: Option<Decimal>,
    /// The same over 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg24h: Option<Decimal>,
    /// Moving average of the loss over 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss15m: Option<Decimal>,
    /// The same over 6 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss6h: Option<Decimal>,
    /// The same over 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss24h: Option<Decimal>,
    /// The present outage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<OutageMembers<'a>>,
    /// The longest outage, the present one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_outage: Option<OutageMembers<'a>>,
    /// The address that the latest reply came from, if it is not the target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Cow<'a, str>>,
}

/// An outage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OutageMembers<'a> {
    /// Beginning in seconds, Unix time.
    pub since: Decimal,
    /// Number of requests in a row without an answer.
    pub requests: u64,
    /// `lost`, or the class of the error, of the latest of them.
    pub cause: Cow<'a, str>,
    /// Why the local system refused to send the latest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// Duration in seconds, for the longest outage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Decimal>,
}

impl TargetDetail<'_> {
    /// The members of these statistics; moments get their wall-clock time from `wall`.
    pub(super) fn new(detail: &DetailedStats, wall: WallMapping, answered_by: Option<Address>) -> Self {
        let seconds = |duration: Option<Duration>| duration.map(Decimal::from);
        let quantile = |index: usize| detail.quantiles.map(|quantiles| Decimal::from(quantiles[index]));
        let average = |window: usize| seconds(detail.averages[window].rtt());
        let loss = |window: usize| detail.averages[window].loss().map(millionths);
        Self {
            stddev: seconds(detail.stddev),
            jitter: seconds(detail.jitter),
            p50: quantile(0),
            p90: quantile(1),
            p99: quantile(2),
            avg15m: average(0),
            avg6h: average(1),
            avg24h: average(2),
            loss15m: loss(0),
            loss6h: loss(1),
            loss24h: loss(2),
            outage: detail.outage.map(|outage| OutageMembers::present(&outage, wall)),
            longest_outage: detail.longest_outage.map(|outage| OutageMembers::ended(&outage, wall)),
            answered_by: answered_by.map(|address| address.to_string().into()),
        }
    }
}

impl OutageMembers<'_> {
    fn present(outage: &Outage, wall: WallMapping) -> Self {
        Self {
            since: wall.unix(outage.since).into(),
            requests: outage.requests.into(),
            cause: outage.cause.as_str().into(),
            reason: outage.cause.send_error().map(|error| error.as_str().into()),
            duration: None,
        }
    }

    fn ended(ended: &EndedOutage, wall: WallMapping) -> Self {
        Self { duration: Some(ended.duration().into()), ..Self::present(&ended.outage, wall) }
    }
}

/// A share with six decimal places.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
fn millionths(share: f64) -> Decimal {
    Decimal::from_micros((share * 1e6).round() as u64)
}

/// Writes the options of a target as `add` takes them, and its labels; each member with a comma before it.
pub(super) fn write_options(text: &mut String, options: &OptionOverrides) {
    for (key, value) in options.iter() {
        let row = key.row();
        put(text, format_args!(",\"{}\":", row.member));
        match row.kind {
            ValueKind::Text => write_string(text, &value),
            ValueKind::Number | ValueKind::Bool => text.push_str(&value),
        }
    }
    let mut before = ",\"labels\":{";
    for (name, value) in options.labels.iter() {
        put(text, format_args!("{before}\"{name}\":"));
        write_string(text, value);
        before = ",";
    }
    if before == "," {
        text.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::averages::Weights;
    use crate::measure::{Cause, ErrorClass, SendError, Timestamp};
    use crate::protocol::json::append;
    use crate::target::{Labels, OptionKey, TargetOptions};

    fn written(detail: &DetailedStats) -> String {
        written_with(detail, None)
    }

    fn written_with(detail: &DetailedStats, answered_by: Option<Address>) -> String {
        let wall = WallMapping::new(
            Timestamp::from_nanos(100_000_000_000),
            Duration::from_millis(1_700_000_100_250),
        );
        let (members, mut json) = (TargetDetail::new(detail, wall, answered_by), Vec::new());
        append(&mut json, &members);
        let read: TargetDetail<'_> = serde_json::from_slice(&json).expect("members");
        assert_eq!(read, members);
        String::from_utf8(json).expect("UTF-8")
    }

    #[test]
    fn a_member_without_a_value_is_left_out() {
        assert_eq!(written(&DetailedStats::default()), "{}");
        let silent = Weights { unanswered: 0.5, ..Weights::default() };
        let detail = DetailedStats { averages: [silent; 3], ..DetailedStats::default() };
        assert_eq!(written(&detail), r#"{"loss15m":1.0,"loss6h":1.0,"loss24h":1.0}"#);
    }

    #[test]
    fn every_value_has_a_member() {
        let at = |second: u64| Timestamp::from_nanos(second * 1_000_000_000);
        let outage = Outage { since: at(90), requests: 7, cause: Cause::Lost };
        let router = Cause::Error(ErrorClass::HostUnreachable);
        let past =
            EndedOutage { outage: Outage { since: at(1), requests: 12, cause: router }, until: at(14) };
        let weights = |answered| Weights { answered, unanswered: 0.25, rtt_seconds: answered / 8.0 };
        let detail = DetailedStats {
            stddev: Some(Duration::from_nanos(123_456)),
            jitter: Some(Duration::ZERO),
            quantiles: Some([1, 2, 3_000].map(Duration::from_millis)),
            averages: [0.75, 1.0, 2.25].map(weights),
            outage: Some(outage),
            longest_outage: Some(past),
        };
        let expected = concat!(
            r#"{"stddev":0.000123456,"jitter":0.0,"p50":0.001,"p90":0.002,"p99":3.0"#,
            r#","avg15m":0.125,"avg6h":0.125,"avg24h":0.125,"loss15m":0.25,"loss6h":0.2,"loss24h":0.1"#,
            r#","outage":{"since":1700000090.25,"requests":7,"cause":"lost"}"#,
            r#","longest_outage":{"since":1700000001.25,"requests":12,"cause":"host_unreachable","duration":13.0}}"#,
        );
        assert_eq!(written(&detail), expected);
    }

    #[test]
    fn an_answer_from_another_address_is_named() {
        let other = "fe80::1%eth0".parse().ok();
        assert_eq!(written_with(&DetailedStats::default(), other), r#"{"answered_by":"fe80::1%eth0"}"#);
    }

    #[test]
    fn an_outage_has_the_reason_for_which_its_requests_are_not_sent() {
        let since = Timestamp::from_nanos(90_000_000_000);
        let outage = |cause| DetailedStats {
            outage: Some(Outage { since, requests: 2, cause }),
            ..DetailedStats::default()
        };
        let known = outage(Cause::Refused(SendError::NoRoute));
        let expected =
            r#"{"outage":{"since":1700000090.25,"requests":2,"cause":"send","reason":"no route to host"}}"#;
        assert_eq!(written(&known), expected);
        let unknown = outage(Cause::Error(ErrorClass::Send));
        assert_eq!(written(&unknown), expected.replace(r#","reason":"no route to host""#, ""));
    }

    #[test]
    fn options_have_the_names_and_values_that_add_takes() {
        let mut options = TargetOptions::default();
        let texts = ["1", "0.5", "1472", "EF", "9", "192.0.2.1", "a\"b", "true", "ipv4"];
        for (key, text) in OptionKey::ALL.into_iter().zip(texts) {
            options.set(key, text).expect("a good value");
        }
        options.set_labels(Labels::new([("site", "a\"\n"), ("rack", "7")]).expect("good labels"));
        let mut text = String::new();
        write_options(&mut text, options.overrides.as_deref().expect("there are some"));
        // The interval is a member of every list.
        let values = ["0.5", "1472", "46", "9", r#""192.0.2.1""#, r#""a\"b""#, "true", r#""ipv4""#];
        let keys = OptionKey::ALL.into_iter().filter(|key| *key != OptionKey::Interval);
        let mut expected = String::new();
        for (key, value) in keys.zip(values) {
            put(&mut expected, format_args!(",\"{}\":{value}", key.row().member));
        }
        expected.push_str(r#","labels":{"rack":"7","site":"a\"\n"}"#);
        assert_eq!(text, expected);
        let mut nothing = String::new();
        write_options(&mut nothing, &OptionOverrides::default());
        assert_eq!(nothing, "");
    }
}
