//! Which address behaves how. IPv4 `10.C.P.N` and IPv6 `fd77::C:P:N` behave the same: the code C says what the
//! host does, the parameter P how much of it, and N tells hosts of one behaviour apart.
//!
//! In IPv6 the three groups are C, P and N in hexadecimal, as groups are. Counting starts at 0 with the first
//! request to an address, whoever sends it; what is lost does not depend on time. "Error" is an ICMP error
//! from a router ([`router`]), quoting the request.
//!
//! | C | constant | what the host does |
//! |---|---|---|
//! | 0 | `SILENT` | nothing; `10.0.0.1` and `fd77::1` are our own side |
//! | 1 | `DELAY_MS` | replies after P ms |
//! | 2 | `DELAY_10_MS` | replies after 10·P ms |
//! | 3 | `DELAY_100_MS` | replies after 100·P ms (P = 35: late for a timeout of 1 s, in time for 5 s) |
//! | 4 | `SLOWER_LATER` | replies after 20 ms to the first 10·P requests, after 80 ms to all later ones |
//! | 10 | `LOSS_PERCENT` | loses P of every 100 requests, evenly spread |
//! | 11 | `LOSS_EVERY` | loses every P-th request |
//! | 12 | `FLAPPING` | answers P requests, leaves P unanswered, and so on |
//! | 20 | `COPIES` | replies, and P times more |
//! | 21 | `REORDERED` | answers a request of even count only after the next one, so each second reply is out of date |
//! | 22 | `TTL` | replies with a TTL, or hop limit, of P |
//! | 30 | `UNREACHABLE` | destination unreachable with code P |
//! | 31 | `TIME_EXCEEDED` | time exceeded with code P |
//! | 32 | `PARAMETER_PROBLEM` | parameter problem with code P |
//! | 33 | `TOO_BIG` | ICMPv6 packet too big; IPv4: fragmentation needed |
//! | 34 | `REDIRECT` | redirect, which is no error; replies P ms later |
//! | 35 | `SOURCE_QUENCH` | IPv4 source quench, which is no error; replies P ms later. IPv6 has none: only replies |
//! | 36 | `QUOTES_EIGHT` | host (address) unreachable that quotes the IP header and 8 bytes |
//! | 37 | `QUOTES_OPTIONS` | the same, with IPv4 options or IPv6 extension headers in the quoted header |
//! | 38 | `ERROR_THEN_REPLY` | host unreachable, and a reply P ms later |
//! | 39 | `REPLY_THEN_ERROR` | a reply, and host unreachable P ms later |
//! | 40 | `ERROR_LATE` | host unreachable after 100·P ms |
//! | 41 | `ERROR_FLIPPED` | host unreachable with one bit flipped in byte P of the quoted ICMP message |
//! | 42 | `FAR_ROUTER` | host (address) unreachable from [`router`], also about a link-local host; quotes 8 bytes only when P is 1 |
//! | 50 | `FLIPPED` | replies with one bit flipped in byte P of the ICMP message, the checksum being right |
//! | 51 | `FLIPPED_THEN_RIGHT` | as before, and 5 ms later the right reply |
//! | 52 | `BAD_CHECKSUM` | replies with a wrong checksum |
//! | 53 | `CUT` | replies with an ICMP message that is cut to P bytes |
//! | 54 | `LONGER` | replies with P bytes more than it was sent |
//! | 55 | `FROM_ELSEWHERE` | replies from another address, [`elsewhere`] |
//! | 56 | `ELSEWHERE_FIRST` | replies to P requests from there, then from its own address |
//! | 57 | `FLIPPED_ELSEWHERE` | replies from there with one bit flipped in byte P, the checksum being right |
//! | 254 | `ROUTER` | nothing; errors come from here |

