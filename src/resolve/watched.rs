//! A file that is read again after each change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;
use tracing::warn;

/// The parsed content of a file.
pub(super) struct WatchedFile<T> {
    path: PathBuf,
    stamp: FileStamp,
    value: Rc<T>,
    read: fn(&[u8]) -> T,
}

impl<T> WatchedFile<T> {
    /// Reads the file. A missing or unreadable file counts as empty, which is logged once.
    pub(super) fn open(path: &Path, read: fn(&[u8]) -> T) -> Self {
        let stamp = FileStamp::of(path);
        let value = Rc::new(read(&contents(path)));
        Self { path: path.to_owned(), stamp, value, read }
    }

    /// The content; checks the file for changes (about two microseconds) and reads it again after one.
    pub(super) fn get(&mut self) -> Rc<T> {
        // Taken before reading, so that a change during reading is detected next time.
        let stamp = FileStamp::of(&self.path);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.value = Rc::new((self.read)(&contents(&self.path)));
        }
        Rc::clone(&self.value)
    }
}

/// What shows that a file changed; nothing for one that is not there.
#[derive(Debug, PartialEq, Eq)]
struct FileStamp(Option<(SystemTime, u64, u64)>);

impl FileStamp {
    fn of(path: &Path) -> Self {
        let stamp = |file: Metadata| Some((file.modified().ok()?, file.ino(), file.len()));
        Self(std::fs::metadata(path).ok().and_then(stamp))
    }
}

fn contents(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| {
        warn!(path = %path.display(), %error, "cannot read the file; it counts as empty");
        Vec::new()
    })
}
