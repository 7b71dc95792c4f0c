//! `histogram`: the number of replies by round-trip time.

use super::json::{append, is_off};
use super::members::Members;
use super::{Command, RequestError};
use crate::measure::Histogram;
use crate::target::TargetKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Asks for the histogram of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistogramRequest {
    /// Address of the target, with `#` and its variant if it has one. Any other text selects nothing.
    pub addr: String,
    /// Whether the histogram starts again after the reply.
    #[serde(skip_serializing_if = "is_off")]
    pub reset: bool,
}

impl HistogramRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        let addr = members.text("addr")?.ok_or(RequestError::NeedAddr)?;
        Ok(Self { addr, reset: members.flag("reset")? })
    }

    /// The target; `None` if no target can have the address.
    pub fn key(&self) -> Option<TargetKey> {
        self.addr.parse().ok()
    }
}

impl Command for HistogramRequest {
    const NAME: &'static str = "histogram";
    type Reply = HistogramReply;

    fn resets(&self) -> bool {
        self.reset
    }
}

/// Number of replies by bin. Bin `i` holds the round-trip times from 2^(i/8) to 2^((i+1)/8) seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HistogramReply(pub BTreeMap<i16, u64>);

impl From<&Histogram> for HistogramReply {
    fn from(histogram: &Histogram) -> Self {
        Self(histogram.iter().collect())
    }
}

impl HistogramReply {
    /// The reply as compact JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        append(&mut json, self);
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rtt;

    fn text(histogram: &Histogram) -> String {
        String::from_utf8(HistogramReply::from(histogram).to_json()).expect("UTF-8")
    }

    #[test]
    fn a_histogram_maps_bins_to_counts() {
        let mut counts = Histogram::default();
        assert_eq!(text(&counts), "{}");
        for micros in [1, 1, 1_000_000] {
            counts.record(Rtt::from_micros(micros));
        }
        assert_eq!(text(&counts), r#"{"-160":2,"0":1}"#);
        let read: HistogramReply = serde_json::from_str(&text(&counts)).expect("bins and counts");
        assert_eq!(read, HistogramReply::from(&counts));
    }
}
