//! `meshpingctl show`.

use super::list::write_json;
use super::selector::SelectorArgs;
use super::{CtlError, Daemon, Subcommand, names};
use crate::ctl::client::{Client, ClientError};
use crate::format::escape::shown;
use crate::format::time::{iso_8601, span};
use crate::protocol::{Decimal, ListRequest, NameRow, OutageMembers, Selector, TargetRow};
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Show all statistics and options of a host: a block for each of its targets.
///
/// Times in the blocks are in milliseconds; - stands for a value that is not known yet. Deviation, quantiles and the
/// longest outage are since the latest reset, as the counters; jitter, averages and the present outage are not affected
/// by a reset.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl show [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct Show {
    #[command(flatten)]
    targets: SelectorArgs,

    /// The daemon's reply instead: one JSON object, times in seconds.
    #[arg(long)]
    json: bool,
}

impl Subcommand for Show {
    type Request = ListRequest;

    fn request(&self) -> Result<ListRequest, CtlError> {
        Ok(ListRequest { selector: self.targets.selector()?, detail: true, ..ListRequest::default() })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let selector = self.targets.selector()?;
        let listing = daemon.client.list(&self.request()?)?;
        let names = names_block(&daemon.client, &selector)?;
        if listing.rows.is_empty() && names.is_empty() {
            return Err(CtlError::NoTarget(self.targets.to_string()));
        }
        let mut out = io::stdout().lock();
        if self.json {
            write_json(&mut out, listing.json)?;
        } else {
            let block = |row| block(row, selector.name.as_deref());
            let blocks: Vec<String> = names.into_iter().chain(listing.rows.iter().map(block)).collect();
            out.write_all(blocks.join("\n").as_bytes())?;
        }
        out.flush()?;
        Ok(())
    }
}

/// A block for each of the selected DNS names; none from a daemon that does not know the request.
fn names_block(client: &Client, selector: &Selector) -> Result<Vec<String>, CtlError> {
    let names = match names::ask(client, selector) {
        Err(ClientError::Refused(_)) => Vec::new(),
        names => names?,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let block = |json: &serde_json::Value| {
        let row = NameRow::deserialize(json).map_err(|_| ClientError::Nonsense(client.server()))?;
        let mut block =
            format!("{}\n", shown(&title(format!("{}{}", row.host, variant(&row.variant)), &row.name)));
        line(&mut block, "name", &names::summary(&row, now));
        Ok(block)
    };
    names.iter().map(block).collect()
}

fn variant(variant: &str) -> String {
    if variant.is_empty() { String::new() } else { format!("#{variant}") }
}

fn title(host: String, name: &str) -> String {
    if host == name { host } else { format!("{host}  {name}") }
}

/// The block of one target, under the name that was asked for, if it has it. Options, and members that this client does
/// not know, have a line of their own.
fn block(row: &TargetRow<'_>, asked: Option<&str>) -> String {
    let name = asked.filter(|asked| row.names.iter().any(|name| name == asked)).unwrap_or(&row.name);
    let address = row.key().to_string();
    let title = if name == row.addr.to_string() { address } else { format!("{address}  {name}") };
    let mut block = format!("{}\n", shown(&title));
    line(&mut block, "names", &row.names.join(", "));
    for (label, values) in LINES {
        let values = values.iter().filter_map(|(name, value)| {
            let value = value(row)?;
            Some(if name.is_empty() { value } else { format!("{name} {value}") })
        });
        line(&mut block, label, &values.collect::<Vec<_>>().join(", "));
    }
    for (name, value) in &row.others {
        line(&mut block, name, value.as_str().unwrap_or(&value.to_string()));
    }
    block
}

fn line(block: &mut String, label: &str, text: &str) {
    if !text.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(block, "  {:<10} {}", shown(label), shown(text));
    }
}

