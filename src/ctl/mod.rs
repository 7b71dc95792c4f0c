//! meshpingctl: the client of a running daemon, one file per command.

mod add;
pub mod client;
mod export;
mod history;
mod list;
mod lossy_arg;
mod options;
mod remove;
mod reset;
mod selector;
mod show;
mod watch;

use super::config::early_exit::EarlyExit;
use super::config::listen_address::ListenAddress;
use super::format::escape::shown;
use crate::config::Config;
use crate::ctl::client::{Client, ClientError, RetryPolicy};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

/// Talks to a running meshping: lists its targets, adds and removes some, resets statistics.
///
/// Changes take effect at once. They are there again after a restart if the daemon keeps a state (--state-dir); if not,
/// what is to be there again belongs on its command line or into its file of targets (see also: export).
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_long_help = MORE, max_term_width = 100)]
#[command(arg_required_else_help = false, disable_help_subcommand = true)]
struct Ctl {
    /// Address of the daemon's control socket
    #[arg(long, global = true, value_name = "ADDR", default_value_t = Config::CONTROL, value_parser = server)]
    #[arg(display_order = 90)]
    control: SocketAddr,

    /// Say nothing when it worked, and wait no longer than half a second for the answer
    ///
    /// For hooks that must not hold up their caller.
    #[arg(short, long, global = true, display_order = 91)]
    quiet: bool,

    /// Send the request and go: no waiting for the answer, no word about it (add, remove, reset)
    ///
    /// For hooks that must not hold up their caller at all. It fails only where nobody listens.
    #[arg(long, global = true, display_order = 92)]
    no_wait: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Add(Box<add::Add>),
    Remove(remove::Remove),
    Reset(reset::Reset),
    Export(export::Export),
    History(history::HistoryArgs),
}

const PROGRAM: &str = "meshpingctl";

const MORE: &str = "\
Examples:
  meshpingctl list --watch                the table, once a second
  meshpingctl show google.de              everything about its targets
  meshpingctl add google.de/60            every address of that name, once a minute
  meshpingctl add 192.168.178.1 --name=router
  meshpingctl -q --no-wait add --addr 10.0.0.5 --name=-weird -i 30
                                          from a DHCP server's hook
  meshpingctl remove google.de            and it is no longer followed
  meshpingctl export > targets.sh         to be run again later

Exit status:
  0  the daemon did it
  1  the daemon refused, its reason is on standard error; or there is nothing to show
  2  a bad command line
  3  no answer

Without -q the daemon has one second for its answer, and is then asked again twice; but never when
statistics are reset, since that may have happened and only the answer got lost.

See also: meshping --help";

/// Runs one command; the exit status is the contract's.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let ctl = match parse(words) {
        Ok(ctl) => ctl,
        Err(stop) => return stop.report_of(PROGRAM),
    };
    match ctl.run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(CtlError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // When nobody listens there is nobody to tell.
            let _ = writeln!(io::stderr(), "{PROGRAM}: {}", shown(&error.to_string()));
            error.exit_code()
        }
    }
}

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Ctl::command()
}

fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Ctl, EarlyExit> {
    let matches = Ctl::command().try_get_matches_from(words);
    let ctl = matches.and_then(|matches| Ctl::from_arg_matches(&matches));
    ctl.map_err(|error| EarlyExit::from_clap(&error, PROGRAM))
}

impl Ctl {
    fn run(self) -> Result<(), CtlError> {
        let patience = if self.quiet { RetryPolicy::SHORT } else { RetryPolicy::LONG };
        let client = Client::new(self.control, patience);
        let daemon = Daemon { client, quiet: self.quiet, no_wait: self.no_wait };
        match self.command {
            Command::List(_) | Command::Show(_) | Command::Export(_) if self.no_wait => {
                Err(CtlError::Usage("list, show and export have to wait, so --no-wait is not for them"))
            }
            Command::List(list) => list.run(&daemon),
            Command::Show(show) => show.run(&daemon),
            Command::Add(add) => add.run(&daemon),
            Command::Remove(remove) => remove.run(&daemon),
            Command::Reset(reset) => reset.run(&daemon),
            Command::Export(export) => export.run(&daemon),
            Command::History(history) => history.run(&daemon),
        }
    }
}

/// The daemon that a command talks to, and how.
struct Daemon {
    client: Client,
    quiet: bool,
    no_wait: bool,
}

impl Daemon {
    /// Has the daemon do something, and says that it is done.
    fn tell(&self, request: &Value, done: &str) -> Result<(), CtlError> {
        if self.no_wait {
            return Ok(self.client.send(request)?);
        }
        self.client.ask(request)?;
        if !self.quiet {
            writeln!(io::stdout(), "{}", shown(done))?;
        }
        Ok(())
    }
}

