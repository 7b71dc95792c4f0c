//! Reports that a file of the configuration may have changed; the loader reads the files and compares their content.
//!
//! The system reports most changes at once. Looking at the files once a second finds the others: changes of links and
//! directories on the way, a path that can be read again, and all of them where the system has no events. Files that are
//! looked at when they are used need no watcher: see `file_change`.

mod events;
mod poll;

use crate::config::loader::{LoadedConfig, WatchedFiles};
use events::EventWatcher;
use poll::Poller;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

/// Watches files and patterns of files.
pub(super) struct FileWatcher {
    events: Option<EventWatcher>,
    poller: Poller,
    changes: FileChanges,
    /// Why the system reports no events of some files.
    problem: Option<String>,
}

/// Signals that a file may have changed.
#[derive(Clone, Default)]
pub(super) struct FileChanges(Arc<Notify>);

/// Time without a further change after which a change counts as complete.
const SETTLE_TIME: Duration = Duration::from_millis(250);

/// Time limit for further changes. With the interval of the poller and the time to read the files it makes less than
/// three seconds.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(1);

impl FileChanges {
    /// Waits for a change, and until it is complete.
    pub(super) async fn settled(&self) {
        self.0.notified().await;
        let deadline = Instant::now() + MAX_SETTLE_TIME;
        while Instant::now() < deadline && timeout(SETTLE_TIME, self.0.notified()).await.is_ok() {}
    }

    fn notify(&self) {
        self.0.notify_one();
    }
}

impl FileWatcher {
    /// Watches the files of a configuration.
    pub(super) fn start(loaded_config: &LoadedConfig) -> Self {
        let changes = FileChanges::default();
        let (events, problem) = match EventWatcher::start(changes.clone()) {
            Ok(events) => (Some(events), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let poller = Poller::new(changes.clone());
        let mut watcher = Self { events, poller, changes, problem };
        watcher.report(watcher.problem.as_ref());
        watcher.follow(&loaded_config.watched);
        watcher
    }

    /// The signal of changes.
    pub(super) fn changes(&self) -> FileChanges {
        self.changes.clone()
    }

    /// Whether the system reports the events of all files.
    pub(super) const fn has_events(&self) -> bool {
        self.problem.is_none()
    }

    /// Watches other files.
    pub(super) fn follow(&mut self, files: &WatchedFiles) {
        self.poller.follow(files);
        let Some(events) = &mut self.events else { return };
        let problem = events.follow(&files.paths);
        if problem.is_some() != self.problem.is_some() {
            self.report(problem.as_ref());
        }
        self.problem = problem;
    }

    fn report(&self, problem: Option<&String>) {
        match problem {
            Some(problem) => {
                warn!(%problem, "the system does not report all changes of the configuration's files; they are found by looking at the files once a second");
            }
            None if self.problem.is_some() => {
                info!("the system reports changes of the configuration's files again");
            }
            None => {}
        }
    }
}
