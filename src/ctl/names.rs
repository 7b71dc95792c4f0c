//! `meshpingctl names`.

use super::list::escaped_json;
use super::{CtlError, Daemon, Subcommand};
use crate::ctl::client::{Client, ClientError};
use crate::format::escape::shown;
use crate::format::time::{iso_8601, span};
use crate::protocol::{NameRow, NamesPage, NamesRequest, Selector};
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// List the DNS names that are followed, resolved or not.
///
/// State is resolved, no_such_name (it does not exist), no_address (it exists, but has no address to ping,
/// or its aliases lead nowhere), no_answer (of the name servers) or waiting (for the first answer).
#[derive(Debug, clap::Args)]
pub(super) struct Names {
    /// Each name as the daemon sends it: a JSON object a line, times in seconds, Unix time.
    #[arg(long)]
    json: bool,
}

impl Subcommand for Names {
    type Request = NamesRequest;

    fn request(&self) -> Result<NamesRequest, CtlError> {
        Ok(NamesRequest::default())
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let names = ask(&daemon.client, &Selector::default())?;
        let mut out = io::stdout().lock();
        if self.json {
            for json in names.iter().map(Value::to_string) {
                writeln!(out, "{}", if out.is_terminal() { escaped_json(&json) } else { json })?;
            }
        } else {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let rows = names.iter().map(NameRow::deserialize).collect::<Result<Vec<_>, _>>();
            let rows = rows.map_err(|_| ClientError::Nonsense(daemon.client.server()))?;
            out.write_all(table(&rows, now).as_bytes())?;
        }
        out.flush()?;
        Ok(())
    }
}

/// Asks for the selected names, page by page.
pub(super) fn ask(client: &Client, selector: &Selector) -> Result<Vec<Value>, ClientError> {
    let request = |page| NamesRequest { selector: selector.clone(), page };
    client.entry_pages(request, |reply: NamesPage<Value>| (reply.names, reply.next))
}

/// The state of a name in words, for people.
pub(super) fn summary(row: &NameRow<'_>, now: Duration) -> String {
    let addresses = if row.addresses == 1 { "address" } else { "addresses" };
    format!(
        "{} since {}, {} {addresses}, next look-up {}",
        shown(&row.state).replace('_', " "),
        iso_8601(row.since.as_duration()),
        row.addresses,
        until(row, now),
    )
}

fn until(row: &NameRow<'_>, now: Duration) -> String {
    match row.next.as_duration().checked_sub(now) {
        Some(left) if !left.is_zero() => format!("in {}", span(left)),
        _ => "now".to_owned(),
    }
}

fn table(rows: &[NameRow<'_>], now: Duration) -> String {
    let heading = ["Host", "Name", "State", "Addresses", "Since (UTC)", "Next look-up", "Origin"];
    let cells = |row: &NameRow<'_>| {
        let variant = if row.variant.is_empty() { String::new() } else { format!("#{}", row.variant) };
        [
            shown(&format!("{}{variant}", row.host)).into_owned(),
            shown(&row.name).into_owned(),
            shown(&row.state).into_owned(),
            row.addresses.to_string(),
            iso_8601(row.since.as_duration()),
            until(row, now),
            shown(&row.origins.join(", ")).into_owned(),
        ]
    };
    let lines: Vec<[String; 7]> =
        std::iter::once(heading.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |line: &[String; 7]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(members: &Value) -> NameRow<'static> {
        let mut row = json!({"host": "up.test", "name": "up", "addresses": 2, "state": "resolved",
            "since": 1_700_000_000.5, "next": 1_700_000_100.0, "origins": ["configuration", "runtime"]});
        row.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        NameRow::deserialize(row).expect("a row")
    }

    #[test]
    fn the_table_is_as_wide_as_its_widest_cells() {
        let rows = [
            row(&json!({})),
            row(
                &json!({"host": "x.example", "variant": "wan2", "name": "a\u{1b}", "addresses": 0, "state": "no_such_name",
                "next": 3, "origins": ["runtime"]}),
            ),
        ];
        let expected = "\
Host            Name     State         Addresses  Since (UTC)           Next look-up  Origin
up.test         up       resolved      2          2023-11-14T22:13:20Z  in 30.0 s     configuration, runtime
x.example#wan2  a\\u{1b}  no_such_name  0          2023-11-14T22:13:20Z  now           runtime
";
        assert_eq!(table(&rows, Duration::from_secs(1_700_000_070)), expected);
    }

    #[test]
    fn the_state_of_a_name_is_a_sentence() {
        let now = Duration::from_secs(1_700_000_070);
        let expected = "resolved since 2023-11-14T22:13:20Z, 2 addresses, next look-up in 30.0 s";
        assert_eq!(summary(&row(&json!({})), now), expected);
        let expected = "no answer since 2023-11-14T22:13:20Z, 1 address, next look-up now";
        assert_eq!(summary(&row(&json!({"state": "no_answer", "addresses": 1, "next": 0})), now), expected);
    }
}
