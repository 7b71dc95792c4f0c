//! The least cost of an answer on this machine: text that is generated and sent. `scripts/bench` runs it.
//!
//! Usage: reference serve PORT. On UDP a datagram that is a number N is answered with N bytes of text, any other with
//! `{"status": "ok"}`; on TCP `GET /N` is answered with N bytes of text. Each line holds a number that is formatted for
//! it, as in lists and scrapes.
//!
//! Usage: reference read FILE. Reads addresses, one a line, into a table and ends.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", port] => serve(port.parse().unwrap_or_default()),
        ["read", file] => read(file),
        _ => {
            eprintln!("usage: reference serve PORT | reference read FILE");
            std::process::exit(2);
        }
    }
}

fn serve(port: u16) -> Result<()> {
    let datagrams = UdpSocket::bind(("127.0.0.1", port))?;
    let connections = TcpListener::bind(("127.0.0.1", port))?;
    std::thread::spawn(move || answer_datagrams(&datagrams));
    for connection in connections.incoming() {
        // A client that has gone away ends its own answer only.
        let _ = answer_request(&connection?);
    }
    Ok(())
}

fn answer_datagrams(socket: &UdpSocket) -> Result<()> {
    let (mut request, mut reply, mut text) = (vec![0; 65536], Vec::new(), Text::default());
    loop {
        let (length, peer) = socket.recv_from(&mut request)?;
        reply.clear();
        match std::str::from_utf8(&request[..length]).ok().and_then(|number| number.parse().ok()) {
            Some(size) => text.fill(&mut reply, size),
            None => reply.extend_from_slice(br#"{"status": "ok"}"#),
        }
        socket.send_to(&reply, peer)?;
    }
}

fn answer_request(mut stream: &TcpStream) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let asked = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let mut left: usize = path.trim_start_matches('/').parse().unwrap_or_default();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {left}\r\nConnection: close\r\n\r\n")?;
    let (mut chunk, mut text) = (Vec::new(), Text::default());
    while left > 0 {
        chunk.clear();
        text.fill(&mut chunk, left.min(CHUNK));
        stream.write_all(&chunk)?;
        left -= chunk.len();
    }
    Ok(())
}

/// Bytes that are written at once.
const CHUNK: usize = 65536;

/// Lines without end, each with a number of its own.
#[derive(Default)]
struct Text {
    line: u32,
}

impl Text {
    fn fill(&mut self, buffer: &mut Vec<u8>, size: usize) {
        while buffer.len() < size {
            self.line = self.line.wrapping_add(1);
            // Writing to a vector cannot fail.
            let _ =
                writeln!(buffer, "reference_numbers_total{{ip=\"127.1.0.1\",family=\"ipv4\"}} {}", self.line);
        }
        buffer.truncate(size);
    }
}

fn read(file: &str) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    let addresses: HashSet<IpAddr> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
    println!("{}", addresses.len());
    Ok(())
}
