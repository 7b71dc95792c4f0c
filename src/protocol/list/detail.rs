//! The members that a target has in a list with detail. What is unknown is left out.

use crate::measure::{DetailedStats, EndedOutage, Outage, WallMapping};
use crate::protocol::json::{put, write_fixed, write_string};
use crate::target::{OptionOverrides, ValueKind};
use std::time::Duration;

/// Writes the members behind those that every list has, each with a comma before it.
pub(super) fn write_detail(text: &mut String, detail: &DetailedStats, wall: WallMapping) {
    let mut members = DetailWriter { text, wall };
    members.seconds("stddev", detail.stddev);
    members.seconds("jitter", detail.jitter);
    for (index, name) in ["p50", "p90", "p99"].into_iter().enumerate() {
        members.seconds(name, detail.quantiles.map(|quantiles| quantiles[index]));
    }
    for (name, window) in ["avg15m", "avg6h", "avg24h"].into_iter().zip(detail.averages) {
        members.seconds(name, window.rtt());
    }
    for (name, window) in ["loss15m", "loss6h", "loss24h"].into_iter().zip(detail.averages) {
        members.ratio(name, window.loss());
    }
    members.outage("outage", detail.outage);
    members.longest_outage("longest_outage", detail.longest_outage);
}

/// Writes the options that are set for a target as the members that `add` accepts, and its labels.
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

struct DetailWriter<'a> {
    text: &'a mut String,
    wall: WallMapping,
}

impl DetailWriter<'_> {
    fn seconds(&mut self, name: &str, duration: Option<Duration>) {
        if let Some(duration) = duration {
            self.name(name);
            write_fixed::<9>(self.text, duration.as_nanos());
        }
    }

    fn ratio(&mut self, name: &str, ratio: Option<f64>) {
        if let Some(ratio) = ratio {
            self.name(name);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 1, and a million of it"
            )]
            write_fixed::<6>(self.text, (ratio * 1e6).round() as u128);
        }
    }

    fn outage(&mut self, name: &str, outage: Option<Outage>) {
        if let Some(outage) = outage {
            self.name(name);
            self.begin_outage(&outage);
            self.text.push('}');
        }
    }

    fn longest_outage(&mut self, name: &str, past: Option<EndedOutage>) {
        if let Some(past) = past {
            self.name(name);
            self.begin_outage(&past.outage);
            self.seconds("duration", Some(past.duration()));
            self.text.push('}');
        }
    }

    fn begin_outage(&mut self, outage: &Outage) {
        self.text.push_str("{\"since\":");
        write_fixed::<3>(self.text, self.wall.unix(outage.since).as_millis());
        put(self.text, format_args!(",\"requests\":{},\"cause\":", outage.requests));
        write_string(self.text, outage.cause.as_str());
    }

    fn name(&mut self, name: &str) {
        put(self.text, format_args!(",\"{name}\":"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::averages::Weights;
    use crate::measure::{Cause, ErrorClass, Timestamp};
    use crate::target::{Labels, OptionKey, TargetOptions};

    fn written(detail: &DetailedStats) -> String {
        let wall = WallMapping::new(
            Timestamp::from_nanos(100_000_000_000),
            Duration::from_millis(1_700_000_100_250),
        );
        let mut text = String::new();
        write_detail(&mut text, detail, wall);
        text
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        assert_eq!(written(&DetailedStats::default()), "");
        let deaf = Weights { unanswered: 0.5, ..Weights::default() };
        let detail = DetailedStats { averages: [deaf; 3], ..DetailedStats::default() };
        assert_eq!(written(&detail), r#","loss15m":1.0,"loss6h":1.0,"loss24h":1.0"#);
    }

    #[test]
    fn everything_that_is_known_has_a_member() {
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
            r#","stddev":0.000123456,"jitter":0.0,"p50":0.001,"p90":0.002,"p99":3.0"#,
            r#","avg15m":0.125,"avg6h":0.125,"avg24h":0.125,"loss15m":0.25,"loss6h":0.2,"loss24h":0.1"#,
            r#","outage":{"since":1700000090.25,"requests":7,"cause":"lost"}"#,
            r#","longest_outage":{"since":1700000001.25,"requests":12,"cause":"host_unreachable","duration":13.0}"#,
        );
        assert_eq!(written(&detail), expected);
    }

    #[test]
    fn options_have_the_names_and_values_that_add_takes() {
        let mut terms = TargetOptions::default();
        let pairs = [
            (OptionKey::Timeout, "0.5"),
            (OptionKey::Size, "1472"),
            (OptionKey::Dscp, "EF"),
            (OptionKey::Ttl, "9"),
            (OptionKey::Source, "192.0.2.1"),
            (OptionKey::Interface, "a\"b"),
            (OptionKey::DontFragment, "true"),
            (OptionKey::Family, "ipv4"),
        ];
        for (key, text) in pairs {
            terms.set(key, text).expect("a good value");
        }
        terms.set_labels(Labels::new([("site", "a\"\n"), ("rack", "7")]).expect("good labels"));
        let mut text = String::new();
        write_options(&mut text, terms.overrides.as_deref().expect("there are some"));
        let expected = concat!(
            r#","timeout":0.5,"size":1472,"dscp":46,"ttl":9,"source":"192.0.2.1","interface":"a\"b""#,
            r#","dont_fragment":true,"family":"ipv4","labels":{"rack":"7","site":"a\"\n"}"#
        );
        assert_eq!(text, expected);
        let mut nothing = String::new();
        write_options(&mut nothing, &OptionOverrides::default());
        assert_eq!(nothing, "");
    }
}
