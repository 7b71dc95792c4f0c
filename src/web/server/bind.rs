//! Opens the listeners of the HTTP server.

use crate::socket;
use socket2::Type;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Maximum number of connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// Listens on an address. `[::]` means all addresses of both families, or of IPv4 on a system without IPv6.
///
/// # Errors
/// [`BindError`], for instance when the address is in use.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address)
        .or_else(|error| without_ipv6(address, error))
        .map_err(|source| BindError { address, source })
}

/// Listens on 0.0.0.0 if listening on `[::]` failed for lack of IPv6.
fn without_ipv6(address: SocketAddr, error: io::Error) -> io::Result<TcpListener> {
    // A system without IPv6 returns one of several errors; after these two IPv4 would fail too.
    let is_final = matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied);
    if address.is_ipv6() && address.ip().is_unspecified() && !is_final {
        return listen((Ipv4Addr::UNSPECIFIED, address.port()).into());
    }
    Err(error)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // Closing connections of a previous daemon must not block the port.
    let socket = socket::bind(address, Type::STREAM, |socket| socket.set_reuse_address(true))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Why a listener cannot be opened; the operator sees this text.
#[derive(Debug, thiserror::Error)]
#[error(
    "can't listen on {address} for HTTP: {source}; choose another address with --web.listen-address, or \"off\""
)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn the_unspecified_address_accepts_both_families() {
        let listener = bind("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).unwrap();
        if listener.local_addr().unwrap().is_ipv6() {
            TcpStream::connect(("::1", port)).unwrap();
        }
    }

    #[test]
    fn an_address_in_use_is_an_error_that_says_what_to_do() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = bind(first.local_addr().unwrap()).unwrap_err().to_string();
        assert!(error.contains("in use") && error.contains("--web.listen-address"), "{error}");
    }
}
