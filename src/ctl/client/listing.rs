//! A list of targets, as it came from the daemon.

use super::ClientError;
use crate::protocol::{Command, ListRequest, TargetRow};
use crate::target::{Address, OptionKey};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The options of a target, in a list with detail.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ListedOptions {
    timeout: Option<Value>,
    size: Option<Value>,
    dscp: Option<Value>,
    ttl: Option<Value>,
    source: Option<Value>,
    interface: Option<Value>,
    dont_fragment: Option<Value>,
    family: Option<Value>,
    /// Its labels, by name.
    pub labels: BTreeMap<String, String>,
}

impl ListedOptions {
    /// The options of a target; none if its members are no options that this client knows.
    pub fn of(row: &TargetRow<'_>) -> Self {
        Self::deserialize(&Value::Object(row.others.clone())).unwrap_or_default()
    }

    /// The options that are set, as texts that `add` takes.
    pub fn options(&self) -> impl Iterator<Item = (OptionKey, String)> + '_ {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        OptionKey::ALL.into_iter().filter_map(move |key| Some((key, text(self.value(key)?))))
    }

    fn value(&self, key: OptionKey) -> Option<&Value> {
        match key {
            OptionKey::Interval => None,
            OptionKey::Timeout => self.timeout.as_ref(),
            OptionKey::Size => self.size.as_ref(),
            OptionKey::Dscp => self.dscp.as_ref(),
            OptionKey::Ttl => self.ttl.as_ref(),
            OptionKey::Source => self.source.as_ref(),
            OptionKey::Interface => self.interface.as_ref(),
            OptionKey::DontFragment => self.dont_fragment.as_ref(),
            OptionKey::Family => self.family.as_ref(),
        }
    }
}

/// The targets of one reply, or of several pages.
#[derive(Debug)]
pub struct Listing {
    /// The targets in address order.
    pub rows: Vec<TargetRow<'static>>,
    /// The reply unchanged; the members of several pages are joined in one object.
    pub json: String,
    /// Why the targets after the last one are missing.
    pub cut_short: Option<ClientError>,
}

impl Listing {
    /// Reads a reply; `None` if it is no list of targets.
    pub(super) fn parse(reply: &[u8]) -> Option<Self> {
        let json = str::from_utf8(reply).ok()?.trim().to_owned();
        let targets: <ListRequest as Command>::Reply = serde_json::from_str(&json).ok()?;
        let mut rows: Vec<TargetRow<'_>> = targets.into_values().collect();
        rows.sort_by_key(|row| row.addr);
        Some(Self { rows, json, cut_short: None })
    }

    pub(super) fn first_address(&self) -> Option<Address> {
        self.rows.first().map(|row| row.addr)
    }

    pub(super) fn last_address(&self) -> Option<Address> {
        self.rows.last().map(|row| row.addr)
    }

    /// Appends the next page.
    pub(super) fn append(&mut self, page: Self) {
        let members = page.json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let (false, Some(members)) = (page.rows.is_empty(), members) {
            self.json.pop();
            self.json.push_str(if self.rows.is_empty() { "" } else { "," });
            self.json.push_str(members);
            self.json.push('}');
        }
        self.rows.extend(page.rows);
    }

    pub(super) fn cut_short_by(self, error: ClientError) -> Self {
        Self { cut_short: Some(error), ..self }
    }
}
