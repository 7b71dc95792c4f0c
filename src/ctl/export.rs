//! `meshpingctl export`.

use super::options::argument;
use super::{CtlError, Daemon, PROGRAM, Subcommand};
use crate::ctl::client::ClientError;
use crate::format::escape::shown;
use crate::protocol::{EntriesPage, EntriesRequest, EntryRow};
use crate::target::OptionKey;
use serde_json::Value;
use std::fmt;
use std::io::{self, IsTerminal, Write};

/// Write one meshpingctl add command per entry, for sh.
///
/// On a daemon without targets the commands make the same entries: DNS names are followed, a target has all its names,
/// and addresses that were removed from a DNS name stay removed.
#[derive(Debug, clap::Args)]
pub(super) struct Export {}

impl Subcommand for Export {
    type Request = EntriesRequest;

    fn request(&self) -> Result<EntriesRequest, CtlError> {
        Ok(EntriesRequest::default())
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let mut out = io::stdout().lock();
        let terminal = out.is_terminal();
        for row in in_order(&entries(daemon)?) {
            let command = command(&row);
            let line = if terminal { shown(&command) } else { command.as_str().into() };
            if line != command {
                note(&row, "has control characters in its name, which are escaped on a terminal");
            }
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        Ok(())
    }
}

fn entries(daemon: &Daemon) -> Result<Vec<EntryRow>, ClientError> {
    daemon
        .client
        .entry_pages(|page| EntriesRequest { page }, |reply: EntriesPage| (reply.entries, reply.next))
}

/// The entries in the order in which adding them gives each target its interval: of several entries of a host the one
/// whose interval is in force comes once more at the end.
fn in_order(entries: &[EntryRow]) -> Vec<EntryRow> {
    let is_same_host =
        |one: &EntryRow, other: &EntryRow| (&one.addr, &one.variant) == (&other.addr, &other.variant);
    let mut ordered = Vec::with_capacity(entries.len());
    for group in entries.chunk_by(is_same_host) {
        ordered.extend_from_slice(group);
        let (last, before) =
            group.split_last().map_or((None, &[][..]), |(last, before)| (Some(last), before));
        if last.is_some_and(|last| !last.decides_itv) {
            ordered.extend(before.iter().find(|entry| entry.decides_itv).cloned());
        }
    }
    ordered
}

/// Returns the command that adds the entry with its name, interval and options.
fn command(row: &EntryRow) -> String {
    // Hosts, variants and numbers need no quotes; a host name can have others that the shell reads.
    let mut command = format!("{PROGRAM} add --addr {}", shlex::try_quote(&row.addr).unwrap_or_default());
    if !row.variant.is_empty() {
        put(&mut command, format_args!(" --variant={}", row.variant));
    }
    match shlex::try_quote(&row.name) {
        Ok(_) if row.name == row.addr => {}
        Ok(quoted) => put(&mut command, format_args!(" --name={quoted}")),
        Err(_) => {
            note(row, "has a NUL in its name, which no argument can hold; it is exported without its name");
        }
    }
    for (key, text) in options(row) {
        match key {
            OptionKey::Interval => put(&mut command, format_args!(" -i {text}")),
            _ => add_option(&mut command, row, &argument(key), &text),
        }
    }
    for (name, value) in row.options.get("labels").and_then(Value::as_object).into_iter().flatten() {
        add_option(&mut command, row, "--label", &format!("{name}={}", text(value)));
    }
    for address in &row.exclude {
        add_option(&mut command, row, "--exclude", address);
    }
    if row.unresolved {
        command.push_str(" --unresolved");
    }
    command
}

/// The options of an entry as texts that `meshpingctl add` accepts, in the order of their table.
fn options(row: &EntryRow) -> impl Iterator<Item = (OptionKey, String)> + '_ {
    let option = |key: OptionKey| Some((key, text(row.options.get(key.row().member)?)));
    OptionKey::ALL.into_iter().filter_map(option)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Without a decimal point where it is whole.
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        other => other.to_string(),
    }
}

fn add_option(command: &mut String, row: &EntryRow, argument: &str, text: &str) {
    match shlex::try_quote(text) {
        Ok(quoted) => put(command, format_args!(" {argument}={quoted}")),
        Err(_) => note(row, &format!("has a NUL in its {argument}; it is exported without that option")),
    }
}

fn put(command: &mut String, arguments: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = fmt::Write::write_fmt(command, arguments);
}

fn note(row: &EntryRow, note: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr(), "{PROGRAM}: {} {note}", shown(&row.addr));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(members: Value) -> EntryRow {
        serde_json::from_value(members).expect("an entry")
    }

    fn exported(addr: &str, name: &str, itv: f64) -> String {
        command(&entry(json!({"name": name, "addr": addr, "itv": itv, "origins": ["runtime"]})))
    }

    #[test]
    fn every_entry_has_a_command_that_adds_it_again() {
        assert_eq!(exported("10.0.0.1", "10.0.0.1", 1.0), "meshpingctl add --addr 10.0.0.1 -i 1");
        assert_eq!(exported("10.0.0.1", "web", 0.25), "meshpingctl add --addr 10.0.0.1 --name=web -i 0.25");
        assert_eq!(exported("10.0.0.1", "a\0b", 60.0), "meshpingctl add --addr 10.0.0.1 -i 60");
        assert_eq!(exported("up.test", "up.test", 1.0), "meshpingctl add --addr up.test -i 1");
        for name in ["-weird", "two words", "a'b\"c", "$(reboot)", "`x`", "a\nb", "a\\b!^", "*", "é"] {
            let words = shlex::split(&exported("a$(b).test", name, 1.0)).expect("words");
            assert_eq!(words[2..5], ["--addr", "a$(b).test", &format!("--name={name}")], "{name}");
        }
    }

    #[test]
    fn options_labels_and_exclusions_are_exported() {
        let entry = entry(
            json!({"name": "::1", "addr": "::1", "variant": "w", "itv": 1, "timeout": 0.5, "size": 1472,
            "ttl": 9, "source": "::1", "interface": "a$b", "dont_fragment": false, "family": "ipv6",
            "labels": {"site": "B 1", "a": "x"}, "exclude": ["10.0.0.1"],
            "unresolved": true, "origins": ["runtime"], "newer": 5}),
        );
        let expected = "meshpingctl add --addr ::1 --variant=w -i 1 --timeout=0.5 --size=1472 --ttl=9 --source=::1 \
                        --interface='a$b' --dont-fragment=false --family=ipv6 --label='a=x' --label='site=B 1' \
                        --exclude=10.0.0.1 --unresolved";
        assert_eq!(command(&entry), expected);
    }

    #[test]
    fn the_entry_whose_interval_is_in_force_comes_last() {
        let entry = |addr: &str, name: &str, decides: bool| {
            entry(json!({"name": name, "addr": addr, "itv": 1, "decides_itv": decides}))
        };
        let entries = vec![
            entry("10.0.0.1", "a", true),
            entry("10.0.0.1", "b", false),
            entry("10.0.0.2", "c", false),
            entry("10.0.0.3", "d", false),
            entry("10.0.0.3", "e", true),
        ];
        let names: Vec<String> = in_order(&entries).into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a", "b", "a", "c", "d", "e"]);
    }
}
