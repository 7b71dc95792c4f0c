//! Variants: several targets of one host, side by side.

use super::{Address, AddressError, Family, Host, HostError, HostName, Zone};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// Distinguishes the targets of one host; empty for the target that needs no distinction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Variant(Option<Arc<str>>);

impl Variant {
    /// Maximum length in bytes.
    pub const MAX_LENGTH: usize = 32;

    /// The text; empty for the variant of most targets.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether it is empty.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl FromStr for Variant {
    type Err = VariantError;

    fn from_str(text: &str) -> Result<Self, VariantError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(Some(text.into())))
        } else {
            Err(VariantError)
        }
    }
}

/// A text is not a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a variant is a text of 1 to 32 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\"")]
pub struct VariantError;

/// Identity of a target: its address and its variant. The text form is `192.0.2.1` or `192.0.2.1#wan2`.
///
/// Order: by address, then by variant, the empty one first. Zone and variant are rare and lie behind a pointer, because
/// a daemon holds several keys for every target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    ip: IpAddr,
    rare: Option<Arc<RareParts>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct RareParts {
    zone: Option<Zone>,
    variant: Variant,
}

impl TargetKey {
    /// The key of a target.
    pub fn new(address: Address, variant: Variant) -> Self {
        let zone = address.zone().copied();
        let is_rare = zone.is_some() || !variant.is_empty();
        Self { ip: address.ip(), rare: is_rare.then(|| Arc::new(RareParts { zone, variant })) }
    }

    /// The address.
    pub fn address(&self) -> Address {
        Address::from_parts(self.ip, self.rare.as_ref().and_then(|rare| rare.zone))
    }

    /// The variant.
    pub fn variant(&self) -> &str {
        self.rare.as_ref().map_or("", |rare| rare.variant.as_str())
    }

    /// The family of the address.
    pub const fn family(&self) -> Family {
        Family::of(self.ip)
    }
}

impl From<Address> for TargetKey {
    fn from(address: Address) -> Self {
        Self::new(address, Variant::default())
    }
}

impl FromStr for TargetKey {
    type Err = TargetKeyError;

    fn from_str(text: &str) -> Result<Self, TargetKeyError> {
        let (address, variant) = split(text)?;
        Ok(Self::new(address.parse()?, variant.unwrap_or_default()))
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)?;
        write_variant(self.variant(), f)
    }
}

/// Why a text is not the key of a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetKeyError {
    /// The part before the `#`.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The part after it.
    #[error(transparent)]
    Variant(#[from] VariantError),
}

/// A host, and the variant of its targets: what an entry pings. The text form is `example.net#wan2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostVariant {
    /// The host.
    pub host: Host,
    /// The variant of the targets.
    pub variant: Variant,
}

impl From<TargetKey> for HostVariant {
    fn from(key: TargetKey) -> Self {
        let variant = key.rare.as_ref().map(|rare| rare.variant.clone()).unwrap_or_default();
        Self { host: Host::Address(key.address()), variant }
    }
}

impl FromStr for HostVariant {
    type Err = HostVariantError;

    fn from_str(text: &str) -> Result<Self, HostVariantError> {
        let (host, variant) = split(text)?;
        Ok(Self { host: host.parse()?, variant: variant.unwrap_or_default() })
    }
}

impl fmt::Display for HostVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        write_variant(self.variant.as_str(), f)
    }
}

/// A DNS name, and the variant of its targets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameVariant {
    /// The DNS name.
    pub name: HostName,
    /// The variant of the targets.
    pub variant: Variant,
}

impl From<NameVariant> for HostVariant {
    fn from(NameVariant { name, variant }: NameVariant) -> Self {
        Self { host: Host::Name(name), variant }
    }
}

impl FromStr for NameVariant {
    type Err = HostVariantError;

    fn from_str(text: &str) -> Result<Self, HostVariantError> {
        let (name, variant) = split(text)?;
        let name = name.parse().map_err(HostError::from)?;
        Ok(Self { name, variant: variant.unwrap_or_default() })
    }
}

