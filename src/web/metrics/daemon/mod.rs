//! The families of the daemon: version, engines, control socket, HTTP server, state, process.

use super::CollectorResult;
use super::dialects::{Dialect, ExporterFamily};
use super::send_lateness::SendLateness;
use super::{names, state};
use crate::actors::control_stats::{ControlStats, IgnoreReason};
use crate::actors::persistence::StoreStats;
use crate::actors::reload::ReloadState;
use crate::actors::supervisor::{EntryState, Status};
use crate::build_info::{REVISION, VERSION};
use crate::probe::RejectReason;
use crate::web::context::WebStats;
use crate::web::{FileState, HttpRejection};
use actix_web::web::Bytes;
use prometheus::core::Collector;
#[cfg(target_os = "linux")]
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use strum::VariantArray;

/// The daemon in one scrape.
pub struct DaemonSnapshot<'a> {
    /// Status from the supervisor.
    pub status: &'a Status,
    /// Counters of the control socket; `None` without one.
    pub control: Option<ControlStats>,
    /// Condition of the HTTP server.
    pub web: WebStats,
    /// The followed DNS names.
    pub names: Vec<EntryState>,
    /// Condition of the databases; `None` without a state directory.
    pub stores: Option<Vec<StoreStats>>,
}

impl DaemonSnapshot<'_> {
    /// The families of the daemon in a dialect, as text; in our own dialect also those of the process.
    ///
    /// # Errors
    /// If the name of a family is invalid, which tests exclude.
    pub fn render(&self, dialect: Dialect, process: &Registry) -> prometheus::Result<Bytes> {
        let registry = Registry::new();
        let mut text = Vec::new();
        for family in dialect.exporter_families() {
            registry.register(exporter_family(family, self.status)?)?;
        }
        if dialect == Dialect::Own {
            self.register(&registry)?;
        }
        TextEncoder::new().encode(&registry.gather(), &mut text)?;
        if dialect == Dialect::Own {
            TextEncoder::new().encode(&process.gather(), &mut text)?;
        }
        Ok(text.into())
    }

    fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(number_of_targets(self.status.targets)?)?;
        registry.register(build_info()?)?;
        registry.register(engine_info(self.status)?)?;
        registry.register(foreign_packets(self.status)?)?;
        registry.register(socket_drops(self.status)?)?;
        registry.register(replaced_actors(self.status)?)?;
        registry.register(wakeups(self.status)?)?;
        registry.register(Box::new(SendLateness::new(self.status)?))?;
        for family in reloads(&self.status.reload)? {
            registry.register(family)?;
        }
        names::register(&self.names, registry)?;
        if let Some(control) = self.control {
            registry.register(control_requests(&control)?)?;
        }
        registry.register(http_rejections(&self.web)?)?;
        if let Some(file) = self.web.file {
            registry.register(web_config_failures(file)?)?;
            registry.register(web_config_successful(file)?)?;
        }
        state::register(self.stores.as_deref(), registry)
    }
}

/// The registry of the families of the process; empty on systems other than Linux.
pub fn process() -> Registry {
    let registry = Registry::new();
    #[cfg(target_os = "linux")]
    if let Err(error) = registry.register(Box::new(ProcessCollector::for_self())) {
        tracing::warn!(%error, "cannot provide metrics of the process");
    }
    registry
}

fn gauge(opts: Opts, value: u64) -> CollectorResult {
    let gauge = IntGauge::with_opts(opts)?;
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    Ok(Box::new(gauge))
}

fn counter(opts: Opts, value: u64) -> CollectorResult {
    let counter = IntCounter::with_opts(opts)?;
    counter.inc_by(value);
    Ok(Box::new(counter))
}

fn exporter_family(family: &ExporterFamily, status: &Status) -> CollectorResult {
    let labels = family.labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned()));
    let opts = Opts::new(family.name, family.help).const_labels(labels.collect());
    let collector = if family.is_counter { counter } else { gauge };
    collector(opts, (family.value)(status))
}

