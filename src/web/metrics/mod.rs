//! Metrics for Prometheus: writes snapshots of the targets as text, family by family, in the names of a dialect.

pub mod daemon;
#[deny(clippy::disallowed_methods)]
pub mod dialects;
pub mod exposition;
#[deny(clippy::disallowed_methods)]
mod family;
#[deny(clippy::disallowed_methods)]
pub mod labels;
mod names;
mod send_lateness;
#[deny(clippy::disallowed_methods)]
pub mod snapshot;
mod state;
#[deny(clippy::disallowed_methods)]
mod varint;
mod writer;

use prometheus::Opts;
use prometheus::core::Collector;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

/// A family of the daemon, or why it cannot be built.
type CollectorResult = prometheus::Result<Box<dyn Collector>>;

/// A family whose metrics are made by hand, because the `prometheus` crate has no collector for them.
fn family_of(opts: &Opts, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(opts.name.clone());
    family.set_help(opts.help.clone());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn label_pair(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}
