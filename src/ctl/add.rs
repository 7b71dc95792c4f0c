//! `meshpingctl add`.

use super::lossy_arg::lossy_arg;
use super::options::OptionArgs;
use super::{CtlError, Daemon, Subcommand};
use crate::protocol::AddMembers;
use crate::target::{Host, Interval, TargetSpec};

/// Start measuring a host.
///
/// A DNS name becomes one target for each of its addresses, and meshping follows it. A target that exists keeps its
/// statistics.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The host to ping, and its name: an address or a DNS name.
    ///
    /// With --name it is only the host to ping, with --addr only the name. The last "/" separates the interval:
    /// 2001:db8::1/5 is pinged every five seconds.
    #[arg(value_name = "HOST[/INTERVAL]")]
    host: Option<TargetSpec>,

    /// Name of the target, any text; an empty one has no effect.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = lossy_arg())]
    name: Option<String>,

    /// The host to ping: an address or a DNS name; an empty one has no effect.
    #[arg(long, value_name = "ADDR", value_parser = host)]
    addr: Option<OptionalHost>,

    /// Seconds between requests, 0.01 to 86400; without it an existing target keeps its interval.
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    interval: Option<Interval>,

    #[command(flatten)]
    options: OptionArgs,
}

/// A host, or an empty argument, which hooks pass for a value that they do not have.
#[derive(Debug, Clone)]
struct OptionalHost(Option<Host>);

fn host(text: &str) -> Result<OptionalHost, crate::target::HostError> {
    if text.is_empty() { Ok(OptionalHost(None)) } else { text.parse().map(|host| OptionalHost(Some(host))) }
}

impl Subcommand for Add {
    type Request = AddMembers;
    const MAY_SKIP_REPLY: bool = true;

    fn request(&self) -> Result<AddMembers, CtlError> {
        let mut name = self.name.clone().filter(|name| !name.is_empty());
        let mut addr = self.addr.as_ref().and_then(|addr| addr.0.as_ref()).map(ToString::to_string);
        let mut interval = self.interval;
        if let Some(spec) = &self.host {
            match (&name, &addr) {
                (None, _) => name = Some(spec.name.to_string()),
                (Some(_), None) => addr = Some(spec.host.to_string()),
                (Some(_), Some(_)) => {
                    return Err(CtlError::Usage("with both --name and --addr, HOST is not allowed"));
                }
            }
            if interval.is_some() && spec.terms.interval.is_some() {
                return Err(CtlError::Usage("give the interval once, in HOST/INTERVAL or with -i"));
            }
            interval = interval.or(spec.terms.interval);
        }
        if name.is_none() && addr.is_none() {
            return Err(CtlError::Usage("give HOST, --name or --addr"));
        }
        let itv = interval.map(Interval::seconds);
        Ok(AddMembers { name, addr, itv, options: self.options.members()? })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let request = self.request()?;
        let target = request.name.as_ref().or(request.addr.as_ref());
        let message = format!("added {}", target.map_or("", String::as_str));
        daemon.change(&request, &message)
    }
}
