//! Reloads the configuration: loads it again and applies the differences. Reloads run one after the other.

use super::file_watcher::FileWatcher;
use super::systemd;
use super::target_diff::TargetDiff;
use crate::actors::reload::{Reload, ReloadState};
use crate::actors::supervisor::{
    ApplyConfig, Configure, GetConfigured, NoteReload, Rejected, SupervisorActor,
};
use crate::config::Config;
use crate::config::loader::{LoadedConfig, Loader, Problem};
use crate::control::{ControlActor, SetAllowed};
use crate::target::TargetSpec;
use crate::terminal::logging::LevelHandle;
use actix::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// Reports that a file of the configuration may have changed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct FilesChanged;

/// Sets the control socket, whose permissions a configuration changes.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(super) struct UseControl(pub Addr<ControlActor>);

/// Reloads the configuration.
pub(super) struct ReloadActor {
    loader: Arc<Mutex<Loader>>,
    components: Components,
    /// The configuration of the start without its targets: options that need a restart have these values.
    started: Config,
    /// The configuration that was applied last, without its targets.
    config: Config,
    state: ReloadState,
    watcher: FileWatcher,
}

/// The parts of the daemon that a configuration changes.
#[derive(Clone)]
pub(super) struct Components {
    /// Owns the targets.
    pub supervisor: Addr<SupervisorActor>,
    /// Owns the control socket.
    pub control: Option<Addr<ControlActor>>,
    /// Level of the log.
    pub level: LevelHandle,
}

impl ReloadActor {
    /// After a start with a configuration, whose targets the supervisor has.
    pub(super) fn new(loader: Loader, loaded_config: LoadedConfig, components: Components) -> Self {
        let watcher = FileWatcher::start(&loaded_config);
        log_problems(&loaded_config);
        let broken_files = loaded_config.broken_files();
        let LoadedConfig { config, broken, hash, .. } = loaded_config;
        let state = ReloadState {
            successful: true,
            applied_at: now(),
            hash,
            broken_files,
            broken_reads: u64::try_from(broken_files).unwrap_or(u64::MAX),
            watched: watcher.has_events(),
            problem: first_broken(&broken),
        };
        let loader = Arc::new(Mutex::new(loader));
        Self { loader, components, started: config.clone(), config, state, watcher }
    }

    /// Notes and logs the result of loading.
    fn note_result(&mut self, result: &Result<LoadedConfig, String>) {
        let broken = result.as_ref().map_or(0, LoadedConfig::broken_files);
        self.state.successful = result.is_ok();
        self.state.problem = problem(result);
        self.state.broken_reads += u64::try_from(broken).unwrap_or(u64::MAX);
        match result {
            Err(error) => error!(%error, "can't load the configuration, the present one stays in force"),
            Ok(loaded_config) => {
                self.state.broken_files = broken;
                log_problems(loaded_config);
                self.watcher.follow(&loaded_config.watched);
                self.state.watched = self.watcher.has_events();
            }
        }
    }

    fn publish_state(&self) {
        let supervisor = &self.components.supervisor;
        supervisor.do_send(NoteReload(self.state.clone()));
        actix_rt::spawn(systemd::report_status(supervisor.clone()));
    }
}

impl Actor for ReloadActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.publish_state();
        let changes = self.watcher.changes();
        let own = ctx.address().downgrade();
        ctx.spawn(
            async move {
                loop {
                    changes.settled().await;
                    let Some(own) = own.upgrade() else { return };
                    let _ = own.send(FilesChanged).await;
                }
            }
            .into_actor(self),
        );
    }
}

impl Handler<Reload> for ReloadActor {
    type Result = AtomicResponse<Self, Result<String, String>>;

    fn handle(&mut self, _: Reload, _: &mut Self::Context) -> Self::Result {
        AtomicResponse::new(Box::pin(self.reload(true).map(|report, _, _| report)))
    }
}

impl Handler<FilesChanged> for ReloadActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, _: FilesChanged, _: &mut Self::Context) -> Self::Result {
        AtomicResponse::new(Box::pin(self.reload(false).map(|_, _, _| ())))
    }
}

impl Handler<UseControl> for ReloadActor {
    type Result = ();

    fn handle(&mut self, UseControl(control): UseControl, _: &mut Self::Context) {
        self.components.control = Some(control);
    }
}

type Reloading = ResponseActFuture<ReloadActor, Result<String, String>>;

