//! A small HTTP client: requests are written out byte for byte.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Time limit for anything, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut response = Self { status, head, body: bytes[end + 4..].to_vec() };
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = dechunk(&response.body)?;
        }
        Some(response)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut values = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }
}

/// `None` for a truncated body.
fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = rest.get(end + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// Sends these bytes and reads until the server closes. `None` without a complete response.
pub async fn exchange(server: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let talk = async {
        let mut stream = TcpStream::connect(server).await.expect("the server listens");
        let mut answer = Vec::new();
        // A server that has read enough may close before it has read all.
        let _ = stream.write_all(bytes).await;
        let _ = stream.read_to_end(&mut answer).await;
        Response::parse(&answer)
    };
    tokio::time::timeout(DEADLINE, talk).await.expect("the server closes the connection")
}

pub fn request(method: &str, path: &str, fields: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n").into_bytes()
}

pub async fn get(server: SocketAddr, path: &str) -> Response {
    exchange(server, &request("GET", path, "")).await.expect("a whole response")
}

/// Tries until the path has this status.
pub async fn get_until(server: SocketAddr, path: &str, status: u16) -> Response {
    let tries = async {
        loop {
            let response = exchange(server, &request("GET", path, "")).await;
            if let Some(response) = response.filter(|response| response.status == status) {
                return response;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, tries)
        .await
        .unwrap_or_else(|_| panic!("{path} was never answered {status}"))
}
