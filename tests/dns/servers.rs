//! Name servers: dnsmasq, and one with scripted behaviour.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DNSMASQ: &str = "/usr/sbin/dnsmasq";

/// A dnsmasq on 127.0.0.1:53 for `.test` and the names in its hosts file, with a TTL of one second.
pub struct Dnsmasq {
    child: Child,
    hosts: PathBuf,
    _directory: TempDir,
}

impl Dnsmasq {
    /// Starts it and waits until it answers.
    pub fn start(hosts: &str, options: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("hosts");
        std::fs::write(&file, hosts).unwrap();
        let child = Command::new(DNSMASQ)
            .args(["--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--group=root"])
            .args(["--no-resolv", "--no-hosts", "--local=/test/", "--local-ttl=1"])
            .args(["--port=53", "--listen-address=127.0.0.1", "--bind-interfaces"])
            .arg(format!("--addn-hosts={}", file.display()))
            .args(options)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{DNSMASQ}: {error}; apt-get install dnsmasq-base"));
        wait_until_it_listens();
        Self { child, hosts: file, _directory: directory }
    }

    /// Changes its hosts file and makes it read the file.
    pub fn change(&self, hosts: &str) {
        std::fs::write(&self.hosts, hosts).unwrap();
        super::namespace::run("kill", &["-HUP", &self.child.id().to_string()]);
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until_it_listens() {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", 53)).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(10), "dnsmasq does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How [`Rogue`] answers.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// No answer.
    Nothing,
    /// This error code.
    Code(u8),
    /// This address to a question for A, no answer to any other.
    OnlyA([u8; 4]),
    /// A referral: no answer, but a name server in the authority section.
    Referral,
}

/// A name server on port 53 of a loopback address with scripted behaviour.
pub struct Rogue {
    asked: Arc<AtomicUsize>,
}

impl Rogue {
    /// Serves until the test ends.
    pub fn start(address: &str, behaviour: Behaviour) -> Self {
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                count.fetch_add(1, Ordering::Relaxed);
                answer(&socket, &buffer[..length], from, behaviour);
            }
        });
        Self { asked }
    }

    /// Number of questions received.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Answers a question that has no additional records (RFC 1035 §4.1).
fn answer(socket: &UdpSocket, question: &[u8], from: SocketAddr, behaviour: Behaviour) {
    let mut reply = question.to_vec();
    let kind = question[question.len() - 3];
    reply[2] = 0x81; // an answer, recursion desired
    reply[3] = 0x80; // recursion available
    match behaviour {
        Behaviour::Nothing => return,
        Behaviour::Code(code) => reply[3] |= code,
        Behaviour::OnlyA(_) if kind != 1 => return,
        Behaviour::OnlyA(address) => {
            reply[7] = 1;
            // The question's name, A, IN, 300 s, 4 bytes.
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
            reply.extend(address);
        }
        Behaviour::Referral => {
            reply[9] = 1;
            // The root, NS, IN, 300 s, 1 byte: the root.
            reply.extend([0, 0, 2, 0, 1, 0, 0, 1, 44, 0, 1, 0]);
        }
    }
    let _ = socket.send_to(&reply, from);
}
