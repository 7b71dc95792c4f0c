//! The daemon.

use meshping::config::early_exit::{EarlyExit, StateCommand};
use meshping::config::loader::Loader;
use meshping::daemon;
use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (loader, loaded_config) = match Loader::start(std::env::args_os(), daemon::check) {
        Ok(started) => started,
        Err(EarlyExit::State(command, directory)) => return state_command(&command, &directory),
        Err(exit) => return exit.report(),
    };
    match daemon::run(loader, loaded_config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // An error of writing can't be reported anywhere.
            let _ = writeln!(stderr(), "meshping: {error}");
            ExitCode::FAILURE
        }
    }
}

fn state_command(command: &StateCommand, directory: &Path) -> ExitCode {
    // An error of writing can't be reported anywhere.
    match daemon::run_state_command(command, directory) {
        Ok(report) => {
            let _ = write!(stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(stderr(), "meshping: {error}");
            ExitCode::FAILURE
        }
    }
}
