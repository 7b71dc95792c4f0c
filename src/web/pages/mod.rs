//! The handlers, one file for each path.

pub(super) mod health;
pub(super) mod index;
pub(super) mod metrics;
mod query;
pub(super) mod reload;
