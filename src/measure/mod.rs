//! The arithmetic of measuring: when a request is due, its outcome, and the statistics of outcomes.
//!
//! Pure: time is an argument ([`Timestamp`]); no clock is read, and nothing is sent or received.

pub mod averages;
pub mod counters;
pub mod deviation;
pub mod encoding;
pub mod error_class;
pub mod histogram;
pub mod jitter;
pub mod last_rtts;
pub mod log2_histogram;
pub mod outages;
pub mod report;
pub mod rtt;
pub mod rtt_stats;
pub mod schedule;
pub mod send_error;
pub mod timestamp;
pub mod tracker;
pub(crate) mod varint;

pub use averages::Averages;
pub use counters::{Counter, EndedPeriod, LIFETIME_COUNTERS, LifetimeStats, PERIOD_COUNTERS, PeriodStats};
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
