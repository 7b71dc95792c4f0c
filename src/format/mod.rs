//! Formats values for people: tables, times, escaped text. Pure; used by every edge.

pub mod escape;
pub mod table;
pub mod time;
