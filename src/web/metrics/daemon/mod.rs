//! The daemon's own families: what it is, how its engines are doing, what the process needs.

mod exporter_info;

use super::dialects::Dialect;
use super::send_lateness::SendLateness;
use super::state;
use crate::actors::control_stats::{ControlStats, IgnoreReason};
use crate::actors::persistence::StoreStats;
use crate::actors::reload::ReloadState;
use crate::actors::supervisor::Status;
use crate::build_info::{REVISION, VERSION};
use crate::probe::RejectReason;
use crate::web::context::WebStats;
use crate::web::{FileState, HttpRejection};
use actix_web::web::Bytes;
use prometheus::core::Collector;
#[cfg(target_os = "linux")]
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// What is known of the daemon at one moment.
pub struct DaemonSnapshot<'a> {
    /// What its supervisor says.
    pub status: &'a Status,
    /// What its control socket says, if it has one.
    pub control: Option<ControlStats>,
    /// What its HTTP server says.
    pub web: WebStats,
    /// What is known of its state, if it keeps any.
    pub kept: Option<Vec<StoreStats>>,
}

impl DaemonSnapshot<'_> {
    /// What the daemon tells of itself in that dialect, as text; in its own, with what is known of its process.
    ///
    /// # Errors
    /// When a family's name is no name; a test would have noticed.
    pub fn render(&self, dialect: Dialect, process: &Registry) -> prometheus::Result<Bytes> {
        let momentary = Registry::new();
        let mut text = Vec::new();
        match dialect {
            Dialect::Own => self.register(&momentary)?,
            Dialect::Meshping2017 => {}
            Dialect::SmokepingProber => {
                exporter_info::smokeping_prober(self.status)?
                    .into_iter()
                    .try_for_each(|it| momentary.register(it))?;
            }
            Dialect::PingExporter => momentary.register(exporter_info::ping_exporter()?)?,
        }
        TextEncoder::new().encode(&momentary.gather(), &mut text)?;
        if dialect == Dialect::Own {
            TextEncoder::new().encode(&process.gather(), &mut text)?;
        }
        Ok(text.into())
    }

    fn register(&self, momentary: &Registry) -> prometheus::Result<()> {
        momentary.register(number_of_targets(self.status.targets)?)?;
        momentary.register(build_info()?)?;
        momentary.register(engine_info(self.status)?)?;
        momentary.register(foreign_packets(self.status)?)?;
        momentary.register(socket_drops(self.status)?)?;
        momentary.register(replaced_actors(self.status)?)?;
        momentary.register(wakeups(self.status)?)?;
        momentary.register(Box::new(SendLateness::new(self.status)?))?;
        for family in reloads(&self.status.reload)? {
            momentary.register(family)?;
        }
        if let Some(control) = self.control {
            momentary.register(control_requests(&control)?)?;
        }
        momentary.register(http_refusals(&self.web)?)?;
        if let Some(file) = self.web.file {
            momentary.register(web_config_failures(file)?)?;
            momentary.register(web_config_successful(file)?)?;
        }
        state::register(self.kept.as_deref(), momentary)
    }
}

/// The registry of the process's own families; empty where the platform does not tell.
pub fn process() -> Registry {
    let registry = Registry::new();
    #[cfg(target_os = "linux")]
    if let Err(error) = registry.register(Box::new(ProcessCollector::for_self())) {
        tracing::warn!(%error, "no metrics of the process");
    }
    registry
}

type CollectorResult = prometheus::Result<Box<dyn Collector>>;

fn gauge(name: &str, help: &str, value: u64) -> CollectorResult {
    let gauge = IntGauge::new(name, help)?;
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    Ok(Box::new(gauge))
}

fn number_of_targets(targets: usize) -> CollectorResult {
    let gauge = IntGauge::new("meshping_targets", "Addresses that are pinged.")?;
    gauge.set(i64::try_from(targets).unwrap_or(i64::MAX));
    Ok(Box::new(gauge))
}

fn build_info() -> CollectorResult {
    let opts = Opts::new("meshping_build_info", "What is running; always 1.");
    let gauge = IntGaugeVec::new(opts, &["version", "revision"])?;
    gauge.with_label_values(&[VERSION, REVISION]).set(1);
    Ok(Box::new(gauge))
}

fn engine_info(status: &Status) -> CollectorResult {
    let opts = Opts::new("meshping_engine_info", "How it pings, and over which kind of socket; always 1.");
    let gauge = IntGaugeVec::new(opts, &["engine", "socket"])?;
    for engine in &status.engines {
        gauge.with_label_values(&[engine.engine, engine.socket]).set(1);
    }
    Ok(Box::new(gauge))
}

