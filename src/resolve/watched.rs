//! A file that is read again after each change.

use crate::file_change::FileFingerprint;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tracing::warn;

/// The parsed content of a file.
pub(super) struct WatchedFile<T> {
    path: PathBuf,
    fingerprint: Option<FileFingerprint>,
    value: Rc<T>,
    read: fn(&[u8]) -> T,
}

impl<T> WatchedFile<T> {
    /// Reads the file. A missing or unreadable file counts as empty, which is logged once.
    pub(super) fn open(path: &Path, read: fn(&[u8]) -> T) -> Self {
        let fingerprint = FileFingerprint::of(path);
        let value = Rc::new(read(&contents(path)));
        Self { path: path.to_owned(), fingerprint, value, read }
    }

    /// The content; checks the file for changes (about two microseconds) and reads it again after one.
    pub(super) fn get(&mut self) -> Rc<T> {
        // Taken before reading, so that a change during reading is detected next time.
        let fingerprint = FileFingerprint::of(&self.path);
        if fingerprint != self.fingerprint {
            self.fingerprint = fingerprint;
            self.value = Rc::new((self.read)(&contents(&self.path)));
        }
        Rc::clone(&self.value)
    }
}

fn contents(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| {
        warn!(path = %path.display(), %error, "cannot read the file; it counts as empty");
        Vec::new()
    })
}
