//! The state directory: created if missing, and locked for one process.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A directory and its lock, which is held until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: Mutex<Option<File>>,
}

/// Why a directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectoryError {
    #[error("another meshping uses it")]
    InUse,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Directory {
    /// A directory that is neither created nor locked yet.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, lock: Mutex::new(None) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates and locks the directory, unless that is done. A read-only file system needs no lock, because no other
    /// process can write to it either.
    pub(super) fn take(&self) -> Result<(), DirectoryError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_some() {
            return Ok(());
        }
        if !self.path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o750).create(&self.path)?;
            // Without this the whole directory can be lost in a power cut. Some file systems can't sync a directory.
            let parent = self.path.parent().and_then(|parent| File::open(parent).ok());
            let _ = parent.map(|parent| parent.sync_all());
        }
        let file = match File::create(self.path.join("lock")) {
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => return Ok(()),
            other => other?,
        };
        match file.try_lock() {
            Ok(()) => *lock = Some(file),
            Err(TryLockError::WouldBlock) => return Err(DirectoryError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Moves a corrupt database out of the way, with its log; only the latest copies are kept.
    pub(super) fn set_aside(&self, file: &str, unix_seconds: u64) -> io::Result<PathBuf> {
        let aside = self.path.join(format!("{file}.corrupt-{unix_seconds}"));
        fs::rename(self.path.join(file), &aside)?;
        for log in ["-wal", "-shm"] {
            let _ = fs::rename(self.path.join(format!("{file}{log}")), with_suffix(&aside, log));
        }
        self.drop_old(file);
        Ok(aside)
    }

    fn drop_old(&self, file: &str) {
        let prefix = format!("{file}.corrupt-");
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let is_copy =
            |name: &String| name.starts_with(&prefix) && !name.ends_with("-wal") && !name.ends_with("-shm");
        let mut copies: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_copy).collect();
        // Sorts by time: the times in the names have the same number of digits for two hundred years.
        copies.sort();
        for old in copies.iter().rev().skip(MAX_CORRUPT_COPIES) {
            for log in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(self.path.join(format!("{old}{log}")));
            }
        }
    }
}

/// Number of corrupt copies of one database that are kept for analysis.
const MAX_CORRUPT_COPIES: usize = 2;

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_created_and_locked() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b");
        let first = Directory::new(path.clone());
        first.take().unwrap();
        first.take().unwrap();
        let second = Directory::new(path);
        assert!(matches!(second.take(), Err(DirectoryError::InUse)));
        drop(first);
        second.take().unwrap();
    }

    #[test]
    fn only_the_latest_corrupt_copies_are_kept_with_their_logs() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::new(place.path().into());
        for time in 100..105 {
            fs::write(place.path().join("x.db"), "?").unwrap();
            fs::write(place.path().join("x.db-wal"), "?").unwrap();
            directory.set_aside("x.db", time).unwrap();
        }
        let mut left: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let expected =
            ["x.db.corrupt-103", "x.db.corrupt-103-wal", "x.db.corrupt-104", "x.db.corrupt-104-wal"];
        assert_eq!(left, expected);
    }
}
