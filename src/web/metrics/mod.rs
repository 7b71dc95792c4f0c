//! Metrics for Prometheus: snapshots of the targets become text, family by family, in the names of a dialect.

pub mod daemon;
pub mod dialects;
pub mod exposition;
mod family;
pub mod labels;
mod send_lateness;
pub mod snapshot;
mod state;
mod varint;
mod writer;
