//! `meshpingctl show`.

use super::list::write_json;
use super::selector::SelectorArgs;
use super::{CtlError, Daemon};
use crate::ctl::client::Listing;
use crate::format::escape::shown;
use crate::format::time::{iso_8601, span};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

/// Show everything that there is to know of a host: a block for each of its targets.
///
/// Times in the blocks are in milliseconds. Deviation, quantiles and the longest outage are since the latest reset, as
/// the counters; jitter, averages and the present outage look back by themselves.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl show [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct Show {
    #[command(flatten)]
    which: SelectorArgs,

    /// The daemon's reply instead: one JSON object, times in seconds.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        let listing = daemon.client.select(&self.request()?)?;
        if listing.entries.is_empty() {
            return Err(CtlError::NoTarget(self.which.to_string()));
        }
        let mut out = io::stdout().lock();
        if self.json {
            write_json(&mut out, listing.json)?;
        } else {
            out.write_all(blocks(&listing).as_bytes())?;
        }
        out.flush()?;
        Ok(())
    }

    pub(super) fn request(&self) -> Result<Value, CtlError> {
        let request = self.which.request("list");
        let mut request = request.ok_or(CtlError::Usage("give NAME_OR_ADDR, --name or --addr"))?;
        request["detail"] = json!(true);
        Ok(request)
    }
}

/// The targets in address order, with an empty line between them.
fn blocks(listing: &Listing) -> String {
    let targets: Map<String, Value> = serde_json::from_str(&listing.json).unwrap_or_default();
    let of = |address: String| targets.get(&address).and_then(Value::as_object);
    let blocks = listing.entries.iter().filter_map(|entry| of(entry.addr.to_string())).map(block);
    blocks.collect::<Vec<String>>().join("\n")
}

/// What is said of one target. Members that are not known here have a line of their own: a newer daemon has more.
fn block(target: &Map<String, Value>) -> String {
    let text = |member: &str| target.get(member).and_then(Value::as_str).unwrap_or_default();
    let title = if text("name") == text("addr") { String::new() } else { format!("  {}", text("name")) };
    let mut block = format!("{}\n", shown(&format!("{}{title}", text("addr"))));
    for (label, members) in LINES {
        let parts = members.iter().filter_map(|member| Some(member.show(target.get(member.name)?)));
        let parts: Vec<String> = parts.chain(mean(label, target)).collect();
        line(&mut block, label, &parts.join(", "));
    }
    for (name, value) in target {
        let is_known = LINES.iter().any(|(_, members)| members.iter().any(|member| member.name == name));
        if !is_known && !HIDDEN.contains(&name.as_str()) {
            line(&mut block, name, value.as_str().unwrap_or(&value.to_string()));
        }
    }
    block
}

fn line(block: &mut String, label: &str, text: &str) {
    if !text.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(block, "  {:<10} {}", shown(label), shown(text));
    }
}

/// The mean is the only thing that no member tells.
fn mean(label: &str, target: &Map<String, Value>) -> Option<String> {
    let number = |member: &str| target.get(member).and_then(Value::as_f64);
    let (sum, recv) = (number("sum")?, number("recv")?);
    (label == "rtt" && recv > 0.0).then(|| format!("mean {:.3} ms", sum / recv * 1e3))
}

struct DetailField {
    name: &'static str,
    label: &'static str,
    unit: Unit,
}

enum Unit {
    Seconds,
    Count,
    Millis,
    Ratio,
    Outage,
}

impl DetailField {
    const fn new(name: &'static str, label: &'static str, unit: Unit) -> Self {
        Self { name, label, unit }
    }

    fn show(&self, value: &Value) -> String {
        let number = value.as_f64().unwrap_or_default();
        let value = match self.unit {
            Unit::Seconds => format!("{number} s"),
            Unit::Count => value.to_string(),
            Unit::Millis => format!("{:.3} ms", number * 1e3),
            Unit::Ratio => format!("{:.2} %", number * 100.0),
            Unit::Outage => outage(value),
        };
        if self.label.is_empty() { value } else { format!("{} {value}", self.label) }
    }
}

fn outage(outage: &Value) -> String {
    let seconds = |member: &str| Duration::try_from_secs_f64(outage[member].as_f64()?).ok();
    let since = seconds("since").map_or_else(String::new, iso_8601);
    let duration = seconds("duration").map_or_else(String::new, |duration| format!("{}, ", span(duration)));
    let cause = outage["cause"].as_str().unwrap_or_default();
    format!("{duration}since {since}, {} requests without an answer, {cause}", outage["requests"])
}

