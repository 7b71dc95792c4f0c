//! Reads the databases of a state without changing anything, also while a daemon uses them.

use super::ToolError;
use crate::state::database::DatabaseSchema;
use crate::state::{statistics_db, targets_db};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The databases of a state.
pub(super) static SCHEMAS: [&DatabaseSchema; 2] = [&targets_db::SCHEMA, &statistics_db::SCHEMA];

/// A state directory, and whether a daemon uses it.
pub(super) struct Inspection {
    directory: PathBuf,
    in_use: bool,
}

impl Inspection {
    /// Looks at a directory.
    ///
    /// # Errors
    /// [`ToolError::NoDirectory`], and [`ToolError::Io`] for a directory that can't be read.
    pub(super) fn of(directory: &Path) -> Result<Self, ToolError> {
        fs::read_dir(directory).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ToolError::NoDirectory(directory.to_owned()),
            _ => ToolError::Io(directory.to_owned(), error),
        })?;
        Ok(Self { directory: directory.to_owned(), in_use: is_locked(directory) })
    }

    /// Opens a database for reading.
    ///
    /// # Errors
    /// [`ToolError`], also for a version that is too new.
    pub(super) fn open(&self, schema: &DatabaseSchema) -> Result<Connection, ToolError> {
        let path = self.directory.join(schema.file);
        if let Err(error) = File::open(&path) {
            return Err(match error.kind() {
                ErrorKind::NotFound => ToolError::Missing(path),
                _ => ToolError::Io(path, error),
            });
        }
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        // Without a daemon and without a log nothing is created beside the database.
        let immutable = if self.in_use || self.log(schema) > 0 { "" } else { "?immutable=1" };
        let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let connection = Connection::open_with_flags(format!("file:{escaped}{immutable}"), flags)
            .map_err(ToolError::database(&path))?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(ToolError::database(&path))?;
        let version: rusqlite::Result<i64> =
            connection.pragma_query_value(None, "user_version", |row| row.get(0));
        let version = version.map_err(|error| ToolError::Damaged(path.clone(), error.to_string()))?;
        let known = schema.migrations.len();
        if usize::try_from(version).map_or(true, |version| version > known) {
            return Err(ToolError::Newer(path, version, known));
        }
        Ok(connection)
    }

    /// Checks every page of a database; returns its connection.
    ///
    /// # Errors
    /// [`ToolError::Damaged`], and those of [`Self::open`].
    pub(super) fn check(&self, schema: &DatabaseSchema) -> Result<Connection, ToolError> {
        let connection = self.open(schema)?;
        check_pages(&connection, &self.directory.join(schema.file))?;
        Ok(connection)
    }

    /// What the databases hold, a line for each.
    ///
    /// # Errors
    /// [`ToolError`] for the first database that can't be used.
    pub(super) fn report(&self) -> Result<String, ToolError> {
        let mut lines = Vec::new();
        for schema in SCHEMAS {
            let connection = self.check(schema)?;
            lines.push(format!("{}: whole, {}", schema.file, content(&connection, schema)));
        }
        if self.in_use {
            lines.push("a running meshping uses it".to_owned());
        }
        lines.extend(self.beside());
        Ok(lines.join("\n") + "\n")
    }

    /// Logs that are applied at the next start, and copies that were moved aside.
    fn beside(&self) -> Vec<String> {
        let log = |schema: &&DatabaseSchema| {
            let size = if self.in_use { 0 } else { self.log(schema) };
            (size > 0).then(|| format!("{}-wal: {size} bytes, applied at the next start", schema.file))
        };
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_aside =
            |name: &String| [".corrupt-", ".replaced-", ".foreign-"].iter().any(|part| name.contains(part));
        let mut aside: Vec<String> =
            names.filter(is_aside).map(|name| format!("{name}: moved aside")).collect();
        aside.sort();
        SCHEMAS.iter().filter_map(log).chain(aside).collect()
    }

    fn log(&self, schema: &DatabaseSchema) -> u64 {
        fs::metadata(self.directory.join(format!("{}-wal", schema.file))).map_or(0, |log| log.len())
    }
}

/// Checks every page of a database.
pub(super) fn check_pages(connection: &Connection, path: &Path) -> Result<(), ToolError> {
    let result: rusqlite::Result<String> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match result {
        Ok(text) if text == "ok" => Ok(()),
        Ok(text) => Err(ToolError::Damaged(path.to_owned(), text)),
        Err(error) => Err(ToolError::Damaged(path.to_owned(), error.to_string())),
    }
}

/// What a database holds, in words.
pub(super) fn content(connection: &Connection, schema: &DatabaseSchema) -> String {
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or(0);
    if schema.file == targets_db::SCHEMA.file {
        let (added, removed) = (count("SELECT count(*) FROM wants"), count("SELECT count(*) FROM bans"));
        format!("{added} added, {removed} removed")
    } else {
        let (targets, hours) =
            (count("SELECT count(*) FROM books"), count("SELECT count(DISTINCT hour) FROM history"));
        format!("statistics of {targets} targets, {hours} past hours")
    }
}

/// Whether a daemon holds the lock of the directory.
fn is_locked(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Time limit for the lock of a daemon that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
