//! The sockets that we listen on: handed over by the service manager (sd_listen_fds(3)), or opened here and left with
//! it, so that what comes in while we are restarted waits for our successor.

use super::systemd;
use crate::config::Config;
use crate::control;
use crate::web::{self, BindError};
use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use tracing::info;

/// Why there are no sockets; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The control socket can't be had.
    #[error(
        "can't listen on the control socket {0}: {1}; is meshping running already? --control takes another address"
    )]
    Control(SocketAddr, #[source] io::Error),
    /// The HTTP socket can't be had.
    #[error(transparent)]
    Web(#[from] BindError),
    /// A socket unit of whose sockets we know nothing.
    #[error(
        "the service manager hands over a socket called {0:?}: FileDescriptorName= has to be \"control\", once, or \"web\""
    )]
    Name(String),
    /// A socket unit with the wrong kind of socket.
    #[error(
        "the service manager hands over as {0:?} what is none: {1}; control is a ListenDatagram=, web a ListenStream="
    )]
    Kind(String, #[source] io::Error),
    /// A socket unit says this, an option that.
    #[error(
        "the service manager hands over a socket on {given}, but {option} is {wanted}: change the option, or the socket unit"
    )]
    Contradiction {
        /// Where the sockets are bound.
        given: String,
        /// The option.
        option: &'static str,
        /// Its value.
        wanted: String,
    },
}

/// What the service manager handed over.
#[derive(Debug, Default)]
pub(super) struct InheritedSockets {
    control: SocketSlot<UdpSocket>,
    web: SocketSlot<TcpListener>,
}

/// Of one kind of socket.
#[derive(Debug)]
struct SocketSlot<S> {
    /// Of socket units: they decide where we listen.
    units: Vec<S>,
    /// Of our predecessor: the options decide.
    kept: Vec<S>,
}

impl<S> Default for SocketSlot<S> {
    fn default() -> Self {
        Self { units: Vec::new(), kept: Vec::new() }
    }
}

