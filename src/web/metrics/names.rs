//! The families of followed DNS names. The `prometheus` crate has no family in which only some series have a label.

use super::{family_of, label_pair};
use crate::actors::supervisor::EntryState;
use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::{Gauge, Metric, MetricFamily, MetricType};
use prometheus::{Opts, Registry};
use std::time::UNIX_EPOCH;

/// Registers the families of these names.
pub(super) fn register(names: &[EntryState], registry: &Registry) -> prometheus::Result<()> {
    let addresses = |state: &EntryState| Some(state.entry.targets as f64);
    let succeeded = |state: &EntryState| {
        let since = state.lookups?.succeeded?.duration_since(UNIX_EPOCH).ok()?;
        Some(since.as_secs_f64())
    };
    registry.register(Box::new(NameGauge::new(
        "meshping_name_addresses",
        "Addresses of a followed DNS name that are pinged under a name; 0 while it has none.",
        names,
        addresses,
    )?))?;
    registry.register(Box::new(NameGauge::new(
        "meshping_name_last_success_timestamp_seconds",
        "Unix time of the latest look-up that found an address of a followed DNS name.",
        names,
        succeeded,
    )?))
}

/// A gauge of each name with a value.
struct NameGauge {
    opts: Opts,
    desc: Desc,
    metrics: Vec<Metric>,
}

impl NameGauge {
    fn new(
        name: &str,
        help: &str,
        names: &[EntryState],
        value: impl Fn(&EntryState) -> Option<f64>,
    ) -> prometheus::Result<Self> {
        let opts = Opts::new(name, help).variable_labels(vec!["name".to_owned(), "host".to_owned()]);
        let desc = opts.describe()?;
        let metrics = names.iter().filter_map(|state| Some(metric(state, value(state)?)));
        Ok(Self { metrics: metrics.collect(), opts, desc })
    }
}

impl Collector for NameGauge {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        vec![family_of(&self.opts, MetricType::GAUGE, self.metrics.clone())]
    }
}

fn metric(EntryState { entry, .. }: &EntryState, value: f64) -> Metric {
    let host = entry.id.host.host.to_string();
    let mut labels = vec![label_pair("name", &entry.id.name), label_pair("host", &host)];
    let variant = &entry.id.host.variant;
    labels.extend((!variant.is_empty()).then(|| label_pair("variant", variant.as_str())));
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}
