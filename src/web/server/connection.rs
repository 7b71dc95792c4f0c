//! One connection, encrypted or not, and how it comes about.

use crate::web::security::peer::Peer;
use crate::web::security::web_config::{Policy, Tls};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// A connection that requests can be read from.
pub(crate) struct Connection {
    stream: Stream,
    /// Who is at its other end.
    pub peer: Peer,
    /// What was demanded when it came.
    pub rules: Arc<Policy>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// A connection as it was accepted.
    pub(crate) fn plain((stream, address): (TcpStream, SocketAddr), rules: Arc<Policy>) -> Self {
        let peer = Peer { address, encrypted: false, certified: false };
        Self { stream: Stream::Plain(stream), peer, rules }
    }

    /// A connection after the handshake.
    async fn encrypted(
        (mut stream, address): (TcpStream, SocketAddr),
        (tls, rules): (Tls, Arc<Policy>),
    ) -> io::Result<Self> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            return Err(speaks_plainly(&mut stream).await);
        }
        let stream = tls.acceptor.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().is_some_and(|shown| !shown.is_empty());
        let certified = shown && tls.clients.verifies();
        let peer = Peer { address, encrypted: true, certified };
        Ok(Self { stream: Stream::Tls(Box::new(stream)), peer, rules })
    }
}

/// Tells a client without TLS what is the matter.
async fn speaks_plainly(stream: &mut TcpStream) -> io::Error {
    // What is not read would have the kernel cut off the answer.
    let _ = stream.read(&mut [0; 4096]).await;
    let text = "This is HTTPS, and the request was HTTP: the address begins with https://\n";
    let head =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ";
    let _ = stream.write_all(format!("{head}{}\r\n\r\n{text}", text.len()).as_bytes()).await;
    let _ = stream.shutdown().await;
    io::Error::other("a request without TLS")
}

/// The handshakes under way, the eldest first. One that is slow keeps nobody out: when there are too many, the
/// eldest is given up.
#[derive(Debug, Default)]
pub(crate) struct Handshakes(VecDeque<AbortHandle>);

impl Handshakes {
    /// Begins a handshake that may take so long, beside so many others.
    pub(crate) fn begin(
        &mut self,
        accepted: (TcpStream, SocketAddr),
        demanded: (Tls, Arc<Policy>),
        patience: Duration,
        most: usize,
    ) -> JoinHandle<io::Result<Connection>> {
        self.0.retain(|handshake| !handshake.is_finished());
        if self.0.len() >= most {
            self.0.pop_front().inspect(AbortHandle::abort);
        }
        let handshake = actix_rt::spawn(async move {
            let handshake = timeout(patience, Connection::encrypted(accepted, demanded));
            handshake.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        });
        self.0.push_back(handshake.abort_handle());
        handshake
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(task, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(task, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(task, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(task, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(task),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(task),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }
}
