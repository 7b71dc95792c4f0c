//! The port to what outlasts the process: what the supervisor tells whoever keeps things, and what can be asked of it.

use super::registry::{Filter, RuntimeChange};
use crate::measure::{EncodedStats, LifetimeStats};
use crate::target::{Address, Label};
use actix::prelude::*;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Keeps what is to be there again after a restart. Nothing here waits for a disk.
pub trait StateStore {
    /// Keeps these changes, in order, after all that were told before.
    fn record(&self, wishes: Vec<RuntimeChange>) -> Receipt;

    /// Forgets everything that was wished, and keeps this instead.
    fn rewrite(&self, wishes: Vec<RuntimeChange>);

    /// There is a target.
    fn started(&self);

    /// That target is not pinged any more: nobody will go on with its statistics.
    fn retired(&self, address: Address);
}

/// The statistics of a target, as they were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedTarget {
    /// The statistics.
    pub stats: EncodedStats,
    /// When that was, in Unix time.
    pub at: Duration,
}

/// Tells when something is kept for certain.
#[derive(Debug, Default)]
pub struct Receipt(Option<oneshot::Receiver<Result<(), NotSaved>>>);

/// What was done will be gone after a restart; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("applied, not saved: {0}")]
pub struct NotSaved(pub String);

impl Receipt {
    /// One that is answered by what it is paired with.
    pub fn pending() -> (oneshot::Sender<Result<(), NotSaved>>, Self) {
        let (answer, answered) = oneshot::channel();
        (answer, Self(Some(answered)))
    }

    /// Waits until it is certain; at once where nothing is kept.
    ///
    /// # Errors
    /// [`NotSaved`], also if it is not certain at `deadline`.
    pub async fn kept(self, deadline: Instant) -> Result<(), NotSaved> {
        let Some(answered) = self.0 else { return Ok(()) };
        match timeout_at(deadline, answered).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(NotSaved("the daemon is shutting down".into()))),
            Err(_) => Err(NotSaved("the disk has not confirmed it in time".into())),
        }
    }
}

/// Asks what was wished live, all of it, to be told by [`StateStore::rewrite`]: what is kept is not up to date.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct RewriteAll;

/// What was wished before the restart could be read only now.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Recall(pub Vec<RuntimeChange>);

/// Tells that somebody has seen the statistics of many targets: what was seen must not go back after a restart.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct FlushSoon;

/// Asks how targets were doing, hour by hour; the present hour included.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<Hour>, HistoryError>")]
pub struct GetHistory {
    /// Of which targets: of those that are there now, and of an address also when it is not pinged any more.
    pub filter: Filter,
    /// Only what comes after the hour of that address that begins at that Unix time; in the order of addresses, and
    /// then of hours.
    pub after: Option<(Address, i64)>,
    /// At most so many hours.
    pub limit: usize,
}

/// One hour of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Hour {
    /// Whom it pinged.
    pub address: Address,
    /// How it was called then.
    pub name: Label,
    /// When the hour began, in Unix seconds.
    pub begins: i64,
    /// What was settled in it.
    pub settled: LifetimeStats,
}

/// Why there is no history; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It is switched off, or there is no place for it.
    #[error("there is no history: it takes --state-dir, and --history-days of at least 1")]
    Off,
    /// The disk does not give it.
    #[error("the history can't be read: {0}")]
    Unreadable(String),
}

/// Asks how the keeping is going.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<StoreStats>")]
pub struct GetStoreStats;

/// How the keeping of one database is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStats {
    /// Which one: `targets` or `statistics`.
    pub database: &'static str,
    /// Whether the latest attempt to write succeeded.
    pub works: bool,
    /// Attempts that failed.
    pub errors: u64,
    /// When something was last written, in Unix time; `None` if never.
    pub last_saved: Option<Duration>,
    /// Its size on disk, without its log.
    pub bytes: u64,
}
