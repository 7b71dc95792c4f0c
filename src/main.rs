//! The daemon.

use meshping::config::loader::Loader;
use meshping::daemon;
use std::io::{Write, stderr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (loader, reading) = match Loader::start(std::env::args_os(), daemon::check) {
        Ok(started) => started,
        Err(stop) => return stop.report(),
    };
    match daemon::run(loader, reading) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When nobody listens there is nobody to tell.
            let _ = writeln!(stderr(), "meshping: {error}");
            ExitCode::FAILURE
        }
    }
}
