//! One database file: opened on demand, migrated to the current schema, and opened again after an error of the disk. No
//! error ends the daemon.

use super::directory::{Directory, DirectoryError};
use super::file_id;
use super::health::{self, Health};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, error, info, warn};

/// Properties of a database.
#[derive(Debug)]
pub(super) struct DatabaseSchema {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// Its file name.
    pub file: &'static str,
    /// `FULL`: commits survive a power cut. `NORMAL`: they survive a crash of the daemon.
    pub synchronous: &'static str,
    /// Maximum size in pages of 4096 bytes.
    pub max_pages: u32,
    /// Time after which a write sets another id: older copies are recognised.
    pub id_lifetime: Duration,
    /// Statements that migrate each version to the next; their number is the current version.
    pub migrations: &'static [&'static str],
}

/// Why a database was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    /// It was written by a newer meshping; it is not changed.
    #[error("its version is {found}, newer than this meshping's {known}: it is left as it is")]
    Newer { found: i64, known: i64 },
    /// It is corrupt, and was moved out of the way.
    #[error("it was corrupt, and has been set aside")]
    Corrupt,
    /// Its file was removed while it was open; later writes are lost.
    #[error("its file was removed")]
    Removed,
    /// Another program replaced its file, or the content of it, while it was open.
    #[error(
        "its file was replaced by another program, which does not restore it; the other file is now {0}: to use it, stop \
         meshping and run meshping --state.restore"
    )]
    Replaced(String),
    /// Another process uses it.
    #[error("another meshping uses the directory")]
    InUse,
    /// The latest attempt failed; the pause before the next one is not over.
    #[error("{0}")]
    WaitingToRetry(String),
    /// The directory can't be used.
    #[error("{0}")]
    Directory(std::io::Error),
    /// An error of SQLite.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// One database file.
pub(super) struct Database {
    directory: Arc<Directory>,
    schema: &'static DatabaseSchema,
    health: Arc<Health>,
    connection: Option<Connection>,
    /// The connection's file, to compare it with the one that is there now.
    opened: Option<OpenedFile>,
    failure: Option<Failure>,
}

/// The file of a connection. It is closed after the connection, because closing it releases the locks of SQLite.
struct OpenedFile {
    file: File,
    /// Device and inode.
    inode: Option<(u64, u64)>,
    /// The ids that its header can have; empty if its id can't be set.
    ids: Vec<u32>,
    /// When the id was set.
    since: Instant,
}

impl OpenedFile {
    /// Whether the file at the path is this one, with the content that was written to it.
    fn is_at(&self, path: &Path) -> bool {
        let has_own_id = || self.ids.contains(&file_id::read(&self.file).unwrap_or(0));
        inode(path) == self.inode && (self.ids.is_empty() || has_own_id())
    }
}

/// The latest attempt failed.
struct Failure {
    reason: String,
    /// When to try again; `None`: never.
    retry_at: Option<Instant>,
    pause: Duration,
}

impl Database {
    pub(super) const fn new(
        directory: Arc<Directory>,
        schema: &'static DatabaseSchema,
        health: Arc<Health>,
    ) -> Self {
        Self { directory, schema, health, connection: None, opened: None, failure: None }
    }

    /// Whether the latest attempt succeeded.
    pub(super) const fn works(&self) -> bool {
        self.failure.is_none()
    }

