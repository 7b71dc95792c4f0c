//! Name servers at link-local addresses, as routers announce them (`nameserver fe80::1%eth0`). hickory drops the zone, so
//! the network layer below it adds the zone again.

use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime,
};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Tokio's network; every IPv6 address in it is in this zone (0 for none).
#[derive(Clone, Default)]
pub(super) struct Scoped {
    tokio: TokioRuntimeProvider,
    zone: u32,
}

impl Scoped {
    /// Addresses are in the zone of this interface, a name or index; in none for `None`.
    ///
    /// # Errors
    /// If the interface does not exist.
    pub(super) fn to(zone: Option<&str>) -> io::Result<Self> {
        Ok(Self { tokio: TokioRuntimeProvider::default(), zone: zone.map_or(Ok(0), interface_index)? })
    }
}

impl RuntimeProvider for Scoped {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = ScopedUdp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        from: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        self.tokio.connect_tcp(within(server, self.zone), from, timeout)
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        let zone = self.zone;
        let bound = self.tokio.bind_udp(local, server);
        Box::pin(async move { Ok(ScopedUdp { socket: bound.await?, zone }) })
    }
}

/// A socket whose destinations are in a zone.
pub(super) struct ScopedUdp {
    socket: tokio::net::UdpSocket,
    zone: u32,
}

impl DnsUdpSocket for ScopedUdp {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        task: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        DnsUdpSocket::poll_recv_from(&self.socket, task, buffer)
    }

    fn poll_send_to(
        &self,
        task: &mut Context<'_>,
        buffer: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        DnsUdpSocket::poll_send_to(&self.socket, task, buffer, within(target, self.zone))
    }
}

fn within(mut address: SocketAddr, zone: u32) -> SocketAddr {
    if let SocketAddr::V6(v6) = &mut address {
        v6.set_scope_id(zone);
    }
    address
}

/// The index of an interface. Parsing the literal resolves the name of the interface without a DNS query.
fn interface_index(zone: &str) -> io::Result<u32> {
    let addresses = (format!("fe80::1%{zone}"), 0).to_socket_addrs()?;
    let indices = addresses.filter_map(|address| match address {
        SocketAddr::V6(v6) => Some(v6.scope_id()),
        SocketAddr::V4(_) => None,
    });
    indices.max().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// A server's address and its zone.
pub(super) fn split(server: &resolv_conf::ScopedIp) -> (IpAddr, Option<&str>) {
    match server {
        resolv_conf::ScopedIp::V6(ip, zone) => ((*ip).into(), zone.as_deref()),
        resolv_conf::ScopedIp::V4(ip) => ((*ip).into(), None),
    }
}
