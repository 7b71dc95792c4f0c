//! A list of targets, as it came from the daemon.

use super::ClientError;
use crate::target::{Address, OptionKey};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// One target's books, in the daemon's words. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ListEntry {
    /// How it is called.
    pub name: String,
    /// Whom it pings.
    #[serde(deserialize_with = "address")]
    pub addr: Address,
    /// Its interval.
    pub itv: f64,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered in time.
    pub recv: u64,
    /// Requests answered by an error.
    pub errs: u64,
    /// Requests that nothing answered.
    #[serde(default)]
    pub lost: u64,
    /// First replies that were out of date.
    pub outd: u64,
    /// Sum of the round-trip times.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The latest.
    pub last: f64,
    /// The options that are set for the target, in a list with detail.
    #[serde(flatten)]
    pub set: ListedOptions,
}

/// The options that are set for a target, except its interval.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedOptions {
    options: Vec<(OptionKey, Value)>,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
}

impl ListedOptions {
    /// The options as texts that `meshpingctl add` accepts, in the order of the table.
    pub fn options(&self) -> impl Iterator<Item = (OptionKey, String)> + '_ {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value = |key| self.options.iter().find(|(other, _)| *other == key);
        OptionKey::ALL.into_iter().filter_map(value).map(move |(key, value)| (*key, text(value)))
    }
}

impl<'de> Deserialize<'de> for ListedOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Reads the members that are options, and ignores the others.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = ListedOptions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the members of a target")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ListedOptions, A::Error> {
        let mut listed = ListedOptions::default();
        while let Some(member) = members.next_key::<Cow<'_, str>>()? {
            let key = OptionKey::ALL.into_iter().find(|key| key.row().member == member);
            match key {
                Some(key) => listed.options.push((key, members.next_value()?)),
                None if member == "labels" => listed.labels = members.next_value()?,
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(listed)
    }
}

/// All targets that were listed.
#[derive(Debug)]
pub struct Listing {
    /// In address order.
    pub entries: Vec<ListEntry>,
    /// The reply as it came; of several pages, their members in one object.
    pub json: String,
    /// Why the targets after the last one are missing.
    pub cut_short: Option<ClientError>,
}

impl Listing {
    /// Reads a reply; `None` if it is no list of targets.
    pub(super) fn parse(reply: &[u8]) -> Option<Self> {
        let json = std::str::from_utf8(reply).ok()?.trim().to_owned();
        let targets: HashMap<String, ListEntry> = serde_json::from_str(&json).ok()?;
        let mut entries: Vec<ListEntry> = targets.into_values().collect();
        entries.sort_by_key(|entry| entry.addr);
        Some(Self { entries, json, cut_short: None })
    }

    pub(super) fn first_address(&self) -> Option<Address> {
        self.entries.first().map(|entry| entry.addr)
    }

    pub(super) fn last_address(&self) -> Option<Address> {
        self.entries.last().map(|entry| entry.addr)
    }

    /// Puts the next page behind these.
    pub(super) fn append(&mut self, page: Self) {
        let members = page.json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let (false, Some(members)) = (page.entries.is_empty(), members) {
            self.json.pop();
            self.json.push_str(if self.entries.is_empty() { "" } else { "," });
            self.json.push_str(members);
            self.json.push('}');
        }
        self.entries.extend(page.entries);
    }

    pub(super) fn cut_short_by(self, error: ClientError) -> Self {
        Self { cut_short: Some(error), ..self }
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
