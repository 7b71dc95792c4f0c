//! A target as a user writes it: `TARGET[/INTERVAL]`, with a name and options.

use super::{
    Address, Host, HostError, HostVariant, Label, MAX_NAME, NetworkError, NotAHost, OptionConflict,
    SecondsError, TargetOptions, Variant, VariantError,
};
use std::str::FromStr;

/// A host to ping, the name of the target, and its options.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSpec {
    /// Name of the target.
    pub name: Label,
    /// The host to ping.
    pub host: Host,
    /// Distinguishes it from other targets of the host.
    pub variant: Variant,
    /// Options that differ from those of other targets.
    pub options: TargetOptions,
}

/// An entry that is added at runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Its target; the options are those that are given.
    pub spec: TargetSpec,
    /// Addresses of its DNS name that it does not ping.
    pub excluded: Vec<Address>,
    /// Whether it is added even if its DNS name has no address now.
    pub unresolved: bool,
}

impl NewEntry {
    /// Maximum number of excluded addresses: as many as a DNS name can have.
    pub const MAX_EXCLUDED: usize = 256;
}

impl From<TargetSpec> for NewEntry {
    fn from(spec: TargetSpec) -> Self {
        Self { spec, excluded: Vec::new(), unresolved: false }
    }
}

impl TargetSpec {
    /// What it pings.
    pub fn host_variant(&self) -> HostVariant {
        HostVariant { host: self.host.clone(), variant: self.variant.clone() }
    }

    /// The same target with another name.
    ///
    /// # Errors
    /// [`TargetError::LongName`] for a name of more than [`MAX_NAME`] bytes.
    pub fn with_name(self, name: &str) -> Result<Self, TargetError> {
        if name.len() > MAX_NAME {
            return Err(TargetError::LongName(name.len()));
        }
        Ok(Self { name: name.into(), ..self })
    }
}

impl FromStr for TargetSpec {
    type Err = TargetError;

    /// Parses `example.net`, `example.net/60`, `[2001:db8::1]/5`, `2001:db8::1/5`. The name is the host as written,
    /// without brackets.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.contains("://") {
            return Err(HostError::from(NotAHost::Url).into());
        }
        let (host, interval) = match text.rsplit_once('/') {
            None => (text, None),
            Some((host, interval)) => {
                NetworkError::find(host, interval).map_or(Ok(()), Err)?;
                (host, Some(interval.parse()?))
            }
        };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        Ok(Self {
            name: bare.unwrap_or(host).into(),
            host: host.parse()?,
            variant: Variant::default(),
            options: TargetOptions::every(interval),
        })
    }
}

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// The part before the last slash.
    #[error("{0}; a target is a host name or an address, with /SECONDS behind it for an interval of its own")]
    Host(#[from] HostError),
    /// A network, whose prefix length would be an interval.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The part after the last slash.
    #[error(transparent)]
    Interval(#[from] SecondsError),
    /// A variant that is not allowed.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// Options that contradict the host or each other.
    #[error(transparent)]
    Options(#[from] OptionConflict),
    /// A name that is too long.
    #[error("a name has at most {MAX_NAME} bytes, this one has {0}")]
    LongName(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Interval;

    #[test]
    fn the_last_slash_separates_the_interval() {
        let cases = [
            ("google.de/60", "google.de", "google.de", Some(60.0)),
            ("192.168.178.1", "192.168.178.1", "192.168.178.1", None),
            ("somewhere-else.net./0.2", "somewhere-else.net.", "somewhere-else.net.", Some(0.2)),
            ("[2001:db8::1]/5", "2001:db8::1", "2001:db8::1", Some(5.0)),
            ("2001:db8::1/5", "2001:db8::1", "2001:db8::1", Some(5.0)),
            ("2001:DB8:0::1", "2001:DB8:0::1", "2001:db8::1", None),
            ("[fe80::1%eth0]", "fe80::1%eth0", "fe80::1%eth0", None),
            ("::ffff:192.0.2.7/1e1", "::ffff:192.0.2.7", "192.0.2.7", Some(10.0)),
        ];
        for (text, name, host, interval) in cases {
            let spec: TargetSpec = text.parse().unwrap();
            assert_eq!((&*spec.name, spec.host.to_string().as_str()), (name, host), "{text}");
            assert_eq!(spec.options.interval.map(Interval::seconds), interval, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_target_is_an_error_with_a_reason() {
        let cases = [
            ("", "host name needs"),
            ("/5", "host name needs"),
            ("a b", "' ' can't be in a host name"),
            ("a/b/5", "'/' can't be in a host name"),
            ("0.0.0.0", "unspecified"),
            ("224.0.0.1/5", "multicast"),
            ("[::1", "not an IP address"),
            ("host/", "0.01 to 86400"),
            ("host/5s", "\"5s\" is not usable"),
            ("host/0", "interval 0 is not usable"),
            ("host/nan", "interval NaN is not usable"),
        ];
        for (text, reason) in cases {
            let error = text.parse::<TargetSpec>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_name_has_a_maximum_length() {
        let spec = || "127.0.0.1".parse::<TargetSpec>().unwrap();
        assert_eq!(&*spec().with_name("a \u{1b}[31m name").unwrap().name, "a \u{1b}[31m name");
        assert_eq!(spec().with_name(&"x".repeat(254)), Err(TargetError::LongName(254)));
    }
}
