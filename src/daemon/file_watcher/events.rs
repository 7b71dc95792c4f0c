//! Watches the files of the configuration by their directories, because editors replace files instead of writing them.
//!
//! It reports that a file may have changed; the loader reads the files and compares their content. Files that are looked
//! at when they are used need no watcher: see `file_change`.

use glob::Pattern;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// Watches files and patterns of files.
pub(super) struct FileWatcher {
    watcher: RecommendedWatcher,
    directories: HashSet<PathBuf>,
    /// Patterns that match the paths of the files.
    patterns: Arc<Mutex<Vec<Pattern>>>,
    changes: FileChanges,
}

/// Signals that a file may have changed.
#[derive(Clone, Default)]
pub(super) struct FileChanges(Arc<Notify>);

/// Time without a further change after which a change counts as complete.
const SETTLE_TIME: Duration = Duration::from_millis(250);

/// Time limit for further changes.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(2);

impl FileChanges {
    /// Waits for a change, and until it is complete.
    pub(super) async fn settled(&self) {
        self.0.notified().await;
        let deadline = Instant::now() + MAX_SETTLE_TIME;
        while Instant::now() < deadline && timeout(SETTLE_TIME, self.0.notified()).await.is_ok() {}
    }
}

impl FileWatcher {
    /// Watches files, and patterns of files.
    ///
    /// # Errors
    /// If the system can't watch files, or the limit of watches is reached.
    pub(super) fn start(files: &[PathBuf]) -> notify::Result<Self> {
        let (changes, patterns) = (FileChanges::default(), Arc::new(Mutex::new(Vec::new())));
        let (signal, own_patterns) = (changes.clone(), Arc::clone(&patterns));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // After an error any file may have changed.
            if event.map_or(true, |event| concerns(&event, &own_patterns)) {
                signal.0.notify_one();
            }
        })?;
        let mut watch = Self { watcher, directories: HashSet::new(), patterns, changes };
        watch.follow(files);
        Ok(watch)
    }

    /// The signal of changes.
    pub(super) fn changes(&self) -> FileChanges {
        self.changes.clone()
    }

    /// Watches other files.
    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        *self.patterns.lock().unwrap_or_else(PoisonError::into_inner) =
            files.iter().flat_map(|file| patterns(file)).collect();
        let needed: HashSet<PathBuf> = files.iter().flat_map(|file| directories(file)).collect();
        for gone in self.directories.difference(&needed) {
            // The directory may have been removed.
            let _ = self.watcher.unwatch(gone);
        }
        let watched = needed.into_iter().filter(|directory| {
            let watched = self.watcher.watch(directory, RecursiveMode::NonRecursive);
            watched.inspect_err(|error| debug!(?directory, %error, "can't be watched")).is_ok()
        });
        self.directories = watched.collect();
    }
}

/// Patterns of the paths in events of a file: the pattern itself, the literal path, and the target of a link.
fn patterns(file: &Path) -> Vec<Pattern> {
    let literal = |path: &Path| Pattern::new(&Pattern::escape(&path.to_string_lossy())).ok();
    let target = file.canonicalize().ok();
    let pattern = Pattern::new(&file.to_string_lossy()).ok();
    [pattern, literal(file), target.as_deref().and_then(literal)].into_iter().flatten().collect()
}

/// The directory of a file, or its nearest existing ancestor, and the same of the target of a symbolic link.
fn directories(file: &Path) -> Vec<PathBuf> {
    let target = file.canonicalize().ok();
    let nearest = |path: &Path| {
        let ancestors = path.ancestors().skip(1);
        let named = ancestors.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
        named.into_iter().find(|path| path.is_dir()).map(Path::to_owned)
    };
    [Some(file.to_owned()), target].into_iter().flatten().filter_map(|path| nearest(&path)).collect()
}

/// Whether an event can mean that one of the files has changed. Reading does not count, because it would cause a reload
/// after every reload.
fn concerns(event: &Event, files: &Mutex<Vec<Pattern>>) -> bool {
    let written = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let files = files.lock().unwrap_or_else(PoisonError::into_inner);
    let is_watched = |path: &PathBuf| {
        let bare = path.strip_prefix(".").unwrap_or(path);
        // A directory, or a link to one, may be part of the path of a file.
        files.iter().any(|file| file.matches_path(path) || file.matches_path(bare))
            || path.is_dir()
            || path.is_symlink()
    };
    written && (event.paths.is_empty() || event.paths.iter().any(is_watched))
}
