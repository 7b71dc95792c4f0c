//! The edge to a terminal: the live table and the log of the daemon.

pub mod console;
pub mod live_table;
pub mod logging;
