//! The edge to people: command line, table, terminal, logs.

pub mod args;
mod config_file;
pub mod console;
pub mod ctl;
mod discovery;
pub mod escape;
pub mod load;
pub mod logging;
mod options;
pub mod painter;
pub mod screen;
pub mod stop;
pub mod switch;
pub mod table;
mod targets_file;
pub mod utc;
