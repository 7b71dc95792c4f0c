//! The client of a running daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshping::ctl::run(std::env::args_os())
}
