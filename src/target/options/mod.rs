//! The options of a target: how it is pinged where it differs from the other targets.

mod table;

use super::{Address, Family, Host, Interval, LabelError, Labels, PacketOptions, Timeout, Zone};
use std::net::IpAddr;
use std::sync::Arc;
use table::Storage;

pub use table::{Expected, OptionKey, OptionRow, UnknownOption, ValueKind};

/// The options that are set for a target; the others have the value that the daemon has for every target.
///
/// Two words, because a daemon holds it for every target: most targets have an interval or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TargetOptions {
    /// Time between two requests.
    pub interval: Option<Interval>,
    /// The other options; targets with the same ones share the allocation.
    pub overrides: Option<Arc<OptionOverrides>>,
}

/// The options of a target except its interval.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct OptionOverrides {
    /// Time after which a request without an answer is lost.
    pub timeout: Option<Timeout>,
    /// The only family of addresses to ping, of a DNS name.
    pub family: Option<Family>,
    /// Header fields and size of the requests.
    pub packet: PacketOptions,
    /// Labels of the target's series.
    pub labels: Labels,
}

impl OptionOverrides {
    /// These options, and the earlier ones where none is set. Labels are one option.
    #[must_use]
    pub fn merged_over(&self, earlier: &Self) -> Self {
        let mut merged = self.clone();
        table::shared().for_each(|(_, access)| (access.fill)(&mut merged, earlier));
        if merged.labels.is_empty() {
            merged.labels = earlier.labels.clone();
        }
        merged
    }

    /// The options that are set except the labels, as texts that [`TargetOptions::set`] accepts.
    pub fn iter(&self) -> impl Iterator<Item = (OptionKey, String)> + '_ {
        table::shared().filter_map(|(key, access)| Some((key, (access.print)(self)?)))
    }

    /// These options without those that `other` sets.
    fn minus(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        table::shared().for_each(|(_, access)| (access.subtract)(&mut rest, other));
        if !other.labels.is_empty() {
            rest.labels = Labels::default();
        }
        rest
    }

    /// The only family that these options can reach: a source address reaches only its own family.
    pub fn only_family(&self) -> Option<Family> {
        self.family.or(self.packet.source.map(Family::of))
    }
}

impl TargetOptions {
    /// Options with an interval and nothing else.
    pub const fn every(interval: Option<Interval>) -> Self {
        Self { interval, overrides: None }
    }

    /// These options, and the earlier ones where none is set.
    #[must_use]
    pub fn merged_over(&self, earlier: &Self) -> Self {
        let overrides = match (&self.overrides, &earlier.overrides) {
            (Some(later), Some(earlier)) => Some(Arc::new(later.merged_over(earlier))),
            (later, earlier) => later.clone().or_else(|| earlier.clone()),
        };
        let mut merged = Self { overrides, ..self.clone() };
        table::inline().for_each(|access| (access.fill)(&mut merged, earlier));
        merged
    }

