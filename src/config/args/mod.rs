//! The command line of the daemon.

mod state;

use super::early_exit::StateCommand;
use super::options::ConfigOptions;
use crate::resolve::Families;
use crate::target::TargetSpec;
use clap::{CommandFactory, FromArgMatches, Parser, ValueHint};
use state::StateArgs;
use std::ffi::OsString;
use std::path::PathBuf;

/// Pings many hosts at once and measures their round-trip times and losses.
///
/// Every target is pinged once per interval. A DNS name becomes one target per address; addresses that appear are
/// added, addresses that vanish are retired. A name that does not resolve is reported and looked up again as long as
/// meshping runs. Targets can be added and removed while it runs, with meshpingctl.
///
/// On a terminal a table of all targets is shown, once a second. Logs go to standard error.
#[derive(Debug, Clone, Parser)]
#[command(name = "meshping", version, after_long_help = MORE, max_term_width = 100)]
pub(super) struct CommandLine {
    /// Host names or addresses to ping, with /SECONDS behind those with an interval of their own
    ///
    /// The last "/" separates the interval, so [2001:db8::1]/5 and 2001:db8::1/5 are the same. A link-local
    /// address needs its zone: fe80::1%eth0. Starting without targets is legal.
    #[arg(value_name = "TARGET[/INTERVAL]")]
    pub(super) targets: Vec<TargetSpec>,

    /// Read options and targets from a TOML file; the command line overrides it
    ///
    /// Every option can be a key of the file: its long name, with _ for -. A target is a [[target]] table; see
    /// meshping.toml(5). The file is read again when it changes, at SIGHUP, and at POST /-/reload.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,

    /// Report everything that is wrong with the configuration, and exit
    #[arg(long = "config.check")]
    pub(super) check: bool,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    pub(super) options: ConfigOptions,

    /// Ping only IPv4 addresses of DNS names
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,

    /// Ping only IPv6 addresses of DNS names
    #[arg(short = '6')]
    v6: bool,
}

const MORE: &str = "\
Examples:
  meshping google.de/60 192.168.178.1     ping one host every minute, the other every second
  meshping --targets hosts.txt -i 10      ping the hosts of a file every ten seconds
  meshping --control off --web.listen-address 127.0.0.1:9922
                                          no control socket, metrics for this machine only

Exit status:
  0  ended by SIGINT or SIGTERM
  1  the start failed: an address in use, no permission for ICMP
  2  a bad command line

Permissions:
  Pinging needs CAP_NET_RAW (setcap cap_net_raw+p meshping), root, or a
  net.ipv4.ping_group_range that includes the user's group.

See also: meshpingctl --help";

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    CommandLine::command()
}

impl CommandLine {
    /// The command on the state, if one is to be run instead of the daemon.
    pub(super) fn state_command(&self) -> Option<StateCommand> {
        self.state.command()
    }

    /// Parses arguments, without the program's name, and the environment.
    ///
    /// # Errors
    /// What clap reports; also for a request for help.
    pub(super) fn parse_from_arguments(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let words = std::iter::once("meshping".into()).chain(arguments);
        let matches = command().try_get_matches_from(words)?;
        let mut line = Self::from_arg_matches(&matches)?;
        line.options.unset_defaults(&matches);
        // At most one of them is set.
        line.options.family = (line.v4 || line.v6).then_some(Families { v4: line.v4, v6: line.v6 });
        Ok(line)
    }
}

#[cfg(test)]
mod tests;
