//! Saves the runtime state and the statistics in two SQLite files, each with its own thread. Pinging never waits for
//! the disk.

mod actor;
mod database;
mod directory;
mod file_id;
mod flush_loop;
mod health;
#[deny(clippy::disallowed_methods)]
mod hour_rollover;
mod statistics_db;
mod statistics_writer;
mod store_handle;
mod targets_db;
mod targets_writer;
pub mod tools;

pub use actor::StateActor;

use crate::actors::persistence::{Restore, RewriteAll, SavedTarget, StateStore};
use crate::actors::registry::RuntimeChange;
use crate::actors::supervisor::GetTargets;
use crate::config::StateConfig;
use crate::target::TargetKey;
use actix::prelude::*;
use actor::FinalFlush;
use database::Database;
use directory::{Directory, DirectoryError};
use health::Health;
use statistics_writer::StatisticsWriter;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use store_handle::StoreHandle;
use targets_writer::{ChangeSource, TargetsWriter};
use tracing::{error, info, warn};

/// Why the daemon can't start with this state; shown to the operator unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Two daemons would overwrite each other's state.
    #[error("another meshping uses the state in {0}; --state-dir takes another directory")]
    InUse(PathBuf),
    /// The system refuses another thread.
    #[error("can't start a thread for the state: {0}")]
    Thread(#[from] io::Error),
}

/// The state of before the start.
pub struct SavedState {
    /// Changes that restore the runtime state.
    pub changes: Vec<RuntimeChange>,
    /// Statistics of targets.
    pub statistics: HashMap<TargetKey, SavedTarget>,
    store: Rc<StoreHandle>,
    health: [Arc<Health>; 2],
    threads: [JoinHandle<()>; 2],
}

impl SavedState {
    /// Reads the state and starts the threads that save it. A disk that fails is reported and tried again; the daemon
    /// starts all the same.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(config: StateConfig) -> Result<Self, StateError> {
        let StateConfig { directory: path, history_days } = config;
        let directory = Arc::new(Directory::new(path.clone()));
        if let Err(DirectoryError::InUse) = directory.take() {
            return Err(StateError::InUse(path));
        }
        match tools::finish_restore(&directory) {
            Ok(replaced) if replaced.is_empty() => {}
            Ok(_) => info!("a restore of the state that was interrupted is complete"),
            Err(error) => error!(%error, "a restore of the state that was interrupted can't be completed"),
        }
        let health = [Arc::<Health>::default(), Arc::default()];
        let database =
            |schema, index: usize| Database::new(Arc::clone(&directory), schema, Arc::clone(&health[index]));
        let (mut targets, mut statistics) =
            (database(&targets_db::SCHEMA, 0), database(&statistics_db::SCHEMA, 1));
        let changes = read(&mut targets, targets_db::load);
        let saved = read(&mut statistics, statistics_db::load).unwrap_or_default();
        if history_days == 0 && statistics.works() {
            // The database logs a failure.
            let _ = statistics.write(statistics_db::drop_hour_starts);
        }
        info!(directory = %path.display(), changes = changes.as_ref().map(Vec::len), statistics = saved.len(), "state read");
        let (targets_writer, targets_thread) = TargetsWriter::start(targets, changes.is_some())?;
        let (statistics_writer, statistics_thread) = StatisticsWriter::start(statistics, history_days)?;
        let store = Rc::new(StoreHandle::new(targets_writer, statistics_writer));
        let threads = [targets_thread, statistics_thread];
        Ok(Self { changes: changes.unwrap_or_default(), statistics: saved, store, health, threads })
    }

    /// The storage port for the supervisor.
    pub fn store(&self) -> Rc<dyn StateStore> {
        Rc::new(Rc::clone(&self.store))
    }

    /// Starts to save the statistics of the supervisor's targets.
    pub fn start<A>(self, supervisor: &Addr<A>) -> RunningState
    where
        A: Actor<Context = Context<A>> + Handler<GetTargets> + Handler<RewriteAll> + Handler<Restore>,
    {
        let (rewrite, restore) = (supervisor.clone().recipient(), supervisor.clone().recipient());
        self.store.targets_writer.set_source(ChangeSource { rewrite, restore });
        let actor = StateActor::new(self.store, supervisor.clone().recipient(), self.health).start();
        RunningState { actor, threads: self.threads }
    }
}

/// The state while the daemon runs.
pub struct RunningState {
    /// The actor that answers queries.
    pub actor: Addr<StateActor>,
    threads: [JoinHandle<()>; 2],
}

impl RunningState {
    /// Saves everything a last time, and closes the databases.
    pub async fn finish(self) {
        if self.actor.send(FinalFlush).await.is_err() {
            return;
        }
        let closed = actix_rt::task::spawn_blocking(|| {
            for thread in self.threads {
                // A panic was logged by the thread.
                let _ = thread.join();
            }
        });
        if tokio::time::timeout(CLOSE_TIMEOUT, closed).await.is_err() {
            warn!("the state is not closed in time; nothing that was acknowledged is lost");
        }
    }
}

/// Time limit for closing the databases.
const CLOSE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);

/// Reads a database: the new one if it was corrupt; read-only if it can't be written.
fn read<T>(
    database: &mut Database,
    load: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T>,
) -> Option<T> {
    let read = database.write(&load).or_else(|error| match error {
        database::DatabaseError::Corrupt => database.write(&load),
        other => Err(other),
    });
    read.ok().or_else(|| database.read_only(&load))
}
