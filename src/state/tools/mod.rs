//! Commands on a state that no daemon of this process uses: check, backup, restore.

mod backup;
mod inspect;
mod restore;

use crate::config::early_exit::StateCommand;
use inspect::Inspection;
use std::io;
use std::path::{Path, PathBuf};

pub(super) use restore::finish as finish_restore;

/// Why a command failed; shown to the operator unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The directory of a state or a backup does not exist.
    #[error("{0} does not exist: check the path, and --state-dir, which names the directory of the state")]
    NoDirectory(PathBuf),
    /// A database does not exist.
    #[error("{0} does not exist: this is no state, or no backup of one")]
    Missing(PathBuf),
    /// A database is damaged.
    #[error("{0} is damaged: {1}")]
    Damaged(PathBuf, String),
    /// A newer meshping wrote a database.
    #[error("{0} has version {1}, newer than this meshping's {2}: use the newer meshping")]
    Newer(PathBuf, i64, usize),
    /// A daemon uses the state.
    #[error("a running meshping uses the state in {0}: stop it first (systemctl stop meshping)")]
    InUse(PathBuf),
    /// The destination of a backup holds something else.
    #[error("{0} exists and is not a backup of meshping; name another directory")]
    NotABackup(PathBuf),
    /// A file or a directory can't be used.
    #[error("{0}: {1}{hint}", hint = hint(.1))]
    Io(PathBuf, io::Error),
    /// A database can't be read or written.
    #[error("{0}: {1}")]
    Database(PathBuf, rusqlite::Error),
}

fn hint(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "; run it as root, or as the user of the service"
    } else {
        ""
    }
}

impl ToolError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io(path, error)
    }

    fn database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Database(path, error)
    }
}

/// Runs a command on the state in a directory; returns its report.
///
/// # Errors
/// [`ToolError`]
pub fn run(command: &StateCommand, directory: &Path) -> Result<String, ToolError> {
    match command {
        StateCommand::Check => Inspection::of(directory)?.report(),
        StateCommand::Backup(destination) => backup::backup(directory, destination),
        StateCommand::Restore(source) => restore::restore(source, directory),
    }
}
