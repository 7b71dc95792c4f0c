//! README.md and the other documents: every command is run or is an exception with a reason, every example is checked,
//! every link leads somewhere.

mod commands;
mod examples;
mod glossary;
mod links;
mod markdown;
mod not_run;
#[path = "../own_network/mod.rs"]
mod own_network;
mod words;
