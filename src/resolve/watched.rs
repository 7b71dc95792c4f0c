//! A file of the system that may change at any time; it is read again after a change.

use crate::file_change::FileFingerprint;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tracing::warn;

/// The parsed content of a file, read again when the file has changed.
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

    /// The parsed content; compares the fingerprint and reads the file again after a change.
    pub(super) fn get(&mut self) -> Rc<T> {
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
        warn!(path = %path.display(), %error, "can't be read, so it counts as empty");
        Vec::new()
    })
}
