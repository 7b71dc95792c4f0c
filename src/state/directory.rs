//! The state directory: created if missing, and locked for one process.
//!
//! The file `lock` also has the ids of the databases, a line for each: `targets.db 305419896`; two while one of them
//! changes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A directory and its lock, which is held until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: Mutex<Option<LockFile>>,
}

/// The open file, and the ids of the databases by file name.
#[derive(Debug)]
struct LockFile {
    file: File,
    ids: BTreeMap<String, Vec<u32>>,
}

impl LockFile {
    fn new(mut file: File) -> Self {
        let mut text = String::new();
        // Nothing is recorded in a file that is no text.
        let _ = file.read_to_string(&mut text);
        let mut ids = BTreeMap::<String, Vec<u32>>::new();
        for line in text.lines() {
            if let Some((name, id)) = line.split_once(' ')
                && let Ok(id) = id.parse()
            {
                ids.entry(name.to_owned()).or_default().push(id);
            }
        }
        Self { file, ids }
    }

    fn write(&self) -> io::Result<()> {
        let mut text = String::new();
        for (name, ids) in &self.ids {
            for id in ids {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{name} {id}");
            }
        }
        // A crash in between leaves no id, and nothing is compared then.
        self.file.set_len(0)?;
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.sync_data()
    }
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
        let open =
            File::options().read(true).write(true).create(true).truncate(false).open(self.path.join("lock"));
        let file = match open {
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => return Ok(()),
            other => other?,
        };
        match file.try_lock() {
            Ok(()) => *lock = Some(LockFile::new(file)),
            Err(TryLockError::WouldBlock) => return Err(DirectoryError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// The ids that a database can have; empty if none is recorded.
    pub(super) fn ids(&self, file: &str) -> Vec<u32> {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.as_ref().and_then(|lock| lock.ids.get(file).cloned()).unwrap_or_default()
    }

    /// Records the ids that a database can have, before one of them is written into it.
    ///
    /// # Errors
    /// Of the file system.
    pub(super) fn record_ids(&self, file: &str, ids: &[u32]) -> io::Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lock) = lock.as_mut() else { return Ok(()) };
        lock.ids.insert(file.to_owned(), ids.to_vec());
        lock.write()
    }

    /// Moves a corrupt database out of the way, with its log; only the latest copies are kept.
    pub(super) fn set_aside(&self, file: &str, unix_seconds: u64) -> io::Result<PathBuf> {
        self.move_aside(file, "corrupt", unix_seconds, &["-wal", "-shm"])
    }

    /// Moves a database that is to be replaced out of the way, with its log; only the latest copies are kept.
    pub(super) fn keep_replaced(&self, file: &str, unix_seconds: u64) -> io::Result<PathBuf> {
        self.move_aside(file, "replaced", unix_seconds, &["-wal", "-shm"])
    }

    /// Moves a database of another origin out of the way, and removes the log beside it, which belongs to the one before.
    pub(super) fn keep_foreign(&self, file: &str, unix_seconds: u64) -> io::Result<PathBuf> {
        for log in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.path.join(format!("{file}{log}")));
        }
        self.move_aside(file, "replaced", unix_seconds, &[])
    }

    fn move_aside(&self, file: &str, why: &str, unix_seconds: u64, logs: &[&str]) -> io::Result<PathBuf> {
        let aside = self.path.join(format!("{file}.{why}-{unix_seconds}"));
        fs::rename(self.path.join(file), &aside)?;
        for log in logs {
            let _ = fs::rename(self.path.join(format!("{file}{log}")), with_suffix(&aside, log));
        }
        self.drop_old(file, why);
        Ok(aside)
    }

    fn drop_old(&self, file: &str, why: &str) {
        let prefix = format!("{file}.{why}-");
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let is_copy =
            |name: &String| name.starts_with(&prefix) && !name.ends_with("-wal") && !name.ends_with("-shm");
        let mut copies: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_copy).collect();
        // Sorts by time: the times in the names have the same number of digits for two hundred years.
        copies.sort();
        for old in copies.iter().rev().skip(MAX_COPIES_ASIDE) {
            for log in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(self.path.join(format!("{old}{log}")));
            }
        }
    }
}

/// Number of copies of one database of each kind that are kept aside.
const MAX_COPIES_ASIDE: usize = 2;

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
