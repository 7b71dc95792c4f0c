//! Killed at any moment: what was acknowledged is there, and what was not is there or not.

use crate::daemon::Daemon;
use crate::fixture::{Fixture, listed};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

/// What is pinged every so many seconds; `None`: not at all.
type ScriptedOutcome = Option<u64>;

/// One client with one request under way, and addresses of its own.
struct Client {
    number: u8,
    socket: UdpSocket,
    pending: Option<(u8, ScriptedOutcome)>,
    /// What was acknowledged last.
    known: BTreeMap<u8, ScriptedOutcome>,
    random: u64,
}

const CLIENTS: u8 = 64;
const ADDRESSES: u8 = 5;

impl Client {
    fn connect(&mut self, daemon: &Daemon) {
        self.socket = daemon.client();
        self.socket.set_nonblocking(true).expect("it is a socket");
        self.pending = None;
    }

    /// Takes the answer if there is one, and sends the next request then.
    fn step(&mut self) -> bool {
        let mut buffer = [0; 1_000];
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                let reply: Value = serde_json::from_slice(&buffer[..length]).expect("JSON");
                let (address, fate) = self.pending.take().expect("one was under way");
                // An error says that it is not saved, or nothing: then it is as good as no answer.
                if reply["status"] == "ok" {
                    self.known.insert(address, fate);
                } else {
                    self.known.remove(&address);
                }
            }
            Err(_) if self.pending.is_some() => return false,
            Err(_) => {}
        }
        self.send();
        true
    }

    fn send(&mut self) {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (address, dice) =
            (u8::try_from(self.random >> 33 & 0xff).unwrap_or(0) % ADDRESSES, self.random >> 50 & 3);
        let addr = format!("127.7.{}.{}", self.number, address + 1);
        let fate = (dice > 0).then_some(60 + dice);
        let request = match fate {
            Some(itv) => json!({"cmd": "add", "name": addr, "itv": itv}),
            None => json!({"cmd": "remove", "addr": addr}),
        };
        if self.socket.send(request.to_string().as_bytes()).is_ok() {
            self.pending = Some((address, fate));
        }
    }

    /// What the daemon lists must be what was acknowledged; the last request may have been carried out.
    fn check(&mut self, found: &BTreeMap<(u8, u8), u64>, round: usize) {
        let last = self.pending.take();
        for address in 0..ADDRESSES {
            let fate = found.get(&(self.number, address)).copied();
            if let Some(known) = self.known.get(&address) {
                let perhaps = last.is_some_and(|pending| pending == (address, fate));
                assert!(
                    *known == fate || perhaps,
                    "round {round}: {}.{address}: {fate:?}, not {known:?}",
                    self.number
                );
            }
            self.known.insert(address, fate);
        }
    }
}

/// The interval of each target, by its client and address.
fn found(daemon: &Daemon) -> BTreeMap<(u8, u8), u64> {
    let place = |address: &str| {
        let mut parts = address.split('.').skip(2).map(|part| part.parse::<u8>().expect("a number"));
        (parts.next().expect("two"), parts.next().expect("two") - 1)
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds")]
    listed(daemon).into_iter().map(|(address, _, itv)| (place(&address), itv as u64)).collect()
}

#[test]
fn nothing_acknowledged_is_lost_by_a_hundred_kills_under_load() {
    let fixture = Fixture::new();
    let client = |number| Client {
        number,
        socket: UdpSocket::bind("127.0.0.1:0").expect("a free port"),
        pending: None,
        known: BTreeMap::new(),
        random: u64::from(number) + 1,
    };
    let mut clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    let mut acknowledged = 0;
    for round in 0..=100 {
        let daemon = fixture.daemon(&[]);
        let there = found(&daemon);
        for client in &mut clients {
            client.check(&there, round);
            client.connect(&daemon);
        }
        // A different moment each time.
        let kill_at = Instant::now() + Duration::from_micros(3_000 + 977 * (round as u64 % 41));
        while Instant::now() < kill_at {
            let steps = clients.iter_mut().map(Client::step).filter(|stepped| *stepped).count();
            acknowledged += steps;
            if steps == 0 {
                thread::sleep(Duration::from_micros(100));
            }
        }
        drop(daemon);
        // Answers that were sent before the end.
        for client in &mut clients {
            let mut buffer = [0; 1_000];
            if let (Ok(length), Some((address, fate))) = (client.socket.recv(&mut buffer), client.pending)
                && buffer[..length] == *br#"{"status": "ok"}"#
            {
                client.known.insert(address, fate);
                client.pending = None;
            }
        }
    }
    assert!(acknowledged > 2_000, "only {acknowledged} requests were acknowledged");
}

#[test]
fn ten_thousand_adds_with_64_under_way_are_saved_in_time() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[]);
    let sockets: Vec<UdpSocket> = (0..64).map(|_| daemon.client()).collect();
    let began = Instant::now();
    let send = |socket: &UdpSocket, number: usize| {
        let addr = format!("127.8.{}.{}", number / 250, number % 250 + 1);
        socket.send(json!({"cmd": "add", "name": addr, "itv": 60}).to_string().as_bytes()).expect("loopback");
    };
    for (number, socket) in sockets.iter().enumerate() {
        send(socket, number);
    }
    for number in 0..10_000 {
        let socket = &sockets[number % 64];
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let mut buffer = [0; 1_000];
        let length = socket.recv(&mut buffer).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&buffer[..length]), r#"{"status": "ok"}"#, "add {number}");
        if number + 64 < 10_000 {
            send(socket, number + 64);
        }
    }
    // Three seconds on a machine of its own; the benchmark measures that.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    drop(daemon);
    assert_eq!(listed(&fixture.daemon(&[])).len(), 10_000);
}
