//! Which targets a request means: by name, by address, or all of them.

use super::RequestError;
use super::members::Members;
use crate::target::{Host, Label};

/// Which targets are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every one.
    All,
    /// Those that are called `name`, and those that are `host`: both given, both apply.
    ///
    /// Neither is left when only an `addr` was given that nothing can have: then nothing matches.
    Matching {
        /// Any of the target's names.
        name: Option<Label>,
        /// Its address, or a DNS name.
        host: Option<Host>,
    },
}

/// What can't be a host was never added, so it matches nothing, as does any other text that nobody has added.
pub(super) fn selection(members: &Members<'_>) -> Result<Selector, RequestError> {
    let (name, addr) = (members.text("name")?, members.text("addr")?);
    if name.is_none() && addr.is_none() {
        return Ok(Selector::All);
    }
    let host = addr.and_then(|addr| addr.parse().ok());
    Ok(Selector::Matching { name: name.map(Label::from), host })
}
