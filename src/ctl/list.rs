//! `meshpingctl list`.

use super::watch::TableWatch;
use super::{CtlError, Daemon};
use crate::ctl::client::{ListEntry, Listing};
use crate::format::escape::shown;
use crate::format::table::{HEADER, Row};
use std::io::{self, IsTerminal, StdoutLock, Write};

/// Show the targets and what was measured.
///
/// Times are in milliseconds, Loss is what was lost or answered by an error, Err what was answered by an error, Outd
/// what came after a newer request had been sent.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The daemon's reply instead of the table: one JSON object, times in seconds.
    #[arg(long)]
    json: bool,

    /// Start the statistics again; what is shown is the period that ended.
    #[arg(long)]
    reset: bool,

    /// Again every second, until interrupted.
    #[arg(long)]
    watch: bool,
}

impl List {
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        if !self.watch {
            return self.show(daemon.client.list(self.reset)?);
        }
        let mut watch = TableWatch::start();
        loop {
            let listing = daemon.client.list(self.reset)?;
            if self.json || !watch.has_screen() {
                self.show(listing)?;
            } else {
                let cut_short = listing.cut_short;
                watch.draw(&rows(&listing.entries));
                cut_short.map_or(Ok(()), Err)?;
            }
            watch.wait();
        }
    }

    /// Writes what is there, even if it is not everything: what was reset is nowhere else any more.
    fn show(&self, listing: Listing) -> Result<(), CtlError> {
        let mut out = io::stdout().lock();
        if self.json {
            write_json(&mut out, listing.json)?;
        } else {
            writeln!(out, "{HEADER}")?;
            for row in rows(&listing.entries) {
                writeln!(out, "{row}")?;
            }
        }
        out.flush()?;
        Ok(listing.cut_short.map_or(Ok(()), Err)?)
    }
}

/// Writes a reply as it came; on a terminal nothing in it acts.
pub(super) fn write_json(out: &mut StdoutLock<'_>, json: String) -> io::Result<()> {
    let json = if out.is_terminal() { harmless(&json) } else { json };
    writeln!(out, "{json}")
}

fn rows(entries: &[ListEntry]) -> Vec<Row> {
    entries.iter().map(row).collect()
}

fn row(entry: &ListEntry) -> Row {
    let ListEntry { sent, recv, errs, lost, outd, sum, min, max, last, .. } = *entry;
    Row { address: entry.addr.to_string(), sent, recv, errs, lost, outd, sum, min, max, last }
}

/// The same JSON, with an escape for whatever could act on a terminal. That occurs in strings only.
pub(super) fn harmless(json: &str) -> String {
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
    fn json_on_a_terminal_means_the_same_and_does_nothing() {
        let json = "{\"a\":\"é\u{9b}2J\u{7f}\u{202e}\\n\"}";
        let harmless = harmless(json);
        assert_eq!(harmless, r#"{"a":"é\u009b2J\u007f\u202e\n"}"#);
        let [before, after] = [json, &harmless].map(serde_json::from_str::<serde_json::Value>);
        assert_eq!(before.expect("JSON"), after.expect("JSON"));
    }
}
