//! Replaces a state by a backup. After a kill at any moment either the old state or the new one is there.
//!
//! The new databases are prepared beside the old ones. A file marks the moment from which they count; the switch is
//! completed by the next start, or the next restore, if it is interrupted.

use super::ToolError;
use super::backup::{copy, sync};
use super::inspect::{Inspection, SCHEMAS};
use crate::state::directory::{Directory, DirectoryError};
use crate::state::health;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

/// Suffix of a database that is prepared.
const PREPARED: &str = "restoring";
/// Name of the file that marks that all databases are prepared.
const MARKER: &str = "restoring";

/// Restores a backup.
pub(super) fn restore(backup: &Path, state: &Path) -> Result<String, ToolError> {
    // Before anything is touched.
    let source = Inspection::of(backup)?;
    let report = source.report()?;
    let directory = Directory::new(state.to_owned());
    directory.take().map_err(|error| match error {
        DirectoryError::InUse => ToolError::InUse(state.to_owned()),
        DirectoryError::Io(error) => ToolError::Io(state.to_owned(), error),
    })?;
    finish(&directory).map_err(ToolError::io(state))?;
    for schema in SCHEMAS {
        let prepared = prepared(state, schema.file);
        copy(&source.open(schema)?, &prepared)?;
        give_to_owner_of(state, &prepared)?;
    }
    give_to_owner_of(state, &state.join("lock"))?;
    let marker = state.join(MARKER);
    File::create(&marker).and_then(|file| file.sync_all()).map_err(ToolError::io(&marker))?;
    sync(Some(state));
    let aside = finish(&directory).map_err(ToolError::io(state))?;
    let kept: Vec<String> =
        aside.iter().map(|path| format!("the state before is kept: {}\n", path.display())).collect();
    Ok(format!("{report}restored into {}\n{}", state.display(), kept.concat()))
}

/// Completes a restore that was interrupted, or removes what it had prepared; returns the databases that it replaced.
///
/// # Errors
/// Of the file system; the next call tries again.
pub(in crate::state) fn finish(directory: &Directory) -> io::Result<Vec<PathBuf>> {
    let state = directory.path();
    let marker = state.join(MARKER);
    let counts = marker.exists();
    let mut kept = Vec::new();
    for file in SCHEMAS.map(|schema| schema.file) {
        let prepared = prepared(state, file);
        if !prepared.exists() {
            continue;
        }
        if !counts {
            fs::remove_file(&prepared)?;
            continue;
        }
        if state.join(file).exists() {
            kept.push(directory.keep_replaced(file, health::now().as_secs())?);
        }
        // Of a switch that was interrupted after the database had been moved.
        for log in ["-wal", "-shm"] {
            let _ = fs::remove_file(state.join(format!("{file}{log}")));
        }
        directory.record_ids(file, &[])?;
        fs::rename(&prepared, state.join(file))?;
    }
    if counts {
        sync(Some(state));
        fs::remove_file(&marker)?;
        sync(Some(state));
    }
    Ok(kept)
}

fn prepared(state: &Path, file: &str) -> PathBuf {
    state.join(format!("{file}.{PREPARED}"))
}

/// The daemon must be able to write what root has restored.
fn give_to_owner_of(directory: &Path, path: &Path) -> Result<(), ToolError> {
    let owner = fs::metadata(directory).map_err(ToolError::io(directory))?;
    let own = fs::metadata(path).map_err(ToolError::io(path))?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid())).map_err(ToolError::io(path))
}
