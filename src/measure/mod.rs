//! The arithmetic of measuring: when a request is due, what became of it, and what that adds up to.
//!
//! Pure: time comes in as [`Moment`] arguments; no clock is read and nothing is sent or received here.

pub mod account;
pub mod histogram;
pub mod moment;
pub mod octaves;
pub mod schedule;
pub mod summary;

pub use account::{Account, Reception};
pub use histogram::Histogram;
pub use moment::Moment;
pub use octaves::Octaves;
pub use schedule::Schedule;
pub use summary::{ErrorClass, ErrorCounts, Period, Rtt, RttStats, Summary, Totals};
