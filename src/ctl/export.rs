//! `meshpingctl export`.

use super::options::argument;
use super::{CtlError, Daemon, PROGRAM};
use crate::ctl::client::ListEntry;
use crate::format::escape::shown;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Write one meshpingctl add command per target, to be run again by sh.
///
/// The commands name addresses, so a DNS name is followed no longer when they are run.
#[derive(Debug, clap::Args)]
pub(super) struct Export {}

impl Export {
    #[expect(clippy::unused_self, reason = "every command has this shape")]
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        let mut out = io::stdout().lock();
        let terminal = out.is_terminal();
        for entry in daemon.client.select(&json!({"cmd": "list", "detail": true}))?.entries {
            let command = command(&entry);
            let line = if terminal { shown(&command) } else { command.as_str().into() };
            if line != command {
                note(&entry, "has control characters in its name, which a terminal is not sent");
            }
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        Ok(())
    }
}

/// The command that adds a target as it is.
fn command(entry: &ListEntry) -> String {
    let ListEntry { addr, name, itv, .. } = entry;
    // Addresses and numbers need no quotes.
    let mut command = format!("{PROGRAM} add --addr {addr}");
    match shlex::try_quote(name) {
        Ok(_) if *name == addr.to_string() => {}
        Ok(quoted) => command = format!("{command} --name={quoted}"),
        Err(_) => note(entry, "has a NUL in its name, which no argument can have; it goes without its name"),
    }
    // Writing to a string does not fail.
    let _ = write!(command, " -i {itv}");
    for (key, text) in entry.set.options() {
        add_option(&mut command, entry, &argument(key), &text);
    }
    for (name, value) in &entry.set.labels {
        add_option(&mut command, entry, "--label", &format!("{name}={value}"));
    }
    command
}

fn add_option(command: &mut String, entry: &ListEntry, argument: &str, text: &str) {
    match shlex::try_quote(text) {
        Ok(quoted) => {
            let _ = write!(command, " {argument}={quoted}");
        }
        Err(_) => note(entry, &format!("has a NUL in its {argument}, which goes without it")),
    }
}

fn note(entry: &ListEntry, what: &str) {
    // When nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "{PROGRAM}: {} {what}", entry.addr);
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
    fn options_and_labels_are_given_again() {
        let mut entry = serde_json::json!({"name": "::1", "addr": "::1", "itv": 1.0, "sent": 0, "recv": 0,
            "errs": 0, "outd": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "last": 0.0, "jitter": 0.1});
        let options = serde_json::json!({"timeout": 0.5, "size": 1472, "dscp": 46, "ttl": 9, "source": "::1",
            "interface": "a$b", "dont_fragment": false, "family": "ipv6", "labels": {"site": "B 1", "a": "x"}});
        for (member, value) in options.as_object().expect("an object") {
            entry[member] = value.clone();
        }
        let command = command(&serde_json::from_value(entry).expect("an entry"));
        let expected = "meshpingctl add --addr ::1 -i 1 --timeout=0.5 --size=1472 --dscp=46 --ttl=9 --source=::1 \
                        --interface='a$b' --dont-fragment=false --family=ipv6 --label='a=x' --label='site=B 1'";
        assert_eq!(command, expected);
    }
}
