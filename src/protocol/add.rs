//! `add`: starts measuring a host.

use super::json::is_off;
use super::members::Members;
use super::{Command, Quoted, RequestError, StatusReply};
use crate::target::{MAX_NAME, NewEntry, TargetSpec, Variant};
use serde::Serialize;
use serde_json::{Map, Value};

/// An `add` as a client sends it; the daemon checks it and makes a [`TargetSpec`] of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AddRequest {
    /// Name of the target; without it `addr` is the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What to ping; without it the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
    /// Distinguishes the target from others of the same host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Addresses of the DNS name that are not pinged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Whether a DNS name is added even if it has no address now.
    #[serde(skip_serializing_if = "is_off")]
    pub unresolved: bool,
    /// Options of the target, the interval among them, and its labels.
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

impl Command for AddRequest {
    const NAME: &'static str = "add";
    type Reply = StatusReply<'static>;
}

/// Reads the entry of an `add` request; its options are those that the request sets.
pub(super) fn parse(members: &Members<'_>) -> Result<NewEntry, RequestError> {
    let (name, addr) = (members.text("name")?, members.text("addr")?);
    let name_or_addr = name.as_ref().or(addr.as_ref()).ok_or(RequestError::NeedNameOrAddr)?;
    let text = addr.as_ref().unwrap_or(name_or_addr);
    if name_or_addr.len() > MAX_NAME {
        return Err(RequestError::LongName(name_or_addr.len()));
    }
    let host = text.parse().map_err(|reason| RequestError::Host { value: Quoted::text(text), reason })?;
    let variant = members.text("variant")?.map(|text| {
        text.parse().map_err(|reason| RequestError::Variant { value: Quoted::text(&text), reason })
    });
    let options = members.options()?;
    options.check(&host)?;
    let variant: Variant = variant.transpose()?.unwrap_or_default();
    let spec = TargetSpec { name: name_or_addr.as_str().into(), host, variant, options };
    let excluded = members.excluded(NewEntry::MAX_EXCLUDED)?;
    Ok(NewEntry { spec, excluded, unresolved: members.flag("unresolved")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Request;
    use serde_json::json;

    #[test]
    fn an_add_can_have_a_variant() {
        let variant = |request: Value| match Request::parse(request.to_string().as_bytes()) {
            Ok(Request::Add(entry)) => Ok(entry.spec.variant.as_str().to_owned()),
            other => Err(format!("{other:?}")),
        };
        for (value, expected) in [(json!("wan2"), "wan2"), (json!(""), ""), (Value::Null, "")] {
            assert_eq!(
                variant(json!({"cmd": "add", "addr": "::1", "variant": value})).as_deref(),
                Ok(expected)
            );
        }
        for (value, reason) in [
            (json!("a b"), "variant \"a b\" is not usable: a variant is a text of 1 to 32"),
            (json!("x".repeat(33)), "1 to 32"),
            (json!(5), "variant must be a string, not 5"),
        ] {
            let request = json!({"cmd": "add", "addr": "::1", "variant": value}).to_string();
            let error = Request::parse(request.as_bytes()).expect_err("no variant").to_string();
            assert!(error.contains(reason), "{error}");
        }
        let request =
            AddRequest { addr: Some("::1".into()), variant: Some("w".into()), ..AddRequest::default() };
        assert_eq!(request.to_json(), r#"{"cmd":"add","addr":"::1","variant":"w"}"#);
    }
}
