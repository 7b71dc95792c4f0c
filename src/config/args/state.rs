//! Arguments that run a command on the state instead of the daemon.

use crate::config::early_exit::StateCommand;
use clap::ValueHint;
use std::path::PathBuf;

/// At most one of them is set.
#[derive(Debug, Clone, clap::Args)]
#[group(multiple = false)]
pub(super) struct StateArgs {
    /// Report whether the state in the state directory is whole and what it holds, and exit
    #[arg(id = "state.check", long)]
    check: bool,

    /// Copy the state into a directory, also while another meshping uses it, and exit
    ///
    /// A backup of an earlier time in the directory is replaced.
    #[arg(id = "state.backup", long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    backup: Option<PathBuf>,

    /// Replace the state by the backup in a directory, and exit; meshping must not be running
    ///
    /// The state before is kept aside, as FILE.replaced-TIME.
    #[arg(id = "state.restore", long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    restore: Option<PathBuf>,
}

impl StateArgs {
    /// The command, if there is one.
    pub(super) fn command(&self) -> Option<StateCommand> {
        let backup = self.backup.clone().map(StateCommand::Backup);
        let restore = self.restore.clone().map(StateCommand::Restore);
        backup.or(restore).or_else(|| self.check.then_some(StateCommand::Check))
    }
}
