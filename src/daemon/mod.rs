//! Joins everything: opens what may be refused, starts the actors, runs until it is told to stop.

#[deny(clippy::disallowed_methods)]
mod config_diff;
mod file_watcher;
mod privilege;
mod reload;
mod shards;
mod signals;
mod sockets;
mod startup;
mod systemd;

use crate::actors::registry::RegistryLimits;
use crate::actors::shard::{Seeds, Shard};
use crate::actors::supervisor::{Settings, SupervisorActor, WaitUntilReady};
use crate::config::Config;
use crate::config::loader::{LoadedConfig, Loader};
use crate::control::{self, ControlActor, StopReading};
use crate::resolve::system::SystemNames;
use crate::state::{self, SavedState, StateError};
use crate::target::Defaults;
use crate::terminal::console::{Console, ConsoleHandle};
use crate::terminal::logging::LevelHandle;
use crate::terminal::{live_table, logging};
use crate::web::WebSources;
use crate::web::{self, ConfigError, Protection};
use actix::prelude::*;
use reload::{Components, ReloadActor};
use signals::{Hangups, StopSignals};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::info;

pub use shards::EngineError;
use sockets::InheritedSockets;
pub use sockets::SocketError;

/// Why the daemon did not start; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket can't be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// What is to protect it can't be used.
    #[error("can't use the web config file: {0}")]
    WebConfig(#[from] ConfigError),
    /// There is no way to ping.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state belongs to somebody else.
    #[error(transparent)]
    SavedState(#[from] StateError),
    /// The system has no thread, no signal handler or no random numbers to give.
    #[error("the system refuses what every program needs: {0}")]
    System(#[from] io::Error),
}

/// Checks what a configuration refers to, as far as that can be done without starting.
///
/// # Errors
/// What is wrong, for the operator.
pub fn check(config: &Config) -> Result<(), String> {
    protection(config).map(drop).map_err(|error| StartError::from(error).to_string())
}

fn protection(config: &Config) -> Result<Protection, ConfigError> {
    config.web_config.as_deref().map_or_else(|| Ok(Protection::default()), Protection::read)
}

/// Runs the daemon until SIGINT or SIGTERM.
///
/// # Errors
/// [`StartError`], before anything was pinged. After the start nothing but a signal ends it.
pub fn run(loader: Loader, reading: LoadedConfig) -> Result<(), StartError> {
    let handed = InheritedSockets::take()?;
    let console = Console::open()?;
    let level = logging::start(reading.config.log_level, console.handle()).map_err(io::Error::other)?;
    System::new().block_on(serve(loader, reading, handed, console.handle(), level))
}

async fn serve(
    loader: Loader,
    mut reading: LoadedConfig,
    handed: InheritedSockets,
    console: ConsoleHandle,
    level: LevelHandle,
) -> Result<(), StartError> {
    let targets = std::mem::take(&mut reading.config.targets);
    let config = Config { targets, ..reading.config.clone() };
    let (stop, hangups) = (StopSignals::new()?, Hangups::new()?);
    // Ports first: one below 1024 takes a capability that we give up next.
    let (control, web) = handed.open(&config)?;
    privilege::keep_for_opening();
    // What only the privileged can read could not be read again.
    let protection = protection(&config)?;
    let mut state = config.state.clone().map(SavedState::open).transpose()?;
    let wishes = state.as_mut().map(|state| std::mem::take(&mut state.wishes)).unwrap_or_default();
    let shards = shards::start(config.engine, config.timeout, shards::count(&config, &wishes)).await?;
    privilege::keep_for_running();
    let supervisor = supervise(&config, shards, state.as_mut())?;
    info!(version = env!("CARGO_PKG_VERSION"), targets = config.targets.len(), "meshping started");
    // Before anybody is asked for anything.
    startup::begin(&supervisor, config.targets, reading.incomplete, wishes);
    let state = state.map(|state| state.start(&supervisor));
    let mut backend = control::Backend::from(supervisor.clone());
    backend.history = state.as_ref().map(|state| state.actor.clone().recipient());
    backend.seen = state.as_ref().map(|state| state.actor.clone().recipient());
    let control = match control {
        Some(socket) => Some(control::start(socket, config.control_allow, backend).await?),
        None => None,
    };
    let outside = Components { supervisor: supervisor.clone(), control: control.clone(), level };
    let reload = ReloadActor::new(loader, reading, outside).start();
    let terminal_gone = Rc::new(Notify::new());
    actix_rt::spawn(hangups.reload(reload.clone().recipient(), Rc::clone(&terminal_gone)));
    if !web.is_empty() {
        let sources = WebSources {
            roster: supervisor.clone().recipient(),
            status: supervisor.clone().recipient(),
            control: control.clone().map(Addr::recipient),
            reload: Some(reload.recipient()),
            state: state.as_ref().map(|state| web::StateSources::from(state.actor.clone())),
        };
        web::serve(web, sources, protection, web::HttpLimits::default()).await?;
    }
    if live_table::is_wanted(config.quiet) {
        actix_rt::spawn(live_table::run(console, supervisor.clone().recipient()));
    }
    actix_rt::spawn(settle(supervisor.clone()));
    tokio::select! {
        () = stop.received() => {}
        () = terminal_gone.notified() => {}
    }
    finish(control, state).await;
    Ok(())
}

/// Ends everything in good order.
async fn finish(control: Option<Addr<ControlActor>>, state: Option<state::RunningState>) {
    info!("stopping");
    systemd::stopping();
    if let Some(control) = control {
        // Whoever has asked gets an answer; whoever asks from now on, one from our successor.
        let _ = tokio::time::timeout(LAST_ANSWERS, control.send(StopReading)).await;
    }
    if let Some(state) = state {
        state.finish().await;
    }
    System::current().stop();
}

fn supervise(
    config: &Config,
    shards: Vec<Shard>,
    state: Option<&mut SavedState>,
) -> Result<Addr<SupervisorActor>, StartError> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let names = SystemNames::new(config.families);
    let supervisor = SupervisorActor::new(settings(config), shards, Seeds::new(key), Rc::new(names));
    Ok(match state {
        Some(state) => supervisor.remembering(state.keeper(), std::mem::take(&mut state.books)).start(),
        None => supervisor.start(),
    })
}

fn settings(config: &Config) -> Settings {
    let limits = RegistryLimits { targets: config.max_targets, names: Config::MAX_NAMES };
    let defaults = Defaults { interval: config.interval, timeout: config.timeout };
    Settings { limits, defaults }
}

/// Waits until every target's actor runs; then everybody may know.
async fn settle(supervisor: Addr<SupervisorActor>) {
    if supervisor.send(WaitUntilReady).await.is_ok() {
        systemd::ready();
        systemd::report(supervisor).await;
    }
}

/// A request is answered within 400 ms.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