/// Why a text is not a host with a variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostVariantError {
    /// The part before the `#`.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The part after it.
    #[error(transparent)]
    Variant(#[from] VariantError),
}

/// Selects targets by their host: those of one variant, or of all. The text form without a `#` selects all variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSelector {
    /// The host.
    pub host: Host,
    /// The variant; `None` for all.
    pub variant: Option<Variant>,
}

impl HostSelector {
    /// Whether a variant is selected.
    pub fn includes(&self, variant: &str) -> bool {
        self.variant.as_ref().is_none_or(|selected| selected.as_str() == variant)
    }
}

impl From<Host> for HostSelector {
    fn from(host: Host) -> Self {
        Self { host, variant: None }
    }
}

impl From<TargetKey> for HostSelector {
    /// Selects exactly this target.
    fn from(key: TargetKey) -> Self {
        let HostVariant { host, variant } = key.into();
        Self { host, variant: Some(variant) }
    }
}

impl FromStr for HostSelector {
    type Err = HostVariantError;

    fn from_str(text: &str) -> Result<Self, HostVariantError> {
        let (host, variant) = split(text)?;
        Ok(Self { host: host.parse()?, variant })
    }
}

impl fmt::Display for HostSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        write_variant(self.variant.as_ref().map_or("", Variant::as_str), f)
    }
}

fn split(text: &str) -> Result<(&str, Option<Variant>), VariantError> {
    match text.rsplit_once('#') {
        None => Ok((text, None)),
        Some((host, variant)) => Ok((host, Some(variant.parse()?))),
    }
}

fn write_variant(variant: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if variant.is_empty() { Ok(()) } else { write!(f, "#{variant}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_have_a_small_alphabet() {
        for good in ["wan2", "EF", "a.b_c-d", "0", &"x".repeat(32)] {
            assert_eq!(good.parse::<Variant>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a#b", "ä", "a/b", "\n", &"x".repeat(33)] {
            assert_eq!(bad.parse::<Variant>(), Err(VariantError), "{bad:?}");
        }
    }

    #[test]
    fn keys_have_a_canonical_text_and_an_order() {
        let sorted = [
            "10.0.0.1",
            "10.0.0.1#a",
            "10.0.0.1#b",
            "10.0.0.2",
            "fe80::1",
            "fe80::1#a",
            "fe80::1%e0",
            "fe80::1%e0#a",
        ];
        let keys: Vec<TargetKey> = sorted.iter().map(|text| text.parse().unwrap()).collect();
        assert!(keys.is_sorted());
        assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), sorted);
        assert_eq!("[2001:DB8::1]#x".parse::<TargetKey>().unwrap().to_string(), "2001:db8::1#x");
        for bad in ["10.0.0.1#", "#x", "10.0.0.1#a#b", "host#x", "10.0.0.1#a b"] {
            assert!(bad.parse::<TargetKey>().is_err(), "{bad}");
        }
        for key in keys {
            assert_eq!(key, TargetKey::new(key.address(), HostVariant::from(key.clone()).variant));
        }
    }

    #[test]
    fn a_host_without_a_variant_selects_all_of_them() {
        let selects = |text: &str, variant: &str| text.parse::<HostSelector>().unwrap().includes(variant);
        assert!(selects("10.0.0.1", "") && selects("10.0.0.1", "a") && selects("example.net#a", "a"));
        assert!(!selects("10.0.0.1#a", "") && !selects("10.0.0.1#a", "b"));
        let exact = HostSelector::from("10.0.0.1".parse::<TargetKey>().unwrap());
        assert!(exact.includes("") && !exact.includes("a"));
    }

    #[test]
    fn a_key_is_not_larger_than_an_address() {
        assert!(size_of::<TargetKey>() <= size_of::<Address>());
        assert_eq!(size_of::<Option<TargetKey>>(), size_of::<TargetKey>());
    }
}
