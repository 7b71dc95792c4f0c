//! Addresses that can be pinged, with the zone of link-local ones.

use super::Family;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The zone of a link-local IPv6 address: an interface's name, or its index as decimal text (RFC 4007 §11).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone([u8; Self::MAX + 1]);

impl Zone {
    /// Longest interface name in bytes, `IFNAMSIZ - 1`.
    pub const MAX: usize = 15;

    /// The zone with a name; `None` if no interface can have the name.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&text.len());
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b'%');
        (fits && printable).then(|| {
            let mut name = [0; Self::MAX + 1];
            name[..text.len()].copy_from_slice(text.as_bytes());
            Self(name)
        })
    }

    /// The interface's name or index, as written.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// One host on the network: a unicast address, with a zone if it is link-local IPv6.
///
/// IPv4-mapped IPv6 addresses are IPv4. Order: IPv4 before IPv6, then as a number, then by zone.
/// The text form is canonical (RFC 5952, with `%zone`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    ip: IpAddr,
    zone: Option<Zone>,
}

impl Address {
    /// The address without its zone.
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The zone, for link-local IPv6 addresses that name one.
    pub const fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// Whether the address needs a zone, or an interface: it is link-local IPv6.
    pub const fn is_link_local(&self) -> bool {
        matches!(self.ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
    }

    /// The family that the address belongs to.
    pub const fn family(&self) -> Family {
        Family::of(self.ip)
    }

    /// The address of these parts, which come from an address.
    pub(super) const fn from_parts(ip: IpAddr, zone: Option<Zone>) -> Self {
        Self { ip, zone }
    }

    /// The last address of a host that does not sort after `ip`; `None` if there is none.
    pub fn not_behind(ip: IpAddr) -> Option<Self> {
        const LAST_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(255, 255, 255, 254));
        const BEFORE_MULTICAST_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(223, 255, 255, 255));
        const BEFORE_MULTICAST_V6: IpAddr = IpAddr::V6(Ipv6Addr::from_bits(!0 ^ 1 << 120));
        let ip = match Self::try_from(ip) {
            Ok(address) => return Some(address),
            Err(AddressError::Unspecified(IpAddr::V4(_))) => return None,
            Err(AddressError::Multicast(IpAddr::V4(_))) => BEFORE_MULTICAST_V4,
            Err(AddressError::Multicast(IpAddr::V6(_))) => BEFORE_MULTICAST_V6,
            Err(_) => LAST_V4,
        };
        Some(Self { ip, zone: None })
    }

    /// The address in that zone.
    ///
    /// # Errors
    /// [`AddressError`] if it is not the address of one host, or has a zone and is not link-local.
    pub fn within(ip: IpAddr, zone: Option<Zone>) -> Result<Self, AddressError> {
        let ip = ip.to_canonical();
        if ip.is_unspecified() {
            return Err(AddressError::Unspecified(ip));
        }
        if ip.is_multicast() {
            return Err(AddressError::Multicast(ip));
        }
        if ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(AddressError::Broadcast(ip));
        }
        let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if zone.is_some() && !link_local {
            return Err(AddressError::UselessZone(ip));
        }
        Ok(Self { ip, zone })
    }
}

impl TryFrom<IpAddr> for Address {
    type Error = AddressError;

    fn try_from(ip: IpAddr) -> Result<Self, AddressError> {
        Self::within(ip, None)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Parses `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, `fe80::1%eth0`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let bare = inner.unwrap_or(text);
        if let Some((ip, zone)) = bare.split_once('%') {
            let ip: Ipv6Addr = ip.parse().map_err(|_| AddressError::NotAnAddress)?;
            let zone = Zone::parse(zone).ok_or(AddressError::BadZone)?;
            return Self::within(ip.into(), Some(zone));
        }
        let ip: IpAddr = bare.parse().map_err(|_| AddressError::NotAnAddress)?;
        if inner.is_some() && ip.is_ipv4() {
            return Err(AddressError::NotAnAddress);
        }
        Self::within(ip, None)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            None => self.ip.fmt(f),
            Some(zone) => write!(f, "{}%{}", self.ip, zone.as_str()),
        }
    }
}

/// Why a text or an address can't be a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is not an address literal; it may still be a DNS name.
    #[error("not an IP address")]
    NotAnAddress,
    /// `0.0.0.0` or `::`.
    #[error("{0} is the unspecified address, not a host")]
    Unspecified(IpAddr),
    /// An IPv4 or IPv6 multicast group.
    #[error("{0} is a multicast group, not one host")]
    Multicast(IpAddr),
    /// `255.255.255.255`.
    #[error("{0} is the limited broadcast address, not one host")]
    Broadcast(IpAddr),
    /// A zone that can't be the name of an interface.
    #[error("the zone after % must be an interface's name of 1 to 15 printable characters")]
    BadZone,
    /// A zone on an address that is not link-local.
    #[error("{0} is not link-local, so it takes no zone")]
    UselessZone(IpAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_canonical_and_zoned() {
        let cases = [
            ("127.0.0.1", "127.0.0.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("[fe80::1%eth0]", "fe80::1%eth0"),
        ];
        for (text, canonical) in cases {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn what_is_not_one_host_is_refused() {
        for text in
            ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:0.0.0.0", "2001:db8::1%eth0"]
        {
            let error = text.parse::<Address>().unwrap_err();
            assert_ne!(error, AddressError::NotAnAddress, "{text}");
        }
        for text in ["fe80::1%", "fe80::1%an-interface-with-a-long-name", "1.2.3", "[1.2.3.4]", "", "%eth0"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_ip_address_has_a_place_among_the_hosts() {
        let cases = [
            ("10.0.0.1", Some("10.0.0.1")),
            ("0.0.0.0", None),
            ("::ffff:0.0.0.0", None),
            ("224.0.0.0", Some("223.255.255.255")),
            ("239.255.255.255", Some("223.255.255.255")),
            ("240.0.0.0", Some("240.0.0.0")),
            ("255.255.255.255", Some("255.255.255.254")),
            ("::", Some("255.255.255.254")),
            ("ff02::1", Some("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
        ];
        for (ip, expected) in cases {
            let place = Address::not_behind(ip.parse().unwrap());
            assert_eq!(place.map(|address| address.to_string()).as_deref(), expected, "{ip}");
            assert!(place.is_none_or(|address| Address::try_from(address.ip()) == Ok(address)), "{ip}");
        }
    }

    #[test]
    fn addresses_sort_as_numbers_ipv4_first() {
        let mut addresses: Vec<Address> =
            ["::1", "10.0.0.10", "9.0.0.1", "10.0.0.9"].iter().map(|text| text.parse().unwrap()).collect();
        addresses.sort();
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["9.0.0.1", "10.0.0.9", "10.0.0.10", "::1"]);
    }
}
