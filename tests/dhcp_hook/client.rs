//! A DHCP client (RFC 2131) as small as it gets. Servers answer with frames of their own making, which this sees on
//! the cable: it needs no address, and can be many hosts at once.

use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const RELEASE: u8 = 7;

/// Where the options begin: after the fixed part and the magic cookie.
const OPTIONS: usize = 240;

/// Where all clients are.
pub struct Wire {
    socket: UdpSocket,
    packets: Socket,
}

/// One message of the server.
struct Answer {
    number: u8,
    kind: u8,
    address: Ipv4Addr,
}

impl Wire {
    pub fn new() -> Self {
        let socket = UdpSocket::bind("0.0.0.0:68").expect("the port of DHCP clients");
        socket.set_broadcast(true).expect("may broadcast");
        let ip = Protocol::from(i32::from(0x0800_u16.to_be()));
        let packets = Socket::new(Domain::PACKET, Type::DGRAM, Some(ip)).expect("root may see packets");
        packets.set_recv_buffer_size(1 << 20).expect("a large buffer");
        Self { socket, packets }
    }

    /// The next message to any of the clients, if it comes in time.
    fn receive(&self, deadline: Instant) -> Option<Answer> {
        let mut buffer = [0; 2_048];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.packets.set_read_timeout(Some(left.max(Duration::from_millis(1)))).expect("a timeout");
            match (&self.packets).read(&mut buffer) {
                Ok(length) => {
                    if let Some(answer) = parse(&buffer[..length]) {
                        return Some(answer);
                    }
                }
                Err(_) if left.is_zero() => return None,
                Err(_) => {}
            }
        }
    }
}

/// An IPv4 packet with a message for a client of ours.
fn parse(packet: &[u8]) -> Option<Answer> {
    let udp = packet.get(usize::from(packet.first()? & 15) * 4..).filter(|_| packet[9] == 17)?;
    let message = udp.get(8..).filter(|_| udp[2..4] == [0, 68])?;
    let (mut options, number) = (message.get(OPTIONS..)?, *message.get(33)?);
    while let [code, length, rest @ ..] = options {
        if *code == 53 {
            let address = <[u8; 4]>::try_from(&message[16..20]).ok()?.into();
            return Some(Answer { number, kind: *rest.first()?, address });
        }
        options = rest.get(usize::from(*length)..)?;
    }
    None
}

/// One host that wants an address.
#[derive(Clone)]
pub struct Client<'a> {
    number: u8,
    name: Option<&'a [u8]>,
    wish: Option<Ipv4Addr>,
    wire: &'a Wire,
}

impl<'a> Client<'a> {
    /// The host with that number in its hardware address.
    pub fn new(wire: &'a Wire, number: u8, name: Option<&'a [u8]>) -> Self {
        Self { number, name, wish: None, wire }
    }

    /// The same, but it would like to have this address.
    pub fn wanting(&self, address: &str) -> Self {
        Self { wish: Some(address.parse().expect("an IPv4 address")), ..self.clone() }
    }

    /// Gets an address, and tells how long that took.
    pub fn lease(&self) -> (String, Duration) {
        let start = Instant::now();
        let address = leases(std::slice::from_ref(self))[0];
        (address.to_string(), start.elapsed())
    }

    /// Confirms an address that it has, as after a restart.
    pub fn confirm(&self, address: &str) -> Duration {
        let (start, address) = (Instant::now(), address.parse().expect("an IPv4 address"));
        self.exchange(|| self.send(REQUEST, Some(address), None, false), ACK);
        start.elapsed()
    }

    /// Gives the address back.
    pub fn release(&self, address: &str) {
        self.send(RELEASE, None, Some(address.parse().expect("an IPv4 address")), true);
    }

    /// Asks until there is an answer of that kind.
    fn exchange(&self, ask: impl Fn(), kind: u8) {
        let answered = (0..20).any(|_| {
            ask();
            let deadline = Instant::now() + Duration::from_secs(1);
            std::iter::from_fn(|| self.wire.receive(deadline))
                .any(|answer| (answer.number, answer.kind) == (self.number, kind))
        });
        assert!(answered, "client {} has no answer", self.number);
    }

    fn send(&self, kind: u8, wanted: Option<Ipv4Addr>, held: Option<Ipv4Addr>, to_one: bool) {
        let mut packet = vec![0; 236];
        packet[..3].copy_from_slice(&[1, 1, 6]); // a request, Ethernet, six bytes of hardware address
        packet[4..8].copy_from_slice(&[1, 2, 3, self.number]);
        packet[10] = 0x80; // answer by broadcast
        packet[12..16].copy_from_slice(&held.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
        packet[28..34].copy_from_slice(&[2, 0, 0, 0, 0, self.number]);
        packet.extend([99, 130, 83, 99, 53, 1, kind]);
        if to_one {
            packet.extend([54, 4, 192, 0, 2, 1]);
        }
        if let Some(address) = wanted {
            packet.extend([50, 4]);
            packet.extend(address.octets());
        }
        if let Some(name) = self.name {
            packet.extend([12, u8::try_from(name.len()).expect("a short name")]);
            packet.extend(name);
        }
        packet.push(255);
        packet.resize(packet.len().max(300), 0);
        self.wire.socket.send_to(&packet, "255.255.255.255:67").expect("sent");
    }
}

/// Has all of them get an address at once.
pub fn leases(clients: &[Client]) -> Vec<Ipv4Addr> {
    let (mut offered, mut held) = (vec![false; clients.len()], vec![None; clients.len()]);
    for _ in 0..20 {
        for (client, _) in clients.iter().zip(&held).filter(|(_, held)| held.is_none()) {
            client.send(DISCOVER, client.wish, None, false);
        }
        let mut deadline = Instant::now() + Duration::from_secs(1);
        while held.contains(&None) {
            let Some(answer) = clients[0].wire.receive(deadline) else { break };
            let Some(index) = clients.iter().position(|client| client.number == answer.number) else {
                continue;
            };
            if answer.kind == OFFER && !offered[index] {
                offered[index] = true;
                clients[index].send(REQUEST, Some(answer.address), None, true);
            } else if answer.kind == ACK {
                held[index] = Some(answer.address);
            }
            deadline = Instant::now() + Duration::from_secs(1);
        }
        offered.fill(false);
    }
    held.into_iter().map(|address| address.expect("every client gets an address")).collect()
}