fn foreign_packets(status: &Status) -> CollectorResult {
    let help = "Packets that were not ours, malformed, corrupt, stale, or forged.";
    let opts = Opts::new("meshping_foreign_packets_total", help);
    let counter = IntCounterVec::new(opts, &["reason"])?;
    for (index, reason) in RejectReason::ALL.iter().enumerate() {
        let count = status.engines.iter().map(|engine| engine.foreign[index]).sum();
        counter.with_label_values(&[reason.as_str()]).inc_by(count);
    }
    Ok(Box::new(counter))
}

fn socket_drops(status: &Status) -> CollectorResult {
    let help = "Packets that our own receive buffers dropped.";
    let counter = IntCounterVec::new(Opts::new("meshping_socket_drops_total", help), &["family"])?;
    for (index, family) in ["ipv4", "ipv6"].into_iter().enumerate() {
        let count = status.engines.iter().map(|engine| engine.dropped[index]).sum();
        counter.with_label_values(&[family]).inc_by(count);
    }
    Ok(Box::new(counter))
}

fn wakeups(status: &Status) -> CollectorResult {
    let help = "How often an engine's thread woke up.";
    let counter = IntCounterVec::new(Opts::new("meshping_wakeups_total", help), &["shard"])?;
    for (shard, engine) in status.engines.iter().enumerate() {
        counter.with_label_values(&[&shard.to_string()]).inc_by(engine.wakeups);
    }
    Ok(Box::new(counter))
}

fn replaced_actors(status: &Status) -> CollectorResult {
    let help = "Actors that ended by a defect and were replaced.";
    let counter = IntCounter::new("meshping_replaced_actors_total", help)?;
    counter.inc_by(status.replaced);
    Ok(Box::new(counter))
}

fn reloads(state: &ReloadState) -> prometheus::Result<[Box<dyn Collector>; 5]> {
    let help = "How often a target file was found broken.";
    let broken_reads = IntCounter::new("meshping_target_file_errors_total", help)?;
    broken_reads.inc_by(state.broken_reads);
    Ok([
        gauge(
            "meshping_config_last_reload_successful",
            "Whether the configuration could be read the latest time.",
            state.successful.into(),
        )?,
        gauge(
            "meshping_config_last_reload_success_timestamp_seconds",
            "When the configuration was applied last, in seconds since 1970.",
            state.applied_at,
        )?,
        gauge(
            "meshping_config_hash",
            "Of the texts that the configuration was made of; equal for equal ones.",
            state.hash,
        )?,
        gauge(
            "meshping_target_files_broken",
            "Target files that can't be read; their last good content is in force.",
            u64::try_from(state.broken_files).unwrap_or(u64::MAX),
        )?,
        Box::new(broken_reads),
    ])
}

fn control_requests(stats: &ControlStats) -> CollectorResult {
    let help = "Datagrams that the control socket received, by what became of them.";
    let counter = IntCounterVec::new(Opts::new("meshping_control_requests_total", help), &["outcome"])?;
    counter.with_label_values(&["answered"]).inc_by(stats.answered);
    counter.with_label_values(&["unsent"]).inc_by(stats.unsent);
    for (reason, &count) in IgnoreReason::ALL.iter().zip(&stats.ignored) {
        counter.with_label_values(&[reason.as_str()]).inc_by(count);
    }
    Ok(Box::new(counter))
}

fn http_refusals(stats: &WebStats) -> CollectorResult {
    let help = "Connections and requests over HTTP that were refused.";
    let counter = IntCounterVec::new(Opts::new("meshping_http_refusals_total", help), &["reason"])?;
    for (reason, &count) in HttpRejection::ALL.iter().zip(&stats.refused) {
        counter.with_label_values(&[reason.as_str()]).inc_by(count);
    }
    Ok(Box::new(counter))
}

fn web_config_failures(file: FileState) -> CollectorResult {
    let help = "Changes of the web config file, or of files that it names, that could not be used.";
    let counter = IntCounter::new("meshping_web_config_failures_total", help)?;
    counter.inc_by(file.failures);
    Ok(Box::new(counter))
}

fn web_config_successful(file: FileState) -> CollectorResult {
    let help = "Whether the web config file is in force as it stands: 1, or 0 for its last good content.";
    let gauge = IntGauge::new("meshping_web_config_last_reload_successful", help)?;
    gauge.set(i64::from(file.successful));
    Ok(Box::new(gauge))
}
