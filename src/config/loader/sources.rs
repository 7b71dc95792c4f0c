//! The files of a configuration while they are read: what is watched, what is wrong with them, the hash of their content.

use super::expand::MatchingFiles;
use super::watched::WatchedFiles;
use super::{LoadError, Problem};
use crate::config::early_exit::EarlyExit;
use crate::config::file_sd::{self, TargetFile};
use crate::config::options::UsageError;
use crate::target::TargetSpec;
use siphasher::sip::SipHasher13;
use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Why a target file is unusable.
pub(super) enum FileProblem {
    /// It can't be read; trying again may help.
    Unreadable(io::Error),
    /// Its content is wrong.
    Content(String),
}

/// The files of a configuration.
#[derive(Default)]
pub(super) struct ConfigSources {
    /// The file of `--config`.
    pub config: Option<PathBuf>,
    /// All files.
    pub watched: WatchedFiles,
    /// Problems of target files.
    pub broken: Vec<Problem>,
    /// Whether targets of a target file may be missing.
    pub incomplete: bool,
    hasher: SipHasher13,
}

/// Maximum number of entries of a target file that are reported one by one.
const MAX_REFUSED: usize = 20;

/// Maximum size of a file, in bytes; 100 000 targets take a tenth of it.
const MAX_FILE_SIZE: u64 = 256 << 20;

impl ConfigSources {
    /// Opens a file that must exist.
    pub(super) fn open(&mut self, path: &Path) -> Result<HashedFile<'_>, LoadError> {
        self.watched.note(path);
        path.hash(&mut self.hasher);
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(HashedFile { file, hasher: &mut self.hasher })
    }

    /// Reads a file that must exist.
    pub(super) fn read(&mut self, path: &Path) -> Result<String, LoadError> {
        self.watched.note(path);
        self.read_text(path).map_err(|error| unreadable(path, &error))
    }

    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        path.hash(&mut self.hasher);
        let mut text = String::new();
        let hashed = HashedFile { file: File::open(path)?, hasher: &mut self.hasher };
        let length = hashed.take(MAX_FILE_SIZE + 1).read_to_string(&mut text)?;
        if u64::try_from(length).is_ok_and(|length| length > MAX_FILE_SIZE) {
            return Err(io::Error::other(format!("it has more than {MAX_FILE_SIZE} bytes")));
        }
        Ok(text)
    }

    pub(super) fn read_target_file(&mut self, path: &Path) -> Result<TargetFile, FileProblem> {
        // Opening a pipe blocks until there is a writer.
        if !path.is_file() {
            return Err(FileProblem::Content("it is not a regular file".into()));
        }
        let text = self.read_text(path).map_err(|error| match error.kind() {
            // Too large, or not UTF-8: reading it again would not help.
            ErrorKind::Other | ErrorKind::InvalidData => FileProblem::Content(error.to_string()),
            _ => FileProblem::Unreadable(error),
        })?;
        file_sd::parse(path, &text).map_err(FileProblem::Content)
    }

    /// The targets of a file; entries that are refused keep their earlier targets. A file without any usable entry keeps
    /// all of them.
    pub(super) fn usable(
        &mut self,
        path: &Path,
        mut file: TargetFile,
        earlier: Option<Vec<TargetSpec>>,
    ) -> Option<Vec<TargetSpec>> {
        for entry in file.refused.iter().take(MAX_REFUSED) {
            self.note_broken(path, entry.text.clone());
        }
        if let Some(more) = file.refused.len().checked_sub(MAX_REFUSED).filter(|more| *more > 0) {
            self.note_broken(path, format!("{more} more entries can't be used"));
        }
        if file.targets.is_empty() && !file.refused.is_empty() {
            return earlier;
        }
        self.incomplete |= !file.keep(earlier.as_deref().unwrap_or_default());
        Some(file.targets)
    }

    /// The files that match patterns, sorted, without duplicates.
    pub(super) fn matching(&mut self, patterns: &[PathBuf]) -> MatchingFiles {
        let mut matching = MatchingFiles::default();
        for pattern in patterns.iter().map(|pattern| absolute(pattern)) {
            self.watched.patterns.push(pattern.clone());
            self.watched.paths.push(pattern.clone());
            match glob::Pattern::new(&pattern.to_string_lossy()) {
                Ok(_) => matching.find(&pattern),
                Err(error) => self.note_broken(&pattern, format!("not a pattern of files: {error}")),
            }
        }
        matching.files.sort();
        matching.files.dedup();
        self.watched.fingerprints.insert(&matching);
        matching
    }

    pub(super) fn note_broken(&mut self, path: &Path, text: String) {
        self.broken.push(Problem { file: path.display().to_string(), line: None, text });
    }

    /// Notes a path that is to be tried again; only once, because several patterns can lead to it.
    pub(super) fn note_unreadable(&mut self, path: &Path, error: &io::Error) {
        if !self.watched.unreadable.iter().any(|known| known == path) {
            self.note_broken(path, format!("can't be read: {error}"));
            self.watched.unreadable.push(path.to_owned());
        }
    }

    /// A problem of the configuration as a whole.
    pub(super) fn problem(&self, error: &UsageError) -> LoadError {
        match &self.config {
            None => LoadError::CommandLine(EarlyExit::Usage(error.to_string())),
            Some(path) => {
                let (file, text) = (path.display().to_string(), error.to_string());
                LoadError::Files(vec![Problem { file, line: None, text }])
            }
        }
    }

    pub(super) fn hash(&self, arguments: &[OsString]) -> u64 {
        let mut hasher = self.hasher;
        arguments.hash(&mut hasher);
        // A sample of Prometheus represents integers of this size exactly.
        hasher.finish() >> 16
    }
}

/// A file whose content is hashed while it is read.
pub(super) struct HashedFile<'a> {
    file: File,
    hasher: &'a mut SipHasher13,
}

impl Read for HashedFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.hasher.write(&buffer[..length]);
        Ok(length)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> LoadError {
    let (file, text) = (path.display().to_string(), format!("can't be read: {error}"));
    LoadError::Files(vec![Problem { file, line: None, text }])
}

/// An absolute path; "-" stays as it is.
pub(super) fn absolute(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        return path.to_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
