//! A list of targets, as it came from the daemon.

use super::ClientError;
use crate::protocol::{Command, ListRequest, TargetRow};
use crate::target::{OptionKey, TargetKey};
use serde_json::Value;
use std::collections::BTreeMap;

/// The options that are set for a target, except its interval, and its labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedOptions {
    /// The options as texts that `meshpingctl add` accepts, in the order of their table.
    pub options: Vec<(OptionKey, String)>,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
}

impl ListedOptions {
    /// The options of a target in a list with detail; members that this client does not know are left out.
    pub fn of(row: &TargetRow<'_>) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let option = |key: OptionKey| Some((key, text(row.others.get(key.row().member)?)));
        let label = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let labels = row.others.get("labels").and_then(Value::as_object);
        Self {
            options: OptionKey::ALL.into_iter().filter_map(option).collect(),
            labels: labels.into_iter().flatten().filter_map(label).collect(),
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
        rows.sort_by_cached_key(TargetRow::key);
        Some(Self { rows, json, cut_short: None })
    }

    pub(super) fn first_key(&self) -> Option<TargetKey> {
        self.rows.first().map(TargetRow::key)
    }

    pub(super) fn last_key(&self) -> Option<TargetKey> {
        self.rows.last().map(TargetRow::key)
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
