//! Reads the configuration again and applies what is different, one time after the other.

use super::config_diff::ConfigDiff;
use super::file_watcher::FileWatcher;
use crate::actors::reload::{Reload, ReloadState};
use crate::actors::supervisor::{
    ApplyConfig, Configure, GetConfigured, NoteReload, Rejected, SupervisorActor,
};
use crate::config::Config;
use crate::config::loader::{LoadedConfig, Loader};
use crate::control::{ControlActor, SetAllowed};
use crate::target::TargetSpec;
use crate::terminal::logging::LevelHandle;
use actix::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// Tells that a file that the configuration is made of may have changed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct FilesChanged;

/// Reads the configuration again and applies what is different.
pub(super) struct ReloadActor {
    loader: Arc<Mutex<Loader>>,
    outside: Components,
    /// What we were started with, but for its targets: what takes a start is in force as it was then.
    started: Config,
    /// What was applied last, likewise.
    config: Config,
    state: ReloadState,
    watch: Option<FileWatcher>,
}

/// Whom a configuration concerns.
#[derive(Clone)]
pub(super) struct Components {
    /// Has the targets.
    pub supervisor: Addr<SupervisorActor>,
    /// Has the control socket.
    pub control: Option<Addr<ControlActor>>,
    /// Has the level of the logs.
    pub level: LevelHandle,
}

impl ReloadActor {
    /// Takes over from a start with that configuration, whose targets have been handed on.
    pub(super) fn new(loader: Loader, reading: LoadedConfig, outside: Components) -> Self {
        let LoadedConfig { config, files, broken, repeated, hash, .. } = reading;
        let state = ReloadState {
            successful: true,
            applied_at: now(),
            hash,
            broken_files: broken.len(),
            broken_reads: u64::try_from(broken.len()).unwrap_or(u64::MAX),
        };
        tell(&broken, repeated);
        let watch =
            FileWatcher::start(&files).inspect_err(|error| warn!(%error, "files are not watched")).ok();
        Self { loader: Arc::new(Mutex::new(loader)), outside, started: config.clone(), config, state, watch }
    }

    /// Takes in what came of reading the files.
    fn read(&mut self, read: &Result<LoadedConfig, String>) {
        let broken = read.as_ref().map_or(0, |reading| reading.broken.len());
        self.state.successful = read.is_ok();
        self.state.broken_reads += u64::try_from(broken).unwrap_or(u64::MAX);
        match read {
            Err(error) => error!(%error, "the configuration can't be read, the present one stays in force"),
            Ok(reading) => {
                self.state.broken_files = broken;
                tell(&reading.broken, reading.repeated);
                if let Some(watch) = &mut self.watch {
                    watch.follow(&reading.files);
                }
            }
        }
    }

    fn note(&self) {
        self.outside.supervisor.do_send(NoteReload(self.state));
    }
}

impl Actor for ReloadActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.note();
        if let Some(watch) = &self.watch {
            let changes = watch.changes();
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

type Reloading = ResponseActFuture<ReloadActor, Result<String, String>>;

impl ReloadActor {
    /// Reads and applies; unless it is `asked` for, only what is not as it was.
    fn reload(&self, asked: bool) -> Reloading {
        let loader = Arc::clone(&self.loader);
        let reading = async move { read(loader).await };
        let then = move |read: Result<LoadedConfig, String>, actor: &mut Self, _: &mut Context<Self>| {
            let same = matches!(&read, Ok(reading) if reading.hash == actor.state.hash && actor.state.successful
                && reading.broken.len() == actor.state.broken_files);
            if same && !asked {
                return actor.done(Ok("nothing has changed".to_owned()));
            }
            actor.read(&read);
            match read {
                Ok(reading) => actor.apply(reading),
                Err(error) => actor.done(Err(error)),
            }
        };
        reading.into_actor(self).then(then).boxed_local()
    }

    fn done(&self, report: Result<String, String>) -> Reloading {
        self.note();
        actix::fut::ready(report).boxed_local()
    }

    fn apply(&mut self, reading: LoadedConfig) -> Reloading {
        let LoadedConfig { mut config, broken, incomplete, hash, .. } = reading;
        let targets = std::mem::take(&mut config.targets);
        let (changed, restart) = (self.config.changed(&config), self.started.needs_restart(&config));
        let outside = self.outside.clone();
        outside.configure(&config);
        let then = move |done: Result<Vec<String>, String>, actor: &mut Self, _: &mut Context<Self>| {
            let mut report = done?;
            report.extend(broken.iter().map(|problem| format!("kept as it was: {problem}")));
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
            actor.note();
            Ok(report)
        };
        let replacing = async move { outside.replace_targets(targets, incomplete).await };
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

    /// Has these targets pinged instead of those before; returns what is to be told.
    async fn replace_targets(
        &self,
        targets: Vec<TargetSpec>,
        incomplete: bool,
    ) -> Result<Vec<String>, String> {
        let present = self.supervisor.send(GetConfigured).await.unwrap_or_default();
        let comparing =
            tokio::task::spawn_blocking(move || ConfigDiff::between(present, targets, incomplete));
        let difference = comparing.await.map_err(|error| error.to_string())?;
        let mut report = vec![difference.to_string()];
        for steps in difference.steps().chunks(AT_ONCE) {
            let refused = self.supervisor.send(ApplyConfig(steps.to_vec())).await.unwrap_or_default();
            let told = |it: &Rejected| format!("not added: {}: {}", it.name.escape_debug(), it.error);
            report.extend(refused.iter().map(told));
        }
        Ok(report)
    }
}

/// So many steps are taken before the supervisor gets to do something else.
const AT_ONCE: usize = 1_000;

async fn read(loader: Arc<Mutex<Loader>>) -> Result<LoadedConfig, String> {
    let (tell, told) = oneshot::channel();
    let loading = move || {
        let mut loader = loader.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has asked may be gone.
        let _ = tell.send(loader.load().map_err(|error| error.to_string()));
    };
    // Not one of the runtime's, which waits for them at its end: a file may be on a disk that does not answer.
    thread::Builder::new().name("reload".into()).spawn(loading).map_err(|error| error.to_string())?;
    told.await.unwrap_or_else(|_| Err("the configuration could not be read".into()))
}

fn tell(broken: &[crate::config::loader::Problem], repeated: usize) {
    for problem in broken {
        error!(%problem, "a target file can't be read; its last good content, if any, stays in force");
    }
    if repeated > 0 {
        warn!(repeated, "targets are named more than once, under the same name; the last ones count");
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
