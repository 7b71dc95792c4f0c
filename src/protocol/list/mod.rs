//! `list`: the request, the reply, and how many targets fit into one.

mod detail;
mod row;

pub use detail::{OutageMembers, TargetDetail};
pub use row::TargetRow;

use super::json::{MAX_REPLY, append, as_text, is_off};
use super::members::Members;
use super::{Command, RequestError, Selector};
use crate::measure::{DetailedStats, PeriodStats, WallMapping};
use crate::target::{Address, Interval, Label, OptionOverrides, TargetKey};
use detail::write_options;
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// Asks for the statistics of targets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ListRequest {
    /// Which targets.
    #[serde(flatten)]
    pub selector: Selector,
    /// One page of them; `None` asks for all of them in one reply.
    #[serde(flatten)]
    pub page: Option<PageRequest>,
    /// Whether a new measurement period of the listed targets starts.
    #[serde(skip_serializing_if = "is_off")]
    pub reset: bool,
    /// Whether the reply has the members of [`TargetDetail`] and the options of each target.
    #[serde(skip_serializing_if = "is_off")]
    pub detail: bool,
}

/// Selects one page of a list. A request needs one of the members to ask for a page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PageRequest {
    /// Only targets after this one.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_key")]
    pub after: Option<TargetKey>,
    /// Maximum number of targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
fn optional_key<S: Serializer>(key: &Option<TargetKey>, serializer: S) -> Result<S::Ok, S::Error> {
    match key {
        Some(key) => as_text::serialize(key, serializer),
        None => serializer.serialize_none(),
    }
}

impl ListRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        let page = PageRequest { after: members.after()?, limit: members.limit()? };
        let paged = members.json("after").is_some() || page.limit.is_some();
        Ok(Self {
            selector: Selector::parse(members)?,
            page: paged.then_some(page),
            reset: members.flag("reset")?,
            detail: members.flag("detail")?,
        })
    }
}

impl Command for ListRequest {
    const NAME: &'static str = "list";
    type Reply = HashMap<String, TargetRow<'static>>;

    fn resets(&self) -> bool {
        self.reset
    }
}

/// Minimum size in bytes of a target in a list, with the comma before it; with detail too, because all of its members
/// can be absent.
const MIN_TARGET: usize = 134;

/// One target of a list.
#[derive(Debug, Clone, Copy)]
pub struct ListedTarget<'a> {
    /// Its address and variant.
    pub key: &'a TargetKey,
    /// Its first name.
    pub name: &'a str,
    /// All its names, if there are several; written only with the detail.
    pub names: &'a [Label],
    /// Its interval.
    pub interval: Interval,
    /// Its statistics.
    pub summary: PeriodStats,
    /// Its further statistics, and the wall-clock time of the moments in them.
    pub detail: Option<(&'a DetailedStats, WallMapping)>,
    /// The address that its latest reply came from, if it is not its own; written only with the detail.
    pub answered_by: Option<Address>,
    /// Its options; written only with the detail.
    pub overrides: Option<&'a OptionOverrides>,
}

impl ListedTarget<'_> {
    fn append_to(&self, json: &mut Vec<u8>) {
        append(json, &Key(self.key));
        json.push(b':');
        append(json, &TargetRow::from(self));
        if let (Some(_), Some(overrides)) = (self.detail, self.overrides) {
            let mut members = String::new();
            write_options(&mut members, overrides);
            json.pop();
            json.extend_from_slice(members.as_bytes());
            json.push(b'}');
        }
    }
}

/// The key of a target. The name of an interface in it can hold a quotation mark.
#[derive(Serialize)]
struct Key<'a>(#[serde(serialize_with = "as_text::serialize")] &'a TargetKey);

/// The targets of a reply: as many whole ones, from the first on, as fit.
#[derive(Debug)]
pub struct ListReply {
    json: Vec<u8>,
    /// Number of targets pushed, and the bytes that all of them need.
    targets: usize,
    needed: usize,
    /// Number of targets that fit.
    fitting: usize,
}

impl Default for ListReply {
    fn default() -> Self {
        Self { json: b"{".into(), targets: 0, needed: 2, fitting: 0 }
    }
}

impl ListReply {
    /// Appends a target. Returns false, and leaves it out, if it or one before it does not fit.
    pub fn push(&mut self, target: &ListedTarget<'_>) -> bool {
        let before = self.json.len();
        if before > 1 {
            self.json.push(b',');
        }
        target.append_to(&mut self.json);
        self.targets += 1;
        self.needed += self.json.len() - before;
        let fits = self.needed <= MAX_REPLY;
        if fits {
            self.fitting += 1;
        } else {
            self.json.truncate(before);
        }
        fits
    }

    /// Number of targets that fit.
    pub const fn fitting(&self) -> usize {
        self.fitting
    }

    /// A page: the targets that fit, as JSON.
    pub fn into_page(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }

    /// All targets, as JSON.
    ///
    /// # Errors
    /// [`TooLarge`] if not all of them fit.
    pub fn into_whole(self) -> Result<Vec<u8>, TooLarge> {
        if self.fitting < self.targets {
            return Err(TooLarge { targets: self.targets, bytes: self.needed });
        }
        Ok(self.into_page())
    }
}

/// A list does not fit into one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{targets} targets need at least {bytes} bytes, one reply holds {max}: ask for pages with \
     {{\"cmd\": \"list\", \"limit\": 100}} and then \"after\": the last address of the page before, \
     until a page is empty; or for one \"name\" or \"addr\"",
    max = MAX_REPLY
)]
pub struct TooLarge {
    targets: usize,
    bytes: usize,
}

impl TooLarge {
    /// Maximum number of targets that can fit.
    pub const MAX_TARGETS: usize = MAX_REPLY / MIN_TARGET;

    /// Checks whether a number of targets can fit at all, whatever their names and statistics are.
    ///
    /// # Errors
    /// [`TooLarge`] with the minimum number of bytes that they need.
    pub const fn check(targets: usize) -> Result<(), Self> {
        let bytes = targets.saturating_mul(MIN_TARGET);
        if bytes > MAX_REPLY { Err(Self { targets, bytes }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
