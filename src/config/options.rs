//! The options of the daemon, as the command line, the environment and the configuration file set them.

use super::listen_address::ListenAddress;
use super::partial::partial_config;
use super::{Config, EngineKind, StateConfig};
use crate::measure::last_rtts::{SettledWindow, WindowError};
use crate::resolve::Families;
use crate::target::{Host, Interval, OptionKey, TargetSpec, Timeout};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, ValueHint, value_parser};
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use strum::VariantNames;
use tracing::level_filters::LevelFilter;

partial_config! {
    /// The options of the daemon that one source sets, or several after [`ConfigOptions::merged_over`].
    struct ConfigOptions {
        arguments {
            /// Time between two requests to a target without an interval of its own, 0.01 to 86400
            #[arg(short, long, value_name = "SECONDS", default_value = Interval::DEFAULT.to_string(), allow_negative_numbers = true)]
            "interval" interval: Option<Interval> = one(interval);

            /// Time after which a request without an answer is lost, 0.05 to 60
            #[arg(short, long, value_name = "SECONDS", default_value = Timeout::DEFAULT.to_string(), allow_negative_numbers = true)]
            "timeout" timeout: Option<Timeout> = one(timeout);

            /// Read targets from these files, in the JSON format of Prometheus's file_sd, whenever they change; may be
            /// repeated
            ///
            /// The last part of the path may have *. A file that becomes unusable keeps its last good content. Labels
            /// that begin with __meshping_ are the name and options of the targets: __meshping_name,
            /// __meshping_interval and so on.
            #[arg(long, value_name = "PATTERN", value_hint = ValueHint::FilePath, value_parser = value_parser!(PathBuf))]
            "target_files" target_files: Option<Vec<PathBuf>> = list(path);

            /// Read targets from a file, one TARGET[/INTERVAL] [NAME] a line; "-" is standard input
            ///
            /// NAME is the rest of the line: the name of the target in lists and metrics. A "#" at the beginning of a
            /// line, or after white space, begins a comment. The targets of the command line are pinged too.
            #[arg(long = "targets", value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = value_parser!(PathBuf))]
            "targets" target_list: Option<PathBuf> = one(path);

            /// Address of the UDP control socket, which meshpingctl uses; "off" for none
            ///
            /// Everyone who reaches the socket can add and remove targets. An address other than loopback is accepted
            /// only together with --control-allow.
            #[arg(long, value_name = "ADDR", default_value = Config::CONTROL.to_string())]
            "control" control: Option<ListenAddress> = one(control);

            /// Network that may use the control socket, may be repeated [default: loopback]
            ///
            /// A network (10.1.0.0/16) or an address. Other clients get no answer. With this option loopback is allowed
            /// only if it is one of the networks.
            #[arg(long, value_name = "CIDR")]
            "control_allow" control_allow: Option<Vec<IpNet>> = list(network);

            /// Address of the HTTP server with the page and the metrics, may be repeated; "off" for none
            ///
            /// [::] means all addresses, IPv6 and IPv4.
            #[arg(long = "web.listen-address", value_name = "ADDR", default_value = Config::WEB.to_string())]
            "web.listen_address" web: Option<Vec<ListenAddress>> = list(web);

            /// TLS, users and limits of the HTTP server: a file in the format of Prometheus' exporters (YAML)
            ///
            /// See the exporter toolkit's web-configuration.md. The file, and the certificates that it names, are read
            /// again when they change.
            #[arg(long = "web.config.file", value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = value_parser!(PathBuf))]
            "web.config.file" web_config: Option<PathBuf> = one(path);

            /// Maximum number of concurrent scrapes of /metrics, 1 to 100
            ///
            /// A further scrape waits for a second and is then answered with 503. While it waits, the connections of
            /// clients that read less than 1 MB/s are reset.
            #[arg(long = "web.max-scrapes", value_name = "N", default_value = Config::MAX_SCRAPES.to_string())]
            "web.max_scrapes" max_scrapes: Option<usize> = one(max_scrapes);

            /// Settled requests that values in the dialect ping_exporter cover, 1 to 1000
            ///
            /// The history-size of ping_exporter. A scrape with window=N has its own. Each target keeps 4 bytes for a
            /// request beyond the tenth, from the first scrape of this dialect on.
            #[arg(long = "web.ping-exporter-window", value_name = "N", default_value = SettledWindow::DEFAULT.to_string())]
            "web.ping_exporter_window" ping_exporter_window: Option<SettledWindow> = one(settled_window);

            /// Maximum number of targets
            #[arg(long, value_name = "N", default_value = Config::MAX_TARGETS.to_string())]
            "max_targets" max_targets: Option<usize> = one(max_targets);

            /// Engine that pings: native needs Linux, portable runs on every platform
            #[arg(long, default_value = "auto", hide_possible_values = true, value_name = "native|portable|auto", value_parser = engine_names())]
            "engine" engine: Option<EngineKind> = one(engine);

            /// Directory for the state that survives a restart; without it there is none
            ///
            /// The state holds targets added and removed with meshpingctl, statistics, and an hourly history. Only one
            /// meshping can use a directory. A missing directory is created.
            #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath, value_parser = value_parser!(PathBuf))]
            "state_dir" state_dir: Option<PathBuf> = one(path);

            /// Days of hourly history of each target in the state, at most 366; 0 for none
            #[arg(long, value_name = "N", default_value = StateConfig::HISTORY_DAYS.to_string())]
            "history_days" history_days: Option<u16> = one(history_days);

            /// Show no table, even on a terminal
            #[arg(short, long, action = ArgAction::SetTrue)]
            "quiet" quiet: Option<bool> = one(truth);

            /// Least severe level of messages in the log: off, error, warn, info, debug, trace
            #[arg(long, value_name = "LEVEL", default_value = "info", env = "MESHPING_LOG", hide_env_values = true)]
            #[arg(ignore_case = true, hide_possible_values = true, value_parser = level_names())]
            "log_level" log_level: Option<LevelFilter> = one(level);
        }
        others {
            /// Families of the addresses of DNS names that are pinged; -4 and -6 on the command line.
            "family" family: Option<Families> = one(families);
        }
    }
}

