//! The sockets of the daemon: passed on by the service manager (sd_listen_fds(3)), or opened here and stored in it, so
//! that packets and connections wait while the daemon restarts.

use super::systemd;
use crate::config::Config;
use crate::control;
use crate::web::{self, BindError};
use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use tracing::info;

/// Why a socket can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The control socket can't be opened.
    #[error(
        "can't listen on the control socket {0}: {1}; is meshping already running? --control sets another address"
    )]
    Control(SocketAddr, #[source] io::Error),
    /// The HTTP socket can't be opened.
    #[error(transparent)]
    Web(#[from] BindError),
    /// A socket unit with an unknown name.
    #[error(
        "unknown socket {0:?} from the service manager: FileDescriptorName= must be \"control\", once, or \"web\""
    )]
    Name(String),
    /// A socket of the wrong type.
    #[error(
        "socket {0:?} from the service manager has the wrong type: {1}; control needs ListenDatagram=, web ListenStream="
    )]
    Kind(String, #[source] io::Error),
    /// A socket unit contradicts an option.
    #[error(
        "the socket unit listens on {bound}, but {option} is {value}: change the option or the socket unit"
    )]
    Contradiction {
        /// Addresses of the socket unit.
        bound: String,
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
}

/// Sockets from the service manager.
#[derive(Debug, Default)]
pub(super) struct InheritedSockets {
    control: SocketSlot<UdpSocket>,
    web: SocketSlot<TcpListener>,
}

/// Sockets of one type.
#[derive(Debug)]
struct SocketSlot<S> {
    /// From socket units, which decide the addresses.
    units: Vec<S>,
    /// Stored by the previous process; the options decide the addresses.
    stored: Vec<S>,
}

impl<S> Default for SocketSlot<S> {
    fn default() -> Self {
        Self { units: Vec::new(), stored: Vec::new() }
    }
}

impl InheritedSockets {
    /// Takes the sockets. Must be called once, before there are threads, because it changes the environment.
    ///
    /// # Errors
    /// [`SocketError`], if a socket has an unknown name or the wrong type.
    pub(super) fn take() -> Result<Self, SocketError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut fds = ListenFd::from_env();
        let mut names = names.split(':');
        let mut sockets = Self::default();
        for index in 0..fds.len() {
            let name = names.next().unwrap_or_default();
            let kind = |error| SocketError::Kind(name.to_owned(), error);
            match name {
                "control" => sockets.control.units.extend(fds.take_udp_socket(index).map_err(kind)?),
                CONTROL => sockets.control.stored.extend(fds.take_udp_socket(index).map_err(kind)?),
                "web" => sockets.web.units.extend(fds.take_tcp_listener(index).map_err(kind)?),
                WEB => sockets.web.stored.extend(fds.take_tcp_listener(index).map_err(kind)?),
                _ => return Err(SocketError::Name(name.to_owned())),
            }
        }
        if sockets.control.units.len() > 1 {
            return Err(SocketError::Name("control".to_owned()));
        }
        Ok(sockets)
    }

    /// The control socket, unless it is off, and the HTTP sockets.
    ///
    /// # Errors
    /// [`SocketError`], if a socket can't be opened, or a socket unit contradicts an option.
    pub(super) fn open(self, config: &Config) -> Result<(Option<UdpSocket>, Vec<TcpListener>), SocketError> {
        let control = SocketOption {
            name: CONTROL,
            option: "--control",
            addresses: config.control.into_iter().collect(),
            default: Config::CONTROL,
        };
        let web = SocketOption {
            name: WEB,
            option: "--web.listen-address",
            addresses: config.web.clone(),
            default: Config::WEB,
        };
        let bind_control =
            |address| control::bind(address).map_err(|error| SocketError::Control(address, error));
        let control = control.open(self.control, bind_control)?.pop();
        Ok((control, web.open(self.web, |address| Ok(web::bind(address)?))?))
    }
}

/// The addresses that an option sets for the sockets of one type.
struct SocketOption {
    /// Name of stored sockets in the service manager.
    name: &'static str,
    option: &'static str,
    /// None for `off`.
    addresses: Vec<SocketAddr>,
    default: SocketAddr,
}

impl SocketOption {
    fn open<S: ListenSocket>(
        &self,
        inherited: SocketSlot<S>,
        bind: impl Fn(SocketAddr) -> Result<S, SocketError>,
    ) -> Result<Vec<S>, SocketError> {
        if !inherited.units.is_empty() {
            self.check(&inherited.units)?;
            self.close(inherited.stored);
            return self.take_over(inherited.units);
        }
        let is_needed = |stored: &S| self.addresses.iter().any(|address| is_at(stored, *address));
        let (needed, useless) = inherited.stored.into_iter().partition(is_needed);
        let some_closed = self.close(useless);
        let mut sockets = self.take_over(needed)?;
        if some_closed {
            // Removal by name has removed these too.
            for socket in &sockets {
                systemd::store_socket(self.name, socket.as_fd());
            }
        }
        for &address in &self.addresses {
            if !sockets.iter().any(|socket| is_at(socket, address)) {
                let socket = bind(address)?;
                systemd::store_socket(self.name, socket.as_fd());
                sockets.push(socket);
            }
        }
        Ok(sockets)
    }

