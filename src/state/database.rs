//! One database file: opened when it is needed, brought to the present schema, and given up and tried again when the
//! disk fails. It never ends the daemon.

use super::directory::{Directory, DirectoryError};
use super::health::{self, Health};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{error, info};

/// What a database is like.
#[derive(Debug)]
pub(super) struct DatabaseSchema {
    /// How it is called in logs and metrics.
    pub name: &'static str,
    /// Its file.
    pub file: &'static str,
    /// `FULL`: what is committed survives a power cut. `NORMAL`: it survives our own death.
    pub synchronous: &'static str,
    /// Larger than this it does not get, in pages of 4096 bytes.
    pub most_pages: u32,
    /// Statements that lead from each version to the next; the number of them is the present version.
    pub migrations: &'static [&'static str],
}

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    /// It was written by a newer meshping; it is not touched.
    #[error("its version is {found}, newer than this meshping's {known}: it is left as it is")]
    Newer { found: i64, known: i64 },
    /// It could not be read as a database, and has been set aside.
    #[error("it was corrupt, and has been set aside")]
    Corrupt,
    /// Somebody has removed or replaced it while it was open; what was written since is nowhere.
    #[error("its file was removed")]
    Removed,
    /// Another process has it.
    #[error("another meshping uses the directory")]
    InUse,
    /// The latest attempt failed a moment ago.
    #[error("{0}")]
    Resting(String),
    /// There is no such directory, or no access to it.
    #[error("{0}")]
    Directory(std::io::Error),
    /// What SQLite says.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// One database file.
pub(super) struct Database {
    directory: Arc<Directory>,
    schema: &'static DatabaseSchema,
    health: Arc<Health>,
    connection: Option<Connection>,
    /// Which file the connection has: its device and its number there.
    inode: Option<(u64, u64)>,
    trouble: Option<Failure>,
}

/// It does not work.
struct Failure {
    why: String,
    /// `None`: never.
    again: Option<Instant>,
    pause: Duration,
}

impl Database {
    pub(super) const fn new(
        directory: Arc<Directory>,
        schema: &'static DatabaseSchema,
        health: Arc<Health>,
    ) -> Self {
        Self { directory, schema, health, connection: None, inode: None, trouble: None }
    }

    /// Whether the latest attempt succeeded.
    pub(super) const fn works(&self) -> bool {
        self.trouble.is_none()
    }

    /// Why it does not work.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(|trouble| trouble.why.as_str())
    }

    /// When another attempt makes sense; `None` if there is nothing to wait for.
    pub(super) fn try_again_at(&self) -> Option<Instant> {
        self.trouble.as_ref()?.again
    }

    /// Whether an attempt makes sense now.
    pub(super) fn may_try(&self) -> bool {
        self.trouble.as_ref().is_none_or(|trouble| trouble.again.is_some_and(|again| again <= Instant::now()))
    }

    /// Does something in one transaction, which is on disk when this returns (as `synchronous` says).
    ///
    /// # Errors
    /// [`DatabaseError`]; nothing of it is done then. It is logged and counted already.
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
        .inspect(|_| self.health.saved(self.size()))
    }

    /// Reads something.
    ///
    /// # Errors
    /// [`DatabaseError`]. It is logged and counted already.
    pub(super) fn read<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        self.attempt(work)
    }

    /// Reads something where nothing can be written, perhaps.
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
        if let Some(trouble) = self.trouble.as_ref().filter(|_| !self.may_try()) {
            return Err(DatabaseError::Resting(trouble.why.clone()));
        }
        let result = self.open().and_then(|connection| work(connection).map_err(DatabaseError::from));
        let result = result.map_err(|fault| self.set_aside(fault));
        match &result {
            Ok(_) => self.recover(),
            Err(fault) => self.fail(fault),
        }
        result
    }

    fn open(&mut self) -> Result<&Connection, DatabaseError> {
        let connection = match self.connection.take() {
            Some(_) if inode(&self.path()) != self.inode => return Err(DatabaseError::Removed),
            Some(connection) => connection,
            None => self.connect()?,
        };
        self.inode = inode(&self.path());
        Ok(self.connection.insert(connection))
    }

    fn connect(&self) -> Result<Connection, DatabaseError> {
        self.directory.take().map_err(|denied| match denied {
            DirectoryError::InUse => DatabaseError::InUse,
            DirectoryError::Io(error) => DatabaseError::Directory(error),
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path(), flags)?;
        connection.busy_timeout(BUSY)?;
        let version = self.check_version(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", self.schema.synchronous)?;
        connection.pragma_update_and_check(None, "max_page_count", self.schema.most_pages, |_| Ok(()))?;
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

    /// A file that is no database is moved out of the way, so that the next attempt begins a new one.
    fn set_aside(&mut self, fault: DatabaseError) -> DatabaseError {
        let DatabaseError::Sqlite(sqlite) = &fault else { return fault };
        let codes = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        if !sqlite.sqlite_error_code().is_some_and(|code| codes.contains(&code)) {
            return fault;
        }
        self.connection = None;
        match self.directory.set_aside(self.schema.file, health::now().as_secs()) {
            Ok(path) => {
                error!(database = self.schema.name, moved_to = %path.display(), error = %fault, "the database is corrupt, a new one is begun");
                DatabaseError::Corrupt
            }
            Err(_) => fault,
        }
    }

    fn fail(&mut self, fault: &DatabaseError) {
        self.health.failed();
        // What went wrong may be the file's, so the next attempt opens it again.
        self.connection = None;
        let why = fault.to_string();
        let pause = match (&self.trouble, fault) {
            (_, DatabaseError::Corrupt | DatabaseError::Removed) => Duration::ZERO,
            (None, _) => FIRST_PAUSE,
            (Some(trouble), _) => (trouble.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
        };
        let again = (!matches!(fault, DatabaseError::Newer { .. })).then(|| Instant::now() + pause);
        if self.trouble.as_ref().is_none_or(|trouble| trouble.why != why) {
            error!(database = self.schema.name, error = %why, "the state is not saved");
        }
        self.trouble = Some(Failure { why, again, pause });
    }

    fn recover(&mut self) {
        if self.trouble.take().is_some() {
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

/// A path as the part of a URI that SQLite takes.
fn escaped(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    Some(path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
}

/// So long a backup that holds the file is waited for; nobody waits for us longer than three times that.
const BUSY: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
