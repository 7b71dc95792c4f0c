//! Storage port: how actors save changes and statistics, and query the history.

use super::registry::{Filter, RuntimeChange};
use crate::measure::{EncodedStats, LifetimeStats};
use crate::target::{Label, TargetKey};
use actix::prelude::*;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Saves state for the next start. No method waits for a disk.
pub trait StateStore {
    /// Saves changes, in order, after all earlier ones.
    fn record(&self, changes: Vec<RuntimeChange>) -> Receipt;

    /// Replaces all saved changes.
    fn rewrite(&self, changes: Vec<RuntimeChange>);

    /// Reports the start of a target.
    fn started(&self);

    /// Reports the end of a target: its statistics are not continued.
    fn retired(&self, key: TargetKey);
}

/// Saved statistics of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedTarget {
    /// The statistics.
    pub stats: EncodedStats,
    /// When they were saved, in Unix time.
    pub at: Duration,
}

/// Resolves when changes are on disk.
#[derive(Debug, Default)]
pub struct Receipt(Option<oneshot::Receiver<Result<(), NotSaved>>>);

/// A change was applied, but a restart may undo it; shown to the operator unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("applied, not saved: {0}")]
pub struct NotSaved(pub String);

impl Receipt {
    /// A receipt, and the sender that resolves it.
    pub fn pending() -> (oneshot::Sender<Result<(), NotSaved>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(Some(receiver)))
    }

    /// Waits until the changes are on disk; returns at once without a store.
    ///
    /// # Errors
    /// [`NotSaved`], also if they are not on disk at `deadline`.
    pub async fn saved(self, deadline: Instant) -> Result<(), NotSaved> {
        let Some(receiver) = self.0 else { return Ok(()) };
        match timeout_at(deadline, receiver).await {
            Ok(result) => result.unwrap_or_else(|_| Err(NotSaved("the daemon is shutting down".into()))),
            Err(_) => Err(NotSaved("the disk has not confirmed it in time".into())),
        }
    }
}

/// Asks for a [`StateStore::rewrite`] with the whole runtime state, because the saved one is out of date.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct RewriteAll;

/// Restores the runtime state of before a restart, also when it can be read only later.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Restore(pub Vec<RuntimeChange>);

/// Reports that the statistics of many targets were read: counters that were read must not decrease after a restart.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct FlushSoon;

/// Asks for the statistics of targets by hour, the current hour included.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<Hour>, HistoryError>")]
pub struct GetHistory {
    /// Selects current targets; an address is found also when it is no longer pinged.
    pub filter: Filter,
    /// Only hours after this one (target, Unix time of its beginning), in the order of targets and then of hours.
    pub after: Option<(TargetKey, i64)>,
    /// Maximum number of hours.
    pub limit: usize,
}

/// One hour of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Hour {
    /// Address and variant of the target.
    pub key: TargetKey,
    /// Its name at that time.
    pub name: Label,
    /// When the hour began, in Unix seconds.
    pub begins: i64,
    /// What was settled in it.
    pub settled: LifetimeStats,
}

/// Why there is no history; shown to the operator unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It is switched off, or there is no state directory.
    #[error("there is no history: it takes --state-dir, and --history-days of at least 1")]
    Off,
    /// It can't be read.
    #[error("the history can't be read: {0}")]
    Unreadable(String),
}

/// Asks for the state of the databases.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<StoreStats>")]
pub struct GetStoreStats;

/// State of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStats {
    /// `targets` or `statistics`.
    pub database: &'static str,
    /// Whether the latest attempt to write succeeded.
    pub works: bool,
    /// Failed attempts.
    pub errors: u64,
    /// When something was last written, in Unix time; `None` if never.
    pub last_saved: Option<Duration>,
    /// Size on disk in bytes, without the log.
    pub bytes: u64,
}
