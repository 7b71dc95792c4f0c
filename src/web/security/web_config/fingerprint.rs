//! What a file looks like from outside: another look, another content.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Which file it is, how long, and when it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    /// Also of its name or its rights.
    changed: (i64, i64),
}

impl Fingerprint {
    /// What the file looks like now; `None` if it is not there.
    pub fn of(path: &Path) -> Option<Self> {
        let now = std::fs::metadata(path).ok()?;
        Some(Self {
            file: (now.dev(), now.ino()),
            size: now.size(),
            modified: (now.mtime(), now.mtime_nsec()),
            changed: (now.ctime(), now.ctime_nsec()),
        })
    }

    /// Whether it changed so lately that somebody may still be at it: the file, or its companions.
    pub fn is_fresh(&self, for_so_long: Duration) -> bool {
        let Ok(since_epoch) = SystemTime::now().duration_since(UNIX_EPOCH) else { return false };
        let changed = Duration::new(
            u64::try_from(self.changed.0).unwrap_or_default(),
            u32::try_from(self.changed.1).unwrap_or_default(),
        );
        since_epoch.checked_sub(changed).is_some_and(|age| age < for_so_long)
    }
}
