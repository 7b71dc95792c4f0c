//! The file of `--web.config.file`. Its last valid content is in force. It is read at the start, and again when a request
//! finds that it, or a file that it names, has changed.

mod client_certs;
mod error;
#[deny(clippy::disallowed_methods)]
mod go_duration;
mod policy;
mod reader;
#[deny(clippy::disallowed_methods)]
mod san;
mod schema;
mod tls_offer;
mod tls_values;
mod values;

pub use error::ConfigError;
pub(crate) use policy::Policy;
pub(crate) use tls_offer::Tls;
pub(crate) use tls_values::ClientAuth;

use crate::file_change::FileFingerprint;
use reader::WebConfigFiles;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What protects the HTTP server: by default nothing.
#[derive(Default)]
pub struct Protection(PolicySource);

enum PolicySource {
    /// The same policy each time: connections compare the one in force with theirs by its place in memory.
    Fixed(Arc<Policy>),
    Watched(Mutex<WatchedConfig>),
}

impl Default for PolicySource {
    fn default() -> Self {
        Self::Fixed(Arc::default())
    }
}

impl Protection {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`]: it cannot be read, or is invalid.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut files = WebConfigFiles::new(path);
        let policy = Arc::new(Policy::read(&mut files)?);
        let next_check = Instant::now() + CHECK_INTERVAL;
        let state = FileState { successful: true, failures: 0 };
        let path = path.to_owned();
        let watched = WatchedConfig { path, policy, files: files.read, next_check, state };
        Ok(Self(PolicySource::Watched(Mutex::new(watched))))
    }

    /// The policy in force. Checks the files for changes, at most once a second.
    pub fn current(&self) -> Arc<Policy> {
        match &self.0 {
            PolicySource::Fixed(policy) => Arc::clone(policy),
            PolicySource::Watched(watched) => {
                let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
                watched.check(Instant::now());
                Arc::clone(&watched.policy)
            }
        }
    }

    /// Condition of the file; `None` without one.
    pub fn state(&self) -> Option<FileState> {
        let PolicySource::Watched(watched) = &self.0 else { return None };
        Some(watched.lock().unwrap_or_else(PoisonError::into_inner).state)
    }
}

/// Condition of the web config file.
#[derive(Debug, Clone, Copy)]
pub struct FileState {
    /// Whether its latest content is valid, and so in force.
    pub successful: bool,
    /// Number of changes to invalid content.
    pub failures: u64,
}

struct WatchedConfig {
    path: PathBuf,
    policy: Arc<Policy>,
    /// The files that were read last, valid or not.
    files: Vec<(PathBuf, Option<FileFingerprint>)>,
    next_check: Instant,
    state: FileState,
}

/// Time between two checks for changes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Files are read this long after their last change: before, a file may be half written, or a key may be there without its
/// certificate.
const SETTLE_TIME: Duration = Duration::from_millis(300);

impl WatchedConfig {
    fn check(&mut self, now: Instant) {
        if now < self.next_check {
            return;
        }
        self.next_check = now + CHECK_INTERVAL;
        let current: Vec<_> = self.files.iter().map(|(path, _)| FileFingerprint::of(path)).collect();
        if current.iter().eq(self.files.iter().map(|(_, fingerprint)| fingerprint)) {
            return;
        }
        if current.iter().flatten().any(|fingerprint| fingerprint.changed_within(SETTLE_TIME)) {
            self.next_check = now + SETTLE_TIME;
            return;
        }
        self.reload();
    }

    fn reload(&mut self) {
        let mut files = WebConfigFiles::new(&self.path);
        let read =
            Policy::read(&mut files).and_then(|policy| match self.policy.protects_more_than(&policy) {
                Some(missing) => {
                    Err(files.invalid(format!("{missing} is gone; if that is intended, restart meshping")))
                }
                None => Ok(policy),
            });
        self.files = files.read;
        self.state.successful = read.is_ok();
        match read {
            Ok(policy) => {
                self.policy = Arc::new(policy);
                tracing::info!(file = %self.path.display(), "web config file reloaded");
            }
            Err(error) => {
                self.state.failures += 1;
                tracing::error!(%error, "the web config file is invalid; its last good content stays in force");
            }
        }
    }
}

#[cfg(test)]
mod tests;