impl InheritedSockets {
    /// Takes them; to be called once, and before there are threads: it changes the environment.
    ///
    /// # Errors
    /// [`SocketError`] if they are not what we know how to use.
    pub(super) fn take() -> Result<Self, SocketError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut fds = ListenFd::from_env();
        let mut names = names.split(':');
        let mut handed = Self::default();
        for index in 0..fds.len() {
            let name = names.next().unwrap_or_default();
            let kind = |error| SocketError::Kind(name.to_owned(), error);
            match name {
                "control" => handed.control.units.extend(fds.take_udp_socket(index).map_err(kind)?),
                CONTROL => handed.control.kept.extend(fds.take_udp_socket(index).map_err(kind)?),
                "web" => handed.web.units.extend(fds.take_tcp_listener(index).map_err(kind)?),
                WEB => handed.web.kept.extend(fds.take_tcp_listener(index).map_err(kind)?),
                _ => return Err(SocketError::Name(name.to_owned())),
            }
        }
        if handed.control.units.len() > 1 {
            return Err(SocketError::Name("control".to_owned()));
        }
        Ok(handed)
    }

    /// The control socket, if one is wanted, and those of HTTP.
    ///
    /// # Errors
    /// [`SocketError`]: one is not to be had, or a socket unit says something else than an option.
    pub(super) fn open(self, config: &Config) -> Result<(Option<UdpSocket>, Vec<TcpListener>), SocketError> {
        let control = WantedSocket {
            name: CONTROL,
            option: "--control",
            addresses: config.control.into_iter().collect(),
            default: Config::CONTROL,
        };
        let web = WantedSocket {
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

/// One kind of socket that is wanted.
struct WantedSocket {
    /// How the service manager is to call it.
    name: &'static str,
    option: &'static str,
    /// None for `off`.
    addresses: Vec<SocketAddr>,
    default: SocketAddr,
}

impl WantedSocket {
    fn open<S: ListenSocket>(
        &self,
        handed: SocketSlot<S>,
        bind: impl Fn(SocketAddr) -> Result<S, SocketError>,
    ) -> Result<Vec<S>, SocketError> {
        if !handed.units.is_empty() {
            self.check(&handed.units)?;
            self.let_go(handed.kept);
            return self.take_over(handed.units);
        }
        let wanted = |kept: &S| self.addresses.iter().any(|address| is_at(kept, *address));
        let (kept, useless) = handed.kept.into_iter().partition(wanted);
        let some_useless = self.let_go(useless);
        let mut sockets = self.take_over(kept)?;
        if some_useless {
            // They have the same name.
            for socket in &sockets {
                systemd::keep(self.name, socket.as_fd());
            }
        }
        for &address in &self.addresses {
            if !sockets.iter().any(|socket| is_at(socket, address)) {
                let socket = bind(address)?;
                systemd::keep(self.name, socket.as_fd());
                sockets.push(socket);
            }
        }
        Ok(sockets)
    }

    /// Closes what is of no use, here and there, or it would be in the way.
    fn let_go<S: ListenSocket>(&self, useless: Vec<S>) -> bool {
        let some = !useless.is_empty();
        drop(useless);
        if some {
            systemd::forget(self.name);
        }
        some
    }

    fn take_over<S: ListenSocket>(&self, sockets: Vec<S>) -> Result<Vec<S>, SocketError> {
        for socket in &sockets {
            socket.ready().map_err(|error| SocketError::Kind(self.name.to_owned(), error))?;
            info!(name = self.name, addr = ?socket.bound(), "socket taken over from the service manager");
        }
        Ok(sockets)
    }

    /// Socket units and option have to say the same; the default of an option contradicts nothing.
    fn check(&self, units: &[impl ListenSocket]) -> Result<(), SocketError> {
        let covered = |address: &SocketAddr| units.iter().any(|unit| is_at(unit, *address));
        let meant = |unit: &&_| self.addresses.iter().any(|address| is_at(*unit, *address));
        let same = self.addresses.iter().all(covered) && units.iter().all(|unit| meant(&unit));
        if self.addresses == [self.default] || same {
            return Ok(());
        }
        let given = units.iter().filter_map(ListenSocket::bound).map(|address| address.to_string());
        let wanted: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let wanted = if wanted.is_empty() { "off".to_owned() } else { wanted.join(", ") };
        let given = given.collect::<Vec<_>>().join(", ");
        Err(SocketError::Contradiction { given, option: self.option, wanted })
    }
}

/// Whether the socket is where the option says; without IPv6, "everywhere" is 0.0.0.0.
fn is_at(socket: &impl ListenSocket, address: SocketAddr) -> bool {
    let everywhere = |address: SocketAddr| address.ip().is_unspecified().then(|| address.port());
    let bound = socket.bound();
    let both = everywhere(address).is_some_and(|port| bound.and_then(everywhere) == Some(port));
    bound == Some(address) || (address.is_ipv6() && both)
}

/// What both kinds have.
trait ListenSocket: AsFd {
    fn bound(&self) -> Option<SocketAddr>;
    /// Makes it one that tokio can watch.
    fn ready(&self) -> io::Result<()>;
}

impl ListenSocket for UdpSocket {
    fn bound(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn ready(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

impl ListenSocket for TcpListener {
    fn bound(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn ready(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

/// Names of what we leave with the service manager; those of socket units are without the dash.
const CONTROL: &str = "control-kept";
const WEB: &str = "web-kept";

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(addresses: &[&str]) -> WantedSocket {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        WantedSocket { name: WEB, option: "--web.listen-address", addresses, default: Config::WEB }
    }

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[test]
    fn a_socket_unit_decides_and_an_option_that_says_something_else_is_an_error() {
        let (socket, address) = listener();
        let units = [socket];
        for same in ["[::]:9922", &address] {
            assert!(wanted(&[same]).check(&units).is_ok(), "{same}");
        }
        for other in [&[][..], &["127.0.0.1:1"], &["0.0.0.0:9922"], &[&address, "127.0.0.1:1"]] {
            let error = wanted(other).check(&units).unwrap_err().to_string();
            assert!(
                error.contains(&address) && error.contains("--web.listen-address is"),
                "{other:?}: {error}"
            );
        }
    }

    #[test]
    fn a_kept_socket_is_used_only_where_the_options_say() {
        let (kept, address) = listener();
        let open = |at: &[&str]| {
            let handed = SocketSlot { units: Vec::new(), kept: vec![kept.try_clone().unwrap()] };
            let sockets = wanted(at).open(handed, |at| Ok(web::bind(at)?)).unwrap();
            sockets.iter().map(|socket| socket.bound().unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(open(&[&address]), std::slice::from_ref(&address));
        assert_eq!(open(&[]), Vec::<String>::new());
        assert!(!open(&["127.0.0.1:0"]).contains(&address));
        let two = open(&["127.0.0.1:0", &address]);
        assert!(two.len() == 2 && two.contains(&address), "{two:?}");
    }

    #[test]
    fn everywhere_is_the_same_with_and_without_ipv6() {
        let socket = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(is_at(&socket, format!("[::]:{port}").parse().unwrap()));
        assert!(!is_at(&socket, format!("127.0.0.1:{port}").parse().unwrap()));
    }
}
