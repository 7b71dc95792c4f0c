//! What is served, one file a path.

pub(super) mod health;
pub(super) mod index;
pub(super) mod metrics;
mod query;
pub(super) mod reload;
