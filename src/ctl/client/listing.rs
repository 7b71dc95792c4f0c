//! A list of targets, as it came from the daemon.

use super::ClientError;
use crate::protocol::{Command, ListRequest, TargetRow};
use crate::target::TargetKey;

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
