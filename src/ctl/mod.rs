//! meshpingctl: the client of a running daemon. One file a subcommand.

mod add;
mod backup;
pub mod client;
mod export;
mod history;
mod list;
mod lossy_arg;
mod names;
mod options;
mod reload;
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
use crate::protocol::{self, StatusReply};
use clap::{CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;

/// Controls a running meshping: lists, adds and removes targets, and resets statistics.
///
/// Changes take effect at once. They survive a restart of the daemon if it has a state (--state-dir); otherwise add
/// targets to its command line or its file of targets (see also: export).
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_long_help = MORE, max_term_width = 100)]
#[command(arg_required_else_help = false, disable_help_subcommand = true)]
struct Ctl {
    /// Address of the daemon's control socket
    #[arg(long, global = true, value_name = "ADDR", default_value_t = Config::CONTROL, value_parser = server)]
    #[arg(display_order = 90)]
    control: SocketAddr,

    /// Print nothing on success, and wait at most half a second for the answer
    ///
    /// For hooks that must not delay their caller.
    #[arg(short, long, global = true, display_order = 91)]
    quiet: bool,

    /// Send the request and do not wait for the answer (add, remove, reset)
    ///
    /// For hooks that must not delay their caller at all. It fails only if no socket has the address.
    #[arg(long, global = true, display_order = 92)]
    no_wait: bool,

    #[command(subcommand)]
    command: CtlCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CtlCommand {
    List(list::List),
    Show(show::Show),
    Add(Box<add::Add>),
    Remove(remove::Remove),
    Reset(reset::Reset),
    Export(export::Export),
    History(history::HistoryArgs),
    Names(names::Names),
    Reload(reload::ReloadArgs),
    Backup(backup::Backup),
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
  meshpingctl remove google.de            its targets, and meshping no longer follows the name
  meshpingctl names                       the DNS names, also those without an address
  meshpingctl export > targets.sh         a script that adds the targets again
  meshpingctl reload                      reads the configuration again
  meshpingctl backup /root/meshping       copies the state of the service

Exit status:
  0  the daemon carried out the request
  1  the daemon refused the request, with its reason on standard error; or there is nothing to show
  2  a bad command line
  3  no answer

Without -q the daemon has one second to answer, and the request is repeated twice. A request that
resets statistics is never repeated: it may have taken effect although its answer got lost.

See also: meshping --help";

/// Runs one subcommand and returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let ctl = match parse(arguments) {
        Ok(ctl) => ctl,
        Err(exit) => return exit.report_of(PROGRAM),
    };
    match ctl.run() {
        Ok(exit) => exit,
        // The reader of the output has closed it, like `head`.
        Err(CtlError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error is no reason to fail.
            let _ = writeln!(io::stderr(), "{PROGRAM}: {}", shown(&error.to_string()));
            error.exit_code()
        }
    }
}

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Ctl::command()
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Ctl, EarlyExit> {
    let matches = Ctl::command().try_get_matches_from(arguments);
    let ctl = matches.and_then(|matches| Ctl::from_arg_matches(&matches));
    ctl.map_err(|error| EarlyExit::from_clap(&error, PROGRAM))
}

impl Ctl {
    fn run(&self) -> Result<ExitCode, CtlError> {
        match &self.command {
            CtlCommand::List(list) => self.run_subcommand(list),
            CtlCommand::Show(show) => self.run_subcommand(show),
            CtlCommand::Add(add) => self.run_subcommand(&**add),
            CtlCommand::Remove(remove) => self.run_subcommand(remove),
            CtlCommand::Reset(reset) => self.run_subcommand(reset),
            CtlCommand::Export(export) => self.run_subcommand(export),
            CtlCommand::History(history) => self.run_subcommand(history),
            CtlCommand::Names(names) => self.run_subcommand(names),
            CtlCommand::Reload(reload) => self.run_subcommand(reload),
            CtlCommand::Backup(backup) => return backup.run(self.quiet),
        }
        .map(|()| ExitCode::SUCCESS)
    }

    fn run_subcommand<S: Subcommand>(&self, subcommand: &S) -> Result<(), CtlError> {
        if self.no_wait && !S::MAY_SKIP_REPLY {
            return Err(CtlError::Usage("--no-wait works only with add, remove and reset"));
        }
        let policy = if self.quiet { RetryPolicy::SHORT } else { RetryPolicy::LONG };
        let client = Client::new(self.control, policy);
        subcommand.run(&Daemon { client, quiet: self.quiet, no_wait: self.no_wait })
    }
}

/// A subcommand: its arguments become a request, and it shows the reply.
trait Subcommand {
    /// The request that it sends first.
    type Request: protocol::Command;
    /// Whether `--no-wait` is allowed: the reply is no more than a confirmation.
    const MAY_SKIP_REPLY: bool = false;

    /// Returns the request, without sending it.
    fn request(&self) -> Result<Self::Request, CtlError>;

    /// Sends the request and writes the reply to standard output.
    fn run(&self, daemon: &Daemon) -> Result<(), CtlError>;
}

/// The daemon of a subcommand, and the options of its requests.
struct Daemon {
    client: Client,
    quiet: bool,
    no_wait: bool,
}

impl Daemon {
    /// Sends a request for a change, and prints the message when the daemon has carried it out. A warning of the daemon
    /// goes to standard error.
    fn change<C>(&self, request: &C, message: &str) -> Result<(), CtlError>
    where
        C: protocol::Command<Reply = StatusReply<'static>>,
    {
        if self.no_wait {
            return Ok(self.client.send(request)?);
        }
        if let Some(warning) = self.client.ask(request)?.warning {
            writeln!(io::stderr(), "{PROGRAM}: {}", shown(&warning))?;
        }
        if !self.quiet {
            writeln!(io::stdout(), "{}", shown(message))?;
        }
        Ok(())
    }
}

/// Why a subcommand failed. Control characters are escaped when the text is printed.
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
    #[error("the daemon is still reading its configuration; its log has the result")]
    StillPending,
    #[error("cannot run {0}: {1}")]
    NoProgram(PathBuf, io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl CtlError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Client(ClientError::Refused(_))
            | Self::NoTarget(_)
            | Self::StillPending
            | Self::NoProgram(..)
            | Self::Output(_) => 1,
            Self::Usage(_) | Self::Labels(_) => 2,
            Self::Client(_) => 3,
        })
    }
}

/// Parses an address as the daemon accepts it for its socket, or a name with a port, like localhost:55432.
fn server(text: &str) -> Result<SocketAddr, String> {
    let numeric = ListenAddress::parse(text, Config::CONTROL.ip(), Config::CONTROL_PORT);
    if let Some(address) = numeric.as_ref().ok().and_then(|switch| switch.address()) {
        return Ok(address);
    }
    let found: Vec<SocketAddr> = text.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    // The daemon listens on IPv4 by default, and localhost has addresses of both families.
    let best = found.iter().find(|address| address.is_ipv4()).or(found.first());
    best.copied().ok_or_else(|| format!("give an address with port, like {}", Config::CONTROL))
}

#[cfg(test)]
mod tests;
