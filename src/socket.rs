//! Opens the sockets on which the daemon serves requests: UDP for `control`, TCP for `web`.
//!
//! ICMP sockets are opened in `probe::native`: nearly all of their options are those of ICMP.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Opens a non-blocking socket and binds it to an address; `configure` sets further options before that.
///
/// `[::]` receives IPv6 and IPv4, independently of the system's default.
///
/// # Errors
/// Errors of the system: address in use, no such address, no permission.
pub(crate) fn bind(
    address: SocketAddr,
    kind: Type,
    configure: impl FnOnce(&Socket) -> io::Result<()>,
) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    configure(&socket)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
