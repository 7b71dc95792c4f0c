//! `entries`: what was configured and added, as the members of the `add` requests that make the same.

use super::json::{Decimal, is_off, whole_or_decimal};
use super::members::Members;
use super::names::EntryPageRequest;
use super::rows::RowWriter;
use super::{Command, RequestError};
use crate::target::{Address, EntryId, Host, Interval, OptionKey, TargetOptions, ValueKind};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Asks for the entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct EntriesRequest {
    /// One page of them.
    #[serde(flatten)]
    pub page: EntryPageRequest,
}

impl EntriesRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        Ok(Self { page: EntryPageRequest::parse(members)? })
    }
}

impl Command for EntriesRequest {
    const NAME: &'static str = "entries";
    type Reply = EntriesPage;
}

/// An entry as a client reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EntryRow {
    /// The name of its targets.
    pub name: String,
    /// What it pings.
    pub addr: String,
    /// The variant of its targets, if they have one.
    #[serde(default)]
    pub variant: String,
    /// Addresses of its DNS name that it does not ping.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether it is added even if its DNS name has no address.
    #[serde(default)]
    pub unresolved: bool,
    /// Whether its interval is in force for the target.
    #[serde(default)]
    pub decides_itv: bool,
    /// Where it comes from.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Options and labels, under the names that `add` takes; always `itv`.
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

/// A reply as a client reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EntriesPage {
    /// The entries: those of addresses in address order, then those of DNS names.
    pub entries: Vec<EntryRow>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
}

/// An entry as the daemon writes it.
#[derive(Debug, Clone)]
pub struct ListedEntry<'a> {
    /// What it pings, and what it calls it.
    pub id: &'a EntryId,
    /// Its interval; that of the daemon, if it has none.
    pub interval: Interval,
    /// Its options.
    pub options: &'a TargetOptions,
    /// Addresses of its DNS name that it does not ping.
    pub excluded: &'a [Address],
    /// Whether its interval is in force for the target.
    pub decides_interval: bool,
    /// Where it comes from: `configuration`, `runtime`, or both.
    pub origins: &'a [&'static str],
}

#[derive(Serialize)]
struct EntryMembers<'a> {
    name: &'a str,
    addr: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    variant: &'a str,
    #[serde(serialize_with = "whole_or_decimal")]
    itv: Decimal,
    #[serde(skip_serializing_if = "is_off")]
    decides_itv: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
    #[serde(skip_serializing_if = "is_off")]
    unresolved: bool,
    origins: &'a [&'static str],
    #[serde(flatten)]
    options: OptionMembers<'a>,
}

/// Options without the interval, and labels.
struct OptionMembers<'a>(&'a TargetOptions);

impl Serialize for OptionMembers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (key, text) in self.0.iter().filter(|(key, _)| *key != OptionKey::Interval) {
            let member = key.row().member;
            // The text of a number or flag is JSON.
            match (key.row().kind, RawValue::from_string(text.clone())) {
                (ValueKind::Number | ValueKind::Bool, Ok(json)) => members.serialize_entry(member, &json)?,
                _ => members.serialize_entry(member, &text)?,
            }
        }
        let labels: BTreeMap<&str, &str> = self.0.labels().collect();
        if !labels.is_empty() {
            members.serialize_entry("labels", &labels)?;
        }
        members.end()
    }
}

/// A reply as the daemon writes it: the entries, from the first on, that fit into one datagram.
#[derive(Debug)]
pub struct EntriesReply(RowWriter);

impl Default for EntriesReply {
    fn default() -> Self {
        Self(RowWriter::new("entries"))
    }
}

impl EntriesReply {
    /// More entries than this never fit.
    pub const MAX_ROWS: usize = super::MAX_REPLY / 50;

    /// Appends an entry, unless the reply is full.
    pub fn push(&mut self, entry: &ListedEntry<'_>) {
        let ListedEntry { id, interval, options, excluded, decides_interval, origins } = *entry;
        let members = EntryMembers {
            name: &id.name,
            addr: id.host.host.to_string(),
            variant: id.host.variant.as_str(),
            itv: interval.get().into(),
            decides_itv: decides_interval,
            exclude: excluded.iter().map(Address::to_string).collect(),
            unresolved: matches!(id.host.host, Host::Name(_)),
            origins,
            options: OptionMembers(options),
        };
        self.0.push(id, &members);
    }

    /// The reply as JSON; `has_more`: there are entries behind those that were pushed.
    pub fn into_json(self, has_more: bool) -> Vec<u8> {
        self.0.into_json(has_more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Request;
    use crate::target::Labels;
    use serde_json::json;

    #[test]
    fn an_entry_has_the_members_of_the_add_that_makes_it() {
        let mut options = TargetOptions::default();
        for (key, text) in
            [(OptionKey::Interval, "9"), (OptionKey::Size, "64"), (OptionKey::DontFragment, "true")]
        {
            options.set(key, text).expect("a good value");
        }
        options.set_labels(Labels::new([("site", "b\"")]).expect("a good label"));
        let id: EntryId = "up.test#wan2 a name".parse().expect("an identity");
        let excluded = ["10.0.0.1".parse().expect("an address")];
        let entry = ListedEntry {
            id: &id,
            interval: Interval::from_seconds(0.25).expect("an interval"),
            options: &options,
            excluded: &excluded,
            decides_interval: true,
            origins: &["runtime"],
        };
        let plain_id: EntryId = "::1 ::1".parse().expect("an identity");
        let nothing = TargetOptions::default();
        let plain = ListedEntry {
            id: &plain_id,
            interval: Interval::DEFAULT,
            options: &nothing,
            excluded: &[],
            decides_interval: false,
            ..entry
        };
        let mut reply = EntriesReply::default();
        reply.push(&entry);
        reply.push(&plain);
        let text = String::from_utf8(reply.into_json(false)).expect("UTF-8");
        let expected = concat!(
            r#"{"entries": [{"name":"a name","addr":"up.test","variant":"wan2","itv":0.25,"decides_itv":true,"#,
            r#""exclude":["10.0.0.1"],"unresolved":true,"origins":["runtime"],"size":64,"dont_fragment":true,"#,
            r#""labels":{"site":"b\""}},"#,
            r#"{"name":"::1","addr":"::1","itv":1,"origins":["runtime"]}]}"#,
        );
        assert_eq!(text, expected);
        let page: EntriesPage = serde_json::from_str(&text).expect("a page");
        let [first, second] = &page.entries[..] else { panic!("{page:?}") };
        assert_eq!(
            (&*first.addr, &*first.variant, &first.exclude[..]),
            ("up.test", "wan2", &["10.0.0.1".to_owned()][..])
        );
        assert_eq!(first.options["labels"], json!({"site": "b\""}));
        assert_eq!((second.options.len(), &second.options["itv"]), (1, &json!(1)));
        // What it says is what an add takes.
        let mut add = json!({"cmd": "add", "name": first.name, "addr": first.addr, "variant": first.variant,
            "exclude": first.exclude, "unresolved": first.unresolved});
        add.as_object_mut().expect("an object").extend(first.options.clone());
        let Ok(Request::Add(added)) = Request::parse(add.to_string().as_bytes()) else { panic!("{add}") };
        assert!(added.unresolved);
        assert_eq!(
            (added.excluded, added.spec.options.minus(&options)),
            (excluded.to_vec(), TargetOptions::every(None))
        );
    }
}
