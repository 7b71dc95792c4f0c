//! The HTTP server of the daemon: framing of requests and responses, TLS, certificates, users, limits, changes of the web
//! config file.

#![allow(clippy::panic, reason = "these are tests")]

#[path = "support/daemon.rs"]
mod daemon;
mod own_network;

#[path = "web/certificates.rs"]
mod certificates;
#[path = "web/client.rs"]
mod client;
#[path = "web/framing.rs"]
mod framing;
#[path = "web/limits.rs"]
mod limits;
#[path = "web/raw.rs"]
mod raw;
#[path = "web/reread.rs"]
mod reread;
#[path = "web/server.rs"]
mod server;
#[path = "web/slow_readers.rs"]
mod slow_readers;
#[path = "web/tls.rs"]
mod tls;
#[path = "web/users.rs"]
mod users;
#[path = "web/writes.rs"]
mod writes;
