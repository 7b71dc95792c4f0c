//! `meshpingctl add`.

use super::lossy_arg::lossy_arg;
use super::options::OptionArgs;
use super::{CtlError, Daemon};
use crate::target::{Host, Interval, TargetSpec};
use serde_json::{Value, json};

/// Start measuring a host.
///
/// A DNS name becomes one target for each of its addresses, and stays followed. What exists already keeps its
/// statistics.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// What to ping, and how to call it: an address or a DNS name.
    ///
    /// Beside --name it only says what to ping, beside --addr only how to call it. The last "/" separates the
    /// interval: 2001:db8::1/5 is pinged every five seconds.
    #[arg(value_name = "HOST[/INTERVAL]")]
    host: Option<TargetSpec>,

    /// How to call it, whatever the text; an empty one counts as not given.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = lossy_arg())]
    name: Option<String>,

    /// What to ping: an address or a DNS name; an empty one counts as not given.
    #[arg(long, value_name = "ADDR", value_parser = host)]
    addr: Option<OptionalText>,

    /// Seconds between requests, 0.01 to 86400; without it an existing target keeps its own.
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    interval: Option<Interval>,

    #[command(flatten)]
    options: OptionArgs,
}

/// An argument that may be empty, since hooks write down whatever they were told.
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
        let mut addr = self.addr.as_ref().and_then(|given| given.0.as_ref()).map(ToString::to_string);
        let mut interval = self.interval;
        if let Some(spec) = &self.host {
            match (&name, &addr) {
                (None, _) => name = Some(spec.name.to_string()),
                (Some(_), None) => addr = Some(spec.host.to_string()),
                (Some(_), Some(_)) => {
                    return Err(CtlError::Usage("HOST is too much beside --name and --addr"));
                }
            }
            if interval.is_some() && spec.terms.interval.is_some() {
                return Err(CtlError::Usage("that is the interval twice, in HOST/INTERVAL and with -i"));
            }
            interval = interval.or(spec.terms.interval);
        }
        if name.is_none() && addr.is_none() {
            return Err(CtlError::Usage("give HOST, --name or --addr"));
        }
        let mut request = json!({"cmd": "add"});
        let itv = interval.map(Interval::seconds).map(Value::from);
        let members = [("name", name.map(Value::from)), ("addr", addr.map(Value::from)), ("itv", itv)];
        for (member, value) in members.into_iter().filter_map(|(member, value)| Some((member, value?))) {
            request[member] = value;
        }
        for (member, value) in self.options.members()? {
            request[member] = value;
        }
        Ok(request)
    }
}
