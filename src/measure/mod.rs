//! The arithmetic of measuring: when a request is due, what became of it, and what that adds up to.
//!
//! Pure: time comes in as [`Moment`] arguments; no clock is read and nothing is sent or received here.

pub mod account;
pub mod averages;
pub mod detail;
pub mod histogram;
mod hour;
pub mod moment;
pub mod octaves;
pub mod outages;
pub mod recent;
pub mod saved;
pub mod schedule;
pub mod spread;
pub mod summary;

pub use account::{Account, Reception};
pub use averages::Averages;
pub use detail::{Detail, Wall};
pub use histogram::Histogram;
pub use moment::Moment;
pub use octaves::Octaves;
pub use outages::{Cause, Longest, Outage, Outages, Past};
pub use recent::Recent;
pub use saved::Saved;
pub use schedule::Schedule;
pub use spread::{Jitter, Squares};
pub use summary::{ErrorClass, ErrorCounts, Period, Rtt, RttStats, Summary, Totals};
