//! `meshpingctl history`.

use super::list::harmless;
use super::selector::SelectorArgs;
use super::{CtlError, Daemon};
use crate::ctl::client::ClientError;
use crate::format::escape::shown;
use crate::format::time::iso_8601;
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Show how a host was doing, hour by hour, the present hour included.
///
/// Hours are those of UTC. A request counts in the hour in which it was settled. Times are in milliseconds; Min and Max
/// are the bounds of the histogram's bins, up to 9 % too wide, and p50 and p99 lie within their bin. What is called
/// so now is meant by a name; an address is found also when it is not pinged any more.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl history [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    which: SelectorArgs,

    /// The daemon's rows instead of the table, one JSON object a line, times in seconds.
    #[arg(long)]
    json: bool,
}

impl HistoryArgs {
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        let mut request = self.request()?;
        let mut out = io::stdout().lock();
        let mut writer = HistoryTable::default();
        loop {
            let rows = page(daemon, &request)?;
            let Some(last) = rows.last() else { break };
            let place = format!("{}@{}", text(last, "addr"), last["hour"]);
            for row in &rows {
                if self.json {
                    let json = row.to_string();
                    writeln!(out, "{}", if out.is_terminal() { harmless(&json) } else { json })?;
                } else {
                    writer.write(row, &mut out)?;
                }
            }
            // A daemon that ignores it would be asked for ever.
            if request["after"] == place.as_str() {
                break;
            }
            request["after"] = place.into();
        }
        out.flush()?;
        Ok(())
    }

    pub(super) fn request(&self) -> Result<Value, CtlError> {
        let request = self.which.request("history");
        request.ok_or(CtlError::Usage("give NAME_OR_ADDR, --name or --addr"))
    }
}

fn page(daemon: &Daemon, request: &Value) -> Result<Vec<Value>, CtlError> {
    #[derive(Deserialize)]
    struct Reply {
        history: Vec<Value>,
    }
    let answer = daemon.client.ask(request)?;
    let reply: Result<Reply, _> = serde_json::from_slice(&answer);
    Ok(reply.map_err(|_| ClientError::Nonsense(daemon.client.server()))?.history)
}

const HEADER: &str = "Hour (UTC)          Sent    Recv   Errs   Lost   Void    Loss      Min      Avg      Max      p50      p99";

/// A table for each target.
#[derive(Default)]
struct HistoryTable {
    whose: Option<(String, String)>,
}

impl HistoryTable {
    fn write(&mut self, row: &Value, out: &mut impl Write) -> io::Result<()> {
        let whose = (text(row, "addr").to_owned(), text(row, "name").to_owned());
        if self.whose.as_ref() != Some(&whose) {
            let gap = if self.whose.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{} ({})\n{HEADER}", whose.0, shown(&whose.1))?;
            self.whose = Some(whose);
        }
        writeln!(out, "{}", line(row))
    }
}

fn line(row: &Value) -> String {
    let count = |member: &str| row[member].as_u64().unwrap_or(0);
    let begins = Duration::from_secs(count("hour"));
    let [sent, recv, errs, gone, void] = ["sent", "recv", "errs", "lost", "void"].map(count);
    let decided = recv + errs + gone;
    let loss = if decided == 0 { 0.0 } else { (errs + gone) as f64 * 100.0 / decided as f64 };
    let average = if recv == 0 { 0.0 } else { seconds(row, "sum") / recv as f64 };
    let hour: String = iso_8601(begins).replace('T', " ").chars().take(16).collect();
    let times = [seconds(row, "min"), average, seconds(row, "max"), seconds(row, "p50"), seconds(row, "p99")];
    let times: String = times.map(|time| format!(" {:>8.2}", time * 1e3)).concat();
    format!("{hour} {sent:>7} {recv:>7} {errs:>6} {gone:>6} {void:>6} {loss:>6.2}%{times}")
}

fn seconds(row: &Value, member: &str) -> f64 {
    row[member].as_f64().unwrap_or(0.0)
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_target_has_a_table_of_its_own() {
        let row = |addr: &str, hour: u64| {
            json!({"addr": addr, "name": "n\n", "hour": hour, "sent": 5, "recv": 2, "errs": 1, "lost": 1, "void": 1,
                   "sum": 0.03, "min": 0.01, "max": 0.02, "p50": 0.0105, "p99": 0.02})
        };
        let mut out = Vec::new();
        let mut table = HistoryTable::default();
        for row in [row("10.0.0.1", 1_700_000_000), row("10.0.0.1", 1_700_003_600), row("::1", 0)] {
            table.write(&row, &mut out).unwrap();
        }
        let figures =
            "      5       2      1      1      1  50.00%    10.00    15.00    20.00    10.50    20.00";
        let expected = format!(
            "10.0.0.1 (n\\n)\n{HEADER}\n2023-11-14 22:13 {figures}\n2023-11-14 23:13 {figures}\n\
             \n::1 (n\\n)\n{HEADER}\n1970-01-01 00:00 {figures}\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