/// Why a command did not work; the operator sees this text as it stands, escaped.
#[derive(Debug, thiserror::Error)]
enum CtlError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("no target is called {0} or has that address")]
    NoTarget(String),
    #[error("{0} (see {PROGRAM} --help)")]
    Usage(&'static str),
    #[error(transparent)]
    Labels(#[from] crate::target::LabelError),
    #[error("can't write: {0}")]
    Output(#[from] io::Error),
}

impl CtlError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Client(ClientError::Refused(_)) | Self::NoTarget(_) | Self::Output(_) => 1,
            Self::Usage(_) | Self::Labels(_) => 2,
            Self::Client(_) => 3,
        })
    }
}

/// An address as the daemon takes it for its socket, or a name with port like localhost:55432.
fn server(text: &str) -> Result<SocketAddr, String> {
    let numeric = ListenAddress::parse(text, Config::CONTROL.ip(), Config::CONTROL_PORT);
    if let Some(address) = numeric.as_ref().ok().and_then(|switch| switch.address()) {
        return Ok(address);
    }
    let found: Vec<SocketAddr> = text.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    // The daemon's default is IPv4, and localhost is both.
    let best = found.iter().find(|address| address.is_ipv4()).or(found.first());
    best.copied().ok_or_else(|| format!("give an address with port, like {}", Config::CONTROL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &[&str]) -> Result<Value, String> {
        let words = std::iter::once(&PROGRAM).chain(line).map(OsString::from);
        let ctl = parse(words).map_err(|stop| match stop {
            EarlyExit::Usage(text) | EarlyExit::Asked(text) => text,
            EarlyExit::Problems(lines) => lines.concat(),
        })?;
        let request = match ctl.command {
            Command::Add(add) => add.request(),
            Command::Remove(remove) => remove.request(),
            Command::Reset(reset) => reset.request(),
            Command::Show(show) => show.request(),
            Command::History(history) => history.request(),
            Command::List(_) | Command::Export(_) => Ok(Value::Null),
        };
        request.map_err(|error| error.to_string())
    }

    #[test]
    fn commands_become_requests() {
        let cases: [(&[&str], &str); 26] = [
            (&["history", "10.0.0.1", "--json"], r#"{"addr":"10.0.0.1","cmd":"history"}"#),
            (&["history", "--name", "a"], r#"{"cmd":"history","name":"a"}"#),
            (&["add", "google.de/60"], r#"{"cmd":"add","itv":60,"name":"google.de"}"#),
            (&["add", "[2001:db8::1]/0.2"], r#"{"cmd":"add","itv":0.2,"name":"2001:db8::1"}"#),
            (&["add", "10.0.0.1", "--name", "r"], r#"{"addr":"10.0.0.1","cmd":"add","name":"r"}"#),
            (&["add", "web", "--addr", "10.0.0.1"], r#"{"addr":"10.0.0.1","cmd":"add","name":"web"}"#),
            (
                &["-q", "add", "--addr", "10.0.0.5", "--name=-weird", "-i", "30"],
                r#"{"addr":"10.0.0.5","cmd":"add","itv":30,"name":"-weird"}"#,
            ),
            (
                &["add", "--addr", "10.0.0.5", "--name", "-i"],
                r#"{"addr":"10.0.0.5","cmd":"add","name":"-i"}"#,
            ),
            (&["add", "--addr", "10.0.0.5", "--name=", "-q"], r#"{"addr":"10.0.0.5","cmd":"add"}"#),
            (&["add", "--addr=", "--name=web"], r#"{"cmd":"add","name":"web"}"#),
            (
                &["add", "--addr", "10.0.0.5", "--name=a\nb"],
                r#"{"addr":"10.0.0.5","cmd":"add","name":"a\nb"}"#,
            ),
            (&["-q", "--no-wait", "remove", "--addr", "10.0.0.5"], r#"{"addr":"10.0.0.5","cmd":"remove"}"#),
            (
                &["add", "::1", "--timeout=2", "--size", "1472", "--dscp=EF", "--ttl=9", "--dont-fragment"],
                r#"{"cmd":"add","dont_fragment":true,"dscp":46,"name":"::1","size":1472,"timeout":2,"ttl":9}"#,
            ),
            (
                &["add", "web", "--source=::1", "--interface=7", "--dont-fragment=false", "--label=a=b=c"],
                r#"{"cmd":"add","dont_fragment":false,"interface":"7","labels":{"a":"b=c"},"name":"web","source":"::1"}"#,
            ),
            (&["remove", "google.de"], r#"{"cmd":"remove","name":"google.de"}"#),
            (&["remove", "10.0.0.1"], r#"{"addr":"10.0.0.1","cmd":"remove"}"#),
            (&["remove", "fe80::1%eth0"], r#"{"addr":"fe80::1%eth0","cmd":"remove"}"#),
            (&["remove", "--name", "10.0.0.1"], r#"{"cmd":"remove","name":"10.0.0.1"}"#),
            (&["remove", "--addr=web.example"], r#"{"addr":"web.example","cmd":"remove"}"#),
            (&["remove", "--name=", "--addr", "10.0.0.1"], r#"{"addr":"10.0.0.1","cmd":"remove"}"#),
            (&["remove", "--", "-weird"], r#"{"cmd":"remove","name":"-weird"}"#),
            (&["reset"], r#"{"cmd":"reset"}"#),
            (&["show", "web"], r#"{"cmd":"list","detail":true,"name":"web"}"#),
            (&["show", "--json", "::1"], r#"{"addr":"::1","cmd":"list","detail":true}"#),
            (&["show", "--name=10.0.0.1"], r#"{"cmd":"list","detail":true,"name":"10.0.0.1"}"#),
            (&["reset", "--name=-weird"], r#"{"cmd":"reset","name":"-weird"}"#),
        ];
        for (line, expected) in cases {
            assert_eq!(request(line).map(|request| request.to_string()), Ok(expected.to_owned()), "{line:?}");
        }
    }

    #[test]
    fn a_bad_command_line_says_what_is_wrong() {
        let cases: [(&[&str], &str); 23] = [
            (&[], "requires a subcommand"),
            (&["lsit"], "lsit"),
            (&["add"], "give HOST, --name or --addr"),
            (&["add", "--name="], "give HOST, --name or --addr"),
            (&["add", "web", "--name", "web", "--addr", "10.0.0.1"], "both --name and --addr"),
            (&["add", "web/5", "-i", "5"], "both set the interval"),
            (&["add", "0.0.0.0"], "unspecified"),
            (&["add", "web/0"], "0.01 to 86400"),
            (&["add", "web", "-i", "-1"], "0.01 to 86400"),
            (&["add", "web", "-i"], "a value is required"),
            (&["add", "web", "--size", "15"], "16 to 65507"),
            (&["add", "web", "--timeout", "-1"], "0.05 to 60"),
            (&["add", "web", "--dscp", "EG"], "AF11 to AF43"),
            (&["add", "web", "--dont-fragment=yes"], "true or false"),
            (&["add", "web", "--label", "site"], "site=berlin"),
            (&["add", "web", "--label=a=1", "--label=a=2"], "occurs twice"),
            (&["remove"], "give NAME_OR_ADDR, --name or --addr"),
            (&["remove", "--name="], "give NAME_OR_ADDR, --name or --addr"),
            (&["show"], "give NAME_OR_ADDR, --name or --addr"),
            (&["reset", ""], "empty"),
            (&["reset", "--name=", "--addr="], "empty"),
            (&["remove", "web", "--name", "web"], "cannot be used with"),
            (&["--control", "nowhere", "list"], "127.0.0.1:55432"),
        ];
        for (line, reason) in cases {
            let error = request(line).expect_err("a refusal");
            assert!(error.contains(reason) && !error.contains('\n'), "{line:?}: {error}");
        }
    }

    #[test]
    fn the_socket_may_be_written_in_many_ways() {
        for (text, address) in [
            ("127.0.0.1:7", "127.0.0.1:7"),
            ("127.0.0.2", "127.0.0.2:55432"),
            (":7", "127.0.0.1:7"),
            ("[::1]:7", "[::1]:7"),
            ("::1", "[::1]:55432"),
            ("localhost:7", "127.0.0.1:7"),
        ] {
            assert_eq!(server(text), Ok(address.parse().expect("an address")), "{text}");
        }
        assert!(server("off").is_err());
    }

    #[test]
    fn help_is_no_error() {
        let cases: [(&[&str], &str); 4] = [
            (&["--help"], "Exit status"),
            (&["add", "--help"], "HOST[/INTERVAL]"),
            (&["help"], "unrecognized"),
            (&["-V"], env!("CARGO_PKG_VERSION")),
        ];
        for (line, expected) in cases {
            let text = request(line).expect_err("no request");
            assert!(text.contains(expected), "{line:?}: {text}");
        }
    }
}
