//! The command line of the daemon, and what follows from it.

use super::listen_address::{BadListenAddress, ListenAddress};
use crate::config::{Config, EngineKind, StateConfig};
use crate::resolve::Families;
use crate::target::{Host, Interval, TargetSpec, Timeout};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, Parser, ValueHint};
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// Pings any number of hosts at once and tells the truth about every one.
///
/// Every target is pinged on a grid of its own, once per interval. A DNS name becomes one target per address and
/// stays followed: addresses that appear are added, addresses that vanish are retired. A name that does not
/// resolve is reported and tried again for as long as meshping runs. Targets can be added and removed
/// while it runs, with meshpingctl.
///
/// On a terminal a table of all targets is shown, once a second. Logs go to standard error.
#[expect(clippy::doc_markdown, reason = "the help is plain text")]
#[expect(clippy::struct_excessive_bools, reason = "they are switches")]
#[derive(Debug, Parser)]
#[command(name = "meshping", version, after_long_help = MORE, max_term_width = 100)]
pub(super) struct Args {
    /// What to ping: host names or addresses, with /SECONDS behind those that have an interval of their own
    ///
    /// The last "/" separates the interval, so [2001:db8::1]/5 and 2001:db8::1/5 are the same. A link-local
    /// address needs its zone: fe80::1%eth0. Starting without targets is legal.
    #[arg(value_name = "TARGET[/INTERVAL]")]
    pub(super) targets: Vec<TargetSpec>,

    /// Time between two requests to a target that names none, 0.01 to 86400
    #[arg(short, long, value_name = "SECONDS", default_value = "1", allow_negative_numbers = true)]
    interval: Interval,

    /// After this a request without an answer is lost, 0.05 to 60
    #[arg(short, long, value_name = "SECONDS", default_value = "5", allow_negative_numbers = true)]
    timeout: Timeout,

    /// Read options and targets from a TOML file; what the command line says goes before it
    ///
    /// Every option can be a key of the file: its long name, with _ for -. A target is a [[target]] table with host, name,
    /// interval, timeout, size, dscp, ttl, source, interface, dont_fragment, family, labels. The file is read again
    /// when it changes, at SIGHUP, and at POST /-/reload.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,

    /// Say everything that is wrong with the configuration, and end
    #[arg(long = "config.check")]
    pub(super) check: bool,

    /// Read targets from these files, in the JSON format of Prometheus's file_sd, whenever they change; may be repeated
    ///
    /// The last part of the path may have *. A file that breaks keeps its last good content. Labels that begin with
    /// __meshping_ are a target's name and options: __meshping_name, __meshping_interval and so on.
    #[arg(long, value_name = "PATTERN", value_hint = ValueHint::FilePath)]
    pub(super) target_files: Vec<PathBuf>,

    /// Read targets from a file, one TARGET[/INTERVAL] [NAME] a line; "-" is standard input
    ///
    /// NAME is the rest of the line: how the target is called in lists and metrics. A "#" at the beginning of a
    /// line, or after white space, begins a comment. These targets are pinged besides those of the command line.
    #[arg(long = "targets", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,

    /// Address of the UDP control socket, which meshpingctl talks to; "off" for none
    ///
    /// Whoever may use it can add and remove targets. An address beyond loopback is accepted only
    /// together with --control-allow.
    #[arg(long, value_name = "ADDR", default_value_t = ListenAddress::On(Config::CONTROL), value_parser = control)]
    control: ListenAddress,

    /// Who may use the control socket, may be repeated [default: loopback]
    ///
    /// A network (10.1.0.0/16) or an address. Others get no answer. Given once, loopback is no longer
    /// included unless it is named too.
    #[arg(long, value_name = "CIDR", value_parser = network)]
    control_allow: Vec<IpNet>,

    /// Address of the HTTP server with the page and the metrics, may be repeated; "off" for none
    ///
    /// [::] means everywhere, IPv6 and IPv4.
    #[arg(long = "web.listen-address", value_name = "ADDR", default_values_t = [ListenAddress::On(Config::WEB)])]
    #[arg(value_parser = web)]
    web: Vec<ListenAddress>,

    /// TLS, users and limits of the HTTP server: a file in the format of Prometheus' exporters (YAML)
    ///
    /// See the exporter toolkit's web-configuration.md. The file, and the certificates that it names, are read
    /// again when they change.
    #[arg(long = "web.config.file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    web_config: Option<PathBuf>,

    /// So many targets, and no more
    #[arg(long, value_name = "N", default_value_t = Config::MAX_TARGETS, value_parser = max_targets)]
    max_targets: usize,

    /// Only IPv4 addresses of names
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,

    /// Only IPv6 addresses of names
    #[arg(short = '6')]
    v6: bool,

    /// How to ping: natively on Linux, or in the way that works on every platform
    #[arg(long, default_value = "auto", hide_possible_values = true, value_name = "native|portable|auto")]
    #[arg(value_parser = engine())]
    engine: EngineKind,

    /// Directory for what is to outlast a restart; without it nothing does
    ///
    /// Targets that were added live, with everything that was said about them; statistics; a history by the hour. One
    /// meshping can use it. It is made if it is not there.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    state_dir: Option<PathBuf>,

    /// So many days back goes the history of each target in the state; 0 for none, at most 366
    #[arg(long, value_name = "N", default_value_t = StateConfig::HISTORY_DAYS, value_parser = history_days)]
    history_days: u16,

    /// No table, even on a terminal
    #[arg(short, long)]
    quiet: bool,

