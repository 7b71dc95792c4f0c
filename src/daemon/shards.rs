//! Threads with an engine each.

use crate::actors::registry::RuntimeChange;
use crate::actors::shard::Shard;
use crate::config::{Config, EngineKind};
use crate::probe::Engine;
#[cfg(target_os = "linux")]
use crate::probe::native::{self, Idents, NativeEngine, NativeError};
use crate::probe::portable::{PortableEngine, PortableError};
use crate::target::{TargetOptions, Timeout};
use actix::prelude::*;
use std::num::NonZero;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

/// Why there is no way to ping; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine for Linux.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Native(#[from] NativeError),
    /// The engine for every platform.
    #[error(transparent)]
    Portable(#[from] PortableError),
    /// Not Linux.
    #[cfg(not(target_os = "linux"))]
    #[error("the native engine needs Linux, --engine portable works here")]
    NotHere,
    /// The system has none to give.
    #[error("no random numbers for the identifiers of requests")]
    Random,
    /// A thread ended before it began.
    #[error("a thread for the engine did not start")]
    Thread,
}

/// As many threads as the targets that we start with give work to. One does 100 000 requests a second with a
/// third of its time, and a second one costs a wake-up for each slot.
pub(super) fn count(config: &Config, wishes: &[RuntimeChange]) -> u16 {
    let configured = config.targets.iter().map(|target| &target.options);
    let live = wishes.iter().filter_map(|wish| match wish {
        RuntimeChange::Add(target) => Some(&target.options),
        _ => None,
    });
    let per_second = |options: &TargetOptions| 1.0 / options.interval.unwrap_or(config.interval).seconds();
    let rate: f64 = configured.chain(live).map(per_second).sum();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let busy = (rate / RATE_OF_A_THREAD).ceil() as u16;
    busy.clamp(1, u16::try_from(cores).unwrap_or(MOST_THREADS).min(MOST_THREADS))
}

/// Requests per second that one thread is given before another one pays off.
const RATE_OF_A_THREAD: f64 = 120_000.0;
const MOST_THREADS: u16 = 64;

/// Starts so many threads with an engine each.
///
/// # Errors
/// [`EngineError`] of the first that can't have one.
pub(super) async fn start(
    kind: EngineKind,
    timeout: Timeout,
    shards: u16,
) -> Result<Vec<Shard>, EngineError> {
    let common = EngineParts::new(shards)?;
    let mut started = Vec::new();
    for shard in 0..shards {
        let arbiter = Arbiter::new();
        let (opened, result) = oneshot::channel();
        arbiter.spawn_fn(move || {
            call_thread(&format!("shard-{shard}"));
            let _ = opened.send(enter(kind, timeout, common.of_shard(shard)));
        });
        result.await.map_err(|_| EngineError::Thread)??;
        started.push(Shard::Remote(arbiter.handle()));
    }
    Ok(started)
}

/// Names the present thread for those who look at them (ps -T); a system without such names does without.
fn call_thread(name: &str) {
    if let Err(error) = std::fs::write("/proc/thread-self/comm", name) {
        debug!(%error, "a thread has no name");
    }
}

/// Opens an engine and makes it the one of the present thread.
fn enter(kind: EngineKind, timeout: Timeout, common: EngineParts) -> Result<(), EngineError> {
    super::privilege::keep_for_opening();
    let engine = open(kind, timeout, common)?;
    super::privilege::keep_for_running();
    let stats = engine.stats();
    info!(engine = stats.engine, socket = stats.socket, "engine opened");
    Shard::set_thread_engine(engine);
    Ok(())
}

#[cfg(target_os = "linux")]
fn open(kind: EngineKind, timeout: Timeout, common: EngineParts) -> Result<Rc<dyn Engine>, EngineError> {
    match kind {
        EngineKind::Portable => open_portable(timeout),
        EngineKind::Native | EngineKind::Auto => {
            let engine = NativeEngine::open(common.epoch, common.idents)?;
            if let Some(bytes) = engine.small_buffer() {
                warn!(
                    bytes,
                    "the receive buffer is small, replies may be dropped at high rates: raise net.core.rmem_max to 4194304"
                );
            }
            actix_rt::spawn(keep_driving(Rc::clone(&engine)));
            Ok(engine)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn open(kind: EngineKind, timeout: Timeout, _: EngineParts) -> Result<Rc<dyn Engine>, EngineError> {
    match kind {
        EngineKind::Native => Err(EngineError::NotHere),
        EngineKind::Portable | EngineKind::Auto => open_portable(timeout),
    }
}

fn open_portable(timeout: Timeout) -> Result<Rc<dyn Engine>, EngineError> {
    Ok(PortableEngine::new(timeout)?)
}

/// Runs an engine's task, and runs it again should it die: its targets are not to be forgotten.
#[cfg(target_os = "linux")]
async fn keep_driving(engine: Rc<NativeEngine>) {
    loop {
        match actix_rt::spawn(native::drive(Rc::clone(&engine))).await {
            Ok(Err(error)) => error!(%error, "the engine can't run, trying again"),
            Err(error) if error.is_panic() => error!("the engine's task died and is replaced"),
            // It never ends by itself; its thread is ending.
            Ok(Ok(())) | Err(_) => return,
        }
        tokio::time::sleep(PAUSE_AFTER_DEATH).await;
    }
}

#[cfg(target_os = "linux")]
const PAUSE_AFTER_DEATH: Duration = Duration::from_millis(100);

/// So far back reach the moments of before the start: an outage may have begun then, and gone on over restarts.
#[cfg(target_os = "linux")]
const PAST_NANOS: i128 = 400 * 86_400 * 1_000_000_000;

/// What the engines of a daemon share.
#[derive(Debug, Clone, Copy)]
struct EngineParts {
    /// One line of time.
    #[cfg(target_os = "linux")]
    epoch: i128,
    /// An identifier for each.
    #[cfg(target_os = "linux")]
    idents: Idents,
}

#[cfg(target_os = "linux")]
impl EngineParts {
    fn new(shards: u16) -> Result<Self, EngineError> {
        let random = getrandom::u32().map_err(|_| EngineError::Random)?;
        #[expect(clippy::cast_possible_truncation, reason = "any 16 bits will do")]
        let idents = Idents::new(random as u16, shards);
        Ok(Self { epoch: native::boot_time() - PAST_NANOS, idents })
    }

    fn of_shard(self, shard: u16) -> Self {
        Self { idents: self.idents.of_thread(shard), ..self }
    }
}

#[cfg(not(target_os = "linux"))]
impl EngineParts {
    fn new(_: u16) -> Result<Self, EngineError> {
        Ok(Self {})
    }

    fn of_shard(self, _: u16) -> Self {
        self
    }
}
