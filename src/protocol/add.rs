//! `add`: has a host measured.

use super::members::Members;
use super::{Quoted, RequestError};
use crate::target::{Host, Label, MAX_NAME, TargetOptions};

/// A request to measure a host.
#[derive(Debug, Clone, PartialEq)]
pub struct AddRequest {
    /// How to call it.
    pub name: Label,
    /// What to ping.
    pub host: Host,
    /// How, as far as that is to be changed.
    pub terms: TargetOptions,
}

impl AddRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        let (name, addr) = (members.text("name")?, members.text("addr")?);
        let name_or_addr = name.as_ref().or(addr.as_ref()).ok_or(RequestError::NeedNameOrAddr)?;
        let text = addr.as_ref().unwrap_or(name_or_addr);
        if name_or_addr.len() > MAX_NAME {
            return Err(RequestError::LongName(name_or_addr.len()));
        }
        let host = text.parse().map_err(|why| RequestError::Host { given: Quoted::text(text), why })?;
        let terms = members.terms()?;
        terms.check(&host)?;
        Ok(Self { name: name_or_addr.as_str().into(), host, terms })
    }
}