    /// How much is logged: off, error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "MESHPING_LOG", hide_env_values = true)]
    #[arg(ignore_case = true, hide_possible_values = true, value_parser = level())]
    log_level: LevelFilter,
}

const MORE: &str = "\
Examples:
  meshping google.de/60 192.168.178.1     one every minute, the other every second
  meshping --targets hosts.txt -i 10      a list, every ten seconds
  meshping --control off --web.listen-address 127.0.0.1:9922
                                          no control socket, metrics for this machine only

Exit status:
  0  ended by SIGINT or SIGTERM
  1  the start failed: an address in use, no permission for ICMP
  2  a bad command line

Permissions:
  Pinging needs CAP_NET_RAW (setcap cap_net_raw+ep meshping), root, or a
  net.ipv4.ping_group_range that includes the user's group.

See also: meshpingctl --help";

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

impl Args {
    /// So many lines a file may have: each target may be wanted by several names.
    pub(super) fn file_limit(&self) -> usize {
        self.max_targets.saturating_add(Config::MAX_NAMES).saturating_mul(4)
    }

    /// The configuration that follows from this and the targets of all files.
    pub(super) fn into_config(self, targets: Vec<TargetSpec>) -> Result<Config, UsageError> {
        check_numbers(&targets, self.max_targets)?;
        let control = self.control.address();
        let beyond = control.filter(|address| !address.ip().to_canonical().is_loopback());
        if let Some(address) = beyond.filter(|_| self.control_allow.is_empty()) {
            return Err(UsageError::OpenControl(address));
        }
        let loopback = self.control_allow.is_empty().then(Config::loopback);
        Ok(Config {
            targets,
            interval: self.interval,
            timeout: self.timeout,
            control,
            control_allow: loopback.unwrap_or(self.control_allow),
            web: addresses(&self.web)?,
            web_config: self.web_config,
            max_targets: self.max_targets,
            // Of the two options at most one is given.
            families: Families { v4: !self.v6, v6: !self.v4 },
            engine: self.engine,
            state: self.state_dir.map(|directory| StateConfig { directory, history_days: self.history_days }),
            quiet: self.quiet,
            log_level: self.log_level,
        })
    }
}

fn check_numbers(targets: &[TargetSpec], max_targets: usize) -> Result<(), UsageError> {
    let hosts: HashSet<&Host> = targets.iter().map(|target| &target.host).collect();
    let addresses = hosts.iter().filter(|host| matches!(host, Host::Address(_))).count();
    let names = hosts.len() - addresses;
    if addresses > max_targets {
        return Err(UsageError::TooManyTargets { given: addresses, max: max_targets });
    }
    if names > Config::MAX_NAMES {
        return Err(UsageError::TooManyNames(names));
    }
    Ok(())
}

fn control(text: &str) -> Result<ListenAddress, BadListenAddress> {
    ListenAddress::parse(text, Config::WEB.ip(), Config::CONTROL_PORT)
}

fn web(text: &str) -> Result<ListenAddress, BadListenAddress> {
    ListenAddress::parse(text, Config::WEB.ip(), Config::WEB_PORT)
}

/// All addresses, or `off` alone.
fn addresses(switches: &[ListenAddress]) -> Result<Vec<SocketAddr>, UsageError> {
    let addresses: Vec<SocketAddr> = switches.iter().filter_map(|switch| switch.address()).collect();
    let is_sensible = addresses.len() == switches.len() || switches.len() == 1;
    if is_sensible { Ok(addresses) } else { Err(UsageError::OffAndOn) }
}

fn network(text: &str) -> Result<IpNet, &'static str> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| "give a network like 10.1.0.0/16, or an address")
}

fn max_targets(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|number| (1..=10_000_000).contains(number));
    number.ok_or("give a whole number from 1 to 10000000")
}

fn history_days(text: &str) -> Result<u16, &'static str> {
    let days = text.parse().ok().filter(|days| *days <= StateConfig::MOST_HISTORY_DAYS);
    days.ok_or("give a whole number of days from 0 to 366")
}

fn engine() -> impl TypedValueParser<Value = EngineKind> {
    PossibleValuesParser::new(["native", "portable", "auto"]).map(|kind| match kind.as_str() {
        "native" => EngineKind::Native,
        "portable" => EngineKind::Portable,
        _ => EngineKind::Auto,
    })
}

fn level() -> impl TypedValueParser<Value = LevelFilter> {
    let levels = ["off", "error", "warn", "info", "debug", "trace"].map(PossibleValue::new);
    // A variable that is set to nothing, as in a file of the service manager, is not set.
    let levels = levels.map(|level| if level.get_name() == "info" { level.alias("") } else { level });
    PossibleValuesParser::new(levels).try_map(|level| match level.as_str() {
        "" => Ok(LevelFilter::INFO),
        level => level.parse(),
    })
}

/// What is wrong with the command line as a whole, or with what it refers to.
#[derive(Debug, thiserror::Error)]
pub(super) enum UsageError {
    #[error(
        "--control {0} can be reached from other machines: say with --control-allow CIDR who may use it, \
         or listen on 127.0.0.1"
    )]
    OpenControl(SocketAddr),
    #[error("--web.listen-address off stands alone: with it there is no other address")]
    OffAndOn,
    #[error("{given} targets are more than {max}; raise --max-targets if they are meant")]
    TooManyTargets { given: usize, max: usize },
    #[error("{0} DNS names are more than the {max} that can be followed, give addresses", max = Config::MAX_NAMES)]
    TooManyNames(usize),
}

#[cfg(test)]
mod tests;
