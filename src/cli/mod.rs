//! The edge to people: command line, table, terminal, logs.

pub mod args;
pub mod console;
pub mod ctl;
pub mod escape;
pub mod logging;
pub mod painter;
pub mod screen;
pub mod stop;
pub mod switch;
pub mod table;
pub mod targets_file;
