//! The port to name resolution: questions and answers. DNS is behind the trait `Resolve`.

#[deny(clippy::disallowed_methods)]
mod aliases;
#[deny(clippy::disallowed_methods)]
mod fair_queue;
#[deny(clippy::disallowed_methods)]
pub mod follow;
#[deny(clippy::disallowed_methods)]
mod hosts;
mod lookup;
mod scoped;
pub mod scripted;
#[deny(clippy::disallowed_methods)]
mod search;
mod servers;
pub mod system;
mod turns;
mod watched;

use crate::target::{Family, HostName};
use futures_util::stream::LocalBoxStream;
use std::net::IpAddr;
use std::time::Duration;

/// Looks names up. Does not cache answers: callers space their look-ups by the TTL.
pub trait Resolve {
    /// Looks up the addresses of a name: one item for each requested family, as soon as it is known.
    ///
    /// A server that never answers for AAAA must not delay the addresses of its A records. The stream always ends.
    /// `was_silent`: the look-up of the name before was not answered, so that others go first.
    fn lookup(&self, name: &HostName, was_silent: bool) -> LocalBoxStream<'static, (Family, FamilyAnswer)>;
}

/// The address families to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// A records.
    pub v4: bool,
    /// AAAA records.
    pub v6: bool,
}

impl Families {
    /// Both families.
    pub const BOTH: Self = Self { v4: true, v6: true };

    /// The selected families.
    pub fn selected(self) -> impl Iterator<Item = Family> {
        [(self.v4, Family::V4), (self.v6, Family::V6)]
            .into_iter()
            .filter_map(|(selected, family)| selected.then_some(family))
    }
}

/// The answer for one family of a name's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FamilyAnswer {
    /// At least one address, and how long they are valid.
    Addresses(Vec<IpAddr>, Duration),
    /// The name exists without an address of this family (NODATA), for this long.
    NoData(Duration),
    /// The name does not exist (NXDOMAIN), for this long.
    NoName(Duration),
    /// The servers report a failure (SERVFAIL, REFUSED).
    Failed,
    /// No answer, or no valid one.
    Silent,
    /// The aliases of the name (CNAME) form a loop, or are too many.
    EndlessAliases,
}

fn has_addresses(answer: &FamilyAnswer) -> bool {
    matches!(answer, FamilyAnswer::Addresses(..))
}

/// Result of a look-up over all families. Error replies are made of it, so it states only what is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupVerdict {
    /// At least one address that can be pinged.
    Addresses,
    /// The name exists without an address of a selected family that can be pinged.
    NoAddress,
    /// The name does not exist.
    NoName,
    /// The servers report a failure.
    ServersFail,
    /// The aliases of the name lead nowhere.
    EndlessAliases,
    /// Too few answers for any other result.
    Silent,
}
