//! What the daemon is to do, valid by type: nothing in here needs to be checked again.

pub mod args;
pub mod early_exit;
mod file;
#[deny(clippy::disallowed_methods)]
mod file_sd;
mod keys;
#[deny(clippy::disallowed_methods)]
pub mod listen_address;
pub mod loader;
#[deny(clippy::disallowed_methods)]
mod targets_file;

use crate::resolve::Families;
use crate::target::{Interval, TargetSpec, Timeout};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// What the daemon is to do.
#[derive(Debug, Clone)]
pub struct Config {
    /// What to ping from the start.
    pub targets: Vec<TargetSpec>,
    /// Interval of targets that name none.
    pub interval: Interval,
    /// After this a request is lost.
    pub timeout: Timeout,
    /// Where the control socket listens; `None` for no control socket.
    pub control: Option<SocketAddr>,
    /// Who may use the control socket.
    pub control_allow: Vec<IpNet>,
    /// Where the HTTP server listens; nowhere for no HTTP server.
    pub web: Vec<SocketAddr>,
    /// What protects the HTTP server, in the format of Prometheus' exporter toolkit.
    pub web_config: Option<PathBuf>,
    /// So many targets, and no more.
    pub max_targets: usize,
    /// Which addresses of DNS names are wanted. Literal addresses are pinged whatever their family.
    pub families: Families,
    /// How to ping.
    pub engine: EngineKind,
    /// Where things are kept over restarts, and how long; `None`: nothing is.
    pub state: Option<StateConfig>,
    /// No table, even on a terminal.
    pub quiet: bool,
    /// How much is logged.
    pub log_level: LevelFilter,
}

impl Config {
    /// Where the control socket listens by default.
    pub const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Self::CONTROL_PORT);
    /// Port of the control socket.
    pub const CONTROL_PORT: u16 = 55_432;
    /// Where the HTTP server listens by default: everywhere.
    pub const WEB: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), Self::WEB_PORT);
    /// Port of the HTTP server.
    pub const WEB_PORT: u16 = 9922;
    /// Default of `max_targets`.
    pub const MAX_TARGETS: usize = 200_000;
    /// So many DNS names are followed, and no more.
    pub const MAX_NAMES: usize = 10_000;

    /// The options in which another configuration differs, and that take effect at once.
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            ("interval", self.interval != other.interval),
            ("timeout", self.timeout != other.timeout),
            ("control_allow", self.control_allow != other.control_allow),
            ("max_targets", self.max_targets != other.max_targets),
            ("log_level", self.log_level != other.log_level),
        ];
        differs.into_iter().filter_map(|(option, differs)| differs.then_some(option)).collect()
    }

    /// The options in which another configuration differs, and that a running daemon can't change.
    pub fn needs_restart(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            ("control", self.control != other.control),
            ("web.listen_address", self.web != other.web),
            ("web.config.file", self.web_config != other.web_config),
            ("family", self.families != other.families),
            ("engine", self.engine != other.engine),
            ("state_dir, history_days", self.state != other.state),
            ("quiet", self.quiet != other.quiet),
        ];
        differs.into_iter().filter_map(|(option, differs)| differs.then_some(option)).collect()
    }

    /// Everybody on this machine: the default of `control_allow`.
    pub fn loopback() -> Vec<IpNet> {
        let v4 = IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8);
        let v6 = IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128);
        vec![v4, v6]
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            interval: Interval::DEFAULT,
            timeout: Timeout::DEFAULT,
            control: Some(Self::CONTROL),
            control_allow: Self::loopback(),
            web: vec![Self::WEB],
            web_config: None,
            max_targets: Self::MAX_TARGETS,
            families: Families::BOTH,
            engine: EngineKind::Auto,
            state: None,
            quiet: false,
            log_level: LevelFilter::INFO,
        }
    }
}

/// What is kept over restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateConfig {
    /// The directory for it; made if it is not there.
    pub directory: PathBuf,
    /// So many days back goes the history of each target; 0 for none.
    pub history_days: u16,
}

impl StateConfig {
    /// Default of `history_days`.
    pub const HISTORY_DAYS: u16 = 3;
    /// No history goes further back.
    pub const MOST_HISTORY_DAYS: u16 = 366;
}

/// How to ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineKind {
    /// Our own engine, Linux only: kernel time stamps, errors, late replies and duplicates.
    Native,
    /// The engine for every platform: fewer truths.
    Portable,
    /// Native on Linux, portable elsewhere.
    #[default]
    Auto,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_use_the_control_socket_by_default() {
        let allowed = |text: &str| {
            let ip: IpAddr = text.parse().unwrap();
            Config::default().control_allow.iter().any(|net| net.contains(&ip))
        };
        assert!(allowed("127.0.0.1") && allowed("127.255.0.1") && allowed("::1"));
        assert!(!allowed("128.0.0.1") && !allowed("::2") && !allowed("10.0.0.1"));
    }
}
