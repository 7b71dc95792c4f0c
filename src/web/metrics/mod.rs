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

use prometheus::core::Collector;

/// A family of the daemon, or why it cannot be built.
type CollectorResult = prometheus::Result<Box<dyn Collector>>;
