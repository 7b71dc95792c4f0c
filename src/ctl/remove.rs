//! `meshpingctl remove`.

use super::selector::SelectorArgs;
use super::{CtlError, Daemon};
use serde_json::Value;

/// Stop measuring a host.
///
/// By name: a DNS name is no longer followed, and every target that no other name wants goes. By address: that
/// target goes, whoever wanted it. Removing what is not there is no error.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl remove [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct Remove {
    #[command(flatten)]
    which: SelectorArgs,
}

impl Remove {
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        daemon.tell(&self.request()?, &format!("{} is not pinged any more", self.which))
    }

    pub(super) fn request(&self) -> Result<Value, CtlError> {
        let request = self.which.request("remove");
        request.ok_or(CtlError::Usage("give NAME_OR_ADDR, --name or --addr"))
    }
}
