//! The file of `--web.config.file`, in force as it was last good: read at the start, and again when it, or a file
//! that it names, has changed by the time that somebody asks.

mod client_certs;
mod error;
#[deny(clippy::disallowed_methods)]
mod go_duration;
mod policy;
mod reader;
#[deny(clippy::disallowed_methods)]
mod san;
mod schema;
mod tls;
mod tls_values;
mod values;

pub use error::ConfigError;
pub(crate) use policy::Policy;
pub(crate) use tls::Tls;
pub(crate) use tls_values::ClientAuth;

use crate::file_change::FileFingerprint;
use reader::WebConfigFiles;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What protects the HTTP server.
#[derive(Default)]
pub struct Protection(Option<Mutex<WatchedConfig>>);

impl Protection {
    /// What the file demands.
    ///
    /// # Errors
    /// [`ConfigError`]: it can't be read, or is not what it should be.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut files = WebConfigFiles::new(path);
        let rules = Arc::new(Policy::read(&mut files)?);
        let next_look = Instant::now() + LOOK_EVERY;
        let state = FileState { successful: true, failures: 0 };
        Ok(Self(Some(Mutex::new(WatchedConfig {
            path: path.to_owned(),
            rules,
            seen: files.seen,
            next_look,
            state,
        }))))
    }

    /// What is demanded now. Looks at the files, at most once a second.
    pub fn current(&self) -> Arc<Policy> {
        let Some(watched) = &self.0 else { return Arc::default() };
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.look(Instant::now());
        Arc::clone(&watched.rules)
    }

    /// How the file is doing; `None` if there is none.
    pub fn state(&self) -> Option<FileState> {
        let watched = self.0.as_ref()?;
        Some(watched.lock().unwrap_or_else(PoisonError::into_inner).state)
    }
}

/// How the file is doing.
#[derive(Debug, Clone, Copy)]
pub struct FileState {
    /// Its last content could be used.
    pub successful: bool,
    /// So many contents could not be used.
    pub failures: u64,
}

struct WatchedConfig {
    path: PathBuf,
    rules: Arc<Policy>,
    /// What was read last, whether or not it could be used.
    seen: Vec<(PathBuf, Option<FileFingerprint>)>,
    next_look: Instant,
    state: FileState,
}

/// How often it is looked for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file that changed so lately is not read yet: it may be half written, or a key without its certificate.
const SETTLED_AFTER: Duration = Duration::from_millis(300);

impl WatchedConfig {
    fn look(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY;
        let now_seen: Vec<_> = self.seen.iter().map(|(path, _)| FileFingerprint::of(path)).collect();
        if now_seen.iter().eq(self.seen.iter().map(|(_, fingerprint)| fingerprint)) {
            return;
        }
        if now_seen.iter().flatten().any(|fingerprint| fingerprint.changed_within(SETTLED_AFTER)) {
            self.next_look = now + SETTLED_AFTER;
            return;
        }
        self.read_again();
    }

    fn read_again(&mut self) {
        let mut files = WebConfigFiles::new(&self.path);
        let read = Policy::read(&mut files).and_then(|rules| match self.rules.protects_more_than(&rules) {
            Some(what) => Err(files.unusable(format!("{what} is gone; if that is meant, restart meshping"))),
            None => Ok(rules),
        });
        self.seen = files.seen;
        self.state.successful = read.is_ok();
        match read {
            Ok(rules) => {
                self.rules = Arc::new(rules);
                tracing::info!(file = %self.path.display(), "web config file read again");
            }
            Err(error) => {
                self.state.failures += 1;
                tracing::error!(%error, "web config file can't be used, its last good content stays in force");
            }
        }
    }
}

#[cfg(test)]
mod tests;