/// Returns the text of a value; `None` if the daemon did not send it.
type Value = fn(&TargetRow<'_>) -> Option<String>;

/// The lines of a block: a label, and the values with their names.
const LINES: &[(&str, &[(&str, Value)])] = &[
    ("interval", &[("", |row| Some(format!("{} s", row.itv.as_f64())))]),
    (
        "requests",
        &[
            ("sent", |row| Some(row.counters.sent.to_string())),
            ("answered", |row| Some(row.counters.replies.to_string())),
            ("errors", |row| Some(row.counters.errors.to_string())),
            ("lost", |row| Some(row.counters.lost.to_string())),
            ("void", |row| Some(row.counters.void?.to_string())),
            ("out of date", |row| Some(row.counters.out_of_date.to_string())),
            ("duplicates", |row| Some(row.counters.duplicates?.to_string())),
        ],
    ),
    (
        "rtt",
        &[
            ("last", |row| Some(of_replies(row, row.last))),
            ("min", |row| Some(of_replies(row, row.min))),
            ("max", |row| Some(of_replies(row, row.max))),
            ("stddev", |row| row.detail.stddev.map(millis)),
            ("jitter", |row| row.detail.jitter.map(millis)),
            ("mean", mean),
        ],
    ),
    (
        "quantiles",
        &[
            ("50 %", |row| row.detail.p50.map(millis)),
            ("90 %", |row| row.detail.p90.map(millis)),
            ("99 %", |row| row.detail.p99.map(millis)),
        ],
    ),
    (
        "average",
        &[
            ("15 min", |row| row.detail.avg15m.map(millis)),
            ("6 h", |row| row.detail.avg6h.map(millis)),
            ("24 h", |row| row.detail.avg24h.map(millis)),
        ],
    ),
    (
        "loss",
        &[
            ("15 min", |row| row.detail.loss15m.map(percent)),
            ("6 h", |row| row.detail.loss6h.map(percent)),
            ("24 h", |row| row.detail.loss24h.map(percent)),
        ],
    ),
    ("outage", &[("", |row| row.detail.outage.as_ref().map(outage))]),
    ("longest", &[("", |row| row.detail.longest_outage.as_ref().map(outage))]),
    ("answered by", &[("", |row| row.detail.answered_by.as_deref().map(str::to_owned))]),
];

/// A round-trip time of the replies; unknown without replies.
fn of_replies(row: &TargetRow<'_>, time: Decimal) -> String {
    if row.counters.replies == 0 { "-".to_owned() } else { millis(time) }
}

fn mean(row: &TargetRow<'_>) -> Option<String> {
    let replies = row.counters.replies;
    (replies > 0).then(|| format!("{:.3} ms", row.sum.as_f64() / replies as f64 * 1e3))
}

fn millis(time: Decimal) -> String {
    format!("{:.3} ms", time.as_f64() * 1e3)
}

fn percent(share: Decimal) -> String {
    format!("{:.2} %", share.as_f64() * 100.0)
}

fn outage(outage: &OutageMembers<'_>) -> String {
    let duration = outage.duration.map(|duration| format!("{}, ", span(duration.as_duration())));
    let since = iso_8601(outage.since.as_duration());
    let OutageMembers { requests, cause, .. } = outage;
    let reason = outage.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let duration = duration.unwrap_or_default();
    format!("{duration}since {since}, {requests} requests without an answer, {cause}{reason}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown_of(target: serde_json::Value) -> String {
        block(&serde_json::from_value(target).expect("a row"), None)
    }

    #[test]
    fn a_block_has_a_line_for_every_group_of_values() {
        let target = json!({"name": "router", "addr": "10.0.0.1", "af": 2, "itv": 0.5, "sent": 14, "recv": 4, "errs": 1,
            "lost": 9, "outd": 0, "dups": 2, "sum": 0.005, "min": 0.001, "max": 0.002, "last": 0.001,
            "stddev": 0.000_433, "jitter": 0.000_062, "p50": 0.001, "p90": 0.002, "p99": 0.002, "avg15m": 0.00125,
            "avg6h": 0.00125, "avg24h": 0.00125, "loss15m": 0.7143, "loss6h": 0.7, "loss24h": 0.7,
            "outage": {"since": 1_700_000_000.5, "requests": 9, "cause": "send", "reason": "no route to host"},
            "longest_outage": {"since": 1_600_000_000.0, "requests": 3, "cause": "host_unreachable", "duration": 200.5},
            "answered_by": "10.0.0.7", "timeout": 2.5, "x": "\u{1b}[2J"});
        let expected = "10.0.0.1  router
  interval   0.5 s
  requests   sent 14, answered 4, errors 1, lost 9, out of date 0, duplicates 2
  rtt        last 1.000 ms, min 1.000 ms, max 2.000 ms, stddev 0.433 ms, jitter 0.062 ms, mean 1.250 ms
  quantiles  50 % 1.000 ms, 90 % 2.000 ms, 99 % 2.000 ms
  average    15 min 1.250 ms, 6 h 1.250 ms, 24 h 1.250 ms
  loss       15 min 71.43 %, 6 h 70.00 %, 24 h 70.00 %
  outage     since 2023-11-14T22:13:20Z, 9 requests without an answer, send: no route to host
  longest    3 min 20 s, since 2020-09-13T12:26:40Z, 3 requests without an answer, host_unreachable
  answered by 10.0.0.7
  timeout    2.5
  x          \\u{1b}[2J
";
        assert_eq!(shown_of(target), expected);
    }

    #[test]
    fn a_target_with_several_names_has_the_one_that_was_asked_for() {
        let target = json!({"name": "a", "names": ["a", "b"], "addr": "::1", "itv": 1, "sent": 1, "recv": 0});
        let row = serde_json::from_value(target).expect("a row");
        for (asked, title) in [(None, "::1  a"), (Some("b"), "::1  b"), (Some("::1"), "::1  a")] {
            let block = block(&row, asked);
            assert_eq!(block.lines().take(2).collect::<Vec<_>>(), [title, "  names      a, b"], "{asked:?}");
        }
    }

    #[test]
    fn a_value_without_replies_is_unknown() {
        let target = json!({"name": "::1", "addr": "::1", "itv": 1, "sent": 1, "recv": 0, "errs": 0, "lost": 1,
            "outd": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "last": 0.0});
        let expected = "::1
  interval   1 s
  requests   sent 1, answered 0, errors 0, lost 1, out of date 0
  rtt        last -, min -, max -
";
        assert_eq!(shown_of(target), expected);
    }
}