impl ConfigOptions {
    /// Maximum number of lines in the file of `--targets`: a host may have several names.
    pub(super) fn max_lines(&self) -> usize {
        self.max_targets().saturating_add(Config::MAX_NAMES).saturating_mul(4)
    }

    fn max_targets(&self) -> usize {
        self.max_targets.unwrap_or(Config::MAX_TARGETS)
    }

    /// Makes relative paths relative to a directory; "-" is standard input.
    pub(super) fn resolve_paths(&mut self, directory: &Path) {
        let single = [&mut self.target_list, &mut self.web_config, &mut self.state_dir];
        for path in single.into_iter().flatten().chain(self.target_files.iter_mut().flatten()) {
            if path.as_os_str() != "-" {
                *path = directory.join(&path);
            }
        }
    }

    /// The configuration with these options, the defaults of the others, and the targets of all sources.
    ///
    /// # Errors
    /// [`UsageError`], if options contradict each other or the targets exceed a limit.
    pub(super) fn into_config(self, targets: Vec<TargetSpec>) -> Result<Config, UsageError> {
        let max_targets = self.max_targets();
        check_number(&targets, max_targets)?;
        let control = self.control.unwrap_or(ListenAddress::On(Config::CONTROL)).address();
        let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        if let (Some(address), None) = (control.filter(|address| !is_loopback(address)), &self.control_allow)
        {
            return Err(UsageError::OpenControl(address));
        }
        let history_days = self.history_days.unwrap_or(StateConfig::HISTORY_DAYS);
        Ok(Config {
            targets,
            interval: self.interval.unwrap_or(Interval::DEFAULT),
            timeout: self.timeout.unwrap_or(Timeout::DEFAULT),
            control,
            control_allow: self.control_allow.unwrap_or_else(Config::loopback),
            web: self.web.map_or_else(|| Ok(vec![Config::WEB]), |web| addresses(&web))?,
            web_config: self.web_config,
            max_scrapes: self.max_scrapes.unwrap_or(Config::MAX_SCRAPES),
            ping_exporter_window: self.ping_exporter_window.unwrap_or(SettledWindow::DEFAULT),
            max_targets,
            families: self.family.unwrap_or(Families::BOTH),
            engine: self.engine.unwrap_or_default(),
            state: self.state_dir.map(|directory| StateConfig { directory, history_days }),
            quiet: self.quiet.unwrap_or_default(),
            log_level: self.log_level.unwrap_or(LevelFilter::INFO),
        })
    }
}

fn check_number(targets: &[TargetSpec], max_targets: usize) -> Result<(), UsageError> {
    let addresses = targets.iter().filter(|target| matches!(target.host, Host::Address(_)));
    let addresses = addresses.map(TargetSpec::host_variant).collect::<HashSet<_>>().len();
    let names = targets.iter().map(|target| &target.host).filter(|host| matches!(host, Host::Name(_)));
    let names = names.collect::<HashSet<_>>().len();
    if addresses > max_targets {
        return Err(UsageError::TooManyTargets { targets: addresses, max: max_targets });
    }
    if names > Config::MAX_NAMES {
        return Err(UsageError::TooManyNames(names));
    }
    Ok(())
}

