//! Texts that users mean as something else than a host: networks, ranges, lists, URLs, incomplete addresses.
//!
//! Most of them are valid DNS names by their characters. Read as one, such a text becomes a name that never resolves; and
//! `10.0.0.0/24` becomes one address that is pinged every 24 s.

use super::Address;
use std::net::IpAddr;

/// Why a text can't be a host; the text of the error says what the user may have meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAHost {
    /// It has a scheme.
    #[error("this is a URL; write only the host in it")]
    Url,
    /// It is an address with a prefix length or an interval.
    #[error("a target is one host, not a network, and its interval is set apart from it")]
    Network,
    /// It has a comma between digits.
    #[error("an IPv4 address has dots between its numbers, and one target is one host")]
    Commas,
    /// It has a comma elsewhere.
    #[error("this is a list; write each host as a target of its own")]
    List,
    /// It is a range of addresses.
    #[error("this is a range of addresses; write each host as a target of its own")]
    Range,
    /// Its last label is a hexadecimal number, as `inet_aton` takes it.
    #[error("this is a hexadecimal number; write an IPv4 address as four decimal numbers, like 192.0.2.1")]
    Hexadecimal,
    /// A number of an IPv4 address begins with 0, which some programs take for octal.
    #[error("the numbers of an IPv4 address must not begin with 0")]
    LeadingZero,
    /// A number of an IPv4 address is too large.
    #[error("the numbers of an IPv4 address go from 0 to 255")]
    LargeNumber,
    /// It has too few or too many numbers for an IPv4 address, or other characters before them.
    #[error(
        "an IPv4 address has four numbers, like 192.0.2.1, and the last part of a host name is not a number"
    )]
    Numbers,
}

impl NotAHost {
    /// The reason for which a text that is no address can't be the name of a host either; `None` if it can.
    ///
    /// No top-level domain is a number (RFC 3696 §2), so a name whose last label is one can't resolve.
    pub(super) fn find(text: &str) -> Option<Self> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        if text.contains("://") {
            return Some(Self::Url);
        }
        if let Some((address, length)) = text.rsplit_once('/')
            && address.parse::<IpAddr>().is_ok()
            && length.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Some(Self::Network);
        }
        let is_numeric =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b".,-".contains(&byte));
        if text.contains(',') {
            return Some(if is_numeric(text) { Self::Commas } else { Self::List });
        }
        let last = bare.rsplit('.').next().unwrap_or_default();
        let is_number = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
        let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
        if hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Some(Self::Hexadecimal);
        }
        if bare.contains('-') && bare.contains(|c: char| c.is_ascii_digit()) && is_numeric(bare) {
            return Some(Self::Range);
        }
        if !is_number(last) && (bare.is_empty() || !is_numeric(bare)) {
            return None;
        }
        let labels: Vec<&str> = bare.split('.').collect();
        Some(
            if bare.parse::<IpAddr>().is_ok()
                || labels.len() != 4
                || !labels.iter().all(|label| is_number(label))
            {
                Self::Numbers
            } else if labels.iter().any(|label| label.len() > 1 && label.starts_with('0')) {
                Self::LeadingZero
            } else {
                Self::LargeNumber
            },
        )
    }
}

/// A network in the place of `TARGET/INTERVAL`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address}/{length} is a network, and a target is one host: name each host; to ping {address} itself every {length} s, \
     set its interval apart from it (--interval {length})"
)]
pub struct NetworkError {
    address: Address,
    length: u8,
}

