//! meshping pings any number of hosts at once and tells the truth about every one.

pub mod actors;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod measure;
pub mod probe;
pub mod protocol;
pub mod resolve;
pub mod target;
pub mod web;
