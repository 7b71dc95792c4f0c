//! Detects that a file has changed, by comparing its metadata with those of an earlier look.
//!
//! For files that are looked at when they are used. `daemon/file_watcher` waits for events of the system instead: it
//! reports when to look, and does not decide whether the content is another.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Metadata that differ when the content of a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileFingerprint {
    device_and_inode: (u64, u64),
    size: u64,
    /// Seconds and nanoseconds since the epoch, as are those of the next field.
    modified: (i64, i64),
    /// Time of the last change of content, name or permissions.
    changed: (i64, i64),
}

impl FileFingerprint {
    /// The fingerprint of a file now; `None` if there is no such file. Takes about 2 µs.
    ///
    /// Take it before reading the file: a change during reading then shows in the next fingerprint.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Whether the file has changed within `age` before now, so that it may still be written.
    pub(crate) fn changed_within(&self, age: Duration) -> bool {
        let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return false };
        let (seconds, nanoseconds) = self.changed;
        let changed = Duration::new(
            u64::try_from(seconds).unwrap_or_default(),
            u32::try_from(nanoseconds).unwrap_or_default(),
        );
        now.checked_sub(changed).is_some_and(|since| since < age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn other_content_or_another_file_is_another_fingerprint() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert_eq!(FileFingerprint::of(&path), None);
        fs::write(&path, "a").unwrap();
        let first = FileFingerprint::of(&path);
        assert_eq!(FileFingerprint::of(&path), first);
        fs::write(&path, "ab").unwrap();
        let longer = FileFingerprint::of(&path);
        assert_ne!(longer, first);
        let other = directory.path().join("other");
        fs::write(&other, "ab").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(FileFingerprint::of(&path), longer, "replaced by a file of the same size");
    }

    #[test]
    fn a_file_is_fresh_only_for_a_while() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fingerprint = FileFingerprint::of(file.path()).unwrap();
        assert!(fingerprint.changed_within(Duration::from_secs(60)));
        assert!(!fingerprint.changed_within(Duration::ZERO));
    }
}
