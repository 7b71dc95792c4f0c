//! `meshpingctl add`.

use super::lossy_arg::lossy_arg;
use super::options::OptionArgs;
use super::{CtlError, Daemon};
use crate::target::{Host, TargetSpec};
use serde_json::{Value, json};

/// Start measuring a host.
///
/// A DNS name becomes one target per address; new and vanished addresses are followed. An existing target keeps its
/// statistics and the options that are not given.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Address or DNS name to ping, and name of the target.
    ///
    /// With --name it is only the host to ping, with --addr only the name. The last "/" separates the interval:
    /// 2001:db8::1/5 is pinged every five seconds.
    #[arg(value_name = "HOST[/INTERVAL]")]
    host: Option<TargetSpec>,

    /// Name of the target, any text; an empty one counts as absent.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = lossy_arg())]
    name: Option<String>,

    /// Address or DNS name to ping; an empty one counts as absent.
    #[arg(long, value_name = "ADDR", value_parser = host)]
    addr: Option<OptionalText>,

    #[command(flatten)]
    options: OptionArgs,
}

/// An argument that may be empty, because hooks pass on variables that may be.
#[derive(Debug, Clone)]
struct OptionalText(Option<Host>);

fn host(text: &str) -> Result<OptionalText, crate::target::HostError> {
    if text.is_empty() { Ok(OptionalText(None)) } else { text.parse().map(|host| OptionalText(Some(host))) }
}

impl Add {
    pub(super) fn run(self, daemon: &Daemon) -> Result<(), CtlError> {
        let request = self.request()?;
        let what = request["name"].as_str().or(request["addr"].as_str()).unwrap_or_default();
        daemon.tell(&request, &format!("added {what}"))
    }

    pub(super) fn request(&self) -> Result<Value, CtlError> {
        let mut name = self.name.clone().filter(|name| !name.is_empty());
        let mut addr = self.addr.as_ref().and_then(|addr| addr.0.as_ref()).map(ToString::to_string);
        if let Some(spec) = &self.host {
            match (&name, &addr) {
                (None, _) => name = Some(spec.name.to_string()),
                (Some(_), None) => addr = Some(spec.host.to_string()),
                (Some(_), Some(_)) => {
                    return Err(CtlError::Usage("HOST can't be combined with both --name and --addr"));
                }
            }
            if self.options.options.interval.and(spec.options.interval).is_some() {
                return Err(CtlError::Usage("HOST/INTERVAL and -i both set the interval, use one of them"));
            }
        }
        if name.is_none() && addr.is_none() {
            return Err(CtlError::Usage("give HOST, --name or --addr"));
        }
        let mut request = json!({"cmd": "add"});
        for (member, text) in [("name", name), ("addr", addr)] {
            if let Some(text) = text {
                request[member] = text.into();
            }
        }
        let earlier = self.host.as_ref().map(|spec| spec.options.clone()).unwrap_or_default();
        for (member, value) in self.options.members(&earlier)? {
            request[member] = value;
        }
        Ok(request)
    }
}
