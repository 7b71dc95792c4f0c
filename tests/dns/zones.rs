//! A name server of the test with a behaviour for each zone, over UDP and TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub const A: u16 = 1;
pub const AAAA: u16 = 28;
const CNAME: u16 = 5;

/// The answer to one question.
#[derive(Debug, Clone)]
pub enum Reply {
    /// None.
    Nothing,
    /// This response code without records.
    Code(u8),
    /// The name exists without a record of the type: an SOA record in the authority section.
    NoData,
    /// Records: owner, type, and the target of an alias or the bytes of an address.
    Records(Vec<(String, Record)>),
}

#[derive(Debug, Clone)]
pub enum Record {
    V4([u8; 4]),
    V6([u8; 16]),
    Alias(String),
}

/// Answers on port 53 of a loopback address until the test ends.
pub struct ZoneServer {
    over_udp: Arc<AtomicUsize>,
    over_tcp: Arc<AtomicUsize>,
}

impl ZoneServer {
    /// `reply` has the answer for a name in lower case without its last dot, and a type of records.
    pub fn start(address: &str, reply: impl Fn(&str, u16) -> Reply + Send + Sync + 'static) -> Self {
        let reply = Arc::new(reply);
        let (over_udp, over_tcp) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let (count, own) = (Arc::clone(&over_udp), Arc::clone(&reply));
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                count.fetch_add(1, Ordering::Relaxed);
                if let Some(answer) = answer(&buffer[..length], &*own) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        let listener = TcpListener::bind((address, 53)).unwrap();
        let count = Arc::clone(&over_tcp);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (count, reply) = (Arc::clone(&count), Arc::clone(&reply));
                std::thread::spawn(move || {
                    let mut length = [0; 2];
                    while stream.read_exact(&mut length).is_ok() {
                        let mut question = vec![0; u16::from_be_bytes(length).into()];
                        stream.read_exact(&mut question)?;
                        count.fetch_add(1, Ordering::Relaxed);
                        if let Some(answer) = answer(&question, &*reply) {
                            stream.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes())?;
                            stream.write_all(&answer)?;
                        }
                    }
                    std::io::Result::Ok(())
                });
            }
        });
        Self { over_udp, over_tcp }
    }

    /// Number of questions over UDP and over TCP.
    pub fn asked(&self) -> (usize, usize) {
        (self.over_udp.load(Ordering::Relaxed), self.over_tcp.load(Ordering::Relaxed))
    }
}

/// A port on which nothing answers, though something is bound to it.
pub struct DeadServer(#[expect(dead_code, reason = "the socket is open as long as the test runs")] UdpSocket);

impl DeadServer {
    pub fn start(address: impl Into<std::net::IpAddr>) -> Self {
        Self(UdpSocket::bind(SocketAddr::new(address.into(), 53)).unwrap())
    }
}

fn answer(question: &[u8], reply: &(impl Fn(&str, u16) -> Reply + ?Sized)) -> Option<Vec<u8>> {
    let (name, end) = name_of(question)?;
    let kind = u16::from_be_bytes([question[end], question[end + 1]]);
    // Header and question, without what the question has in its additional section.
    let mut text = question[..end + 4].to_vec();
    text[2..4].copy_from_slice(&[0x81, 0x80]);
    text[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    match reply(&name, kind) {
        Reply::Nothing => return None,
        Reply::Code(code) => text[3] |= code,
        Reply::NoData => {
            text[9] = 1;
            let mut soa = [wire("ns.test"), wire("admin.test")].concat();
            soa.extend([1_u32, 2, 3, 4, 5].iter().flat_map(|number| number.to_be_bytes()));
            put(&mut text, "test", 6, &soa);
        }
        Reply::Records(records) => {
            text[7] = u8::try_from(records.len()).unwrap();
            for (owner, record) in records {
                match record {
                    Record::V4(bytes) => put(&mut text, &owner, A, &bytes),
                    Record::V6(bytes) => put(&mut text, &owner, AAAA, &bytes),
                    Record::Alias(target) => put(&mut text, &owner, CNAME, &wire(&target)),
                }
            }
        }
    }
    Some(text)
}

/// The name in a question, and where it ends.
fn name_of(question: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            return (question.len() >= at + 4).then(|| (labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_lowercase());
        at += length;
    }
}

fn wire(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat();
    let mut wire: Vec<u8> = name.split('.').flat_map(label).collect();
    wire.push(0);
    wire
}

/// A record with a TTL of 300 s.
fn put(text: &mut Vec<u8>, owner: &str, kind: u16, data: &[u8]) {
    text.extend(wire(owner));
    text.extend(kind.to_be_bytes());
    text.extend([0, 1, 0, 0, 1, 44]);
    text.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    text.extend(data);
}