/// The lines of a block, in their order.
const LINES: &[(&str, &[DetailField])] = &[
    ("interval", &[DetailField::new("itv", "", Unit::Seconds)]),
    (
        "requests",
        &[
            DetailField::new("sent", "sent", Unit::Count),
            DetailField::new("recv", "answered", Unit::Count),
            DetailField::new("errs", "errors", Unit::Count),
            DetailField::new("lost", "lost", Unit::Count),
            DetailField::new("void", "void", Unit::Count),
            DetailField::new("outd", "out of date", Unit::Count),
            DetailField::new("dups", "duplicates", Unit::Count),
        ],
    ),
    (
        "rtt",
        &[
            DetailField::new("last", "last", Unit::Millis),
            DetailField::new("min", "min", Unit::Millis),
            DetailField::new("max", "max", Unit::Millis),
            DetailField::new("stddev", "stddev", Unit::Millis),
            DetailField::new("jitter", "jitter", Unit::Millis),
        ],
    ),
    (
        "quantiles",
        &[
            DetailField::new("p50", "50 %", Unit::Millis),
            DetailField::new("p90", "90 %", Unit::Millis),
            DetailField::new("p99", "99 %", Unit::Millis),
        ],
    ),
    (
        "average",
        &[
            DetailField::new("avg15m", "15 min", Unit::Millis),
            DetailField::new("avg6h", "6 h", Unit::Millis),
            DetailField::new("avg24h", "24 h", Unit::Millis),
        ],
    ),
    (
        "loss",
        &[
            DetailField::new("loss15m", "15 min", Unit::Ratio),
            DetailField::new("loss6h", "6 h", Unit::Ratio),
            DetailField::new("loss24h", "24 h", Unit::Ratio),
        ],
    ),
    ("outage", &[DetailField::new("outage", "", Unit::Outage)]),
    ("longest", &[DetailField::new("longest_outage", "", Unit::Outage)]),
];

/// Members that are told otherwise.
const HIDDEN: [&str; 4] = ["name", "addr", "af", "sum"];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(target: &Value) -> String {
        block(target.as_object().expect("an object"))
    }

    #[test]
    fn a_block_tells_everything_in_lines() {
        let target = json!({"name": "router", "addr": "10.0.0.1", "af": 2, "itv": 0.5, "sent": 14, "recv": 4, "errs": 1,
            "lost": 9, "outd": 0, "dups": 2, "sum": 0.005, "min": 0.001, "max": 0.002, "last": 0.001,
            "stddev": 0.000_433, "jitter": 0.000_062, "p50": 0.001, "p90": 0.002, "p99": 0.002, "avg15m": 0.00125,
            "avg6h": 0.00125, "avg24h": 0.00125, "loss15m": 0.7143, "loss6h": 0.7, "loss24h": 0.7,
            "outage": {"since": 1_700_000_000.5, "requests": 9, "cause": "lost"},
            "longest_outage": {"since": 1_600_000_000.0, "requests": 3, "cause": "host_unreachable", "duration": 200.5},
            "timeout": 2.5, "x": "\u{1b}[2J"});
        let expected = "10.0.0.1  router
  interval   0.5 s
  requests   sent 14, answered 4, errors 1, lost 9, out of date 0, duplicates 2
  rtt        last 1.000 ms, min 1.000 ms, max 2.000 ms, stddev 0.433 ms, jitter 0.062 ms, mean 1.250 ms
  quantiles  50 % 1.000 ms, 90 % 2.000 ms, 99 % 2.000 ms
  average    15 min 1.250 ms, 6 h 1.250 ms, 24 h 1.250 ms
  loss       15 min 71.43 %, 6 h 70.00 %, 24 h 70.00 %
  outage     since 2023-11-14T22:13:20Z, 9 requests without an answer, lost
  longest    3 min 20 s, since 2020-09-13T12:26:40Z, 3 requests without an answer, host_unreachable
  timeout    2.5
  x          \\u{1b}[2J
";
        assert_eq!(shown_of(&target), expected);
    }

    #[test]
    fn what_is_unknown_has_no_line() {
        let target = json!({"name": "::1", "addr": "::1", "itv": 1, "sent": 0, "recv": 0, "sum": 0.0});
        assert_eq!(shown_of(&target), "::1\n  interval   1 s\n  requests   sent 0, answered 0\n");
    }
}
