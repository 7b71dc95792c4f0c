//! The files of a configuration, with what shows that they have changed.

use super::expand::MatchingFiles;
use crate::file_change::FileFingerprint;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files of a configuration.
#[derive(Debug, Clone, Default)]
pub struct WatchedFiles {
    /// Files that were read, and patterns of files.
    pub paths: Vec<PathBuf>,
    /// Patterns of target files.
    pub(super) patterns: Vec<PathBuf>,
    /// The fingerprints of all files, taken before they were read.
    pub fingerprints: Fingerprints,
    /// Target files, directories and links that can't be read, to be tried again.
    pub unreadable: Vec<PathBuf>,
}

impl WatchedFiles {
    /// Adds a file that is read next.
    pub(super) fn note(&mut self, path: &Path) {
        self.paths.push(path.to_owned());
        self.fingerprints.0.insert(path.to_owned(), FileFingerprint::of(path));
    }
}

/// Fingerprints of files by path; `None` for a path that is missing or can't be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprints(BTreeMap<PathBuf, Option<FileFingerprint>>);

impl Fingerprints {
    /// The present fingerprints of files.
    pub fn of(files: &WatchedFiles) -> Self {
        let literal = files.paths.iter().filter(|path| !files.patterns.contains(path));
        let mut fingerprints = Self(literal.map(|path| (path.clone(), FileFingerprint::of(path))).collect());
        let mut matching = MatchingFiles::default();
        files.patterns.iter().for_each(|pattern| matching.find(pattern));
        fingerprints.insert(&matching);
        fingerprints
    }

    /// Adds the files that match patterns, and what can't be read.
    pub(super) fn insert(&mut self, matching: &MatchingFiles) {
        self.0.extend(matching.files.iter().map(|path| (path.clone(), FileFingerprint::of(path))));
        self.0.extend(matching.unreadable.iter().map(|(path, _)| (path.clone(), None)));
    }
}
