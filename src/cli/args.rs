//! The command line of the daemon, and what follows from it.

use super::escape::shown;
pub use super::stop::Stop;
use super::switch::{BadListenAddress, Switch};
use super::targets_file::{self, TargetsFileError};
use crate::config::{Config, EngineKind};
use crate::resolve::Families;
use crate::target::{Host, Interval, TargetSpec, Timeout};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, FromArgMatches, Parser};
use ipnet::IpNet;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader};
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
#[derive(Debug, Parser)]
#[command(name = "meshping", version, after_long_help = MORE, max_term_width = 100)]
struct Args {
    /// What to ping: host names or addresses, with /SECONDS behind those that have an interval of their own
    ///
    /// The last "/" separates the interval, so [2001:db8::1]/5 and 2001:db8::1/5 are the same. A link-local
    /// address needs its zone: fe80::1%eth0. Starting without targets is legal.
    #[arg(value_name = "TARGET[/INTERVAL]")]
    targets: Vec<TargetSpec>,

    /// Time between two requests to a target that names none, 0.01 to 86400
    #[arg(short, long, value_name = "SECONDS", default_value = "1", allow_negative_numbers = true)]
    interval: Interval,

    /// After this a request without an answer is lost, 0.05 to 60
    #[arg(short, long, value_name = "SECONDS", default_value = "5", allow_negative_numbers = true)]
    timeout: Timeout,

    /// Read targets from a file, one TARGET[/INTERVAL] [NAME] a line; "-" is standard input
    ///
    /// NAME is the rest of the line: how the target is called in lists and metrics. A "#" at the beginning of a
    /// line, or after white space, begins a comment. These targets are pinged besides those of the command line.
    #[arg(long = "targets", value_name = "FILE")]
    file: Option<PathBuf>,

    /// Address of the UDP control socket, which meshpingctl talks to; "off" for none
    ///
    /// Whoever may use it can add and remove targets. An address beyond loopback is accepted only
    /// together with --control-allow.
    #[arg(long, value_name = "ADDR", default_value_t = Switch::On(Config::CONTROL), value_parser = control)]
    control: Switch,

    /// Who may use the control socket, may be repeated [default: loopback]
    ///
    /// A network (10.1.0.0/16) or an address. Others get no answer. Given once, loopback is no longer
    /// included unless it is named too.
    #[arg(long, value_name = "CIDR", value_parser = network)]
    control_allow: Vec<IpNet>,

    /// Address of the HTTP server with the page and the metrics; "off" for none
    ///
    /// [::] means everywhere, IPv6 and IPv4.
    #[arg(long = "web.listen-address", value_name = "ADDR", default_value_t = Switch::On(Config::WEB))]
    #[arg(value_parser = web)]
    web: Switch,

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

/// Reads the command line, with the files that it names.
///
/// # Errors
/// [`Stop`]: the program is to end here, because the command line is bad, or asks for help or the version.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Config, Stop> {
    let args = parse(words)?;
    let listed = match &args.file {
        None => Vec::new(),
        Some(path) => read_targets(path, args.file_limit())?,
    };
    Ok(args.into_config(listed)?)
}

fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let matches = Args::command().try_get_matches_from(words)?;
    Args::from_arg_matches(&matches)
}

fn read_targets(path: &PathBuf, limit: usize) -> Result<Vec<TargetSpec>, UsageError> {
    let name = if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() };
    let listed = if path.as_os_str() == "-" {
        targets_file::read(io::stdin().lock(), limit)
    } else {
        let file = File::open(path);
        let file = file.map_err(|error| UsageError::Unreadable { file: name.clone(), error })?;
        targets_file::read(BufReader::new(file), limit)
    };
    listed.map_err(|error| UsageError::Targets { file: name, error })
}

impl Args {
    /// So many lines a file may have: each target may be wanted by several names.
    fn file_limit(&self) -> usize {
        self.max_targets.saturating_add(Config::MAX_NAMES).saturating_mul(4)
    }

    /// The configuration that follows from this and the targets of the file.
    fn into_config(self, listed: Vec<TargetSpec>) -> Result<Config, UsageError> {
        let mut targets = self.targets;
        targets.extend(listed);
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
            web: self.web.address(),
            max_targets: self.max_targets,
            // Of the two options at most one is given.
            families: Families { v4: !self.v6, v6: !self.v4 },
            engine: self.engine,
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

fn control(text: &str) -> Result<Switch, BadListenAddress> {
    Switch::parse(text, Config::WEB.ip(), Config::CONTROL_PORT)
}

fn web(text: &str) -> Result<Switch, BadListenAddress> {
    Switch::parse(text, Config::WEB.ip(), Config::WEB_PORT)
}

fn network(text: &str) -> Result<IpNet, &'static str> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| "give a network like 10.1.0.0/16, or an address")
}

fn max_targets(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|number| (1..=10_000_000).contains(number));
    number.ok_or("give a whole number from 1 to 10000000")
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
enum UsageError {
    #[error("can't read the targets in {file}: {error}")]
    Unreadable { file: String, error: io::Error },
    #[error("{file}:{error}")]
    Targets { file: String, error: TargetsFileError },
    #[error(
        "--control {0} can be reached from other machines: say with --control-allow CIDR who may use it, \
         or listen on 127.0.0.1"
    )]
    OpenControl(SocketAddr),
    #[error("{given} targets are more than {max}; raise --max-targets if they are meant")]
    TooManyTargets { given: usize, max: usize },
    #[error("{0} DNS names are more than the {max} that can be followed, give addresses", max = Config::MAX_NAMES)]
    TooManyNames(usize),
}