impl ReloadActor {
    /// Loads and applies the configuration; unless `forced`, only if the files have changed.
    fn reload(&self, forced: bool) -> Reloading {
        let loader = Arc::clone(&self.loader);
        let loading = async move { load(loader).await };
        let then = move |result: Result<LoadedConfig, String>, actor: &mut Self, _: &mut Context<Self>| {
            let same = matches!(&result, Ok(loaded_config) if loaded_config.hash == actor.state.hash && actor.state.successful
                && loaded_config.broken_files() == actor.state.broken_files);
            if same && !forced {
                if let Ok(loaded_config) = &result {
                    actor.watcher.follow(&loaded_config.watched);
                }
                return actor.done(Ok("nothing has changed".to_owned()));
            }
            actor.note_result(&result);
            match result {
                Ok(loaded_config) => actor.apply(loaded_config),
                Err(error) => actor.done(Err(error)),
            }
        };
        loading.into_actor(self).then(then).boxed_local()
    }

    fn done(&self, report: Result<String, String>) -> Reloading {
        self.publish_state();
        actix::fut::ready(report).boxed_local()
    }

    fn apply(&mut self, loaded_config: LoadedConfig) -> Reloading {
        let LoadedConfig { mut config, broken, incomplete, hash, .. } = loaded_config;
        let targets = std::mem::take(&mut config.targets);
        let (changed, restart) = (self.config.changed(&config), self.started.needs_restart(&config));
        let components = self.components.clone();
        components.configure(&config);
        let then = move |result: Result<Vec<String>, String>, actor: &mut Self, _: &mut Context<Self>| {
            let mut report = result?;
            report.extend(broken.iter().map(|problem| format!("unchanged: {problem}")));
            if !changed.is_empty() {
                report.push(format!("options changed: {}", changed.join(", ")));
            }
            if !restart.is_empty() {
                report.push(format!("takes effect with the next start: {}", restart.join(", ")));
            }
            let report = report.join("; ");
            actor.config = config;
            (actor.state.hash, actor.state.applied_at) = (hash, now());
            info!(%report, "configuration applied");
            actor.publish_state();
            Ok(report)
        };
        let replacing = async move { components.replace_targets(targets, incomplete).await };
        replacing.into_actor(self).map(then).boxed_local()
    }
}

impl Components {
    fn configure(&self, config: &Config) {
        self.level.set(config.log_level);
        self.supervisor.do_send(Configure(super::settings(config)));
        if let Some(control) = &self.control {
            control.do_send(SetAllowed(config.control_allow.clone()));
        }
    }

    /// Replaces the targets of the configuration; returns the parts of the report.
    async fn replace_targets(
        &self,
        targets: Vec<TargetSpec>,
        incomplete: bool,
    ) -> Result<Vec<String>, String> {
        let present = self.supervisor.send(GetConfigured).await.unwrap_or_default();
        let comparing =
            tokio::task::spawn_blocking(move || TargetDiff::between(present, targets, incomplete));
        let difference = comparing.await.map_err(|error| error.to_string())?;
        let mut report = vec![difference.to_string()];
        for steps in difference.steps().chunks(STEPS_PER_MESSAGE) {
            let rejected = self.supervisor.send(ApplyConfig(steps.to_vec())).await.unwrap_or_default();
            let text = |it: &Rejected| format!("not added: {}: {}", it.name.escape_debug(), it.error);
            report.extend(rejected.iter().map(text));
        }
        Ok(report)
    }
}

/// Steps in one message; the supervisor handles other messages in between.
const STEPS_PER_MESSAGE: usize = 1_000;

async fn load(loader: Arc<Mutex<Loader>>) -> Result<LoadedConfig, String> {
    let (sender, result) = oneshot::channel();
    let loading = move || {
        let mut loader = loader.lock().unwrap_or_else(PoisonError::into_inner);
        // The receiver may have been dropped.
        let _ = sender.send(loader.load().map_err(|error| error.to_string()));
    };
    // Not a thread of the runtime, which waits for its threads at the end: a disk may not respond.
    thread::Builder::new().name("reload".into()).spawn(loading).map_err(|error| error.to_string())?;
    result.await.unwrap_or_else(|_| Err("can't load the configuration".into()))
}

/// What is wrong after loading, for the status of the service.
fn problem(result: &Result<LoadedConfig, String>) -> Option<Arc<str>> {
    match result {
        Ok(loaded_config) => first_broken(&loaded_config.broken),
        Err(error) => {
            Some(format!("the configuration can't be loaded, the present one stays in force: {error}").into())
        }
    }
}

fn first_broken(broken: &[Problem]) -> Option<Arc<str>> {
    let first = broken.first()?;
    let more = match broken.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("can't use a target file: {first}{more}").into())
}

fn log_problems(loaded_config: &LoadedConfig) {
    for problem in &loaded_config.broken {
        error!(%problem, "can't use a target file, or an entry of it; its last good content, if any, stays in force");
    }
    for text in &loaded_config.reserved_labels {
        warn!("{text}");
    }
    if loaded_config.repeated > 0 {
        warn!(
            repeated = loaded_config.repeated,
            "targets occur more than once with the same name; later options override earlier ones"
        );
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
