//! A reply with an array of rows, as many as fit into one datagram, and where the next reply goes on.

use super::json::{MAX_REPLY, append};
use crate::target::{EntryId, MAX_NAME};
use serde::Serialize;

/// Writes `{"MEMBER": [ROW,…], "next": "…"}`.
#[derive(Debug)]
pub(super) struct RowWriter {
    json: Vec<u8>,
    head: usize,
    /// Identity of the last row.
    last: Option<EntryId>,
    /// Whether a row did not fit.
    is_full: bool,
}

/// Maximum size of what follows the rows: host and variant, and a name of which each byte is escaped.
const MAX_TAIL: usize = 400 + 6 * MAX_NAME;

impl RowWriter {
    /// A reply without rows.
    pub(super) fn new(member: &str) -> Self {
        let json = format!("{{\"{member}\": [").into_bytes();
        Self { head: json.len(), json, last: None, is_full: false }
    }

    /// Appends a row; after one that does not fit, no more.
    pub(super) fn push(&mut self, id: &EntryId, row: &impl Serialize) {
        if self.is_full {
            return;
        }
        let before = self.json.len();
        if before > self.head {
            self.json.push(b',');
        }
        append(&mut self.json, row);
        if self.json.len() + MAX_TAIL > MAX_REPLY {
            self.json.truncate(before);
            self.is_full = true;
        } else {
            self.last = Some(id.clone());
        }
    }

    /// The reply; `has_more`: there are rows behind those that were pushed.
    pub(super) fn into_json(mut self, has_more: bool) -> Vec<u8> {
        self.json.push(b']');
        if let Some(last) = self.last.filter(|_| has_more || self.is_full) {
            self.json.extend_from_slice(b", \"next\": ");
            append(&mut self.json, &last.to_string());
        }
        self.json.push(b'}');
        self.json
    }
}
