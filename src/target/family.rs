//! The two families of addresses.

use std::net::IpAddr;
use std::str::FromStr;

/// An address family, as the socket API numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, `AF_INET`.
    V4,
    /// IPv6, `AF_INET6`.
    V6,
}

impl Family {
    /// The family of an address.
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// `AF_INET` (2) or `AF_INET6` (10), as Linux numbers them, whatever the platform.
    pub const fn number(self) -> u8 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }

    /// `IPv4` or `IPv6`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

impl FromStr for Family {
    type Err = BadFamily;

    /// Parses `ipv4`, `ipv6`, `4`, `6`, in any case.
    fn from_str(text: &str) -> Result<Self, BadFamily> {
        match text.to_ascii_lowercase().as_str() {
            "ipv4" | "4" => Ok(Self::V4),
            "ipv6" | "6" => Ok(Self::V6),
            _ => Err(BadFamily),
        }
    }
}

/// A text is not an address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address family is ipv4 or ipv6")]
pub struct BadFamily;