    /// These options without those that `other` sets.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let overrides = match (&self.overrides, &other.overrides) {
            (Some(own), Some(other)) => Some(Arc::new(own.minus(other))),
            (own, _) => own.clone(),
        };
        let overrides = overrides.filter(|overrides| **overrides != OptionOverrides::default());
        let mut rest = Self { overrides, ..self.clone() };
        table::inline().for_each(|access| (access.subtract)(&mut rest, other));
        rest
    }

    /// Sets an option to the value of a text.
    ///
    /// # Errors
    /// [`OptionError`] names the values that the option accepts; nothing is changed.
    pub fn set(&mut self, key: OptionKey, text: &str) -> Result<(), OptionError> {
        let trimmed = text.trim();
        let parsed = match &key.row().value {
            Storage::Inline(access) => (access.parse)(self, trimmed),
            Storage::Shared(access) => {
                let mut overrides = OptionOverrides::default();
                let parsed = (access.parse)(&mut overrides, trimmed);
                parsed.map(|()| *self = Self::from(overrides).merged_over(self))
            }
        };
        parsed.ok_or_else(|| OptionError { key, value: format!("{text:?}") })
    }

    /// Replaces the target's labels, unless there are none.
    pub fn set_labels(&mut self, labels: Labels) {
        if !labels.is_empty() {
            *self = Self::from(OptionOverrides { labels, ..OptionOverrides::default() }).merged_over(self);
        }
    }

    /// Whether a host can be pinged with these options.
    ///
    /// # Errors
    /// [`OptionConflict`], if options contradict each other or the address.
    pub fn check(&self, host: &Host) -> Result<(), OptionConflict> {
        let Some(overrides) = &self.overrides else { return Ok(()) };
        let source = overrides.packet.source;
        if let (Some(family), Some(source)) = (overrides.family, source)
            && Family::of(source) != family
        {
            return Err(OptionConflict::Source { address: source, family });
        }
        let Host::Address(address) = host else { return Ok(()) };
        if let Some(family) = overrides.only_family().filter(|family| *family != address.family()) {
            return Err(OptionConflict::Family { address: *address, family });
        }
        match (address.zone(), overrides.packet.interface) {
            (Some(zone), Some(interface)) if *zone != interface => {
                Err(OptionConflict::Interface { address: *address, interface })
            }
            _ => Ok(()),
        }
    }

    /// The options that are set except the labels, as texts that [`Self::set`] accepts.
    pub fn iter(&self) -> impl Iterator<Item = (OptionKey, String)> + '_ {
        let print = |key: OptionKey| match &key.row().value {
            Storage::Inline(access) => (access.print)(self),
            Storage::Shared(access) => self.overrides.as_deref().and_then(access.print),
        };
        OptionKey::ALL.into_iter().filter_map(move |key| Some((key, print(key)?)))
    }

    /// Name and value of each label.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.overrides.iter().flat_map(|overrides| overrides.labels.iter())
    }
}

/// The values of options that a target does not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Time between two requests.
    pub interval: Interval,
    /// Time after which a request without an answer is lost.
    pub timeout: Timeout,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { interval: Interval::DEFAULT, timeout: Timeout::DEFAULT }
    }
}

/// How a target is pinged: its options and the defaults of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingSettings {
    /// Time between two requests.
    pub interval: Interval,
    /// Time after which a request without an answer is lost.
    pub timeout: Timeout,
    /// Header fields and size of the requests.
    pub packet: PacketOptions,
}

impl Defaults {
    /// How a target with these options is pinged.
    pub fn ping_settings(&self, options: &TargetOptions) -> PingSettings {
        let overrides = options.overrides.as_deref();
        PingSettings {
            interval: options.interval.unwrap_or(self.interval),
            timeout: overrides.and_then(|overrides| overrides.timeout).unwrap_or(self.timeout),
            packet: overrides.map(|overrides| overrides.packet).unwrap_or_default(),
        }
    }
}

impl From<OptionOverrides> for TargetOptions {
    fn from(overrides: OptionOverrides) -> Self {
        Self { interval: None, overrides: Some(Arc::new(overrides)) }
    }
}

/// A value that an option does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {value} is not usable, it takes {}", key.expected())]
pub struct OptionError {
    /// The option.
    pub key: OptionKey,
    /// The value, quoted; the caller escapes and shortens it.
    pub value: String,
}

/// Why a host can't be pinged with some options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionConflict {
    /// Source address and family differ.
    #[error("the source {address} is no {} address, which family asks for", .family.as_str())]
    Source {
        /// The source address.
        address: IpAddr,
        /// The value of `family`.
        family: Family,
    },
    /// The address is not of the family that `family` or `source` requires.
    #[error("{address} is no {} address, which family or source asks for", .family.as_str())]
    Family {
        /// The address of the target.
        address: Address,
        /// The required family.
        family: Family,
    },
    /// The zone of the address and the interface differ.
    #[error("{address} is reached by the interface in its zone, not by {}", .interface.as_str())]
    Interface {
        /// The address of the target.
        address: Address,
        /// The value of `interface`.
        interface: Zone,
    },
    /// Labels that are not allowed.
    #[error(transparent)]
    Labels(#[from] LabelError),
}

#[cfg(test)]
mod tests;
