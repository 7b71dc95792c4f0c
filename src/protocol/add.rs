//! `add`: starts measuring a host.

use super::members::Members;
use super::{Command, Quoted, RequestError, StatusReply};
use crate::target::{Host, Label, MAX_NAME, TargetOptions};
use serde::Serialize;
use serde_json::{Map, Value};

/// The members of an `add` as a client sends them; the daemon checks them.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AddMembers {
    /// Name of the target; without it `addr` is the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What to ping; without it the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
    /// Seconds between requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub itv: Option<f64>,
    /// Options of the target, by their keys.
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

impl Command for AddMembers {
    const NAME: &'static str = "add";
    type Reply = StatusReply<'static>;
}

/// A checked request to measure a host.
#[derive(Debug, Clone, PartialEq)]
pub struct AddRequest {
    /// Name of the target.
    pub name: Label,
    /// What to ping.
    pub host: Host,
    /// Its options, as far as the request sets them.
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
        let host = text.parse().map_err(|reason| RequestError::Host { value: Quoted::text(text), reason })?;
        let terms = members.terms()?;
        terms.check(&host)?;
        Ok(Self { name: name_or_addr.as_str().into(), host, terms })
    }
}
