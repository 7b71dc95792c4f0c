//! On which terms a host is pinged: its interval, and the options in which it differs from the others.

use super::{
    Address, Dscp, Family, Host, Interval, LabelError, Labels, PacketOptions, PayloadSize, Timeout, Zone,
};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// What somebody who wants a host pinged says about how; what is `None` is as for every other target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TargetOptions {
    /// Time between two requests.
    pub interval: Option<Interval>,
    /// Everything else; most targets have nothing of it.
    pub options: Option<Arc<OptionOverrides>>,
}

/// In what a target differs from the others, its interval apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct OptionOverrides {
    /// After this a request is lost.
    pub timeout: Option<Timeout>,
    /// Only addresses of this family, of a DNS name.
    pub family: Option<Family>,
    /// What its requests look like.
    pub packet: PacketOptions,
    /// Its own labels.
    pub labels: Labels,
}

impl OptionOverrides {
    /// These, and where they say nothing, earlier ones. Labels are taken as a whole.
    #[must_use]
    pub fn merged_over(&self, earlier: &Self) -> Self {
        let labels = if self.labels.is_empty() { &earlier.labels } else { &self.labels };
        Self {
            timeout: self.timeout.or(earlier.timeout),
            family: self.family.or(earlier.family),
            packet: self.packet.merged_over(earlier.packet),
            labels: labels.clone(),
        }
    }

    /// Those that are set, as texts that [`TargetOptions::set`] takes; labels not among them.
    pub fn iter(&self) -> impl Iterator<Item = (OptionKey, String)> + '_ {
        OptionKey::ALL.into_iter().filter_map(|key| Some((key, self.text(key)?)))
    }

    fn text(&self, key: OptionKey) -> Option<String> {
        let Self { timeout, family, packet, .. } = self;
        match key {
            OptionKey::Interval => None,
            OptionKey::Timeout => timeout.map(|timeout| timeout.get().as_secs_f64().to_string()),
            OptionKey::Size => packet.size.map(|size| size.get().to_string()),
            OptionKey::Dscp => packet.dscp.map(|dscp| dscp.to_string()),
            OptionKey::Ttl => packet.ttl.map(|ttl| ttl.to_string()),
            OptionKey::Source => packet.source.map(|source| source.to_string()),
            OptionKey::Interface => packet.interface.map(|interface| interface.as_str().to_owned()),
            OptionKey::DontFragment => packet.dont_fragment.map(|dont| dont.to_string()),
            OptionKey::Family => family.map(|family| family.as_str().to_lowercase()),
        }
    }

    /// These, less those that others set.
    fn minus(&self, others: &Self) -> Self {
        let labels = if others.labels.is_empty() { self.labels.clone() } else { Labels::default() };
        Self {
            timeout: self.timeout.filter(|_| others.timeout.is_none()),
            family: self.family.filter(|_| others.family.is_none()),
            packet: self.packet.minus(others.packet),
            labels,
        }
    }

    /// The only family that can be pinged on these terms: an address can't be reached from one of the other family.
    pub fn only_family(&self) -> Option<Family> {
        self.family.or(self.packet.source.map(Family::of))
    }
}

impl TargetOptions {
    /// An interval, and nothing else.
    pub const fn every(interval: Option<Interval>) -> Self {
        Self { interval, options: None }
    }

    /// These, and where they say nothing, earlier ones.
    #[must_use]
    pub fn merged_over(&self, earlier: &Self) -> Self {
        let options = match (&self.options, &earlier.options) {
            (Some(options), Some(earlier)) => Some(Arc::new(options.merged_over(earlier))),
            (options, earlier) => options.clone().or_else(|| earlier.clone()),
        };
        Self { interval: self.interval.or(earlier.interval), options }
    }

    /// These, less the options that others set.
    #[must_use]
    pub fn minus(&self, others: &Self) -> Self {
        let interval = self.interval.filter(|_| others.interval.is_none());
        let options = match (&self.options, &others.options) {
            (Some(options), Some(others)) => Some(Arc::new(options.minus(others))),
            (options, _) => options.clone(),
        };
        Self { interval, options: options.filter(|options| **options != OptionOverrides::default()) }
    }

