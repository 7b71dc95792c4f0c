//! `meshpingctl remove` and `meshpingctl reset`: what is done to targets that are called or have so and so.

use super::any_name::any_name;
use super::{CtlError, Daemon};
use crate::target::Address;
use serde_json::{Value, json};

/// Stop measuring a host.
///
/// By name: a DNS name is no longer followed, and every target that no other name wants goes. By address: that
/// target goes, whoever wanted it. Removing what is not there is no error.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl remove [OPTIONS] NAME_OR_ADDR | --name NAME | --addr ADDR")]
pub(super) struct Remove {
    #[command(flatten)]
    which: Which,
}

/// Start the statistics of some targets again, or of all of them.
///
/// The counters of the metrics go on: they never go back.
#[derive(Debug, clap::Args)]
#[command(override_usage = "meshpingctl reset [OPTIONS] [NAME_OR_ADDR | --name NAME | --addr ADDR]")]
pub(super) struct Reset {
    #[command(flatten)]
    which: Which,
}

/// Which targets are meant.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// An address, or else a name.
    #[arg(conflicts_with_all = ["name", "addr"])]
    name_or_addr: Option<String>,

    /// The targets that are called so.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = any_name())]
    name: Option<String>,

    /// The target with that address; or a DNS name, if it is followed.
    #[arg(long, value_name = "ADDR")]
    addr: Option<String>,
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

impl Which {
    fn is_absent(&self) -> bool {
        self.name_or_addr.is_none() && self.name.is_none() && self.addr.is_none()
    }

    /// `None` if nothing is given, or only empty texts.
    pub(super) fn request(&self, cmd: &str) -> Option<Value> {
        let mut request = json!({"cmd": cmd});
        let bare = self.name_or_addr.as_deref();
        let is_address = bare.is_some_and(|text| text.parse::<Address>().is_ok());
        let bare_as = if is_address { "addr" } else { "name" };
        let given = [(bare_as, bare), ("name", self.name.as_deref()), ("addr", self.addr.as_deref())];
        for (member, text) in given {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                request[member] = text.into();
            }
        }
        (request.get("name").is_some() || request.get("addr").is_some()).then_some(request)
    }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts = [&self.name_or_addr, &self.name, &self.addr];
        let texts: Vec<&str> = texts.into_iter().flatten().map(String::as_str).collect();
        f.write_str(if texts.is_empty() { "all targets" } else { "" })?;
        f.write_str(&texts.join(", "))
    }
}
