//! A random number in the header of a database, which tells a file from a copy of an earlier time.
//!
//! SQLite applies the log beside a database to whatever database is there: a backup that was copied over `targets.db`
//! beside the old `targets.db-wal` would be undone without a word. The number changes at every start and every hour, and
//! the file `lock` holds the one that the database has.

use rusqlite::Connection;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Offset of the application id in the header (<https://www.sqlite.org/fileformat.html>, section 1.3).
const OFFSET: u64 = 68;

/// The id in the header of a file, without its log; `None` for a file without a header.
pub(super) fn read(file: &File) -> Option<u32> {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, OFFSET).ok()?;
    Some(u32::from_be_bytes(bytes))
}

/// Like [`read`], of a file that no connection has open: closing it would release the locks of SQLite.
pub(super) fn read_closed(path: &Path) -> Option<u32> {
    read(&File::open(path).ok()?)
}

/// Another id than these.
///
/// # Errors
/// If there is no source of randomness.
pub(super) fn another(than: &[u32]) -> io::Result<u32> {
    loop {
        let id = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
        if id != 0 && !than.contains(&id) {
            return Ok(id);
        }
    }
}

/// Sets the id, and moves it from the log into the header unless a reader prevents that.
pub(super) fn set(connection: &Connection, id: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", id.cast_signed())?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
