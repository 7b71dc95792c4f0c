//! How values are written for people: tables, times, strangers' text. Pure; every edge uses it.

pub mod escape;
pub mod table;
pub mod time;
