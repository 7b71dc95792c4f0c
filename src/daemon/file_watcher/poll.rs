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

/// Compares files with their fingerprints, until it is dropped.
pub(super) struct Poller(Arc<Mutex<PolledFiles>>);

/// The files, and the fingerprints that were seen last.
#[derive(Default)]
struct PolledFiles {
    files: WatchedFiles,
    /// Number of times that the files were replaced.
    generation: u64,
}

impl Poller {
    /// A poller without files.
    pub(super) fn start(changes: FileChanges) -> Self {
        let files = Arc::default();
        let shared = Arc::downgrade(&files);
        let thread = thread::Builder::new().name("watch-files".into()).spawn(move || run(&shared, &changes));
        if let Err(error) = thread {
            error!(%error, "changes of the configuration's files are found only where the system reports them");
        }
        Self(files)
    }

    /// Polls other files. Their fingerprints were taken before they were read, so that no change is missed.
    pub(super) fn follow(&self, files: &WatchedFiles) {
        let mut polled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = polled.generation + 1;
        *polled = PolledFiles { files: files.clone(), generation };
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
        if files.paths.is_empty() {
            continue;
        }
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
