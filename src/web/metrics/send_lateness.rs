//! The family of send delays, by shard. The `prometheus` crate has no histogram with counts from elsewhere.

use super::{family_of, label_pair};
use crate::actors::supervisor::Status;
use crate::measure::Log2Histogram;
use prometheus::Opts;
use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};

/// Delay of requests after their slot, by shard.
pub(super) struct SendLateness {
    opts: Opts,
    desc: Desc,
    shards: Vec<Log2Histogram>,
}

impl SendLateness {
    /// The delays measured by the engines.
    ///
    /// # Errors
    /// If the name of the family is invalid, which tests exclude.
    pub(super) fn new(status: &Status) -> prometheus::Result<Self> {
        let help = "How long after its slot a target got its turn.";
        let opts = Opts::new("meshping_send_lateness_seconds", help).variable_label("shard");
        let desc = opts.describe()?;
        let shards = status.engines.iter().map(|engine| engine.lateness).collect();
        Ok(Self { opts, desc, shards })
    }
}

impl Collector for SendLateness {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = self.shards.iter().enumerate().map(|(shard, lateness)| metric(shard, lateness));
        vec![family_of(&self.opts, MetricType::HISTOGRAM, metrics.collect())]
    }
}

fn metric(shard: usize, lateness: &Log2Histogram) -> Metric {
    let mut histogram = Histogram::default();
    histogram.set_sample_count(lateness.count());
    histogram.set_sample_sum(lateness.seconds());
    histogram.set_bucket(lateness.buckets().map(bucket).collect());
    let mut metric = Metric::from_label(vec![label_pair("shard", &shard.to_string())]);
    metric.set_histogram(histogram);
    metric
}

fn bucket((bound, count): (f64, u64)) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(bound);
    bucket.set_cumulative_count(count);
    bucket
}
