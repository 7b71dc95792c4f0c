//! `meshpingctl reset`.

use super::selector::SelectorArgs;
use super::{CtlError, Daemon, Subcommand};
use crate::protocol::{ResetRequest, Selector};

/// Start the statistics of some targets again, or of all of them.
///
/// The counters of the metrics go on: they never go back.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl reset [OPTIONS] [NAME_OR_ADDR | --name NAME | --addr ADDR]")]
pub(super) struct Reset {
    #[command(flatten)]
    targets: SelectorArgs,
}

impl Subcommand for Reset {
    type Request = ResetRequest;
    const MAY_SKIP_REPLY: bool = true;

    fn request(&self) -> Result<ResetRequest, CtlError> {
        // An empty argument, perhaps of an unset variable, must not reset all targets.
        let empty = CtlError::Usage("the name or address is empty; give none to reset all targets");
        let selector = if self.targets.is_absent() {
            Selector::default()
        } else {
            self.targets.selector().map_err(|_| empty)?
        };
        Ok(ResetRequest { selector })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        daemon.change(&self.request()?, &format!("the statistics of {} start again", self.targets))
    }
}
