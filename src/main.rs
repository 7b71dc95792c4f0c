//! The daemon.

use meshping::config::loader::Loader;
use meshping::daemon;
use std::io::{Write, stderr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (loader, loaded_config) = match Loader::start(std::env::args_os(), daemon::check) {
        Ok(started) => started,
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