/// All addresses, or none for a single `off`.
fn addresses(switches: &[ListenAddress]) -> Result<Vec<SocketAddr>, UsageError> {
    let addresses: Vec<SocketAddr> = switches.iter().filter_map(|switch| switch.address()).collect();
    let is_sensible = addresses.len() == switches.len() || switches.len() == 1;
    if is_sensible { Ok(addresses) } else { Err(UsageError::OffAndOn) }
}

fn interval(text: &str) -> Result<Interval, String> {
    seconds(text, OptionKey::Interval)
}

fn timeout(text: &str) -> Result<Timeout, String> {
    seconds(text, OptionKey::Timeout)
}

fn seconds<T: FromStr>(text: &str, key: OptionKey) -> Result<T, String> {
    text.parse().map_err(|_| format!("it takes {}", key.expected()))
}

#[expect(clippy::unnecessary_wraps, reason = "every parser has this signature")]
fn path(text: &str) -> Result<PathBuf, String> {
    Ok(text.into())
}

fn control(text: &str) -> Result<ListenAddress, String> {
    listen_address(text, Config::CONTROL_PORT)
}

fn web(text: &str) -> Result<ListenAddress, String> {
    listen_address(text, Config::WEB_PORT)
}

fn listen_address(text: &str, port: u16) -> Result<ListenAddress, String> {
    ListenAddress::parse(text, Config::WEB.ip(), port).map_err(|error| error.to_string())
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| address())
        .map_err(|_| "it takes a network like 10.1.0.0/16, or an address".into())
}

fn settled_window(text: &str) -> Result<SettledWindow, String> {
    text.parse().map_err(|error: WindowError| error.to_string())
}

fn max_targets(text: &str) -> Result<usize, String> {
    number_up_to(MAX_MAX_TARGETS, text)
}

fn max_scrapes(text: &str) -> Result<usize, String> {
    number_up_to(MAX_MAX_SCRAPES, text)
}

fn number_up_to(max: usize, text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("it takes a whole number from 1 to {max}"))
}

/// Highest value of `max_targets`.
const MAX_MAX_TARGETS: usize = 10_000_000;
/// Highest value of `web.max_scrapes`: each holds 100 bytes for each target.
const MAX_MAX_SCRAPES: usize = 100;

fn history_days(text: &str) -> Result<u16, String> {
    let days = text.parse().ok().filter(|days| *days <= StateConfig::MAX_HISTORY_DAYS);
    days.ok_or_else(|| format!("it takes a whole number of days from 0 to {}", StateConfig::MAX_HISTORY_DAYS))
}

fn truth(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "it takes true or false".into())
}

fn families(text: &str) -> Result<Families, String> {
    match text.to_ascii_lowercase().as_str() {
        "ipv4" => Ok(Families { v4: true, v6: false }),
        "ipv6" => Ok(Families { v4: false, v6: true }),
        "both" => Ok(Families::BOTH),
        _ => Err("it takes ipv4, ipv6 or both".into()),
    }
}

fn engine(text: &str) -> Result<EngineKind, String> {
    text.parse().map_err(|_| format!("it takes one of {}", EngineKind::VARIANTS.join(", ")))
}

/// For the command line, whose completions list the names.
fn engine_names() -> impl TypedValueParser<Value = EngineKind> {
    PossibleValuesParser::new(EngineKind::VARIANTS).try_map(|name| engine(&name))
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Parses the name of a level; an empty text is the default, as in files of the service manager.
fn level(text: &str) -> Result<LevelFilter, String> {
    let text = if text.is_empty() { "info" } else { text };
    let level = LEVELS.into_iter().find(|level| level.eq_ignore_ascii_case(text));
    level.and_then(|level| level.parse().ok()).ok_or_else(|| format!("it takes one of {}", LEVELS.join(", ")))
}

/// For the command line, whose completions list the names. An empty variable is the default; see
/// [`super::partial::is_default`].
fn level_names() -> impl TypedValueParser<Value = LevelFilter> {
    let levels = LEVELS.map(PossibleValue::new);
    let levels = levels.map(|level| if level.get_name() == "info" { level.alias("") } else { level });
    PossibleValuesParser::new(levels).try_map(|name| level(&name))
}

/// Options that contradict each other or exceed a limit.
#[derive(Debug, thiserror::Error)]
pub(super) enum UsageError {
    #[error(
        "--control {0} can be reached from other machines: name the networks that may use it with \
         --control-allow CIDR, or listen on 127.0.0.1"
    )]
    OpenControl(SocketAddr),
    #[error("--web.listen-address off can't be combined with another address")]
    OffAndOn,
    #[error("{targets} targets are more than {max}; raise --max-targets if they are meant")]
    TooManyTargets { targets: usize, max: usize },
    #[error("{0} DNS names are more than the maximum of {max}, use addresses", max = Config::MAX_NAMES)]
    TooManyNames(usize),
}
