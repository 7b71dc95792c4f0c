//! Watches the files that the configuration is made of: their directories, since files are replaced as often as written.

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

/// Watches files.
pub(super) struct FileWatcher {
    watcher: RecommendedWatcher,
    directories: HashSet<PathBuf>,
    /// What the files may be called.
    patterns: Arc<Mutex<Vec<Pattern>>>,
    changes: FileChanges,
}

/// Tells when a file has changed.
#[derive(Clone, Default)]
pub(super) struct FileChanges(Arc<Notify>);

/// A file counts as written when nobody has written for so long.
const QUIET: Duration = Duration::from_millis(250);

/// Longer than this a change is not waited for to be the last.
const PATIENCE: Duration = Duration::from_secs(2);

impl FileChanges {
    /// Waits for a change, and until it is over.
    pub(super) async fn settled(&self) {
        self.0.notified().await;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && timeout(QUIET, self.0.notified()).await.is_ok() {}
    }
}

impl FileWatcher {
    /// Watches files, and patterns of files.
    ///
    /// # Errors
    /// When the system has no way to do so, or none left.
    pub(super) fn start(files: &[PathBuf]) -> notify::Result<Self> {
        let (changes, patterns) = (FileChanges::default(), Arc::new(Mutex::new(Vec::new())));
        let (told, ours) = (changes.clone(), Arc::clone(&patterns));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Without knowing what has changed we look at everything.
            if event.map_or(true, |event| concerns(&event, &ours)) {
                told.0.notify_one();
            }
        })?;
        let mut watch = Self { watcher, directories: HashSet::new(), patterns, changes };
        watch.follow(files);
        Ok(watch)
    }

    /// Where changes are told.
    pub(super) fn changes(&self) -> FileChanges {
        self.changes.clone()
    }

    /// Watches these files from now on.
    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        *self.patterns.lock().unwrap_or_else(PoisonError::into_inner) =
            files.iter().flat_map(|file| patterns(file)).collect();
        let wanted: HashSet<PathBuf> = files.iter().flat_map(|file| directories(file)).collect();
        for gone in self.directories.difference(&wanted) {
            // It may have gone by itself.
            let _ = self.watcher.unwatch(gone);
        }
        let watched = wanted.into_iter().filter(|directory| {
            let watched = self.watcher.watch(directory, RecursiveMode::NonRecursive);
            watched.inspect_err(|error| debug!(?directory, %error, "can't be watched")).is_ok()
        });
        self.directories = watched.collect();
    }
}

/// What a file's events may call it: a pattern is a pattern, and a link leads elsewhere.
fn patterns(file: &Path) -> Vec<Pattern> {
    let literal = |path: &Path| Pattern::new(&Pattern::escape(&path.to_string_lossy())).ok();
    let target = file.canonicalize().ok();
    let pattern = Pattern::new(&file.to_string_lossy()).ok();
    [pattern, literal(file), target.as_deref().and_then(literal)].into_iter().flatten().collect()
}

/// The directory of a file, or the nearest one that exists; and that of what a symbolic link leads to.
fn directories(file: &Path) -> Vec<PathBuf> {
    let target = file.canonicalize().ok();
    let nearest = |path: &Path| {
        let ancestors = path.ancestors().skip(1);
        let named = ancestors.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
        named.into_iter().find(|path| path.is_dir()).map(Path::to_owned)
    };
    [Some(file.to_owned()), target].into_iter().flatten().filter_map(|path| nearest(&path)).collect()
}

/// Whether an event can mean that a file has other content. Reading one is none, or we would never rest.
fn concerns(event: &Event, files: &Mutex<Vec<Pattern>>) -> bool {
    let written = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let files = files.lock().unwrap_or_else(PoisonError::into_inner);
    let is_ours = |path: &PathBuf| {
        let bare = path.strip_prefix(".").unwrap_or(path);
        // A directory, or a link to one, may be on the way to a file of ours.
        files.iter().any(|file| file.matches_path(path) || file.matches_path(bare))
            || path.is_dir()
            || path.is_symlink()
    };
    written && (event.paths.is_empty() || event.paths.iter().any(is_ours))
}
