//! The HTTP server of the daemon with a web config file: TLS, certificates, users, limits, changes of files.

#![allow(clippy::panic, reason = "these are tests")]

#[path = "support/daemon.rs"]
mod daemon;
mod own_network;

#[path = "web/certificates.rs"]
mod certificates;
#[path = "web/client.rs"]
mod client;
#[path = "web/limits.rs"]
mod limits;
#[path = "web/reread.rs"]
mod reread;
#[path = "web/server.rs"]
mod server;
#[path = "web/tls.rs"]
mod tls;
#[path = "web/users.rs"]
mod users;
#[path = "web/writes.rs"]
mod writes;
