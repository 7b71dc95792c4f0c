//! `histogram`: how often which round-trip time was seen.

use super::RequestError;
use super::json::{close, put, separate};
use super::members::Members;
use crate::measure::Histogram;
use crate::target::Address;

/// A request for the histogram of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramRequest {
    /// Of which target; `None` if what was given is no address, so that nothing is known of it.
    pub address: Option<Address>,
    /// Start the histogram again afterwards.
    pub reset: bool,
}

impl HistogramRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        let addr = members.text("addr")?.ok_or(RequestError::NeedAddr)?;
        Ok(Self { address: addr.parse().ok(), reset: members.is_truthy("reset") })
    }
}

/// The answered requests of one target by RTT.
pub fn histogram(histogram: &Histogram) -> Vec<u8> {
    let mut text = String::from("{");
    for (bin, count) in histogram.iter() {
        separate(&mut text);
        put(&mut text, format_args!("\"{bin}\":{count}"));
    }
    close(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rtt;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_histogram_maps_bins_to_counts() {
        let mut counts = Histogram::default();
        assert_eq!(text(histogram(&counts)), "{}");
        for micros in [1, 1, 1_000_000] {
            counts.record(Rtt::from_micros(micros));
        }
        assert_eq!(text(histogram(&counts)), r#"{"-160":2,"0":1}"#);
    }
}