fn number_of_targets(targets: usize) -> CollectorResult {
    gauge(
        Opts::new("meshping_targets", "Targets that are pinged: addresses, and their variants."),
        targets as u64,
    )
}

fn build_info() -> CollectorResult {
    let opts = Opts::new("meshping_build_info", "Version of meshping; always 1.");
    let gauge = IntGaugeVec::new(opts, &["version", "revision"])?;
    gauge.with_label_values(&[VERSION, REVISION]).set(1);
    Ok(Box::new(gauge))
}

fn engine_info(status: &Status) -> CollectorResult {
    let opts = Opts::new("meshping_engine_info", "Engine and kind of socket; always 1.");
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
    let help = "Wake-ups of the thread of an engine.";
    let counter = IntCounterVec::new(Opts::new("meshping_wakeups_total", help), &["shard"])?;
    for (shard, engine) in status.engines.iter().enumerate() {
        counter.with_label_values(&[&shard.to_string()]).inc_by(engine.wakeups);
    }
    Ok(Box::new(counter))
}

fn replaced_actors(status: &Status) -> CollectorResult {
    let help = "Actors that a defect ended and that were replaced.";
    counter(Opts::new("meshping_replaced_actors_total", help), status.replaced)
}

fn reloads(state: &ReloadState) -> prometheus::Result<[Box<dyn Collector>; 6]> {
    let broken_reads =
        Opts::new("meshping_target_file_errors_total", "Reads of target files that found errors.");
    Ok([
        gauge(
            Opts::new(
                "meshping_config_last_reload_successful",
                "Whether the latest reload of the configuration succeeded.",
            ),
            state.successful.into(),
        )?,
        gauge(
            Opts::new(
                "meshping_config_last_reload_success_timestamp_seconds",
                "Unix time of the latest successful reload of the configuration.",
            ),
            state.applied_at,
        )?,
        gauge(Opts::new("meshping_config_hash", "Hash of the texts of the configuration."), state.hash)?,
        gauge(
            Opts::new(
                "meshping_target_files_broken",
                "Target files with errors; for what cannot be used, the last good content is in force.",
            ),
            u64::try_from(state.broken_files).unwrap_or(u64::MAX),
        )?,
        counter(broken_reads, state.broken_reads)?,
        gauge(
            Opts::new(
                "meshping_config_watched",
                "Whether the system reports changes of all files of the configuration; 0: they are found by polling.",
            ),
            state.watched.into(),
        )?,
    ])
}

fn control_requests(stats: &ControlStats) -> CollectorResult {
    let help = "Datagrams received by the control socket, by outcome.";
    let counter = IntCounterVec::new(Opts::new("meshping_control_requests_total", help), &["outcome"])?;
    counter.with_label_values(&["answered"]).inc_by(stats.answered);
    counter.with_label_values(&["unsent"]).inc_by(stats.unsent);
    for (reason, &count) in IgnoreReason::ALL.iter().zip(&stats.ignored) {
        counter.with_label_values(&[reason.as_str()]).inc_by(count);
    }
    Ok(Box::new(counter))
}

fn http_rejections(stats: &WebStats) -> CollectorResult {
    let help = "Connections and requests over HTTP that were rejected.";
    let counter = IntCounterVec::new(Opts::new("meshping_http_refusals_total", help), &["reason"])?;
    for (reason, &count) in HttpRejection::VARIANTS.iter().zip(&stats.rejected) {
        counter.with_label_values(&[<&str>::from(reason)]).inc_by(count);
    }
    Ok(Box::new(counter))
}

fn web_config_failures(file: FileState) -> CollectorResult {
    let help = "Changes of the web config file, or of files that it names, to invalid content.";
    counter(Opts::new("meshping_web_config_failures_total", help), file.failures)
}

fn web_config_successful(file: FileState) -> CollectorResult {
    let help = "Whether the content of the web config file is in force: 1, or 0 if its last good content is.";
    gauge(Opts::new("meshping_web_config_last_reload_successful", help), file.successful.into())
}
