//! Which targets a request selects: by name, by address, or all of them.

use super::RequestError;
use super::members::Members;
use crate::target::HostSelector;
use serde::Serialize;

/// The members that select targets. With both, each target that matches either of them is selected; with neither, all
/// targets are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Selector {
    /// Any of a target's names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An address or a DNS name, of all variants or with `#` and one variant. Any other text selects nothing, because no
    /// target can have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
}

impl Selector {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        Ok(Self { name: members.text("name")?, addr: members.text("addr")? })
    }

    /// Like [`Self::parse`]; refuses to select all targets.
    pub(super) fn parse_some(members: &Members<'_>) -> Result<Self, RequestError> {
        let selector = Self::parse(members)?;
        if selector.is_all() { Err(RequestError::NeedNameOrAddr) } else { Ok(selector) }
    }

    /// Whether all targets are selected.
    pub const fn is_all(&self) -> bool {
        self.name.is_none() && self.addr.is_none()
    }

    /// The host that `addr` stands for; `None` without one, and for a text that can be no host.
    pub fn host(&self) -> Option<HostSelector> {
        self.addr.as_ref()?.parse().ok()
    }
}
