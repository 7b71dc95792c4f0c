//! The other end of the control socket: asks a running daemon, and waits for its answer. Blocking.

#[deny(clippy::disallowed_methods)]
mod listing;

pub use listing::{ListEntry, Listing};

use crate::target::Address;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Asks the daemon at one address.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    server: SocketAddr,
    patience: RetryPolicy,
}

/// How often, and each time how long, an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    tries: u32,
    each: Duration,
}

impl RetryPolicy {
    /// For people: three tries of a second.
    pub const LONG: Self = Self { tries: 3, each: Duration::from_secs(1) };
    /// For hooks that must not hold up their caller: one try of half a second.
    pub const SHORT: Self = Self { tries: 1, each: Duration::from_millis(500) };

    const fn once(self) -> Self {
        Self { tries: 1, ..self }
    }
}

/// Why there is no answer that could be used; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error("no answer from {0}, is meshping running?")]
    NoAnswer(SocketAddr),
    /// Our own system would not send.
    #[error("can't reach {server}: {error}")]
    Unreachable {
        /// Who was to be asked.
        server: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The daemon refused, and this is what it says.
    #[error("{0}")]
    Refused(String),
    /// What came is no answer of a meshping.
    #[error("{0} does not answer like a meshping")]
    Nonsense(SocketAddr),
}

impl Client {
    /// A client of the daemon whose control socket is at `server`.
    pub const fn new(server: SocketAddr, patience: RetryPolicy) -> Self {
        Self { server, patience }
    }

    /// Where the daemon's control socket is.
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Asks, and returns the answer as it came. A request that resets is sent once: asked again, the daemon
    /// would answer with what has happened since.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] for every status but `ok`.
    pub fn ask(&self, request: &Value) -> Result<Vec<u8>, ClientError> {
        let resets = request["cmd"] == "reset" || request["reset"] == true;
        let patience = if resets { self.patience.once() } else { self.patience };
        let answer = self.exchange(request.to_string().as_bytes(), patience);
        let answer = answer.map_err(|error| ClientError::Unreachable { server: self.server, error })?;
        self.check(answer.ok_or(ClientError::NoAnswer(self.server))?)
    }

    /// Sends a request and goes: nothing tells whether the daemon did it.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], and [`ClientError::NoAnswer`] when our own system knows already that nobody
    /// listens there.
    pub fn send(&self, request: &Value) -> Result<(), ClientError> {
        let sent = self.connected().and_then(|socket| {
            socket.send(request.to_string().as_bytes())?;
            socket.take_error()
        });
        match sent {
            Ok(None) => Ok(()),
            Ok(Some(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                Err(ClientError::NoAnswer(self.server))
            }
            Ok(Some(error)) | Err(error) => Err(ClientError::Unreachable { server: self.server, error }),
        }
    }

    /// Asks for all targets: in one reply if they fit, else page by page.
    ///
    /// # Errors
    /// [`ClientError`]. When pages that were reset are already there, the error is in the listing instead.
    pub fn list(&self, reset: bool) -> Result<Listing, ClientError> {
        self.select(&json!({"cmd": "list", "reset": reset}))
    }

    /// Asks for what a list request selects: in one reply if it fits, else page by page.
    ///
    /// # Errors
    /// See [`Self::list`].
    pub fn select(&self, request: &Value) -> Result<Listing, ClientError> {
        match self.ask(request) {
            Ok(answer) => self.listing(&answer),
            Err(ClientError::Refused(_)) => self.pages(request),
            Err(error) => Err(error),
        }
    }

    fn pages(&self, request: &Value) -> Result<Listing, ClientError> {
        let mut all = self.page(request, None)?;
        let mut last = all.last_address();
        while let Some(after) = last {
            match self.page(request, Some(after)) {
                Ok(page) => {
                    last = page.last_address();
                    all.append(page);
                }
                Err(error) if request["reset"] == true => return Ok(all.cut_short_by(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    fn page(&self, request: &Value, after: Option<Address>) -> Result<Listing, ClientError> {
        let mut request = request.clone();
        request["limit"] = PAGE.into();
        if let Some(after) = after {
            request["after"] = after.to_string().into();
        }
        let page = self.listing(&self.ask(&request)?)?;
        // Somebody who ignores `after` would be asked for ever.
        if after.is_some() && page.first_address().is_some_and(|first| Some(first) <= after) {
            return Err(ClientError::Nonsense(self.server));
        }
        Ok(page)
    }

    fn listing(&self, answer: &[u8]) -> Result<Listing, ClientError> {
        Listing::parse(answer).ok_or(ClientError::Nonsense(self.server))
    }

    fn check(&self, answer: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let verdict: ReplyStatus =
            serde_json::from_slice(&answer).map_err(|_| ClientError::Nonsense(self.server))?;
        match (verdict.status.as_deref(), verdict.errmessage) {
            (None | Some("ok"), _) => Ok(answer),
            (Some(_), Some(message)) => Err(ClientError::Refused(message)),
            (Some(status), None) => Err(ClientError::Refused(status.to_owned())),
        }
    }

    fn exchange(&self, request: &[u8], patience: RetryPolicy) -> io::Result<Option<Vec<u8>>> {
        for left in (0..patience.tries).rev() {
            let deadline = Instant::now() + patience.each;
            match self.attempt(request, deadline) {
                Ok(Some(answer)) => return Ok(Some(answer)),
                // Nobody listens there; a daemon that is just starting gets its time all the same.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    if left > 0 {
                        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
                    }
                }
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// A socket that hears the daemon's address and nobody else.
    fn connected(&self) -> io::Result<UdpSocket> {
        let socket = match self.server {
            SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
        }?;
        socket.connect(self.server)?;
        Ok(socket)
    }

    /// One try, on a socket of its own: an answer to an earlier one is not taken for the answer to this.
    fn attempt(&self, request: &[u8], deadline: Instant) -> io::Result<Option<Vec<u8>>> {
        let socket = self.connected()?;
        socket.send(request)?;
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            socket.set_read_timeout(Some(left))?;
            match socket.recv(&mut buffer) {
                Ok(length) => {
                    buffer.truncate(length);
                    return Ok(Some(buffer));
                }
                Err(error) if is_only_time(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The members by which a reply that is no list says what it is.
#[derive(Deserialize)]
struct ReplyStatus {
    status: Option<String>,
    errmessage: Option<String>,
}

fn is_only_time(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

const LARGEST_DATAGRAM: usize = 65_535;

/// A page is as large as fits: no reply holds so many targets.
const PAGE: usize = 10_000;

#[cfg(test)]
mod tests;
