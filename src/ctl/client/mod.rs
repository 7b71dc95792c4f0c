//! The client side of the control socket: sends requests to a running daemon and waits for the replies. Blocking.

#[deny(clippy::disallowed_methods)]
mod listing;

pub use listing::Listing;

use crate::protocol::{Command, EntryPageRequest, ListRequest, PageRequest, StatusReply};
use crate::target::TargetKey;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Sends requests to the daemon at one address.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    server: SocketAddr,
    policy: RetryPolicy,
}

/// Number of attempts for a request, and the time limit of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    timeout: Duration,
}

impl RetryPolicy {
    /// For people: three attempts of a second.
    pub const LONG: Self = Self { attempts: 3, timeout: Duration::from_secs(1) };
    /// For hooks that must not delay their caller: one attempt of half a second.
    pub const SHORT: Self = Self { attempts: 1, timeout: Duration::from_millis(500) };

    const fn once(self) -> Self {
        Self { attempts: 1, ..self }
    }
}

/// Why there is no usable reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No reply came.
    #[error("no answer from {0}, is meshping running?")]
    NoAnswer(SocketAddr),
    /// The local system did not send the request.
    #[error("can't reach {server}: {error}")]
    Unreachable {
        /// Address of the daemon.
        server: SocketAddr,
        /// Error of the system.
        error: io::Error,
    },
    /// The daemon refused the request with this message.
    #[error("{0}")]
    Refused(String),
    /// The reply is not one of a meshping.
    #[error("{0} does not answer like a meshping")]
    Nonsense(SocketAddr),
}

impl Client {
    /// A client of the daemon whose control socket has the address `server`.
    pub const fn new(server: SocketAddr, policy: RetryPolicy) -> Self {
        Self { server, policy }
    }

    /// The address of the daemon's control socket.
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Sends a request and returns its reply. A request that resets is sent once, because its first reply may have got
    /// lost, and a second one holds only the statistics since then.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] for every status but `ok`.
    pub fn ask<C: Command>(&self, request: &C) -> Result<C::Reply, ClientError> {
        self.ask_as(request)
    }

    /// Like [`Self::ask`], with another type for the reply.
    ///
    /// # Errors
    /// See [`Self::ask`].
    pub fn ask_as<R: DeserializeOwned>(&self, request: &impl Command) -> Result<R, ClientError> {
        let reply = self.reply(request)?;
        serde_json::from_slice(&reply).map_err(|_| ClientError::Nonsense(self.server))
    }

    /// Sends a request and does not wait for the reply.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], and [`ClientError::NoAnswer`] if the local system knows that no socket has the
    /// address.
    pub fn send(&self, request: &impl Command) -> Result<(), ClientError> {
        let sent = self.connected().and_then(|socket| {
            socket.send(request.to_json().as_bytes())?;
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

    /// Returns the targets that a request selects: in one reply if they fit, otherwise page by page.
    ///
    /// # Errors
    /// [`ClientError`]. When pages that were reset have already arrived, the error is in the listing instead.
    pub fn list(&self, request: &ListRequest) -> Result<Listing, ClientError> {
        match self.reply(request) {
            Ok(reply) => self.listing(&reply),
            Err(ClientError::Refused(_)) => self.pages(request),
            Err(error) => Err(error),
        }
    }

    fn pages(&self, request: &ListRequest) -> Result<Listing, ClientError> {
        let mut all = self.page(request, None)?;
        let mut last = all.last_key();
        while let Some(after) = last {
            match self.page(request, Some(&after)) {
                Ok(page) => {
                    last = page.last_key();
                    all.append(page);
                }
                Err(error) if request.reset => return Ok(all.cut_short_by(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    fn page(&self, request: &ListRequest, after: Option<&TargetKey>) -> Result<Listing, ClientError> {
        let page = PageRequest { after: after.cloned(), limit: Some(PAGE_SIZE) };
        let page = self.listing(&self.reply(&ListRequest { page: Some(page), ..request.clone() })?)?;
        // A server that ignores `after` would be asked without end.
        if after.is_some() && page.first_key().is_some_and(|first| Some(&first) <= after) {
            return Err(ClientError::Nonsense(self.server));
        }
        Ok(page)
    }

    /// Returns the rows of all pages of names or entries: `request` makes the request for a page, `parts` returns the rows of
    /// a reply and where the next page begins.
    ///
    /// # Errors
    /// See [`Self::ask`].
    pub fn entry_pages<C: Command, P: DeserializeOwned, R>(
        &self,
        request: impl Fn(EntryPageRequest) -> C,
        parts: impl Fn(P) -> (Vec<R>, Option<String>),
    ) -> Result<Vec<R>, ClientError> {
        let (mut page, mut all) = (EntryPageRequest::default(), Vec::new());
        loop {
            let (rows, next) = parts(self.ask_as(&request(page.clone()))?);
            all.extend(rows);
            let Some(next) = next else { return Ok(all) };
            let next = next.parse().map_err(|_| ClientError::Nonsense(self.server))?;
            // A daemon that ignores `after` would be asked without end.
            if page.after.replace(next) == page.after {
                return Err(ClientError::Nonsense(self.server));
            }
        }
    }

    fn listing(&self, reply: &[u8]) -> Result<Listing, ClientError> {
        Listing::parse(reply).ok_or(ClientError::Nonsense(self.server))
    }

    /// Returns the reply unchanged, if it is no error.
    fn reply(&self, request: &impl Command) -> Result<Vec<u8>, ClientError> {
        let policy = if request.resets() { self.policy.once() } else { self.policy };
        let reply = self.exchange(request.to_json().as_bytes(), policy);
        let reply = reply.map_err(|error| ClientError::Unreachable { server: self.server, error })?;
        let reply = reply.ok_or(ClientError::NoAnswer(self.server))?;
        // Lists, histograms and histories have no status.
        match serde_json::from_slice::<StatusReply<'_>>(&reply) {
            Ok(reply) if reply.is_failure() => {
                Err(ClientError::Refused(reply.errmessage.unwrap_or(reply.status).into_owned()))
            }
            _ => Ok(reply),
        }
    }

    fn exchange(&self, request: &[u8], policy: RetryPolicy) -> io::Result<Option<Vec<u8>>> {
        for left in (0..policy.attempts).rev() {
            let deadline = Instant::now() + policy.timeout;
            match self.attempt(request, deadline) {
                Ok(Some(reply)) => return Ok(Some(reply)),
                // No socket has the address; the pause gives a daemon that is just starting the same time.
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

    /// Returns a socket that receives only from the daemon's address.
    fn connected(&self) -> io::Result<UdpSocket> {
        let socket = match self.server {
            SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
        }?;
        socket.connect(self.server)?;
        Ok(socket)
    }

    /// One attempt, on a socket of its own, so that the reply to an earlier attempt is not taken for the reply to this.
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
                Err(error) if is_timeout(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

const LARGEST_DATAGRAM: usize = 65_535;

/// Maximum number of targets in a page; no reply holds as many, so that a page is as large as fits.
const PAGE_SIZE: usize = 10_000;

#[cfg(test)]
mod tests;
