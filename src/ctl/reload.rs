//! `meshpingctl reload`.

use super::{CtlError, Daemon, Subcommand};
use crate::format::escape::shown;
use crate::protocol::ReloadRequest;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

/// Read the configuration again, and apply the differences.
///
/// Prints what was changed. A configuration with an error changes nothing: the exit status is 1, and the error is on
/// standard error.
#[derive(Debug, clap::Args)]
pub(super) struct ReloadArgs {}

impl Subcommand for ReloadArgs {
    type Request = ReloadRequest;

    fn request(&self) -> Result<ReloadRequest, CtlError> {
        Ok(ReloadRequest {})
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let deadline = Instant::now() + MAX_DURATION;
        loop {
            let reply = daemon.client.ask(&self.request()?)?;
            if !reply.is_pending() {
                if !daemon.quiet {
                    writeln!(io::stdout(), "{}", shown(&reply.report.unwrap_or_default()))?;
                }
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(CtlError::StillPending);
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Maximum duration of a reload.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// Time until the daemon is asked for the result again.
const PAUSE: Duration = Duration::from_millis(100);