impl From<UsageError> for Stop {
    fn from(error: UsageError) -> Self {
        Self::Usage(shown(&error.to_string()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> Result<Config, Stop> {
        let words = std::iter::once("meshping").chain(line.split_whitespace()).map(OsString::from);
        Ok(parse(words)?.into_config(Vec::new())?)
    }

    #[test]
    fn an_empty_command_line_means_the_defaults() {
        let (given, default) = (config("").unwrap(), Config::default());
        assert_eq!(format!("{given:?}"), format!("{default:?}"));
    }

    #[test]
    fn no_line_of_the_long_help_is_broken() {
        let long: Vec<&str> = MORE.lines().filter(|line| line.len() > 100).collect();
        assert!(long.is_empty(), "{long:?}");
    }

    #[test]
    fn every_option_ends_up_where_it_belongs() {
        type Check = fn(&Config) -> bool;
        let cases: [(&str, Check); 17] = [
            ("google.de/60 192.168.178.1 -i 0.5", |c| {
                c.targets.len() == 2 && c.interval.get().as_millis() == 500
            }),
            ("--interval=10", |c| c.interval.get().as_secs() == 10),
            ("-t 0.05", |c| c.timeout.get().as_millis() == 50),
            ("--control off", |c| c.control.is_none()),
            ("--control [::1]:1", |c| c.control == Some("[::1]:1".parse().unwrap())),
            ("--control 127.0.0.2", |c| c.control == Some("127.0.0.2:55432".parse().unwrap())),
            ("--control :7 --control-allow 10.0.0.0/8 --control-allow ::1", |c| {
                c.control == Some("[::]:7".parse().unwrap()) && c.control_allow.len() == 2
            }),
            ("--web.listen-address off", |c| c.web.is_none()),
            ("--web.listen-address :80", |c| c.web == Some("[::]:80".parse().unwrap())),
            ("--web.listen-address 127.0.0.1:0", |c| c.web == Some("127.0.0.1:0".parse().unwrap())),
            ("--max-targets 5 127.0.0.1 127.0.0.1", |c| c.max_targets == 5),
            ("-4 -q", |c| c.families == Families { v4: true, v6: false } && c.quiet),
            ("-6 --quiet", |c| c.families == Families { v4: false, v6: true } && c.quiet),
            ("--engine portable", |c| c.engine == EngineKind::Portable),
            ("--engine native", |c| c.engine == EngineKind::Native),
            ("--log-level DEBUG", |c| c.log_level == LevelFilter::DEBUG),
            ("--log-level off", |c| c.log_level == LevelFilter::OFF),
        ];
        for (line, check) in cases {
            let config = config(line).unwrap();
            assert!(check(&config), "{line}: {config:?}");
        }
    }

    #[test]
    fn a_bad_command_line_is_one_line_that_says_what_to_do() {
        let cases = [
            ("--frobnicate", "unexpected argument '--frobnicate'"),
            ("-i 0", "takes seconds from 0.01 to 86400"),
            ("-i -1", "takes seconds from 0.01 to 86400"),
            ("-i soon", "takes seconds from 0.01 to 86400"),
            ("-t 61", "takes seconds from 0.05 to 60"),
            ("-i", "a value is required"),
            ("-4 -6", "cannot be used with"),
            ("--engine warp", "native, portable, auto"),
            ("--log-level loud", "off, error, warn, info, debug, trace"),
            ("--control nowhere", "127.0.0.1:55432"),
            ("--control 0.0.0.0:55432", "--control-allow"),
            ("--control [::]:55432", "--control-allow"),
            ("--control-allow 10.0.0.0/33", "10.1.0.0/16"),
            ("--web.listen-address localhost:http", "127.0.0.1:9922"),
            ("--max-targets 0", "from 1 to"),
            ("--max-targets 1 127.0.0.1 127.0.0.2", "raise --max-targets"),
            ("0.0.0.0", "unspecified"),
            ("host/5s", "0.01 to 86400"),
            ("a..b", "a target is a host name or an address"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
        ];
        for (line, reason) in cases {
            let Err(Stop::Usage(text)) = config(line) else { panic!("{line:?} was accepted") };
            assert!(text.contains(reason), "{line:?}: {text}");
            assert!(!text.contains(char::is_control), "{line:?}: {text:?}");
        }
    }

    #[test]
    fn a_line_break_in_a_word_is_shown() {
        let words = ["meshping", "two\nlines\nUsage: x"].map(OsString::from);
        let Err(Stop::Usage(text)) = parse(words).map_err(Stop::from) else { panic!("accepted") };
        assert!(text.contains("two\\nlines\\nUsage: x") && !text.contains('\n'), "{text}");
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for (line, expected) in [
            ("--help", "Exit status"),
            ("-h", "--targets"),
            ("--version", concat!("meshping ", env!("CARGO_PKG_VERSION"))),
        ] {
            let Err(Stop::Asked(text)) = config(line) else { panic!("{line} is an error") };
            assert!(text.contains(expected), "{text}");
        }
    }
}
