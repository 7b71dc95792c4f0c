//! Durations in Go's notation.

use serde::Deserialize;
use std::time::Duration;

from_text!(GoDuration);

/// A duration in Go's notation: `1s`, `100ms`, `1m30s`; 0 needs no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct GoDuration(pub Duration);

impl GoDuration {
    fn parse(text: &str) -> Result<Self, String> {
        let duration = if text == "0" { Some(Duration::ZERO) } else { go_duration(text) };
        duration.map(Self).ok_or_else(|| format!("{text:?} is not a duration; write it like 1s or 100ms"))
    }
}

fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let (unit, length) =
            UNITS.iter().find_map(|(unit, length)| after.strip_prefix(unit).map(|_| (unit, length)))?;
        seconds += number.parse::<f64>().ok()? * length;
        rest = &after[unit.len()..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

/// Units in seconds; a unit comes before its own prefixes.
const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1s", Some(1_000_000)),
            ("100ms", Some(100_000)),
            ("1m30s", Some(90_000_000)),
            ("1.5h", Some(5_400_000_000)),
            ("20µs", Some(20)),
            ("", None),
            ("1", None),
            ("-1s", None),
            ("1d", None),
            ("s", None),
            ("1.2.3s", None),
            ("1e9s", None),
            ("99999999999999999999999h", None),
        ];
        for (text, micros) in cases {
            let duration = GoDuration::parse(text).ok();
            assert_eq!(duration, micros.map(|micros| GoDuration(Duration::from_micros(micros))), "{text}");
        }
    }
}
