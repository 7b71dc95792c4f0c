//! Looks at the files once a second, on a thread of its own: a disk may not respond.

use super::FileChanges;
use crate::config::loader::{Fingerprints, WatchedFiles};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;
use tracing::error;

/// Time between two looks.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Compares files with their fingerprints, until it is dropped. Without files nothing runs.
pub(super) struct Poller {
    shared: Arc<Mutex<PolledFiles>>,
    changes: FileChanges,
    is_running: bool,
}

/// The files, and the fingerprints that were seen last.
#[derive(Default)]
struct PolledFiles {
    files: WatchedFiles,
    /// Number of times that the files were replaced.
    generation: u64,
}

impl Poller {
    /// A poller without files.
    pub(super) fn new(changes: FileChanges) -> Self {
        Self { shared: Arc::default(), changes, is_running: false }
    }

    /// Polls other files. Their fingerprints were taken before they were read, so that no change is missed.
    pub(super) fn follow(&mut self, files: &WatchedFiles) {
        {
            let mut polled = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let generation = polled.generation + 1;
            *polled = PolledFiles { files: files.clone(), generation };
        }
        if self.is_running || files.paths.is_empty() {
            return;
        }
        let (shared, changes) = (Arc::downgrade(&self.shared), self.changes.clone());
        match thread::Builder::new().name("watch-files".into()).spawn(move || run(&shared, &changes)) {
            Ok(_) => self.is_running = true,
            Err(error) => {
                error!(%error, "changes of the configuration's files are found only where the system reports them");
            }
        }
    }
}

fn run(shared: &Weak<Mutex<PolledFiles>>, changes: &FileChanges) {
    loop {
        thread::sleep(POLL_INTERVAL);
        let Some(polled) = shared.upgrade() else { return };
        let lock = || polled.lock().unwrap_or_else(PoisonError::into_inner);
        let (files, generation) = {
            let polled = lock();
            (polled.files.clone(), polled.generation)
        };
        // The lock is not held, because a look can take long.
        let present = Fingerprints::of(&files);
        let has_changed =
            present != files.fingerprints || files.unreadable.iter().any(|path| is_readable(path));
        let mut polled = lock();
        if has_changed && polled.generation == generation {
            polled.files.fingerprints = present;
            changes.notify();
        }
    }
}

/// Whether a file that could not be read, can be read now. Directories have no content, and show in the fingerprints.
fn is_readable(path: &Path) -> bool {
    path.is_file() && File::open(path).and_then(|mut file| file.read(&mut [0])).is_ok()
}
