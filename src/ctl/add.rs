//! `meshpingctl add`.

use super::lossy_arg::lossy_arg;
use super::options::OptionArgs;
use super::{CtlError, Daemon, Subcommand};
use crate::protocol::AddRequest;
use crate::target::{Address, Host, TargetSpec, Variant, VariantError};

/// Start measuring a host.
///
/// A DNS name becomes one target for each of its addresses, and meshping follows it. A target that exists keeps its
/// statistics and the options that are not given.
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

    /// Distinguishes the target from others of the same host, for another source, interface, size or class: 1 to 32 of
    /// A-Z, a-z, 0-9, ".", "_" and "-"; an empty one has no effect.
    #[arg(long, value_name = "VARIANT", value_parser = variant)]
    variant: Option<Variant>,

    /// An address of the DNS name that is not pinged; may be repeated. Without it, all of its addresses are.
    #[arg(long, value_name = "ADDR")]
    exclude: Vec<Address>,

    /// Follow a DNS name even if it does not exist, or has no address, at the moment.
    #[arg(long)]
    unresolved: bool,

    #[command(flatten)]
    options: OptionArgs,
}

/// A host, or an empty argument, which hooks pass for a value that they do not have.
#[derive(Debug, Clone)]
struct OptionalHost(Option<Host>);

fn host(text: &str) -> Result<OptionalHost, crate::target::HostError> {
    if text.is_empty() { Ok(OptionalHost(None)) } else { text.parse().map(|host| OptionalHost(Some(host))) }
}

fn variant(text: &str) -> Result<Variant, VariantError> {
    if text.is_empty() { Ok(Variant::default()) } else { text.parse() }
}

impl Subcommand for Add {
    type Request = AddRequest;
    const MAY_SKIP_REPLY: bool = true;

    fn request(&self) -> Result<AddRequest, CtlError> {
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
        let earlier = self.host.as_ref().map(|spec| spec.options.clone()).unwrap_or_default();
        let variant = self.variant.as_ref().filter(|variant| !variant.is_empty());
        let variant = variant.map(|variant| variant.as_str().to_owned());
        let exclude = self.exclude.iter().map(Address::to_string).collect();
        let (unresolved, options) = (self.unresolved, self.options.members(&earlier)?);
        Ok(AddRequest { name, addr, variant, exclude, unresolved, options })
    }

    fn run(&self, daemon: &Daemon) -> Result<(), CtlError> {
        let request = self.request()?;
        let target = request.name.as_ref().or(request.addr.as_ref());
        let message = format!("added {}", target.map_or("", String::as_str));
        daemon.change(&request, &message)
    }
}
