//! `meshpingctl backup`: runs `meshping --state.backup`, which knows the databases.

use super::CtlError;
use clap::ValueHint;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Copy the state into a directory, also while the daemon runs.
///
/// A backup of an earlier time in the directory is replaced; anything else is left alone. Needs the right to read the
/// state, which root and the user of the service have. To restore it: meshping --state.restore.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The directory of the backup; it is created.
    #[arg(value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    directory: PathBuf,

    /// The state directory of the daemon.
    #[arg(long, value_name = "PATH", default_value = "/var/lib/meshping", value_hint = ValueHint::DirPath)]
    state_dir: PathBuf,
}

impl Backup {
    /// Runs the backup, and returns its exit status.
    pub(super) fn run(&self, quiet: bool) -> Result<ExitCode, CtlError> {
        // The program of the same version is beside this one.
        let beside = std::env::current_exe().ok().map(|path| path.with_file_name("meshping"));
        let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| "meshping".into());
        let mut command = Command::new(&program);
        command.arg("--state-dir").arg(&self.state_dir).arg("--state.backup").arg(&self.directory);
        if quiet {
            command.stdout(std::process::Stdio::null());
        }
        let status = command.status().map_err(|error| CtlError::NoProgram(program, error))?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
