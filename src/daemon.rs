//! Joins everything: opens what may be refused, starts the actors, runs until it is told to stop.

mod beginning;
mod difference;
mod engines;
mod privilege;
mod reload;
mod sockets;
mod systemd;
mod watch;

use crate::actors::registry::{Limits, Wish};
use crate::actors::reload::Reload;
use crate::actors::shard::{Seeds, Shard};
use crate::actors::supervisor::{Amendment, Declared, Settings, Settle, SupervisorActor};
use crate::cli::console::{Console, Handle};
use crate::cli::load::{Loader, Reading};
use crate::cli::logging::LevelHandle;
use crate::cli::{logging, screen};
use crate::config::Config;
use crate::control::{self, ControlActor, Finish};
use crate::resolve::system::SystemNames;
use crate::state::{self, State, StateError};
use crate::target::{Defaults, TargetSpec, Terms};
use crate::web::{self, ConfigError, Protection, Sources};
use actix::prelude::*;
use reload::{Outside, ReloadActor};
use std::io::{self, IsTerminal};
use std::num::NonZero;
use std::rc::Rc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tracing::info;

pub use engines::EngineError;
use sockets::Handed;
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
    State(#[from] StateError),
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
pub fn run(loader: Loader, reading: Reading) -> Result<(), StartError> {
    let handed = Handed::take()?;
    let console = Console::open()?;
    let level = logging::start(reading.config.log_level, console.handle()).map_err(io::Error::other)?;
    System::new().block_on(serve(loader, reading, handed, console.handle(), level))
}

async fn serve(
    loader: Loader,
    mut reading: Reading,
    handed: Handed,
    console: Handle,
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
    let mut state = config.state.clone().map(State::open).transpose()?;
    let wishes = state.as_mut().map(|state| std::mem::take(&mut state.wishes)).unwrap_or_default();
    let shards = engines::start(config.engine, config.timeout, shards(&config, &wishes)).await?;
    privilege::keep_for_running();
    let supervisor = supervise(&config, shards, state.as_mut())?;
    info!(version = env!("CARGO_PKG_VERSION"), targets = config.targets.len(), "meshping started");
    // Before anybody is asked for anything.
    beginning::begin(&supervisor, config.targets, reading.incomplete, wishes);
    let state = state.map(|state| state.start(&supervisor));
    let mut backend = control::Backend::from(supervisor.clone());
    backend.history = state.as_ref().map(|state| state.actor.clone().recipient());
    backend.seen = state.as_ref().map(|state| state.actor.clone().recipient());
    let control = match control {
        Some(socket) => Some(control::start(socket, config.control_allow, backend).await?),
        None => None,
    };
    let outside = Outside { supervisor: supervisor.clone(), control: control.clone(), level };
    let reload = ReloadActor::new(loader, reading, outside).start();
    let terminal_gone = Rc::new(Notify::new());
    actix_rt::spawn(hangups.reload(reload.clone().recipient(), Rc::clone(&terminal_gone)));
    if !web.is_empty() {
        let sources = Sources {
            roster: supervisor.clone().recipient(),
            status: supervisor.clone().recipient(),
            control: control.clone().map(Addr::recipient),
            reload: Some(reload.recipient()),
            state: state.as_ref().map(|state| web::StateSources::from(state.actor.clone())),
        };
        web::serve(web, sources, protection, web::Limits::default()).await?;
    }
    if screen::is_wanted(config.quiet) {
        actix_rt::spawn(screen::run(console, supervisor.clone().recipient()));
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
async fn finish(control: Option<Addr<ControlActor>>, state: Option<state::Running>) {
    info!("stopping");
    systemd::stopping();
    if let Some(control) = control {
        // Whoever has asked gets an answer; whoever asks from now on, one from our successor.
        let _ = tokio::time::timeout(LAST_ANSWERS, control.send(Finish)).await;
    }
    if let Some(state) = state {
        state.finish().await;
    }
    System::current().stop();
}

/// As many threads as the targets that we start with give work to. One does 100 000 requests a second with a
/// third of its time, and a second one costs a wake-up for each slot.
fn shards(config: &Config, wishes: &[Wish]) -> u16 {
    let configured = config.targets.iter().map(|target| &target.terms);
    let live = wishes.iter().filter_map(|wish| match wish {
        Wish::Want { terms, .. } => Some(terms),
        _ => None,
    });
    let per_second = |terms: &Terms| 1.0 / terms.interval.unwrap_or(config.interval).seconds();
    let rate: f64 = configured.chain(live).map(per_second).sum();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let busy = (rate / RATE_OF_A_THREAD).ceil() as u16;
    busy.clamp(1, u16::try_from(cores).unwrap_or(MOST_THREADS).min(MOST_THREADS))
}

/// Requests per second that one thread is given before another one pays off.
const RATE_OF_A_THREAD: f64 = 120_000.0;
const MOST_THREADS: u16 = 64;

fn supervise(
    config: &Config,
    shards: Vec<Shard>,
    state: Option<&mut State>,
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
    let limits = Limits { targets: config.max_targets, names: Config::MAX_NAMES };
    let defaults = Defaults { interval: config.interval, timeout: config.timeout };
    Settings { limits, defaults }
}

/// Waits until every target's actor runs; then everybody may know.
async fn settle(supervisor: Addr<SupervisorActor>) {
    if supervisor.send(Settle).await.is_ok() {
        systemd::ready();
        systemd::report(supervisor).await;
    }
}

fn put(TargetSpec { name, host, terms }: TargetSpec) -> Amendment {
    Amendment::Put(Declared { name, host, terms })
}

/// A request is answered within 400 ms.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// SIGHUP, which is what `systemctl reload` sends, and a terminal that goes away.
struct Hangups {
    signal: Signal,
    /// Whether we end with our terminal, as every program in the foreground; nohup(1) ignores the signal for us.
    ends_with_terminal: bool,
}

impl Hangups {
    fn new() -> io::Result<Self> {
        let ends_with_terminal = io::stdout().is_terminal() && !is_hangup_ignored();
        Ok(Self { signal: signal(SignalKind::hangup())?, ends_with_terminal })
    }

    /// Has the configuration read again at each of them, until the terminal is gone.
    async fn reload(mut self, reload: Recipient<Reload>, terminal_gone: Rc<Notify>) {
        while self.signal.recv().await.is_some() {
            if self.ends_with_terminal && !io::stdout().is_terminal() {
                return terminal_gone.notify_one();
            }
            systemd::reloading();
            // It logs what came of it.
            let _ = reload.send(Reload).await;
            systemd::ready();
        }
    }
}

/// Whether whoever started us has SIGHUP ignored; the kernel tells it as the lowest bit of a mask (proc_pid_status(5)).
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| mask.trim().ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']))
}

/// SIGINT and SIGTERM, caught from the start on.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn received(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
