//! The arithmetic of measuring: when a request is due, its outcome, and the statistics of outcomes.
//!
//! Pure: time is an argument (`Timestamp`); no clock is read, and nothing is sent or received.

pub mod averages;
mod counters;
mod deviation;
pub mod encoding;
mod error_class;
mod histogram;
mod jitter;
pub mod last_rtts;
mod log2_histogram;
mod outages;
pub mod report;
mod rtt;
mod rtt_stats;
mod schedule;
mod send_error;
mod timestamp;
mod tracker;
pub(crate) mod varint;

pub use averages::Averages;
pub use counters::{Counter, EndedPeriod, LIFETIME_COUNTERS, LifetimeStats, PeriodStats};
pub use deviation::SquareSum;
pub use encoding::EncodedStats;
pub use error_class::{ErrorClass, ErrorCounts};
pub use histogram::Histogram;
pub use jitter::Jitter;
pub use last_rtts::LastRtts;
pub use log2_histogram::Log2Histogram;
pub use outages::{Cause, EndedOutage, Longest, Outage, Outages};
pub use report::{DetailedStats, WallMapping};
pub use rtt::Rtt;
pub use rtt_stats::RttStats;
pub use schedule::Schedule;
pub use send_error::SendError;
pub use timestamp::Timestamp;
pub use tracker::{Reception, RequestTracker};
