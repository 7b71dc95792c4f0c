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
        "the service manager hands over a socket called {0:?}: FileDescriptorName= has to be \"control\" or \"web\", once each"
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
        /// Where the socket is bound.
        given: SocketAddr,
        /// The option.
        option: &'static str,
        /// Its value.
        wanted: String,
    },
}

/// What the service manager handed over.
#[derive(Debug, Default)]
pub struct Handed {
    control: Handover<UdpSocket>,
    web: Handover<TcpListener>,
}

/// Of one kind of socket.
#[derive(Debug)]
struct Handover<S> {
    /// Of a socket unit: it decides where we listen.
    unit: Option<S>,
    /// Of our predecessor: the options decide.
    kept: Option<S>,
}

impl<S> Default for Handover<S> {
    fn default() -> Self {
        Self { unit: None, kept: None }
    }
}

impl Handed {
    /// Takes them; to be called once, and before there are threads: it changes the environment.
    ///
    /// # Errors
    /// [`SocketError`] if they are not what we know how to use.
    pub fn take() -> Result<Self, SocketError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut fds = ListenFd::from_env();
        let mut names = names.split(':');
        let mut handed = Self::default();
        for index in 0..fds.len() {
            let name = names.next().unwrap_or_default();
            let kind = |error| SocketError::Kind(name.to_owned(), error);
            let free = match name {
                "control" => put(&mut handed.control.unit, fds.take_udp_socket(index).map_err(kind)?),
                CONTROL => put(&mut handed.control.kept, fds.take_udp_socket(index).map_err(kind)?),
                "web" => put(&mut handed.web.unit, fds.take_tcp_listener(index).map_err(kind)?),
                WEB => put(&mut handed.web.kept, fds.take_tcp_listener(index).map_err(kind)?),
                _ => false,
            };
            if !free {
                return Err(SocketError::Name(name.to_owned()));
            }
        }
        Ok(handed)
    }

    /// The control socket and that of HTTP, if they are wanted.
    ///
    /// # Errors
    /// [`SocketError`]: one is not to be had, or a socket unit says something else than an option.
    pub fn open(self, config: &Config) -> Result<(Option<UdpSocket>, Option<TcpListener>), SocketError> {
        let control =
            Wanted { name: CONTROL, option: "--control", address: config.control, default: Config::CONTROL };
        let web =
            Wanted { name: WEB, option: "--web.listen-address", address: config.web, default: Config::WEB };
        let bind_control =
            |address| control::bind(address).map_err(|error| SocketError::Control(address, error));
        Ok((control.open(self.control, bind_control)?, web.open(self.web, |at| Ok(web::bind(at)?))?))
    }
}

fn put<S>(place: &mut Option<S>, socket: Option<S>) -> bool {
    let free = place.is_none();
    *place = socket;
    free
}

/// One kind of socket that is wanted.
struct Wanted {
    /// How the service manager is to call it.
    name: &'static str,
    option: &'static str,
    /// `None` for `off`.
    address: Option<SocketAddr>,
    default: SocketAddr,
}

impl Wanted {
    fn open<S: Socket>(
        &self,
        handed: Handover<S>,
        bind: impl FnOnce(SocketAddr) -> Result<S, SocketError>,
    ) -> Result<Option<S>, SocketError> {
        if let Some(socket) = &handed.unit {
            self.check(socket)?;
        }
        let useful = |kept: &S| handed.unit.is_none() && self.fits(kept);
        let (kept, useless) = match handed.kept {
            Some(kept) if useful(&kept) => (Some(kept), None),
            other => (None, other),
        };
        if useless.is_some() {
            // Closed here and there, or it would be in the way.
            drop(useless);
            systemd::forget(self.name);
        }
        let Some(socket) = handed.unit.or(kept) else {
            let Some(address) = self.address else { return Ok(None) };
            let socket = bind(address)?;
            systemd::keep(self.name, socket.as_fd());
            return Ok(Some(socket));
        };
        socket.ready().map_err(|error| SocketError::Kind(self.name.to_owned(), error))?;
        info!(name = self.name, addr = ?socket.bound(), "socket taken over from the service manager");
        Ok(Some(socket))
    }

    /// The default of an option contradicts nothing.
    fn check(&self, socket: &impl Socket) -> Result<(), SocketError> {
        let Some(given) = socket.bound() else { return Ok(()) };
        if self.address == Some(self.default) || self.fits(socket) {
            return Ok(());
        }
        let wanted = self.address.map_or_else(|| "off".to_owned(), |address| address.to_string());
        Err(SocketError::Contradiction { given, option: self.option, wanted })
    }

    /// Whether the socket is where the option says; without IPv6, "everywhere" is 0.0.0.0.
    fn fits(&self, socket: &impl Socket) -> bool {
        let everywhere = |address: SocketAddr| address.ip().is_unspecified().then(|| address.port());
        let (wanted, bound) = (self.address, socket.bound());
        wanted == bound
            || wanted.and_then(everywhere).is_some_and(|port| bound.and_then(everywhere) == Some(port))
    }
}

/// What both kinds have.
trait Socket: AsFd {
    fn bound(&self) -> Option<SocketAddr>;
    /// Makes it one that tokio can watch.
    fn ready(&self) -> io::Result<()>;
}

impl Socket for UdpSocket {
    fn bound(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn ready(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

impl Socket for TcpListener {
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

    fn wanted(address: Option<&str>) -> Wanted {
        let address = address.map(|address| address.parse().unwrap());
        Wanted { name: WEB, option: "--web.listen-address", address, default: Config::WEB }
    }

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[test]
    fn a_socket_unit_decides_and_an_option_that_says_something_else_is_an_error() {
        let (socket, address) = listener();
        assert!(wanted(Some("[::]:9922")).check(&socket).is_ok(), "the default");
        assert!(wanted(Some(&address)).check(&socket).is_ok(), "the same");
        for other in [None, Some("127.0.0.1:1"), Some("0.0.0.0:9922")] {
            let error = wanted(other).check(&socket).unwrap_err().to_string();
            assert!(
                error.contains(&address) && error.contains("--web.listen-address is"),
                "{other:?}: {error}"
            );
        }
    }

    #[test]
    fn a_kept_socket_is_used_only_where_the_options_say() {
        let (kept, address) = listener();
        let open = |at: Option<&str>, kept: TcpListener| {
            let handed = Handover { unit: None, kept: Some(kept) };
            wanted(at).open(handed, |at| Ok(web::bind(at)?)).unwrap().and_then(|socket| socket.bound())
        };
        let same = open(Some(&address), kept.try_clone().unwrap());
        assert_eq!(same.map(|bound| bound.to_string()), Some(address.clone()));
        assert_ne!(
            open(Some("127.0.0.1:0"), kept.try_clone().unwrap()).map(|bound| bound.to_string()),
            Some(address)
        );
        assert_eq!(open(None, kept), None);
    }

    #[test]
    fn everywhere_is_the_same_with_and_without_ipv6() {
        let socket = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(wanted(Some(&format!("[::]:{port}"))).fits(&socket));
        assert!(!wanted(Some(&format!("127.0.0.1:{port}"))).fits(&socket));
    }
}
