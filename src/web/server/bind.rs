//! Where the HTTP server listens.

use crate::socket;
use socket2::Type;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// So many connections may wait to be accepted.
const BACKLOG: i32 = 128;

/// Listens on an address. `[::]` means everywhere, IPv6 and IPv4, and IPv4 alone where there is no IPv6.
///
/// # Errors
/// [`BindError`], for instance when the address is in use.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address)
        .or_else(|error| without_ipv6(address, error))
        .map_err(|source| BindError { address, source })
}

/// The way out for the address that means everywhere.
fn without_ipv6(address: SocketAddr, error: io::Error) -> io::Result<TcpListener> {
    // A system without IPv6 says so in several ways; these two say that IPv4 would fare no better.
    let is_final = matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied);
    if address.is_ipv6() && address.ip().is_unspecified() && !is_final {
        return listen((Ipv4Addr::UNSPECIFIED, address.port()).into());
    }
    Err(error)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // Lingering connections of an earlier process must not block the port.
    let socket = socket::bind(address, Type::STREAM, |socket| socket.set_reuse_address(true))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Why nothing listens; the operator sees this text as it stands.
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
    fn everywhere_is_reached_over_both_families() {
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
