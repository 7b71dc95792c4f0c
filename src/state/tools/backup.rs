//! Copies a state into a directory, also while a daemon uses it.

use super::ToolError;
use super::inspect::{Inspection, SCHEMAS, check_pages, content};
use crate::state::database::DatabaseSchema;
use crate::state::file_id;
use rusqlite::Connection;
use std::fmt::Write;
use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Copies the state into a new directory, or in the place of an earlier backup. Each database is copied from one moment;
/// the statistics a moment after the targets.
pub(super) fn backup(state: &Path, destination: &Path) -> Result<String, ToolError> {
    let inspection = Inspection::of(state)?;
    let exists = may_replace(destination)?;
    let partial = with_suffix(destination, "partial");
    // Left by a backup that was killed.
    let _ = fs::remove_dir_all(&partial);
    DirBuilder::new().mode(0o700).create(&partial).map_err(ToolError::io(&partial))?;
    let copied = copy_all(&inspection, &partial).and_then(|lines| {
        if exists {
            let old = with_suffix(destination, "old");
            let _ = fs::remove_dir_all(&old);
            fs::rename(destination, &old).map_err(ToolError::io(destination))?;
            fs::rename(&partial, destination).map_err(ToolError::io(destination))?;
            fs::remove_dir_all(&old).map_err(ToolError::io(&old))?;
        } else {
            fs::rename(&partial, destination).map_err(ToolError::io(destination))?;
        }
        sync(destination.parent());
        Ok(lines)
    });
    if copied.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    Ok(format!("{}backed up to {}\n", copied?, destination.display()))
}

fn copy_all(inspection: &Inspection, partial: &Path) -> Result<String, ToolError> {
    let mut lines = String::new();
    for schema in SCHEMAS {
        let source = inspection.open(schema)?;
        let path = partial.join(schema.file);
        let copy = copy(&source, &path)?;
        // Writing to a string does not fail.
        let _ = writeln!(lines, "{}: {}", schema.file, content(&copy, schema));
    }
    sync(Some(partial));
    Ok(lines)
}

/// Copies a database as of one moment, and checks the copy; returns its connection.
pub(super) fn copy(source: &Connection, path: &Path) -> Result<Connection, ToolError> {
    let target = path.to_string_lossy();
    source.execute("VACUUM INTO ?1", [&target]).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            ToolError::Damaged(source.path().unwrap_or_default().into(), error.to_string())
        }
        _ => ToolError::Database(path.to_owned(), error),
    })?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(ToolError::io(path))?;
    let copy = Connection::open(path).map_err(ToolError::database(path))?;
    // A copy that is put beside the log of the original is recognised by its id.
    let id = file_id::another(&[]).map_err(ToolError::io(path))?;
    file_id::set(&copy, id).map_err(ToolError::database(path))?;
    check_pages(&copy, path)?;
    File::open(path).and_then(|file| file.sync_all()).map_err(ToolError::io(path))?;
    Ok(copy)
}

/// Whether there is a backup at the path already, or an empty directory.
fn may_replace(destination: &Path) -> Result<bool, ToolError> {
    let entries = match fs::read_dir(destination) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(ToolError::io(destination))?,
    };
    let is_known = |schema: &&DatabaseSchema, name: &str| schema.file == name;
    for entry in entries {
        let name = entry.map_err(ToolError::io(destination))?.file_name();
        if !SCHEMAS.iter().any(|schema| is_known(schema, &name.to_string_lossy())) {
            return Err(ToolError::NotABackup(destination.to_owned()));
        }
    }
    Ok(true)
}

/// Makes the entries of a directory survive a power cut; some file systems can't.
pub(super) fn sync(directory: Option<&Path>) {
    let directory = directory.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let _ = directory.and_then(|path| File::open(path).ok()).map(|file| file.sync_all());
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    name.into()
}
