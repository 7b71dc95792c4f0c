//! The edge to the disk: what was wished live and what was measured, in two SQLite files, each with a thread of its
//! own. What the disk does never holds up pinging.

mod actor;
mod database;
mod directory;
mod flush_loop;
mod health;
#[deny(clippy::disallowed_methods)]
mod hourly;
mod statistics_db;
mod statistics_writer;
mod store_handle;
mod targets_db;
mod targets_writer;

pub use actor::StateActor;

use crate::actors::persistence::{Recall, RewriteAll, SavedTarget, StateStore};
use crate::actors::registry::RuntimeChange;
use crate::actors::supervisor::GetTargets;
use crate::config::StateConfig;
use crate::target::Address;
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
use tracing::{info, warn};

/// Why the daemon does not start with that state; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Two daemons would overwrite each other's state.
    #[error("another meshping uses the state in {0}; --state-dir takes another directory")]
    InUse(PathBuf),
    /// The system has no thread to give.
    #[error("no thread for the state: {0}")]
    Thread(#[from] io::Error),
}

/// The state as it was found.
pub struct SavedState {
    /// What was wished live before the restart.
    pub wishes: Vec<RuntimeChange>,
    /// The statistics of all targets, for whom they are pinged again.
    pub books: HashMap<Address, SavedTarget>,
    desk: Rc<StoreHandle>,
    health: [Arc<Health>; 2],
    threads: [JoinHandle<()>; 2],
}

impl SavedState {
    /// Reads the state and begins to keep it. A disk that does not work is reported and tried again; it is no reason
    /// not to ping.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(config: StateConfig) -> Result<Self, StateError> {
        let StateConfig { directory: path, history_days } = config;
        let directory = Arc::new(Directory::new(path.clone()));
        if let Err(DirectoryError::InUse) = directory.take() {
            return Err(StateError::InUse(path));
        }
        let health = [Arc::<Health>::default(), Arc::default()];
        let database =
            |schema, index: usize| Database::new(Arc::clone(&directory), schema, Arc::clone(&health[index]));
        let (mut targets, mut statistics) =
            (database(&targets_db::SCHEMA, 0), database(&statistics_db::SCHEMA, 1));
        let wishes = read(&mut targets, targets_db::load);
        let books = read(&mut statistics, statistics_db::load).unwrap_or_default();
        if history_days == 0 && statistics.works() {
            // Failure is told by the database.
            let _ = statistics.write(statistics_db::drop_marks);
        }
        info!(directory = %path.display(), wishes = wishes.as_ref().map(Vec::len), books = books.len(), "state read");
        let (journal, journal_thread) = TargetsWriter::start(targets, wishes.is_some())?;
        let (books_kept, books_thread) = StatisticsWriter::start(statistics, history_days)?;
        let desk = Rc::new(StoreHandle::new(journal, books_kept));
        let threads = [journal_thread, books_thread];
        Ok(Self { wishes: wishes.unwrap_or_default(), books, desk, health, threads })
    }

    /// Whom the supervisor tells what is to be kept.
    pub fn keeper(&self) -> Rc<dyn StateStore> {
        Rc::new(Rc::clone(&self.desk))
    }

    /// Begins to keep the statistics of the supervisor's targets.
    pub fn start<A>(self, supervisor: &Addr<A>) -> RunningState
    where
        A: Actor<Context = Context<A>> + Handler<GetTargets> + Handler<RewriteAll> + Handler<Recall>,
    {
        let (rewrite, recall) = (supervisor.clone().recipient(), supervisor.clone().recipient());
        self.desk.journal.belong_to(ChangeSource { rewrite, recall });
        let actor = StateActor::new(self.desk, supervisor.clone().recipient(), self.health).start();
        RunningState { actor, threads: self.threads }
    }
}

/// The state while it is kept.
pub struct RunningState {
    /// Who is to be asked about it.
    pub actor: Addr<StateActor>,
    threads: [JoinHandle<()>; 2],
}

impl RunningState {
    /// Keeps everything once more, and closes the databases.
    pub async fn finish(self) {
        if self.actor.send(FinalFlush).await.is_err() {
            return;
        }
        let closed = actix_rt::task::spawn_blocking(|| {
            for thread in self.threads {
                // Should it have panicked, that was logged.
                let _ = thread.join();
            }
        });
        if tokio::time::timeout(CLOSING, closed).await.is_err() {
            warn!("the state is not closed in time; nothing that was acknowledged is lost");
        }
    }
}

/// So long the disk may take for the rest.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(3);

/// What is in a database: if it was corrupt, in the new one; if it can't be written, as far as it can be read.
fn read<T>(
    database: &mut Database,
    load: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T>,
) -> Option<T> {
    let read = database.write(&load).or_else(|fault| match fault {
        database::DatabaseError::Corrupt => database.write(&load),
        other => Err(other),
    });
    read.ok().or_else(|| database.read_only(&load))
}
