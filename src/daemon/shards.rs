//! Shards: threads that ping, each with an engine.

use crate::actors::registry::RuntimeChange;
use crate::actors::shard::Shard;
use crate::config::{Config, EngineKind};
use crate::probe::Engine;
#[cfg(target_os = "linux")]
use crate::probe::native::{self, Idents, NativeEngine, NativeError};
use crate::probe::portable::{PortableEngine, PortableError};
use crate::target::{TargetOptions, Timeout};
use actix::prelude::*;
use std::io;
use std::num::NonZero;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

/// Why no engine can be opened.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The native engine failed.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Native(#[from] NativeError),
    /// The portable engine failed.
    #[error(transparent)]
    Portable(#[from] PortableError),
    /// The system is not Linux.
    #[cfg(not(target_os = "linux"))]
    #[error("the native engine needs Linux, use --engine portable")]
    NotHere,
    /// The system has no random numbers.
    #[error("can't get a random number for the identifiers of requests")]
    Random,
    /// A thread can't be created, or ended while it started.
    #[error("can't start a thread for an engine: {0}")]
    Thread(io::Error),
}

/// Number of shards for the targets of the start. A thread sends 100 000 requests a second with a third of its time,
/// and every further thread costs a wake-up for each slot.
pub(super) fn count(config: &Config, runtime_changes: &[RuntimeChange]) -> u16 {
    let configured = config.targets.iter().map(|target| &target.options);
    let added = runtime_changes.iter().filter_map(|change| match change {
        RuntimeChange::Add(target) => Some(&target.options),
        _ => None,
    });
    let per_second = |options: &TargetOptions| 1.0 / options.interval.unwrap_or(config.interval).seconds();
    let rate: f64 = configured.chain(added).map(per_second).sum();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let busy = (rate / MAX_REQUESTS_PER_SECOND).ceil() as u16;
    busy.clamp(1, u16::try_from(cores).unwrap_or(MAX_SHARDS).min(MAX_SHARDS))
}

/// Requests per second of a shard at which a further shard pays off.
const MAX_REQUESTS_PER_SECOND: f64 = 120_000.0;
const MAX_SHARDS: u16 = 64;

/// Starts shards.
///
/// # Errors
/// [`EngineError`] of the first engine that can't be opened.
pub(super) async fn start(
    kind: EngineKind,
    timeout: Timeout,
    shards: u16,
) -> Result<Vec<Shard>, EngineError> {
    let parts = EngineParts::new(shards)?;
    let mut started = Vec::new();
    for shard in 0..shards {
        let arbiter = Arbiter::try_new().map_err(EngineError::Thread)?;
        let (opened, result) = oneshot::channel();
        arbiter.spawn_fn(move || {
            name_thread(&format!("shard-{shard}"));
            let _ = opened.send(open_in_thread(kind, timeout, parts.of_shard(shard)));
        });
        let ended = |_| EngineError::Thread(io::Error::other("it ended at once"));
        result.await.map_err(ended)??;
        started.push(Shard::Remote(arbiter.handle()));
    }
    Ok(started)
}

/// Names the current thread for tools such as ps -T. Not every system has names of threads.
fn name_thread(name: &str) {
    if let Err(error) = std::fs::write("/proc/thread-self/comm", name) {
        debug!(%error, "can't name a thread");
    }
}

/// Opens an engine and makes it the engine of the current thread.
fn open_in_thread(kind: EngineKind, timeout: Timeout, parts: EngineParts) -> Result<(), EngineError> {
    super::privilege::keep_for_opening();
    let engine = open(kind, timeout, parts)?;
    super::privilege::keep_for_running();
    let stats = engine.stats();
    info!(engine = stats.engine, socket = stats.socket, "engine opened");
    Shard::set_thread_engine(engine);
    Ok(())
}

#[cfg(target_os = "linux")]
fn open(kind: EngineKind, timeout: Timeout, parts: EngineParts) -> Result<Rc<dyn Engine>, EngineError> {
    match kind {
        EngineKind::Portable => open_portable(timeout),
        EngineKind::Native | EngineKind::Auto => {
            let engine = NativeEngine::open(parts.epoch, parts.idents)?;
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

/// Runs the task of an engine, and restarts it after an error or a panic.
#[cfg(target_os = "linux")]
async fn keep_driving(engine: Rc<NativeEngine>) {
    loop {
        match actix_rt::spawn(native::drive(Rc::clone(&engine))).await {
            Ok(Err(error)) => error!(%error, "the engine can't run, it is started again"),
            Err(error) if error.is_panic() => error!("the engine has panicked, it is started again"),
            // The task ends only with its thread.
            Ok(Ok(())) | Err(_) => return,
        }
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

#[cfg(target_os = "linux")]
const RESTART_DELAY: Duration = Duration::from_millis(100);

/// Time before the start that a timestamp can represent: an outage may have begun before a restart.
#[cfg(target_os = "linux")]
const PAST_NANOS: i128 = 400 * 86_400 * 1_000_000_000;

/// Values that the engines of a daemon have in common.
#[derive(Debug, Clone, Copy)]
struct EngineParts {
    /// Zero of all timestamps.
    #[cfg(target_os = "linux")]
    epoch: i128,
    /// Identifiers of echo requests, one for each engine.
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
