//! Who is at the other end of a connection.

use std::net::SocketAddr;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Where it comes from.
    pub address: SocketAddr,
    /// It is encrypted.
    pub encrypted: bool,
    /// It has shown a certificate that somebody we trust vouches for.
    pub certified: bool,
}

impl Peer {
    /// Whether it is a program on this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}
