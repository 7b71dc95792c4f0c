//! The edge to the disk: what was wished live and what was measured, in two SQLite files, each with a thread of its
//! own. What the disk does never holds up pinging.

mod database;
mod directory;
mod health;
mod hours;
mod journal;
mod statistics;
mod wishes;
