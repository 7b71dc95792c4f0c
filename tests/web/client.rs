//! An HTTP client: requests are written out byte for byte, TLS is by rustls.

use base64::Engine;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Response {
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// Whether the body has the length of its Content-Length.
    fn is_whole(&self) -> bool {
        self.header("content-length").is_some_and(|length| length.parse() == Ok(self.body.len()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A request with these further lines; the server closes the connection after it.
pub fn request(method: &str, path: &str, fields: &[&str]) -> String {
    let host = if fields.iter().any(|field| field.starts_with("Host:")) { "" } else { "Host: localhost\r\n" };
    let fields = fields.iter().copied().chain(["\r\n"]).collect::<Vec<_>>().join("\r\n");
    format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{fields}")
}

/// The Authorization line of a user.
pub fn basic(user: &str, password: &str) -> String {
    let encoded = base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {encoded}")
}

pub fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Sends a request and reads the response.
pub fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> io::Result<Response> {
    // A server that has read enough may close before it has read all; with TLS a refusal comes with reading.
    let sent = stream.write_all(bytes).and_then(|()| stream.flush());
    let (mut answer, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let read = stream.read(&mut piece);
        answer.extend_from_slice(&piece[..*read.as_ref().unwrap_or(&0)]);
        let response = Response::parse(&answer);
        if !matches!(read, Ok(1..)) || response.as_ref().is_ok_and(Response::is_whole) {
            return response.map_err(|error| sent.and(read).err().unwrap_or(error));
        }
    }
}

/// Sends a request without TLS.
pub fn plain(server: SocketAddr, request: &str) -> Response {
    let stream = connect(server).expect("the server listens");
    exchange(stream, request.as_bytes()).expect("a whole response")
}

pub fn get(server: SocketAddr, path: &str) -> Response {
    plain(server, &request("GET", path, &[]))
}

/// A client with TLS.
pub struct Tls {
    pub config: ClientConfig,
}

impl Tls {
    /// A client that trusts this authority and has this certificate and key.
    pub fn new(authority: &str, identity: Option<&(String, String)>) -> Self {
        Self::of(&[&TLS13, &TLS12], authority, identity)
    }

    /// A client with only these versions.
    pub fn of(
        versions: &[&'static SupportedProtocolVersion],
        authority: &str,
        identity: Option<&(String, String)>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            roots.add(certificate.expect("a certificate")).expect("an authority");
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder =
            builder.with_protocol_versions(versions).expect("versions").with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
                let chain = chain.collect::<Result<_, _>>().expect("a certificate");
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
                builder.with_client_auth_cert(chain, key).expect("they fit")
            }
        };
        Self { config }
    }

    /// Does the handshake; with TLS 1.3 the server may reject it later.
    pub fn connect(&self, server: SocketAddr) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = "localhost".try_into().expect("a name");
        let session = ClientConnection::new(Arc::new(self.config.clone()), name).expect("it is configured");
        let mut stream = StreamOwned::new(session, connect(server)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// Sends a request; an error if there is no connection.
    pub fn ask(&self, server: SocketAddr, request: &str) -> io::Result<Response> {
        exchange(self.connect(server)?, request.as_bytes())
    }

    pub fn get(&self, server: SocketAddr, path: &str) -> io::Result<Response> {
        self.ask(server, &request("GET", path, &[]))
    }
}
