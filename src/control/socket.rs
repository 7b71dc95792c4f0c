//! The control socket itself.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};

/// As many bytes of requests may wait as the system allows, up to this: a burst of commands is not lost.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A socket bound to `address`, to be handed to [`super::start`].
///
/// # Errors
/// What the system says: address in use, no such address, no permission.
pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // The buffer is a matter of comfort: with less of it more requests have to be repeated.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}
