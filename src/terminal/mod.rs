//! The edge to a terminal: the daemon's live table, and its log.

pub mod console;
pub mod live_table;
pub mod logging;
