//! `meshpingctl export`.

use super::options::argument;
use super::{CtlError, Daemon, PROGRAM, Subcommand};
use crate::ctl::client::ListedOptions;
use crate::format::escape::shown;
use crate::protocol::{ListRequest, TargetRow};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Write one meshpingctl add command per target, for sh.
///
/// The commands name addresses, so they do not follow DNS names.
#[derive(Debug, clap::Args)]
pub(super) struct Export {}

impl Subcommand for Export {
    type Request = ListRequest;

    fn request(&self) -> Result<ListRequest, CtlError> {
        Ok(ListRequest { detail: true, ..ListRequest::default() })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let mut out = io::stdout().lock();
        let terminal = out.is_terminal();
        for row in daemon.client.list(&self.request()?)?.rows {
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

/// Returns the command that adds the target with its name, interval and options.
fn command(row: &TargetRow<'_>) -> String {
    let (addr, name, interval) = (row.addr, &row.name, row.itv.as_f64());
    // Addresses, variants and numbers need no quotes.
    let variant = if row.variant.is_empty() { String::new() } else { format!(" --variant={}", row.variant) };
    let mut command = format!("{PROGRAM} add --addr {addr}{variant}");
    match shlex::try_quote(name) {
        Ok(_) if *name == addr.to_string() => {}
        Ok(quoted) => command = format!("{command} --name={quoted}"),
        Err(_) => {
            note(row, "has a NUL in its name, which no argument can hold; it is exported without its name");
        }
    }
    // Writing to a string does not fail.
    let _ = write!(command, " -i {interval}");
    let options = ListedOptions::of(row);
    for (key, text) in &options.options {
        add_option(&mut command, row, &argument(*key), text);
    }
    for (name, value) in &options.labels {
        add_option(&mut command, row, "--label", &format!("{name}={value}"));
    }
    command
}

fn add_option(command: &mut String, row: &TargetRow<'_>, argument: &str, text: &str) {
    match shlex::try_quote(text) {
        Ok(quoted) => {
            let _ = write!(command, " {argument}={quoted}");
        }
        Err(_) => note(row, &format!("has a NUL in its {argument}; it is exported without that option")),
    }
}

fn note(row: &TargetRow<'_>, note: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr(), "{PROGRAM}: {} {note}", row.key());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exported(addr: &str, name: &str, itv: f64) -> String {
        let entry = serde_json::json!({"name": name, "addr": addr, "itv": itv, "sent": 0, "recv": 0, "errs": 0,
            "outd": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "last": 0.0});
        command(&serde_json::from_value(entry).expect("an entry"))
    }

    #[test]
    fn every_target_has_a_command_that_adds_it_again() {
        assert_eq!(exported("10.0.0.1", "10.0.0.1", 1.0), "meshpingctl add --addr 10.0.0.1 -i 1");
        assert_eq!(exported("10.0.0.1", "web", 0.25), "meshpingctl add --addr 10.0.0.1 --name=web -i 0.25");
        assert_eq!(exported("10.0.0.1", "a\0b", 60.0), "meshpingctl add --addr 10.0.0.1 -i 60");
        for name in ["-weird", "two words", "a'b\"c", "$(reboot)", "`x`", "a\nb", "a\\b!^", "*", "é"] {
            let words = shlex::split(&exported("::1", name, 1.0)).expect("words");
            assert_eq!(words[2..5], ["--addr", "::1", &format!("--name={name}")], "{name}");
        }
    }

    #[test]
    fn options_and_labels_are_exported() {
        let mut entry = serde_json::json!({"name": "::1", "addr": "::1", "itv": 1.0, "sent": 0, "recv": 0,
            "errs": 0, "outd": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "last": 0.0, "jitter": 0.1});
        let options = serde_json::json!({"timeout": 0.5, "size": 1472, "ttl": 9, "source": "::1",
            "interface": "a$b", "dont_fragment": false, "family": "ipv6", "labels": {"site": "B 1", "a": "x"}});
        for (member, value) in options.as_object().expect("an object") {
            entry[member] = value.clone();
        }
        let command = command(&serde_json::from_value(entry).expect("an entry"));
        let expected = "meshpingctl add --addr ::1 -i 1 --timeout=0.5 --size=1472 --ttl=9 --source=::1 \
                        --interface='a$b' --dont-fragment=false --family=ipv6 --label='a=x' --label='site=B 1'";
        assert_eq!(command, expected);
    }
}
