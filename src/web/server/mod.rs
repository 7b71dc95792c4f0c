//! Listens, accepts connections and serves them, on a thread of its own.

pub(super) mod accept;
pub(super) mod bind;
pub(super) mod connection;
mod http1;

pub use accept::HttpServer;
pub(super) use accept::start;
