//! The members of a request, each read by the rule of its kind.
//!
//! Requests have no derived `Deserialize`: the last of several members of one name counts, most kinds of values are
//! accepted in several forms, and an error quotes the value. The object is split into the JSON texts of its members and
//! no further, so the depth and the numbers of unknown members do not matter.

use super::{Quoted, RequestError};
use crate::target::{
    Address, AddressError, EntryId, Labels, OptionConflict, OptionError, OptionKey, TargetKey,
    TargetKeyError, TargetOptions,
};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// The members of an object, by name; the last one counts where a name occurs twice.
pub(super) struct Members<'a>(HashMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Splits a datagram.
    pub(super) fn split(datagram: &'a [u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(datagram).map_err(|_| RequestError::InvalidJson)?;
        serde_json::from_str(text).map(Self).map_err(|_| {
            // Splitting an object fails only at the name of a member that is no Unicode.
            let is_object = text.trim_start().starts_with('{');
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
            if is_json && !is_object { RequestError::NeedCmd } else { RequestError::InvalidJson }
        })
    }

    /// Whether there is such a member, whatever its value.
    pub(super) fn has(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    /// The member's JSON text; null counts as absent.
    pub(super) fn json(&self, member: &str) -> Option<&'a str> {
        self.0.get(member).map(|raw| raw.get()).filter(|&json| json != "null")
    }

    /// A string; an empty one counts as absent.
    pub(super) fn text(&self, member: &'static str) -> Result<Option<String>, RequestError> {
        let Some(json) = self.json(member) else { return Ok(None) };
        if !json.starts_with('"') {
            return Err(RequestError::NotAString { member, value: Quoted::json(json) });
        }
        // The only possible error is half of a surrogate pair.
        let text: String = serde_json::from_str(json).map_err(|_| RequestError::InvalidJson)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A value that Python takes for true: everything but false, null, zero and the empty text. Arrays and objects are
    /// refused.
    pub(super) fn flag(&self, member: &'static str) -> Result<bool, RequestError> {
        let Some(json) = self.json(member) else { return Ok(false) };
        match json.as_bytes() {
            [b'[' | b'{', ..] => Err(RequestError::NotAFlag { member, value: Quoted::json(json) }),
            [b'-' | b'0'..=b'9', ..] => Ok(json.parse::<f64>() != Ok(0.0)),
            text => Ok(!matches!(text, b"false" | b"\"\"")),
        }
    }

    /// The options of a target, each as its own member, and `labels`.
    pub(super) fn options(&self) -> Result<TargetOptions, RequestError> {
        let mut options = TargetOptions::default();
        for key in OptionKey::ALL {
            // An interval is never empty: the contract lists what counts as absent.
            let is_absent = |json| json == EMPTY && key != OptionKey::Interval;
            let Some(json) = self.json(key.row().member).filter(|&json| !is_absent(json)) else { continue };
            let (text, quoted) = if json.starts_with('"') {
                let text: String = serde_json::from_str(json).map_err(|_| RequestError::InvalidJson)?;
                let quoted = Quoted::text(&text);
                (text, quoted)
            } else {
                (json.to_owned(), Quoted::json(json))
            };
            options.set(key, &text).map_err(|_| OptionError { key, value: quoted.into() })?;
        }
        options.set_labels(self.labels()?);
        Ok(options)
    }

    /// `labels`: an object of strings.
    fn labels(&self) -> Result<Labels, RequestError> {
        let Some(json) = self.json("labels") else { return Ok(Labels::default()) };
        let labels: HashMap<String, String> =
            serde_json::from_str(json).map_err(|_| RequestError::Labels(Quoted::json(json)))?;
        Ok(Labels::new(labels).map_err(OptionConflict::from)?)
    }

    /// `limit`: a whole number, at least 1.
    pub(super) fn limit(&self) -> Result<Option<usize>, RequestError> {
        let Some(json) = self.json("limit") else { return Ok(None) };
        let number = json.parse::<f64>().ok().filter(|limit| *limit >= 1.0 && limit.fract() == 0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, at least 1")]
        let limit = number.map(|limit| limit as usize);
        limit.map(Some).ok_or_else(|| RequestError::Limit(Quoted::json(json)))
    }

    /// `after`: the key of a target; its address may be one that no host can have: 0.0.0.0 is before all hosts, :: after those of IPv4. The
    /// empty string is before all hosts, too.
    pub(super) fn after(&self) -> Result<Option<TargetKey>, RequestError> {
        let Some(text) = self.text("after")? else { return Ok(None) };
        match text.parse() {
            Ok(key) => Ok(Some(key)),
            Err(TargetKeyError::Address(
                AddressError::Unspecified(ip) | AddressError::Multicast(ip) | AddressError::Broadcast(ip),
            )) => Ok(Address::not_behind(ip).map(TargetKey::from)),
            Err(reason) => Err(RequestError::After { value: Quoted::text(&text), reason }),
        }
    }
}

impl Members<'_> {
    /// `after` of names and entries.
    pub(super) fn after_entry(&self) -> Result<Option<EntryId>, RequestError> {
        let Some(text) = self.text("after")? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| RequestError::AfterEntry(Quoted::text(&text)))
    }

    /// `exclude`: an array of at most `max` addresses.
    pub(super) fn excluded(&self, max: usize) -> Result<Vec<Address>, RequestError> {
        let Some(json) = self.json("exclude") else { return Ok(Vec::new()) };
        let texts: Option<Vec<String>> =
            serde_json::from_str(json).ok().filter(|texts: &Vec<String>| texts.len() <= max);
        let addresses = texts.and_then(|texts| texts.iter().map(|text| text.parse().ok()).collect());
        addresses.ok_or_else(|| RequestError::Exclude(Quoted::json(json)))
    }
}

/// The empty string, which hooks send for a value that they do not have.
const EMPTY: &str = "\"\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(json: &str) -> Result<bool, String> {
        let request = format!(r#"{{"reset": {json}}}"#);
        let members = Members::split(request.as_bytes()).expect("an object");
        members.flag("reset").map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_is_true_where_python_takes_its_value_for_true() {
        for falsy in ["false", "null", "0", "-0", "0.0", "0e5", "\"\""] {
            assert_eq!(flag(falsy), Ok(false), "{falsy}");
        }
        for truthy in ["true", "1", "-1", "0.1", "1e999", "\"false\"", "\"0\"", "\"\\ud800\""] {
            assert_eq!(flag(truthy), Ok(true), "{truthy}");
        }
        for refused in ["[]", "[ ]", "[0]", "{}", "{\"a\":0}"] {
            assert_eq!(flag(refused), Err(format!("reset must be true or false, not {refused}")));
        }
    }
}