    /// Sets an option to what a text says.
    ///
    /// # Errors
    /// [`OptionError`] says what the option takes; nothing is changed.
    pub fn set(&mut self, key: OptionKey, text: &str) -> Result<(), OptionError> {
        let parsed =
            Self::of(key, text.trim()).ok_or_else(|| OptionError { key, given: format!("{text:?}") })?;
        *self = parsed.merged_over(self);
        Ok(())
    }

    /// Gives the target these labels of its own.
    pub fn set_labels(&mut self, labels: Labels) {
        if !labels.is_empty() {
            *self = Self::from(OptionOverrides { labels, ..OptionOverrides::default() }).merged_over(self);
        }
    }

    /// Whether a host can be pinged on these terms.
    ///
    /// # Errors
    /// [`OptionConflict`], when options contradict each other or the address.
    pub fn check(&self, host: &Host) -> Result<(), OptionConflict> {
        let Some(options) = &self.options else { return Ok(()) };
        let source = options.packet.source;
        if let (Some(family), Some(source)) = (options.family, source)
            && Family::of(source) != family
        {
            return Err(OptionConflict::Source { address: source, family });
        }
        let Host::Address(address) = host else { return Ok(()) };
        if let Some(family) = options.only_family().filter(|family| *family != address.family()) {
            return Err(OptionConflict::Family { address: *address, family });
        }
        match (address.zone(), options.packet.interface) {
            (Some(zone), Some(interface)) if *zone != interface => {
                Err(OptionConflict::Interface { address: *address, interface })
            }
            _ => Ok(()),
        }
    }

    /// The options that are set, as texts that [`Self::set`] takes; labels not among them.
    pub fn iter(&self) -> impl Iterator<Item = (OptionKey, String)> + '_ {
        OptionKey::ALL.into_iter().filter_map(|key| Some((key, self.text(key)?)))
    }

    /// The labels.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().flat_map(|options| options.labels.iter())
    }

    fn text(&self, key: OptionKey) -> Option<String> {
        match key {
            OptionKey::Interval => self.interval.map(|interval| interval.seconds().to_string()),
            key => self.options.as_ref()?.text(key),
        }
    }

    /// Terms of one option.
    fn of(key: OptionKey, text: &str) -> Option<Self> {
        let packet = match key {
            OptionKey::Interval => return Some(Self::every(Some(text.parse().ok()?))),
            OptionKey::Timeout => {
                return Some(
                    OptionOverrides { timeout: Some(text.parse().ok()?), ..OptionOverrides::default() }
                        .into(),
                );
            }
            OptionKey::Family => {
                return Some(
                    OptionOverrides { family: Some(text.parse().ok()?), ..OptionOverrides::default() }.into(),
                );
            }
            OptionKey::Size => PacketOptions {
                size: Some(PayloadSize::new(text.parse().ok()?)?),
                ..PacketOptions::default()
            },
            OptionKey::Dscp => {
                PacketOptions { dscp: Some(text.parse::<Dscp>().ok()?), ..PacketOptions::default() }
            }
            OptionKey::Ttl => PacketOptions { ttl: Some(text.parse().ok()?), ..PacketOptions::default() },
            OptionKey::Source => PacketOptions { source: Some(source(text)?), ..PacketOptions::default() },
            OptionKey::Interface => {
                PacketOptions { interface: Some(Zone::parse(text)?), ..PacketOptions::default() }
            }
            OptionKey::DontFragment => {
                PacketOptions { dont_fragment: Some(text.parse().ok()?), ..PacketOptions::default() }
            }
        };
        Some(OptionOverrides { packet, ..OptionOverrides::default() }.into())
    }
}

/// An address of a machine, without a zone: the interface is an option of its own.
fn source(text: &str) -> Option<IpAddr> {
    let address: Address = text.parse().ok()?;
    address.zone().is_none().then_some(address.ip())
}