    /// The error of the latest attempt, if it failed.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_ref().map(|failure| failure.reason.as_str())
    }

    /// When to try again; `None` if the latest attempt succeeded, or another one is useless.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.failure.as_ref()?.retry_at
    }

    /// Whether to try now.
    pub(super) fn may_try(&self) -> bool {
        self.failure
            .as_ref()
            .is_none_or(|failure| failure.retry_at.is_some_and(|retry_at| retry_at <= Instant::now()))
    }

    /// Runs `work` in one transaction, which is on disk when this returns (see `synchronous`).
    ///
    /// # Errors
    /// [`DatabaseError`]; then nothing was written. It is already logged and counted.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        self.attempt(|connection| {
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .inspect(|_| {
            self.health.saved(self.size());
            if self.opened.as_ref().is_some_and(|opened| opened.since.elapsed() > self.schema.id_lifetime) {
                self.renew_id();
            }
        })
    }

    /// Runs a query.
    ///
    /// # Errors
    /// [`DatabaseError`]. It is already logged and counted.
    pub(super) fn read<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        self.attempt(work)
    }

    /// Runs a query on a database that can't be written; `None` if it can't be read either.
    pub(super) fn read_only<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let path = self.path();
        let log = std::fs::metadata(path.with_file_name(format!("{}-wal", self.schema.file)));
        let logged = log.is_ok_and(|log| log.len() > 0);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let immutable = if logged { "" } else { "?immutable=1" };
        let uri = format!("file:{}{immutable}", escaped(&path)?);
        let connection = Connection::open_with_flags(uri, flags).ok()?;
        self.check_version(&connection).ok()?;
        work(&connection).ok()
    }

    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        if let Some(failure) = self.failure.as_ref().filter(|_| !self.may_try()) {
            return Err(DatabaseError::WaitingToRetry(failure.reason.clone()));
        }
        let result = self.open().and_then(|connection| work(connection).map_err(DatabaseError::from));
        let result = result.map_err(|error| self.set_aside(error));
        match &result {
            Ok(_) => self.recover(),
            Err(error) => self.fail(error),
        }
        result
    }

    fn open(&mut self) -> Result<&Connection, DatabaseError> {
        match &self.opened {
            Some(opened) if self.connection.is_some() => {
                if !opened.is_at(&self.path()) {
                    return Err(self.abandon());
                }
            }
            _ => {
                self.discard_foreign_log();
                let connection = self.connect()?;
                let file = File::open(self.path()).map_err(DatabaseError::Directory)?;
                let inode = inode(&self.path());
                self.opened = Some(OpenedFile { file, inode, ids: Vec::new(), since: Instant::now() });
                self.connection = Some(connection);
                self.renew_id();
            }
        }
        self.connection.as_ref().ok_or(DatabaseError::Removed)
    }

    /// Gives up a file that is no longer at its path. What is there is kept aside; the owner of the data writes all of it
    /// again.
    fn abandon(&mut self) -> DatabaseError {
        if let Some(connection) = self.connection.take() {
            // Otherwise the log is copied into the other file.
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        self.opened = None;
        match self.directory.keep_foreign(self.schema.file, health::now().as_secs()) {
            Ok(path) => DatabaseError::Replaced(path.display().to_string()),
            Err(_) => DatabaseError::Removed,
        }
    }

    /// Sets another id. Without one a replaced content is not noticed; everything else works.
    fn renew_id(&mut self) {
        let (Some(connection), Some(opened)) = (&self.connection, &mut self.opened) else { return };
        let present = file_id::read(&opened.file).unwrap_or(0);
        let renewed = file_id::another(&[present]).and_then(|id| {
            // Recorded before it is written, so that a crash in between leaves no unknown id.
            self.directory.record_ids(self.schema.file, &[present, id])?;
            opened.ids = vec![present, id];
            opened.since = Instant::now();
            file_id::set(connection, id).map_err(io::Error::other)?;
            if file_id::read(&opened.file) == Some(id) {
                opened.ids = vec![id];
                self.directory.record_ids(self.schema.file, &[id])?;
            }
            Ok(())
        });
        if let Err(error) = renewed {
            debug!(database = self.schema.name, %error, "the id of the database is not renewed");
        }
    }

    /// Moves the log out of the way if the database beside it is another one than it was written for.
    fn discard_foreign_log(&self) {
        let path = self.path();
        let log = path.with_file_name(format!("{}-wal", self.schema.file));
        let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        if !has_log || self.directory.take().is_err() {
            return;
        }
        let ids = self.directory.ids(self.schema.file);
        let Some(found) = file_id::read_closed(&path).filter(|found| !ids.is_empty() && !ids.contains(found))
        else {
            return;
        };
        let aside =
            log.with_file_name(format!("{}-wal.foreign-{}", self.schema.file, health::now().as_secs()));
        let _ = std::fs::remove_file(path.with_file_name(format!("{}-shm", self.schema.file)));
        match std::fs::rename(&log, &aside) {
            Ok(()) => {
                warn!(database = self.schema.name, id = found, moved_to = %aside.display(), "the database was replaced while meshping was not running; the log of the one before is not applied to it");
            }
            Err(error) => {
                error!(database = self.schema.name, %error, "the database was replaced, and the log of the one before can't be moved away");
            }
        }
    }

    fn connect(&self) -> Result<Connection, DatabaseError> {
        self.directory.take().map_err(|error| match error {
            DirectoryError::InUse => DatabaseError::InUse,
            DirectoryError::Io(error) => DatabaseError::Directory(error),
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path(), flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version = self.check_version(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", self.schema.synchronous)?;
        connection.pragma_update_and_check(None, "max_page_count", self.schema.max_pages, |_| Ok(()))?;
        self.migrate(&connection, version)?;
        Ok(connection)
    }

    fn check_version(&self, connection: &Connection) -> Result<usize, DatabaseError> {
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let known = i64::try_from(self.schema.migrations.len()).unwrap_or(i64::MAX);
        let version = usize::try_from(found).ok().filter(|_| found <= known);
        version.ok_or(DatabaseError::Newer { found, known })
    }

    fn migrate(&self, connection: &Connection, from: usize) -> rusqlite::Result<()> {
        for (index, statements) in self.schema.migrations.iter().enumerate().skip(from) {
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            transaction.execute_batch(statements)?;
            transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
            transaction.commit()?;
        }
        Ok(())
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join(self.schema.file)
    }

    /// Moves a corrupt file out of the way, so that the next attempt creates a new one.
    fn set_aside(&mut self, error: DatabaseError) -> DatabaseError {
        let DatabaseError::Sqlite(sqlite) = &error else { return error };
        let codes = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        if !sqlite.sqlite_error_code().is_some_and(|code| codes.contains(&code)) {
            return error;
        }
        self.connection = None;
        self.opened = None;
        match self.directory.set_aside(self.schema.file, health::now().as_secs()) {
            Ok(path) => {
                error!(database = self.schema.name, moved_to = %path.display(), error = %error, "the database is corrupt, a new one is created");
                DatabaseError::Corrupt
            }
            Err(_) => error,
        }
    }

    fn fail(&mut self, error: &DatabaseError) {
        self.health.failed();
        // The next attempt opens the file again, in case the connection is the cause.
        self.connection = None;
        self.opened = None;
        let reason = error.to_string();
        let pause = match (&self.failure, error) {
            (_, DatabaseError::Corrupt | DatabaseError::Removed | DatabaseError::Replaced(_)) => {
                Duration::ZERO
            }
            (None, _) => MIN_RETRY_PAUSE,
            (Some(failure), _) => (failure.pause * 2).clamp(MIN_RETRY_PAUSE, MAX_RETRY_PAUSE),
        };
        let retry_at = (!matches!(error, DatabaseError::Newer { .. })).then(|| Instant::now() + pause);
        if self.failure.as_ref().is_none_or(|failure| failure.reason != reason) {
            error!(database = self.schema.name, error = %reason, "the state is not saved");
        }
        self.failure = Some(Failure { reason, retry_at, pause });
    }

    fn recover(&mut self) {
        if self.failure.take().is_some() {
            info!(database = self.schema.name, "the state is saved again");
        }
    }

    fn size(&self) -> u64 {
        let pragma = |name| {
            let connection = self.connection.as_ref()?;
            connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).ok()
        };
        let bytes = pragma("page_count").zip(pragma("page_size")).map_or(0, |(pages, size)| pages * size);
        u64::try_from(bytes).unwrap_or(0)
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// A path escaped for a URI of SQLite.
fn escaped(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    Some(path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
}

/// Time limit for the lock of another process, for example a backup. A control request waits up to three times as long.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(500);
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(15);
