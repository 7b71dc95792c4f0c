//! A connection on which requests are written byte for byte, and responses read by their framing (RFC 9112, section 6).

use crate::client::connect;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// A connection.
pub struct Raw {
    stream: TcpStream,
    /// What has arrived beyond the last response.
    rest: Vec<u8>,
}

/// A response with a whole body.
#[derive(Debug)]
pub struct RawResponse {
    pub version: String,
    pub status: u16,
    fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl RawResponse {
    /// The value of a field that occurs at most once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(field, _)| field == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "{name} in {self:?}");
        value
    }
}

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The server closes it.
    Closed,
    /// The server resets it.
    Reset,
}

impl Raw {
    pub fn connect(server: SocketAddr) -> Self {
        Self { stream: connect(server).expect("the server listens"), rest: Vec::new() }
    }

    /// Sends bytes; the server may close before it has read all of them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Closes this side.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
    }

    /// The response to a request with this method; an error names what is missing.
    pub fn response(&mut self, method: &str) -> Result<RawResponse, String> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).map_err(|error| error.to_string())?;
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let (version, rest) = line.split_once(' ').ok_or_else(|| format!("no status line: {head:?}"))?;
        let status = rest.get(..3).and_then(|code| code.parse().ok());
        let status: u16 = status.ok_or_else(|| format!("no status: {head:?}"))?;
        let fields = lines.take_while(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut response =
            RawResponse { version: version.to_owned(), status, fields: fields.collect(), body: Vec::new() };
        let length =
            response.field("content-length").map(|length| length.parse::<usize>().expect("a number"));
        let has_body = method != "HEAD" && status >= 200 && ![204, 304].contains(&status);
        response.body = match (response.field("transfer-encoding"), length) {
            (Some(_), Some(_)) => return Err(format!("two framings: {response:?}")),
            (Some(_), None) if version == "HTTP/1.0" => return Err(format!("chunks for 1.0: {response:?}")),
            _ if !has_body => Vec::new(),
            (Some("chunked"), None) => self.chunks()?,
            (Some(coding), None) => return Err(format!("coding {coding:?}")),
            (None, Some(length)) => self.bytes(length)?,
            (None, None) => self.all()?,
        };
        Ok(response)
    }

    /// How it ends; an error if more arrives before.
    pub fn end(&mut self) -> Result<End, String> {
        let end = loop {
            match self.fill() {
                Ok(0) => break End::Closed,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
                Err(error) => return Err(format!("it does not end: {error}")),
            }
        };
        if self.rest.is_empty() { Ok(end) } else { Err(format!("more: {:?}", self.text())) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.rest).chars().take(300).collect()
    }

    fn chunks(&mut self) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n")?;
            let size =
                std::str::from_utf8(&line).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
            let size =
                size.ok_or_else(|| format!("no size of a chunk: {:?}", String::from_utf8_lossy(&line)))?;
            body.extend(self.bytes(size)?);
            if self.bytes(2)? != b"\r\n" {
                return Err("a chunk without an end".to_owned());
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn all(&mut self) -> Result<Vec<u8>, String> {
        while self.fill().map_err(|error| error.to_string())? > 0 {}
        Ok(std::mem::take(&mut self.rest))
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, String> {
        while self.rest.len() < length {
            self.more()?;
        }
        let rest = self.rest.split_off(length);
        Ok(std::mem::replace(&mut self.rest, rest))
    }

    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, String> {
        loop {
            if let Some(at) = self.rest.windows(end.len()).position(|window| window == end) {
                return self.bytes(at + end.len());
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<(), String> {
        match self.fill() {
            Ok(1..) => Ok(()),
            Ok(0) => Err(format!("closed after {:?}", self.text())),
            Err(error) => Err(format!("{error} after {:?}", self.text())),
        }
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        let mut piece = vec![0; 65_536];
        let read = self.stream.read(&mut piece)?;
        self.rest.extend_from_slice(&piece[..read]);
        Ok(read)
    }
}
