//! The port to names: what a name's actor asks, and what it is told. DNS itself is behind [`Resolve`].

#[deny(clippy::disallowed_methods)]
pub mod follow;
#[deny(clippy::disallowed_methods)]
mod hosts;
mod scoped;
pub mod scripted;
#[deny(clippy::disallowed_methods)]
mod search;
mod servers;
pub mod system;
mod watched;

use crate::target::{Family, HostName};
use futures_util::stream::LocalBoxStream;
use std::net::IpAddr;
use std::time::Duration;

/// Looks names up. Answers are not cached: whoever asks paces itself by the TTL.
pub trait Resolve {
    /// Asks for the addresses of a name: one item for each family that is wanted, as soon as it is known.
    ///
    /// A server that never answers for AAAA must not hold up the addresses that its A records gave. The stream
    /// always ends, within some ten seconds.
    fn lookup(&self, name: &HostName) -> LocalBoxStream<'static, (Family, FamilyAnswer)>;
}

/// Which address families of names are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// A records.
    pub v4: bool,
    /// AAAA records.
    pub v6: bool,
}

impl Families {
    /// Both of them.
    pub const BOTH: Self = Self { v4: true, v6: true };

    /// Those that are wanted.
    pub fn wanted(self) -> impl Iterator<Item = Family> {
        [(self.v4, Family::V4), (self.v6, Family::V6)]
            .into_iter()
            .filter_map(|(wanted, family)| wanted.then_some(family))
    }
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
}

/// What a look-up came to, all families together; an error reply may be made of it, so it is only ever what is
/// known for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupVerdict {
    /// At least one address that can be pinged.
    Addresses,
    /// The name exists, but has no address of a wanted family that can be pinged.
    NoAddress,
    /// The name does not exist.
    NoName,
    /// The servers said that they fail.
    ServersFail,
    /// Too little was answered to say anything.
    Silent,
}