    /// Closes sockets here and in the service manager, so that their addresses are free; returns whether there were any.
    fn close<S: ListenSocket>(&self, useless: Vec<S>) -> bool {
        let some = !useless.is_empty();
        drop(useless);
        if some {
            systemd::remove_sockets(self.name);
        }
        some
    }

    fn take_over<S: ListenSocket>(&self, sockets: Vec<S>) -> Result<Vec<S>, SocketError> {
        for socket in &sockets {
            socket.prepare().map_err(|error| SocketError::Kind(self.name.to_owned(), error))?;
            info!(name = self.name, addr = ?socket.bound(), "using a socket from the service manager");
        }
        Ok(sockets)
    }

    /// Checks that socket units and option have the same addresses; a default contradicts no unit.
    fn check(&self, units: &[impl ListenSocket]) -> Result<(), SocketError> {
        let covered = |address: &SocketAddr| units.iter().any(|unit| is_at(unit, *address));
        let expected = |unit: &&_| self.addresses.iter().any(|address| is_at(*unit, *address));
        let same = self.addresses.iter().all(covered) && units.iter().all(|unit| expected(&unit));
        if self.addresses == [self.default] || same {
            return Ok(());
        }
        let list = |addresses: Vec<SocketAddr>| {
            addresses.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ")
        };
        let bound = list(units.iter().filter_map(ListenSocket::bound).collect());
        let value = if self.addresses.is_empty() { "off".into() } else { list(self.addresses.clone()) };
        Err(SocketError::Contradiction { bound, option: self.option, value })
    }
}

/// Whether a socket has the address of an option; without IPv6, [::] is 0.0.0.0.
fn is_at(socket: &impl ListenSocket, address: SocketAddr) -> bool {
    let everywhere = |address: SocketAddr| address.ip().is_unspecified().then(|| address.port());
    let bound = socket.bound();
    let both = everywhere(address).is_some_and(|port| bound.and_then(everywhere) == Some(port));
    bound == Some(address) || (address.is_ipv6() && both)
}

/// A socket of either type.
trait ListenSocket: AsFd {
    fn bound(&self) -> Option<SocketAddr>;
    /// Prepares the socket for tokio.
    fn prepare(&self) -> io::Result<()>;
}

impl ListenSocket for UdpSocket {
    fn bound(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

impl ListenSocket for TcpListener {
    fn bound(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

/// Names of stored sockets in the service manager; those of socket units have no dash.
const CONTROL: &str = "control-kept";
const WEB: &str = "web-kept";

#[cfg(test)]
mod tests {
    use super::*;

    fn option(addresses: &[&str]) -> SocketOption {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        SocketOption { name: WEB, option: "--web.listen-address", addresses, default: Config::WEB }
    }

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[test]
    fn a_socket_unit_that_contradicts_an_option_is_an_error() {
        let (socket, address) = listener();
        let units = [socket];
        for same in ["[::]:9922", &address] {
            assert!(option(&[same]).check(&units).is_ok(), "{same}");
        }
        for other in [&[][..], &["127.0.0.1:1"], &["0.0.0.0:9922"], &[&address, "127.0.0.1:1"]] {
            let error = option(other).check(&units).unwrap_err().to_string();
            assert!(
                error.contains(&address) && error.contains("--web.listen-address is"),
                "{other:?}: {error}"
            );
        }
    }

    #[test]
    fn a_stored_socket_is_used_only_for_an_address_of_the_option() {
        let (stored, address) = listener();
        let open = |at: &[&str]| {
            let inherited = SocketSlot { units: Vec::new(), stored: vec![stored.try_clone().unwrap()] };
            let sockets = option(at).open(inherited, |at| Ok(web::bind(at)?)).unwrap();
            sockets.iter().map(|socket| socket.bound().unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(open(&[&address]), std::slice::from_ref(&address));
        assert_eq!(open(&[]), Vec::<String>::new());
        assert!(!open(&["127.0.0.1:0"]).contains(&address));
        let two = open(&["127.0.0.1:0", &address]);
        assert!(two.len() == 2 && two.contains(&address), "{two:?}");
    }

    #[test]
    fn all_addresses_are_the_same_with_and_without_ipv6() {
        let socket = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(is_at(&socket, format!("[::]:{port}").parse().unwrap()));
        assert!(!is_at(&socket, format!("127.0.0.1:{port}").parse().unwrap()));
    }
}
