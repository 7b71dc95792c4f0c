//! One target of a list, as the daemon writes it and a client reads it.

use super::ListedTarget;
use super::detail::TargetDetail;
use crate::protocol::counters::WireCounters;
use crate::protocol::json::{Decimal, as_text, whole_or_decimal};
use crate::target::{Address, TargetKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The members of one target. A client reads rows without some of the members, and with others, so that it works with
/// daemons of other versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetRow<'a> {
    /// The first name.
    #[serde(default)]
    pub name: Cow<'a, str>,
    /// The address.
    #[serde(with = "as_text")]
    pub addr: Address,
    /// The variant, if the target has one.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub variant: Cow<'a, str>,
    /// All its names, if there are several, in a list with detail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Cow<'a, str>>,
    /// The address family: 2 for IPv4, 10 for IPv6.
    #[serde(default)]
    pub af: u8,
    /// Interval in seconds.
    #[serde(default, serialize_with = "whole_or_decimal")]
    pub itv: Decimal,
    /// The counters.
    #[serde(flatten)]
    pub counters: WireCounters,
    /// Sum of the round-trip times in seconds.
    #[serde(default)]
    pub sum: Decimal,
    /// The smallest round-trip time in seconds.
    #[serde(default)]
    pub min: Decimal,
    /// The largest round-trip time in seconds.
    #[serde(default)]
    pub max: Decimal,
    /// The latest round-trip time in seconds.
    #[serde(default)]
    pub last: Decimal,
    /// Further statistics, in a list with detail.
    #[serde(flatten)]
    pub detail: TargetDetail<'a>,
    /// Every other member: the options of the target, in a list with detail, and those of newer daemons.
    #[serde(flatten, skip_serializing)]
    pub others: Map<String, Value>,
}

impl<'a> From<&'a ListedTarget<'_>> for TargetRow<'a> {
    fn from(target: &'a ListedTarget<'_>) -> Self {
        let rtt = &target.summary.rtt;
        Self {
            name: target.name.into(),
            addr: target.key.address(),
            variant: target.key.variant().into(),
            names: target.detail.iter().flat_map(|_| target.names).map(|name| (&**name).into()).collect(),
            af: target.key.family().number(),
            itv: target.interval.get().into(),
            counters: WireCounters::without_zeros(&target.summary),
            sum: Decimal::from_micros(rtt.sum),
            min: Decimal::from_micros(rtt.min),
            max: Decimal::from_micros(rtt.max),
            last: Decimal::from_micros(rtt.last),
            detail: target.detail.map_or_else(TargetDetail::default, |(detail, wall)| {
                TargetDetail::new(detail, wall, target.answered_by)
            }),
            others: Map::new(),
        }
    }
}

impl TargetRow<'_> {
    /// The key of the target; without a variant if the variant can't be read.
    pub fn key(&self) -> TargetKey {
        TargetKey::new(self.addr, self.variant.parse().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_without_members_of_older_and_with_members_of_newer_daemons() {
        let row: TargetRow<'_> =
            serde_json::from_str(r#"{"addr": "10.0.0.1", "recv": 2, "sum": 1, "newer": "w", "p50": 0.5}"#)
                .expect("a row");
        assert_eq!((row.counters.replies, row.counters.sent, row.counters.void), (2, 0, None));
        assert_eq!((row.sum.as_f64(), row.detail.p50.map(Decimal::as_f64)), (1.0, Some(0.5)));
        assert_eq!(row.others.keys().collect::<Vec<_>>(), ["newer"]);
        assert!(serde_json::from_str::<TargetRow<'_>>(r#"{"recv": 2}"#).is_err(), "a row has an address");
    }
}
