//! The daemon: opens sockets and files, starts the actors, runs until a signal ends it.

mod descriptors;
mod file_watcher;
mod privilege;
mod reload;
mod runtime_directory;
mod shards;
mod signals;
mod sockets;
mod startup;
mod systemd;
#[deny(clippy::disallowed_methods)]
mod target_diff;

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
use reload::{Components, ReloadActor, UseControl};
use signals::{Hangups, StopSignals};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::info;

pub use crate::state::tools::run as run_state_command;
use descriptors::InheritedDescriptors;
pub use descriptors::TooFewDescriptors;
pub use shards::EngineError;
use sockets::InheritedSockets;
pub use sockets::SocketError;

/// Why the daemon can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The limit of open files is too low.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// A socket can't be used.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The web config file can't be used.
    #[error("can't use the web config file: {0}")]
    WebConfig(#[from] ConfigError),
    /// No engine can be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state can't be opened.
    #[error(transparent)]
    SavedState(#[from] StateError),
    /// A system call failed that works on every usable system.
    #[error("can't create a thread, a signal handler or a random key: {0}")]
    System(#[from] io::Error),
}

/// Checks the files that a configuration refers to, as far as is possible without a start.
///
/// # Errors
/// The first problem.
pub fn check(config: &Config) -> Result<(), String> {
    protection(config).map(drop).map_err(|error| StartError::from(error).to_string())
}

fn protection(config: &Config) -> Result<Protection, ConfigError> {
    config.web_config.as_deref().map_or_else(|| Ok(Protection::default()), Protection::read)
}

/// Runs the daemon until SIGINT or SIGTERM.
///
/// # Errors
/// [`StartError`], before the first ping. After the start only a signal ends the daemon.
pub fn run(loader: Loader, loaded_config: LoadedConfig) -> Result<(), StartError> {
    let descriptors = InheritedDescriptors::read();
    descriptors.ensure(&loaded_config.config, shards::count(&loaded_config.config, &[]))?;
    let inherited = InheritedSockets::take()?;
    let console = Console::open()?;
    let level = logging::start(loaded_config.config.log_level, console.handle()).map_err(io::Error::other)?;
    // System::new() would panic without descriptors or memory for a runtime.
    let runtime = actix_rt::Runtime::new()?;
    System::with_tokio_rt(|| runtime).block_on(serve(
        loader,
        loaded_config,
        (inherited, descriptors),
        console.handle(),
        level,
    ))
}

async fn serve(
    loader: Loader,
    mut loaded_config: LoadedConfig,
    (inherited, descriptors): (InheritedSockets, InheritedDescriptors),
    console: ConsoleHandle,
    level: LevelHandle,
) -> Result<(), StartError> {
    let targets = std::mem::take(&mut loaded_config.config.targets);
    let config = Config { targets, ..loaded_config.config.clone() };
    let (stop, hangups) = (StopSignals::new()?, Hangups::new()?);
    // Sockets first: a port below 1024 needs a capability that is dropped next.
    privilege::raise_for_ports();
    let (control, web) = inherited.open(&config)?;
    privilege::keep_for_opening();
    // Read without privileges, because it must be possible to read the file again.
    let protection = protection(&config)?;
    let mut state = config.state.clone().map(SavedState::open).transpose()?;
    let runtime_changes = state.as_mut().map(|state| std::mem::take(&mut state.changes)).unwrap_or_default();
    let shards = shards::count(&config, &runtime_changes);
    descriptors.ensure(&config, shards)?;
    let shards = shards::start(config.engine, config.timeout, shards).await?;
    privilege::keep_for_running();
    let supervisor = supervise(&config, shards, state.as_mut())?;
    info!(version = env!("CARGO_PKG_VERSION"), targets = config.target_count(), "meshping started");
    // Before any other message to the supervisor.
    startup::begin(&supervisor, config.targets, loaded_config.incomplete, runtime_changes);
    let state = state.map(|state| state.start(&supervisor));
    let components = Components { supervisor: supervisor.clone(), control: None, level };
    let reload = ReloadActor::new(loader, loaded_config, components).start();
    let mut backend = control::Backend::from(supervisor.clone());
    backend.reload = Some(reload.clone().recipient());
    backend.history = state.as_ref().map(|state| state.actor.clone().recipient());
    backend.flush = state.as_ref().map(|state| state.actor.clone().recipient());
    let (control_address, ping_exporter_window) = (config.control, config.ping_exporter_window);
    let control = match control {
        Some(socket) => Some(control::start(socket, config.control_allow, backend).await?),
        None => None,
    };
    if let Some(control) = &control {
        reload.do_send(UseControl(control.clone()));
    }
    runtime_directory::write_control_address(control_address);
    let terminal_gone = Rc::new(Notify::new());
    actix_rt::spawn(hangups.reload(reload.clone().recipient(), Rc::clone(&terminal_gone)));
    if !web.is_empty() {
        let sources = WebSources {
            targets: supervisor.clone().recipient(),
            status: supervisor.clone().recipient(),
            entries: supervisor.clone().recipient(),
            control: control.clone().map(Addr::recipient),
            reload: Some(reload.recipient()),
            state: state.as_ref().map(|state| web::StateSources::from(state.actor.clone())),
        };
        let limits = web::HttpLimits {
            max_scrapes: config.max_scrapes,
            ping_exporter_window,
            ..web::HttpLimits::default()
        };
        web::serve(web, sources, protection, limits).await?;
    }
    if live_table::is_enabled(config.quiet) {
        actix_rt::spawn(live_table::run(console, supervisor.clone().recipient()));
    }
    actix_rt::spawn(report_ready(supervisor.clone()));
    tokio::select! {
        () = stop.received() => {}
        () = terminal_gone.notified() => {}
    }
    finish(control, state).await;
    Ok(())
}

/// Stops the actors in order: answers pending requests, then saves the state.
async fn finish(control: Option<Addr<ControlActor>>, state: Option<state::RunningState>) {
    info!("stopping");
    systemd::stopping();
    if let Some(control) = control {
        // Requests that have arrived are answered; later ones wait for the next process.
        let _ = tokio::time::timeout(LAST_REPLIES_TIMEOUT, control.send(StopReading)).await;
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
        Some(state) => supervisor.with_store(state.store(), std::mem::take(&mut state.statistics)).start(),
        None => supervisor.start(),
    })
}

fn settings(config: &Config) -> Settings {
    let limits = RegistryLimits { targets: config.max_targets, names: Config::MAX_NAMES };
    let defaults = Defaults { interval: config.interval, timeout: config.timeout };
    Settings { limits, defaults }
}

/// Waits until the actors of all targets run, then reports to the service manager.
async fn report_ready(supervisor: Addr<SupervisorActor>) {
    if supervisor.send(WaitUntilReady).await.is_ok() {
        systemd::ready();
        systemd::report(supervisor).await;
    }
}

/// Time limit for the last replies of the control socket; a request is answered within 400 ms.
const LAST_REPLIES_TIMEOUT: Duration = Duration::from_millis(500);
