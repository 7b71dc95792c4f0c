//! Events of the system for the directories of files, because editors replace files instead of writing them.

use super::FileChanges;
use glob::Pattern;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Watches the directories of files and of patterns of files.
pub(super) struct EventWatcher {
    watcher: RecommendedWatcher,
    directories: HashSet<PathBuf>,
    /// Patterns that match the paths of the files.
    patterns: Arc<Mutex<Vec<Pattern>>>,
}

impl EventWatcher {
    /// A watcher without files.
    ///
    /// # Errors
    /// If the system can't watch files, or the limit of its watchers is reached.
    pub(super) fn start(changes: FileChanges) -> notify::Result<Self> {
        let patterns = Arc::new(Mutex::new(Vec::new()));
        let own_patterns = Arc::clone(&patterns);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // After an error any file may have changed.
            if event.map_or(true, |event| concerns(&event, &own_patterns)) {
                changes.notify();
            }
        })?;
        Ok(Self { watcher, directories: HashSet::new(), patterns })
    }

    /// Watches other files. Returns why there are no events of some of them.
    pub(super) fn follow(&mut self, files: &[PathBuf]) -> Option<String> {
        *self.patterns.lock().unwrap_or_else(PoisonError::into_inner) =
            files.iter().flat_map(|file| patterns(file)).collect();
        let needed: HashSet<PathBuf> = files.iter().flat_map(|file| directories(file)).collect();
        for gone in self.directories.difference(&needed) {
            // The directory may have been removed.
            let _ = self.watcher.unwatch(gone);
        }
        let mut problem = None;
        self.directories.clear();
        for directory in needed {
            match self.watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    problem = problem.or_else(|| no_events(&directory));
                    self.directories.insert(directory);
                }
                Err(error) => problem = problem.or_else(|| Some(format!("{}: {error}", directory.display()))),
            }
        }
        problem
    }
}

/// Why the kernel reports no events of a directory that other machines or user-space programs can change.
#[cfg(target_os = "linux")]
fn no_events(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = procfs::process::Process::myself().and_then(|process| process.mountinfo()).ok()?;
    let mount = mounts.0.into_iter().filter(|mount| directory.starts_with(&mount.mount_point));
    // Of several mounts on one directory the last one is visible.
    let kind = mount.max_by_key(|mount| mount.mount_point.as_os_str().len())?.fs_type;
    let is_remote = kind.starts_with("fuse.") || REMOTE_FILE_SYSTEMS.contains(&kind.as_str());
    is_remote.then(|| format!("{} is on a file system of the type {kind}", directory.display()))
}

#[cfg(not(target_os = "linux"))]
fn no_events(_: &Path) -> Option<String> {
    None
}

/// Types of file systems, as in `/proc/self/mountinfo`, without events of changes that another machine makes (inotify(7),
/// section Limitations).
#[cfg(target_os = "linux")]
const REMOTE_FILE_SYSTEMS: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "fuse", "gfs2", "lustre", "ocfs2", "virtiofs"];

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
