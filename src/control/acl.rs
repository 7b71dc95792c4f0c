//! Which clients get a reply.

use crate::actors::control_stats::IgnoreReason;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Decides by the source of a datagram whether it is read.
pub(super) struct ControlAcl {
    allow: Vec<IpNet>,
    local: Option<SocketAddr>,
}

impl ControlAcl {
    /// Allows these networks, or loopback if there are none, but never the socket at `local` itself.
    pub(super) fn new(allow: Vec<IpNet>, local: Option<SocketAddr>) -> Self {
        Self { allow, local }
    }

    /// Replaces the allowed networks.
    pub(super) fn set_allowed(&mut self, allow: Vec<IpNet>) {
        self.allow = allow;
    }

    /// Checks a source.
    pub(super) fn check(&self, peer: SocketAddr) -> Result<(), IgnoreReason> {
        // A socket for both families shows IPv4 senders as IPv4-mapped.
        let source = peer.ip().to_canonical();
        if !self.allows(source) {
            Err(IgnoreReason::NotAllowed)
        } else if peer.port() == 0 {
            Err(IgnoreReason::PortZero)
        } else if self.is_own_socket(source, peer.port()) {
            Err(IgnoreReason::Ourselves)
        } else {
            Ok(())
        }
    }

    fn allows(&self, source: IpAddr) -> bool {
        if self.allow.is_empty() {
            return source.is_loopback();
        }
        self.allow.iter().any(|network| network.contains(&source))
    }

    fn is_own_socket(&self, source: IpAddr, port: u16) -> bool {
        let Some(local) = self.local.filter(|local| local.port() == port) else { return false };
        let own = local.ip().to_canonical();
        // A socket bound to all addresses has every address that a socket can be bound to. This is rare, because the
        // ports are equal.
        own == source || (own.is_unspecified() && UdpSocket::bind((source, 0)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(allow: &[&str], local: &str, peer: &str) -> Result<(), IgnoreReason> {
        let allow = allow.iter().map(|network| network.parse().expect("a network")).collect();
        ControlAcl::new(allow, local.parse().ok()).check(peer.parse().expect("an address"))
    }

    #[test]
    fn only_allowed_networks_get_in() {
        let local = "127.0.0.1:55432";
        let (allowed, refused) = (Ok(()), Err(IgnoreReason::NotAllowed));
        let cases: [(&[&str], &str, Result<(), IgnoreReason>); 9] = [
            (&[], "127.0.0.1:40000", allowed),
            (&[], "127.9.9.9:40000", allowed),
            (&[], "[::1]:40000", allowed),
            (&[], "[::ffff:127.0.0.1]:40000", allowed),
            (&[], "10.0.0.1:40000", refused),
            (&["10.0.0.0/8", "fd00::/8"], "[::ffff:10.0.0.1]:40000", allowed),
            (&["10.0.0.0/8", "fd00::/8"], "[fd00::1]:40000", allowed),
            (&["10.0.0.0/8"], "127.0.0.1:40000", refused),
            (&["0.0.0.0/0"], "[2001:db8::1]:40000", refused),
        ];
        for (allow, peer, expected) in cases {
            assert_eq!(verdict(allow, local, peer), expected, "{peer} {allow:?}");
        }
    }

    #[test]
    fn nothing_goes_to_port_zero_or_to_ourselves() {
        assert_eq!(verdict(&[], "127.0.0.1:9", "127.0.0.1:0"), Err(IgnoreReason::PortZero));
        assert_eq!(verdict(&[], "127.0.0.1:9", "127.0.0.1:9"), Err(IgnoreReason::Ourselves));
        assert_eq!(verdict(&[], "127.0.0.1:9", "127.0.0.2:9"), Ok(()));
        assert_eq!(verdict(&[], "[::]:9", "[::ffff:127.0.0.2]:9"), Err(IgnoreReason::Ourselves));
        assert_eq!(verdict(&["0.0.0.0/0"], "0.0.0.0:9", "192.0.2.1:9"), Ok(()));
    }
}