use meshping::target::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The values of C.
pub mod code {
    #![allow(missing_docs, reason = "the module's table says it")]
    pub const SILENT: u8 = 0;
    pub const DELAY_MS: u8 = 1;
    pub const DELAY_10_MS: u8 = 2;
    pub const DELAY_100_MS: u8 = 3;
    pub const SLOWER_LATER: u8 = 4;
    pub const LOSS_PERCENT: u8 = 10;
    pub const LOSS_EVERY: u8 = 11;
    pub const FLAPPING: u8 = 12;
    pub const COPIES: u8 = 20;
    pub const REORDERED: u8 = 21;
    pub const TTL: u8 = 22;
    pub const UNREACHABLE: u8 = 30;
    pub const TIME_EXCEEDED: u8 = 31;
    pub const PARAMETER_PROBLEM: u8 = 32;
    pub const TOO_BIG: u8 = 33;
    pub const REDIRECT: u8 = 34;
    pub const SOURCE_QUENCH: u8 = 35;
    pub const QUOTES_EIGHT: u8 = 36;
    pub const QUOTES_OPTIONS: u8 = 37;
    pub const ERROR_THEN_REPLY: u8 = 38;
    pub const REPLY_THEN_ERROR: u8 = 39;
    pub const ERROR_LATE: u8 = 40;
    pub const ERROR_FLIPPED: u8 = 41;
    pub const FAR_ROUTER: u8 = 42;
    pub const FLIPPED: u8 = 50;
    pub const FLIPPED_THEN_RIGHT: u8 = 51;
    pub const BAD_CHECKSUM: u8 = 52;
    pub const CUT: u8 = 53;
    pub const LONGER: u8 = 54;
    pub const FROM_ELSEWHERE: u8 = 55;
    pub const ELSEWHERE_FIRST: u8 = 56;
    pub const FLIPPED_ELSEWHERE: u8 = 57;
    pub const ROUTER: u8 = 254;
}

/// Bytes of the ICMP message, for the behaviours that flip a bit. The payload begins with byte 8.
pub mod byte {
    /// Within the identifier.
    pub const IDENT: u8 = 4;
    /// Within the sequence number.
    pub const SEQUENCE: u8 = 6;
    /// Within the index of the target, which the payload begins with.
    pub const INDEX: u8 = 8;
    /// Within the token, payload bytes 8 to 16.
    pub const TOKEN: u8 = 19;
    /// Within the pattern, payload bytes 16 to 56.
    pub const PATTERN: u8 = 40;
}

/// What a host does, as its address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// C in the table.
    pub code: u8,
    /// P in the table.
    pub parameter: u8,
}

impl Behaviour {
    /// What the host at that address does.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self { code: v4.octets()[1], parameter: v4.octets()[2] },
            IpAddr::V6(v6) => Self { code: v6.octets()[11], parameter: v6.octets()[13] },
        }
    }

    /// What it does with the request with that count.
    #[must_use]
    pub fn with_request(self, count: u64) -> Self {
        let parameter = if count < 10 * u64::from(self.parameter) { 20 } else { 80 };
        if self.code == code::SLOWER_LATER { Self { code: code::DELAY_MS, parameter } } else { self }
    }

    /// Whether the request with that count stays without an answer.
    pub fn loses(self, count: u64) -> bool {
        let p = u64::from(self.parameter);
        match self.code {
            code::LOSS_PERCENT => (count + 1) * p / 100 > count * p / 100,
            code::LOSS_EVERY => (count + 1).is_multiple_of(p),
            code::FLAPPING => !(count / p.max(1)).is_multiple_of(2),
            _ => false,
        }
    }

    /// How long a reply is held.
    pub fn delay(self) -> Duration {
        let p = u64::from(self.parameter);
        Duration::from_millis(match self.code {
            code::DELAY_MS => p,
            code::DELAY_10_MS => 10 * p,
            code::DELAY_100_MS | code::ERROR_LATE => 100 * p,
            _ => 0,
        })
    }
}

/// The address of the host number `number` that behaves as `code` says.
pub fn at(family: Family, code: u8, parameter: u8, number: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(10, code, parameter, number).into(),
        Family::V6 => {
            let [c, p, n] = [code, parameter, number].map(u16::from);
            Ipv6Addr::new(0xfd77, 0, 0, 0, 0, c, p, n).into()
        }
    }
}

/// The same hosts, as code, parameter and number, of IPv4 and then of IPv6.
pub fn of_both_families(hosts: &[(u8, u8, u8)]) -> Vec<IpAddr> {
    let of = |family| hosts.iter().map(move |&(code, p, number)| at(family, code, p, number));
    super::FAMILIES.into_iter().flat_map(of).collect()
}

/// Our own side of the simulated network.
pub fn ourselves(family: Family) -> IpAddr {
    at(family, 0, 0, 1)
}

/// Where errors come from.
pub fn router(family: Family) -> IpAddr {
    at(family, code::ROUTER, 0, 1)
}

/// Where errors about requests to that host come from: for a link-local one a neighbour says it.
pub fn router_of(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(_) => router(Family::V4),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "fe80::fe:0:1".parse().expect("an address"),
        IpAddr::V6(_) => router(Family::V6),
    }
}

/// Where the replies of `FROM_ELSEWHERE` and its kind come from.
pub fn elsewhere(family: Family) -> IpAddr {
    at(family, code::ROUTER, 0, 2)
}
