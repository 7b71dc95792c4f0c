//! `meshpingctl history`.

use super::list::escaped_json;
use super::selector::SelectorArgs;
use super::{CtlError, Daemon, Subcommand};
use crate::ctl::client::ClientError;
use crate::format::escape::shown;
use crate::format::time::iso_8601;
use crate::protocol::{HistoryPage, HistoryRequest, HistoryRow};
use crate::target::TargetKey;
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Show the statistics of a host hour by hour, the present hour included.
///
/// Hours are those of UTC. A request counts in the hour in which it was settled. Times are in milliseconds; Min and Max
/// are the bounds of the histogram's bins, up to 9 % too wide, and p50 and p99 lie within their bin. A name selects the
/// targets that have it now; an address is found also when it is no longer pinged.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl history [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    targets: SelectorArgs,

    /// The daemon's rows instead of the table, one JSON object a line, times in seconds.
    #[arg(long)]
    json: bool,
}

impl Subcommand for HistoryArgs {
    type Request = HistoryRequest;

    fn request(&self) -> Result<HistoryRequest, CtlError> {
        Ok(HistoryRequest { selector: self.targets.selector()?, after: None, limit: None })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let mut request = self.request()?;
        let mut out = io::stdout().lock();
        let mut table = HistoryTable::default();
        loop {
            let page: HistoryPage<Value> = daemon.client.ask_as(&request)?;
            let mut last = None;
            for json in &page.history {
                let row = HistoryRow::deserialize(json)
                    .map_err(|_| ClientError::Nonsense(daemon.client.server()))?;
                if self.json {
                    let json = json.to_string();
                    writeln!(out, "{}", if out.is_terminal() { escaped_json(&json) } else { json })?;
                } else {
                    table.write(&row, &mut out)?;
                }
                last = Some(row.position());
            }
            // A daemon that ignores `after` would be asked without end.
            if last.is_none() || last == request.after {
                break;
            }
            request.after = last;
        }
        out.flush()?;
        Ok(())
    }
}

/// A table for each target.
#[derive(Default)]
struct HistoryTable {
    /// Address and name of the present table.
    target: Option<(TargetKey, String)>,
}

impl HistoryTable {
    fn write(&mut self, row: &HistoryRow<'_>, out: &mut impl Write) -> io::Result<()> {
        let target = (row.key(), row.name.to_string());
        if self.target.as_ref() != Some(&target) {
            let gap = if self.target.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{} ({})\n{}", target.0, shown(&target.1), header())?;
            self.target = Some(target);
        }
        writeln!(out, "{}", line(row))
    }
}

fn header() -> String {
    let counters = ["Sent", "Answered", "Errors", "Lost", "Void", "Loss"];
    let times = ["Min ms", "Avg ms", "Max ms", "p50 ms", "p99 ms"];
    columns("Hour (UTC)", &counters.map(str::to_owned), &times.map(str::to_owned))
}

fn line(row: &HistoryRow<'_>) -> String {
    let counters = &row.counters;
    let hour = Duration::from_secs(u64::try_from(row.hour).unwrap_or(0));
    let hour: String = iso_8601(hour).replace('T', " ").chars().take(16).collect();
    let failed = counters.errors + counters.lost;
    let decided = counters.replies + failed;
    let loss = if decided == 0 { 0.0 } else { failed as f64 * 100.0 / decided as f64 };
    let counts =
        [counters.sent, counters.replies, counters.errors, counters.lost, counters.void.unwrap_or(0)];
    let mut cells = counts.map(|count| count.to_string()).to_vec();
    cells.push(format!("{loss:.2}%"));
    let mean = row.sum.as_f64() / counters.replies as f64;
    let times = [row.min.as_f64(), mean, row.max.as_f64(), row.p50.as_f64(), row.p99.as_f64()];
    let time = |seconds: f64| match counters.replies {
        0 => "-".to_owned(),
        _ => format!("{:.2}", seconds * 1e3),
    };
    columns(&hour, &cells, &times.map(time))
}

fn columns(hour: &str, counters: &[String], times: &[String]) -> String {
    let cells = counters.iter().chain(times).map(|cell| format!(" {cell:>8}"));
    format!("{hour:<16}{}", cells.collect::<String>())
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
        let silent = json!({"addr": "::1", "hour": 3600, "sent": 1, "lost": 1, "min": 0.0});
        let mut out = Vec::new();
        let mut table = HistoryTable::default();
        for row in [row("10.0.0.1", 1_700_000_000), row("10.0.0.1", 1_700_003_600), row("::1", 0), silent] {
            table.write(&HistoryRow::deserialize(row).unwrap(), &mut out).unwrap();
        }
        let header = "Hour (UTC)           Sent Answered   Errors     Lost     Void     Loss   Min ms   Avg ms   Max ms   p50 ms   p99 ms";
        let figures = "        5        2        1        1        1   50.00%    10.00    15.00    20.00    10.50    20.00";
        let unknown = "        1        0        0        1        0  100.00%        -        -        -        -        -";
        let expected = format!(
            "10.0.0.1 (n\\n)\n{header}\n2023-11-14 22:13{figures}\n2023-11-14 23:13{figures}\n\
             \n::1 (n\\n)\n{header}\n1970-01-01 00:00{figures}\n\
             \n::1 ()\n{header}\n1970-01-01 01:00{unknown}\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
