//! The client of a connection.

use std::net::SocketAddr;

/// The client of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection uses TLS.
    pub encrypted: bool,
    /// Whether it presented a certificate that a trusted authority signed.
    pub certified: bool,
}

impl Peer {
    /// Whether it runs on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}
