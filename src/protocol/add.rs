//! `add`: measures a host.

use super::members::Members;
use super::{Quoted, RequestError};
use crate::target::{MAX_NAME, TargetSpec};

/// Reads the target of an `add` request; its options are those that the request sets.
pub(super) fn parse(members: &Members<'_>) -> Result<TargetSpec, RequestError> {
    let (name, addr) = (members.text("name")?, members.text("addr")?);
    let name_or_addr = name.as_ref().or(addr.as_ref()).ok_or(RequestError::NeedNameOrAddr)?;
    let text = addr.as_ref().unwrap_or(name_or_addr);
    if name_or_addr.len() > MAX_NAME {
        return Err(RequestError::LongName(name_or_addr.len()));
    }
    let host = text.parse().map_err(|why| RequestError::Host { given: Quoted::text(text), why })?;
    let options = members.options()?;
    options.check(&host)?;
    Ok(TargetSpec { name: name_or_addr.as_str().into(), host, options })
}
