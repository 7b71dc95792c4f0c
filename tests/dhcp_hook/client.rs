//! A DHCP client (RFC 2131) as small as it gets: it sends, and reads the answers in the server's log.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const DISCOVER: u8 = 1;
const REQUEST: u8 = 3;
const RELEASE: u8 = 7;

/// One host that wants an address.
pub struct Client {
    number: u8,
    name: Option<&'static str>,
    socket: UdpSocket,
}

impl Client {
    /// The host with that number in its hardware address.
    pub fn new(number: u8, name: Option<&'static str>) -> Self {
        let socket = UdpSocket::bind("0.0.0.0:68").expect("the port of DHCP clients");
        socket.set_broadcast(true).expect("may broadcast");
        Self { number, name, socket }
    }

    /// Gets an address.
    pub fn lease(&self, log: &Path) -> String {
        self.send(DISCOVER, None, None);
        let address = self.read(log, "DHCPOFFER on ");
        self.send(REQUEST, Some(&address), None);
        self.read(log, "DHCPACK on ")
    }

    /// Gives the address back.
    pub fn release(&self, address: &str) {
        self.send(RELEASE, None, Some(address));
    }

    fn hardware_address(&self) -> [u8; 6] {
        [2, 0, 0, 0, 0, self.number]
    }

    fn send(&self, kind: u8, wanted: Option<&str>, held: Option<&str>) {
        let octets = |text: &str| text.parse::<Ipv4Addr>().expect("an IPv4 address").octets();
        let mut packet = vec![0; 236];
        packet[..3].copy_from_slice(&[1, 1, 6]); // a request, Ethernet, six bytes of hardware address
        packet[4..8].copy_from_slice(&[1, 2, 3, self.number]);
        packet[10] = 0x80; // answer by broadcast
        packet[12..16].copy_from_slice(&held.map_or([0; 4], octets));
        packet[28..34].copy_from_slice(&self.hardware_address());
        packet.extend([99, 130, 83, 99, 53, 1, kind]);
        if wanted.is_some() || held.is_some() {
            packet.extend([54, 4, 192, 0, 2, 1]);
        }
        if let Some(address) = wanted {
            packet.extend([50, 4]);
            packet.extend(octets(address));
        }
        if let Some(name) = self.name {
            packet.extend([12, u8::try_from(name.len()).expect("a short name")]);
            packet.extend(name.bytes());
        }
        packet.push(255);
        packet.resize(300, 0);
        self.socket.send_to(&packet, "255.255.255.255:67").expect("sent");
    }

    /// Waits for the line that tells what the server did, and takes the address from it.
    fn read(&self, log: &Path, what: &str) -> String {
        let hardware = self.hardware_address().map(|byte| format!("{byte:02x}")).join(":");
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let text = fs::read_to_string(log).expect("the log of dhcpd");
            let mut lines = text.lines().filter(|line| line.contains(&hardware));
            if let Some(rest) = lines.find_map(|line| line.strip_prefix(what)) {
                return rest.split(' ').next().expect("an address").to_owned();
            }
            assert!(Instant::now() < deadline, "no {what} for {hardware}:\n{text}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