impl NetworkError {
    /// The network that `host/interval` is: an address whose bits behind a usual prefix length are all 0.
    pub(super) fn find(host: &str, interval: &str) -> Option<Self> {
        let is_whole = !interval.is_empty() && interval.bytes().all(|byte| byte.is_ascii_digit());
        let length: u8 = interval.parse().ok().filter(|_| is_whole)?;
        // 0.0.0.0 and :: are no targets, but networks.
        let ip: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
        let (is_prefix, host_bits) = match ip {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shr(length.into()).unwrap_or(0);
                ((8..=31).contains(&length), v4.to_bits() & mask != 0)
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shr(length.into()).unwrap_or(0);
                ((32..=127).contains(&length), v6.to_bits() & mask != 0)
            }
        };
        let address = host.parse().ok()?;
        (is_prefix && !host_bits).then_some(Self { address, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Host, TargetSpec};

    #[test]
    fn what_is_no_host_is_refused_with_what_is_meant() {
        let cases = [
            ("10.0.0.256", NotAHost::LargeNumber),
            ("192.168.001.001", NotAHost::LeadingZero),
            ("10.0.0", NotAHost::Numbers),
            ("127.1", NotAHost::Numbers),
            ("1", NotAHost::Numbers),
            ("10.0.0.1.5", NotAHost::Numbers),
            ("10..0.1", NotAHost::Numbers),
            ("host.1", NotAHost::Numbers),
            ("host.1.", NotAHost::Numbers),
            ("10.0.0.1.", NotAHost::Numbers),
            ("10.0.0.0/24", NotAHost::Network),
            ("2001:db8::/64", NotAHost::Network),
            ("2130706433", NotAHost::Numbers),
            ("0x7f000001", NotAHost::Hexadecimal),
            ("0x7F.0x1", NotAHost::Hexadecimal),
            ("host.0xff", NotAHost::Hexadecimal),
            ("host.0x", NotAHost::Hexadecimal),
            ("10,0,0,1", NotAHost::Commas),
            ("10.0.0.1,10.0.0.2", NotAHost::Commas),
            ("a.example,b.example", NotAHost::List),
            ("a,b", NotAHost::List),
            ("10.0.0.1-20", NotAHost::Range),
            ("10.0.0.1-10.0.0.20", NotAHost::Range),
            ("10.0.0-5.1", NotAHost::Range),
            ("http://example.org/", NotAHost::Url),
            ("icmp://10.0.0.1", NotAHost::Url),
            ("-", NotAHost::Numbers),
            ("--", NotAHost::Numbers),
        ];
        for (text, reason) in cases {
            assert_eq!(NotAHost::find(text), Some(reason), "{text}");
            let error = text.parse::<Host>().unwrap_err().to_string();
            assert_eq!(error, reason.to_string(), "{text}");
        }
    }

    #[test]
    fn hosts_with_digits_are_hosts() {
        for text in [
            "1.example",
            "10-0-0-1.example",
            "host-1",
            "0x7f.example",
            "x0x7f",
            "4.3.2.1.in-addr.arpa",
            "a1",
            "1a",
            "7f",
            "xn--p1ai",
            "host.1x",
            "0xg",
            "255.255.255.255.example.",
        ] {
            assert_eq!(NotAHost::find(text), None, "{text}");
            assert!(text.parse::<Host>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_network_is_no_target() {
        let networks = [
            "10.0.0.0/24",
            "10.0.0.0/8",
            "10.0.0.0/31",
            "192.168.1.0/24",
            "192.168.1.128/25",
            "2001:db8::/64",
            "2001:db8::/32",
            "[2001:db8::]/127",
            "fd00::/48",
        ];
        for text in networks {
            let error = text.parse::<TargetSpec>().unwrap_err().to_string();
            assert!(error.contains("is a network") && error.contains("--interval"), "{text}: {error}");
        }
        let targets = [
            "10.0.0.7/24",
            "10.0.0.0/7",
            "10.0.0.0/32",
            "10.0.0.0/24.0",
            "10.0.0.0/0.5",
            "10.0.0.1/30",
            "10.0.0.0",
            "192.168.1.128/24",
            "2001:db8::/31",
            "2001:db8::/128",
            "2001:db8::1/64",
            "[2001:db8::1]/64",
            "host.example/24",
        ];
        for text in targets {
            assert!(text.parse::<TargetSpec>().is_ok(), "{text}");
        }
    }
}
