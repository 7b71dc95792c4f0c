//! `meshpingctl remove`.

use super::selector::SelectorArgs;
use super::{CtlError, Daemon, Subcommand};
use crate::protocol::RemoveRequest;

/// Stop measuring a host.
///
/// By name: a DNS name is no longer followed, and every target that has no other name is removed. By address: that
/// target is removed, whatever its names. It is no error if there is no such target.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl remove [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct Remove {
    #[command(flatten)]
    targets: SelectorArgs,
}

impl Subcommand for Remove {
    type Request = RemoveRequest;
    const MAY_SKIP_REPLY: bool = true;

    fn request(&self) -> Result<RemoveRequest, CtlError> {
        Ok(RemoveRequest { selector: self.targets.selector()? })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        daemon.change(&self.request()?, &format!("{} is no longer pinged", self.targets))
    }
}