/// What goes for targets that say nothing themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Time between two requests.
    pub interval: Interval,
    /// After this a request is lost.
    pub timeout: Timeout,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { interval: Interval::DEFAULT, timeout: Timeout::DEFAULT }
    }
}

/// How a target is pinged, everything decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingSettings {
    /// Time between two requests.
    pub interval: Interval,
    /// After this a request is lost.
    pub timeout: Timeout,
    /// What its requests look like.
    pub packet: PacketOptions,
}

impl Defaults {
    /// How a target with these terms is pinged.
    pub fn ping_settings(&self, terms: &TargetOptions) -> PingSettings {
        let options = terms.options.as_deref();
        PingSettings {
            interval: terms.interval.unwrap_or(self.interval),
            timeout: options.and_then(|options| options.timeout).unwrap_or(self.timeout),
            packet: options.map(|options| options.packet).unwrap_or_default(),
        }
    }
}

impl From<OptionOverrides> for TargetOptions {
    fn from(options: OptionOverrides) -> Self {
        Self { interval: None, options: Some(Arc::new(options)) }
    }
}

/// The options that a target can have, labels apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptionKey {
    /// Seconds between two requests.
    Interval,
    /// Seconds after which a request is lost.
    Timeout,
    /// Bytes after the ICMP header.
    Size,
    /// Differentiated services codepoint.
    Dscp,
    /// Time to live, or hop limit.
    Ttl,
    /// The address of ours that requests come from.
    Source,
    /// The interface that requests leave by.
    Interface,
    /// Whether requests must not be fragmented.
    DontFragment,
    /// Of a DNS name only the addresses of one family.
    Family,
}

impl OptionKey {
    /// Every option.
    pub const ALL: [Self; 9] = [
        Self::Interval,
        Self::Timeout,
        Self::Size,
        Self::Dscp,
        Self::Ttl,
        Self::Source,
        Self::Interface,
        Self::DontFragment,
        Self::Family,
    ];

    /// How it is called in files and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Timeout => "timeout",
            Self::Size => "size",
            Self::Dscp => "dscp",
            Self::Ttl => "ttl",
            Self::Source => "source",
            Self::Interface => "interface",
            Self::DontFragment => "dont_fragment",
            Self::Family => "family",
        }
    }

    /// What it takes.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Interval => "seconds from 0.01 to 86400",
            Self::Timeout => "seconds from 0.05 to 60",
            Self::Size => "a number of bytes from 16 to 65507",
            Self::Dscp => "a number from 0 to 63 or a name: EF, VA, LE, CS0 to CS7, AF11 to AF43",
            Self::Ttl => "a number from 1 to 255",
            Self::Source => "an IP address of this machine",
            Self::Interface => "the name of an interface",
            Self::DontFragment => "true or false",
            Self::Family => "ipv4 or ipv6",
        }
    }
}

impl fmt::Display for OptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl FromStr for OptionKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or(())
    }
}

/// Why the value of an option is refused; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {given} is not usable, it takes {}", key.expected())]
pub struct OptionError {
    /// Which option.
    pub key: OptionKey,
    /// What was given, cut and escaped by whoever shows it.
    pub given: String,
}

/// Why a host can't be pinged on some terms; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionConflict {
    /// Requests of one family can't come from an address of the other.
    #[error("the source {address} is no {} address, which family asks for", .family.as_str())]
    Source {
        /// The source.
        address: IpAddr,
        /// The family asked for.
        family: Family,
    },
    /// An address of the other family than the one asked for.
    #[error("{address} is no {} address, which family or source asks for", .family.as_str())]
    Family {
        /// The address.
        address: Address,
        /// The family asked for.
        family: Family,
    },
    /// An address with a zone, and another interface.
    #[error("{address} is reached by the interface in its zone, not by {}", .interface.as_str())]
    Interface {
        /// The address.
        address: Address,
        /// The interface asked for.
        interface: Zone,
    },
    /// Labels that can't be.
    #[error(transparent)]
    Labels(#[from] LabelError),
}

#[cfg(test)]
mod tests;
