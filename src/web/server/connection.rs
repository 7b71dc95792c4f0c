//! One connection, plain or with TLS: its handshake, its bytes, and its end.

use crate::web::client::WebClient;
use crate::web::security::peer::Peer;
use crate::web::security::web_config::{Policy, Tls};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// A connection from which requests can be read.
pub(crate) struct Connection {
    stream: Stream,
    /// Its client.
    pub client: Rc<WebClient>,
    /// Whether its own side is closed.
    is_closed: bool,
    /// Number of bytes that were discarded since.
    discarded: usize,
}

/// Maximum number of bytes that are discarded of a client that goes on sending.
const MAX_DISCARDED: usize = 1 << 20;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// A connection without TLS.
    pub(crate) fn plain((stream, address): (TcpStream, SocketAddr), policy: Arc<Policy>) -> Self {
        let peer = Peer { address, encrypted: false, certified: false };
        Self::new(Stream::Plain(stream), WebClient::new(peer, policy))
    }

    fn new(stream: Stream, client: WebClient) -> Self {
        Self { stream, client: Rc::new(client), is_closed: false, discarded: 0 }
    }

    /// Does the TLS handshake.
    async fn encrypted(
        (mut stream, address): (TcpStream, SocketAddr),
        (tls, policy): (Tls, Arc<Policy>),
    ) -> io::Result<Self> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            return Err(reject_plain_http(&mut stream).await);
        }
        let stream = tls.acceptor.accept(stream).await?;
        let certificates = stream.get_ref().1.peer_certificates();
        let certified = certificates.is_some_and(|chain| !chain.is_empty()) && tls.clients.verifies();
        let peer = Peer { address, encrypted: true, certified };
        Ok(Self::new(Stream::Tls(Box::new(stream)), WebClient::new(peer, policy)))
    }
}

/// Answers a client that speaks HTTP without TLS.
async fn reject_plain_http(stream: &mut TcpStream) -> io::Error {
    // With unread data the kernel would reset the connection before the answer arrives.
    let _ = stream.read(&mut [0; 4096]).await;
    let text = "This port speaks HTTPS; the address must begin with https://\n";
    let head =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ";
    let _ = stream.write_all(format!("{head}{}\r\n\r\n{text}", text.len()).as_bytes()).await;
    let _ = stream.shutdown().await;
    io::Error::other("a request without TLS")
}

/// The handshakes in progress, oldest first. Slow ones cannot block others: when there are too many, the oldest is
/// aborted.
#[derive(Debug, Default)]
pub(crate) struct Handshakes(VecDeque<AbortHandle>);

impl Handshakes {
    /// Begins a handshake with a time limit; aborts the oldest if `max` are in progress.
    pub(crate) fn begin(
        &mut self,
        accepted: (TcpStream, SocketAddr),
        protection: (Tls, Arc<Policy>),
        time_limit: Duration,
        max: usize,
    ) -> JoinHandle<io::Result<Connection>> {
        self.0.retain(|handshake| !handshake.is_finished());
        if self.0.len() >= max {
            self.0.pop_front().inspect(AbortHandle::abort);
        }
        let handshake = actix_rt::spawn(async move {
            let handshake = timeout(time_limit, Connection::encrypted(accepted, protection));
            handshake.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        });
        self.0.push_back(handshake.abort_handle());
        handshake
    }
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(task, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(task, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(task, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(task, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(task),
            Self::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(task),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(task, buffer))?;
        if buffer.filled().len() > before {
            self.client.patience.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(task, bytes);
        match &written {
            Poll::Ready(Ok(length)) => self.client.delivery.took(*length),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.client.delivery.full(),
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        // With TLS, encrypted bytes may be left after a write that took all.
        let flushed = Pin::new(&mut self.stream).poll_flush(task);
        match &flushed {
            Poll::Ready(_) => self.client.delivery.took(0),
            Poll::Pending => self.client.delivery.full(),
        }
        flushed
    }

    /// Closes its own side, and discards what the client sends until it closes too: the kernel resets a connection that is
    /// closed with unread data, and then the client may lose the last response (RFC 9112, section 9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_closed {
            ready!(Pin::new(&mut self.stream).poll_shutdown(task))?;
            self.is_closed = true;
            self.client.patience.begin_close();
        }
        let mut scrap = [0; 4096];
        while self.discarded < MAX_DISCARDED {
            let mut scrap = ReadBuf::new(&mut scrap);
            ready!(Pin::new(&mut self.stream).poll_read(task, &mut scrap))?;
            match scrap.filled().len() {
                0 => break,
                length => self.discarded += length,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.client.delivery.is_reset() {
            // Closing then resets the connection and discards what is not sent yet.
            let _ = socket2::SockRef::from(self.stream.tcp()).set_linger(Some(Duration::ZERO));
        }
    }
}
