//! The configuration of the daemon, valid by type: no other module checks it again.

pub mod args;
pub mod early_exit;
mod file;
#[deny(clippy::disallowed_methods)]
mod file_sd;
#[deny(clippy::disallowed_methods)]
pub mod listen_address;
pub mod loader;
mod options;
mod partial;
#[deny(clippy::disallowed_methods)]
mod targets_file;

use crate::measure::last_rtts::SettledWindow;
use crate::resolve::Families;
use crate::target::{Interval, TargetSpec, Timeout};
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// The configuration of the daemon.
#[derive(Debug, Clone)]
pub struct Config {
    /// Targets of the command line and of all files.
    pub targets: Vec<TargetSpec>,
    /// Interval of targets without an interval of their own.
    pub interval: Interval,
    /// Timeout of targets without a timeout of their own.
    pub timeout: Timeout,
    /// Address of the control socket; `None` for no control socket.
    pub control: Option<SocketAddr>,
    /// Networks that may use the control socket.
    pub control_allow: Vec<IpNet>,
    /// Addresses of the HTTP server; empty for no HTTP server.
    pub web: Vec<SocketAddr>,
    /// File with TLS, users and limits of the HTTP server, in the format of Prometheus' exporter toolkit.
    pub web_config: Option<PathBuf>,
    /// Maximum number of concurrent scrapes.
    pub max_scrapes: usize,
    /// Number of settled requests that values in the dialect of ping_exporter cover, unless a scrape has a number.
    pub ping_exporter_window: SettledWindow,
    /// Maximum number of targets.
    pub max_targets: usize,
    /// Families of the addresses of DNS names that are pinged. Literal addresses of both families are pinged.
    pub families: Families,
    /// Engine that pings.
    pub engine: EngineKind,
    /// State that survives restarts; `None` for none.
    pub state: Option<StateConfig>,
    /// Whether to show no table even on a terminal.
    pub quiet: bool,
    /// Least severe level of messages in the log.
    pub log_level: LevelFilter,
}

impl Config {
    /// Default address of the control socket.
    pub const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Self::CONTROL_PORT);
    /// Port of the control socket.
    pub const CONTROL_PORT: u16 = 55_432;
    /// Default address of the HTTP server: all addresses.
    pub const WEB: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), Self::WEB_PORT);
    /// Port of the HTTP server.
    pub const WEB_PORT: u16 = 9922;
    /// Default of `web.max_scrapes`.
    pub const MAX_SCRAPES: usize = 2;
    /// Default of `max_targets`.
    pub const MAX_TARGETS: usize = 200_000;
    /// Maximum number of DNS names that are followed.
    pub const MAX_NAMES: usize = 10_000;

    /// Number of targets: several entries can be for one, and a DNS name counts as one.
    pub fn target_count(&self) -> usize {
        self.targets.iter().map(TargetSpec::host_variant).collect::<HashSet<_>>().len()
    }

    /// Keys of the options that differ in another configuration and take effect at once.
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        keys_that_differ([
            ("interval", self.interval != other.interval),
            ("timeout", self.timeout != other.timeout),
            ("control_allow", self.control_allow != other.control_allow),
            ("max_targets", self.max_targets != other.max_targets),
            ("log_level", self.log_level != other.log_level),
        ])
    }

    /// Keys of the options that differ in another configuration and take effect with the next start.
    pub fn needs_restart(&self, other: &Self) -> Vec<&'static str> {
        keys_that_differ([
            ("control", self.control != other.control),
            ("web.listen_address", self.web != other.web),
            ("web.config.file", self.web_config != other.web_config),
            ("web.max_scrapes", self.max_scrapes != other.max_scrapes),
            ("web.ping_exporter_window", self.ping_exporter_window != other.ping_exporter_window),
            ("family", self.families != other.families),
            ("engine", self.engine != other.engine),
            ("state_dir, history_days", self.state != other.state),
            ("quiet", self.quiet != other.quiet),
        ])
    }

    /// Networks of this machine: the default of `control_allow`.
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
            max_scrapes: Self::MAX_SCRAPES,
            ping_exporter_window: SettledWindow::DEFAULT,
            max_targets: Self::MAX_TARGETS,
            families: Families::BOTH,
            engine: EngineKind::Auto,
            state: None,
            quiet: false,
            log_level: LevelFilter::INFO,
        }
    }
}

/// State that survives restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateConfig {
    /// Directory of the state; created if missing.
    pub directory: PathBuf,
    /// Days of hourly history of each target; 0 for none.
    pub history_days: u16,
}

impl StateConfig {
    /// Default of `history_days`.
    pub const HISTORY_DAYS: u16 = 3;
    /// Maximum of `history_days`.
    pub const MAX_HISTORY_DAYS: u16 = 366;
}

/// An engine that pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum EngineKind {
    /// Linux only: kernel timestamps, ICMP errors, late replies and duplicates.
    Native,
    /// Every platform, with fewer measurements.
    Portable,
    /// Native on Linux, portable elsewhere.
    #[default]
    Auto,
}

/// The keys whose options differ.
fn keys_that_differ<const N: usize>(options: [(&'static str, bool); N]) -> Vec<&'static str> {
    options.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
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
