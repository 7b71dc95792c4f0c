//! The port to names: what a name's actor asks, and what it is told. DNS itself is behind [`Resolve`].

use crate::target::HostName;
use futures_util::future::LocalBoxFuture;
use std::net::IpAddr;
use std::time::Duration;

/// Looks names up. Answers are not cached: whoever asks paces itself by the TTL.
pub trait Resolve {
    /// Asks for the addresses of a name, each family apart. Always ends, within a few seconds.
    fn lookup(&self, name: &HostName) -> LocalBoxFuture<'static, Answer>;
}

/// What is known of a name after one look-up. A family that was not to be asked for is [`FamilyAnswer::NotAsked`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The A records.
    pub v4: FamilyAnswer,
    /// The AAAA records.
    pub v6: FamilyAnswer,
}

/// What is known of one family of a name's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FamilyAnswer {
    /// It has these addresses, never none, for so long.
    Addresses(Vec<IpAddr>, Duration),
    /// The name exists, but has no address of this family (NODATA).
    NoData(Duration),
    /// The name does not exist (NXDOMAIN).
    NoName(Duration),
    /// The servers said that they fail (SERVFAIL, REFUSED).
    Failed,
    /// Nobody answered, or nothing that makes sense.
    Silent,
    /// This family is not wanted.
    NotAsked,
}
