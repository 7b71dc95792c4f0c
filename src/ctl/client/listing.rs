//! A list of targets, as it came from the daemon.

use super::ClientError;
use crate::target::{Address, OptionKey};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

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
    /// The options that it was given, in a list with detail.
    #[serde(flatten)]
    pub given: ListedOptions,
}

/// What a list with detail tells of a target's own options.
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
