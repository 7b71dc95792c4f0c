//! `meshpingctl list`.

use super::watch::TableWatch;
use super::{CtlError, Daemon, Subcommand};
use crate::ctl::client::Listing;
use crate::format::escape::shown;
use crate::format::table::{HEADER, Row};
use crate::protocol::{ListRequest, TargetRow};
use std::io::{self, IsTerminal, StdoutLock, Write};

/// Show the targets and their statistics.
///
/// Times are in milliseconds. Loss is the share of requests that were lost or answered by an error, Err the share that
/// was answered by an error. Outd counts the replies received after a newer request had been sent, and is their share.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The daemon's reply instead of the table: one JSON object, times in seconds.
    #[arg(long)]
    json: bool,

    /// Start the statistics again; the output is the period that ended.
    #[arg(long)]
    reset: bool,

    /// Repeat every second, until interrupted.
    #[arg(long)]
    watch: bool,
}

impl Subcommand for List {
    type Request = ListRequest;

    fn request(&self) -> Result<ListRequest, CtlError> {
        Ok(ListRequest { reset: self.reset, ..ListRequest::default() })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let request = self.request()?;
        if !self.watch {
            return self.show(daemon.client.list(&request)?);
        }
        let mut watch = TableWatch::start();
        loop {
            let listing = daemon.client.list(&request)?;
            if self.json || !watch.has_screen() {
                self.show(listing)?;
            } else {
                let cut_short = listing.cut_short;
                watch.draw(&rows(&listing.rows));
                cut_short.map_or(Ok(()), Err)?;
            }
            watch.wait();
        }
    }
}

impl List {
    /// Writes the targets even if some are missing: after a reset their statistics exist nowhere else.
    fn show(&self, listing: Listing) -> Result<(), CtlError> {
        let mut out = io::stdout().lock();
        if self.json {
            write_json(&mut out, listing.json)?;
        } else {
            writeln!(out, "{HEADER}")?;
            for row in rows(&listing.rows) {
                writeln!(out, "{row}")?;
            }
        }
        out.flush()?;
        Ok(listing.cut_short.map_or(Ok(()), Err)?)
    }
}

/// Writes a reply unchanged; on a terminal, characters that could act are escaped.
pub(super) fn write_json(out: &mut StdoutLock<'_>, json: String) -> io::Result<()> {
    let json = if out.is_terminal() { escaped_json(&json) } else { json };
    writeln!(out, "{json}")
}

fn rows(targets: &[TargetRow<'_>]) -> Vec<Row> {
    targets.iter().map(row).collect()
}

fn row(target: &TargetRow<'_>) -> Row {
    let counters = target.counters;
    Row {
        address: target.key().to_string(),
        sent: counters.sent,
        replies: counters.replies,
        errors: counters.errors,
        lost: counters.lost,
        out_of_date: counters.out_of_date,
        sum: target.sum.as_f64(),
        min: target.min.as_f64(),
        max: target.max.as_f64(),
        last: target.last.as_f64(),
    }
}

/// The same JSON with escapes for the characters that could act on a terminal. They occur in strings only.
pub(super) fn escaped_json(json: &str) -> String {
    let escaped = |c: char| {
        let text = c.to_string();
        let acts = shown(&text) != text;
        if acts { format!("\\u{:04x}", u32::from(c)) } else { text }
    };
    json.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_a_terminal_means_the_same_and_does_not_act() {
        let json = "{\"a\":\"é\u{9b}2J\u{7f}\u{202e}\\n\"}";
        let escaped = escaped_json(json);
        assert_eq!(escaped, r#"{"a":"é\u009b2J\u007f\u202e\n"}"#);
        let [before, after] = [json, &escaped].map(serde_json::from_str::<serde_json::Value>);
        assert_eq!(before.expect("JSON"), after.expect("JSON"));
    }
}
