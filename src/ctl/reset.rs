//! `meshpingctl reset`.

use super::selector::SelectorArgs;
use super::{CtlError, Daemon};
use serde_json::{Value, json};

/// Start the statistics of some targets again, or of all of them.
///
/// The counters of the metrics go on: they never go back.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl reset [OPTIONS] [NAME_OR_ADDR | --name NAME | --addr ADDR]")]
pub(super) struct Reset {
    #[command(flatten)]
    which: SelectorArgs,
}

impl Reset {
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        daemon.tell(&self.request()?, &format!("the statistics of {} start again", self.which))
    }

    pub(super) fn request(&self) -> Result<Value, CtlError> {
        if self.which.is_absent() {
            return Ok(json!({"cmd": "reset"}));
        }
        // An empty text is no reason to reset everything.
        self.which.request("reset").ok_or(CtlError::Usage("what is to be reset is empty"))
    }
}
