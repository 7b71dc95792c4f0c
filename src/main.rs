//! The daemon.

use meshping::cli::args;
use meshping::daemon;
use std::io::{Write, stderr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let config = match args::read(std::env::args_os()) {
        Ok(config) => config,
        Err(stop) => return stop.report(),
    };
    match daemon::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When nobody listens there is nobody to tell.
            let _ = writeln!(stderr(), "meshping: {error}");
            ExitCode::FAILURE
        }
    }
}
