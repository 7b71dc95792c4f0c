//! The thread behind the TUN device: reads requests, holds what the hosts answer until it is due, writes it.

use super::answer::{Host, Planned};
use super::log::{HostLog, Log};
use super::packet::{self, Packet};
use super::sys;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A running responder; dropping it ends it.
#[derive(Debug)]
pub struct Responder {
    log: Arc<Mutex<Log>>,
    stop: Arc<AtomicBool>,
    injections: mpsc::Sender<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    /// Starts to answer what comes out of the TUN device.
    pub fn start(tun: File) -> Self {
        let (log, stop) = (Arc::default(), Arc::default());
        let (injections, injected) = mpsc::channel();
        let work = Work {
            tun,
            log: Arc::clone(&log),
            hosts: HashMap::new(),
            held: BinaryHeap::new(),
            planned: 0,
            injected,
            buffer: vec![0; 65_536],
        };
        let stopping = Arc::clone(&stop);
        let thread = thread::Builder::new().name("responder".into()).spawn(move || work.run(&stopping));
        Self { log, stop, injections, thread: Some(thread.expect("threads can be started")) }
    }

    /// What was seen and done so far; nothing more happens while the guard lives.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one host saw and did so far.
    pub fn host(&self, address: IpAddr) -> HostLog {
        self.log().hosts.get(&address).cloned().unwrap_or_default()
    }

    /// How many requests a host got so far.
    pub fn requests(&self, address: IpAddr) -> usize {
        self.log().hosts.get(&address).map_or(0, |host| host.requests.len())
    }

    /// Sends an IP packet that nobody asked for.
    pub fn inject(&self, datagram: Vec<u8>) {
        self.injections.send(datagram).expect("the responder runs");
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the responder panicked: {panic:?}");
        }
    }
}

struct Work {
    tun: File,
    log: Arc<Mutex<Log>>,
    hosts: HashMap<IpAddr, Host>,
    /// Due time and order of planning first.
    held: BinaryHeap<Reverse<Held>>,
    planned: u64,
    injected: mpsc::Receiver<Vec<u8>>,
    /// As large as a packet can be.
    buffer: Vec<u8>,
}

struct Held {
    due: (Instant, u64),
    packet: Planned,
}

impl Work {
    /// So many requests are read before what is due is written.
    const BATCH: usize = 16;
    /// So often the thread looks whether it is to stop, or to inject something.
    const IDLE: Duration = Duration::from_millis(10);

    fn run(mut self, stop: &AtomicBool) {
        sys::wake_precisely();
        while !stop.load(Ordering::Relaxed) {
            let more = self.read();
            self.write();
            if !more {
                sys::wait_readable(&self.tun, self.idle()).expect("the TUN device can be polled");
            }
        }
    }

    fn idle(&self) -> Duration {
        let next = self.held.peek().map(|Reverse(held)| held.due.0);
        next.map_or(Self::IDLE, |due| due.saturating_duration_since(Instant::now()).min(Self::IDLE))
    }

    /// Reads some packets; tells whether there may be more.
    fn read(&mut self) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let more = (0..Self::BATCH).all(|_| self.read_one(&mut buffer));
        self.buffer = buffer;
        more
    }

    fn read_one(&mut self, buffer: &mut [u8]) -> bool {
        match self.tun.read(buffer) {
            Ok(length) => self.take_in(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => panic!("reading from the TUN device: {error}"),
        }
        true
    }

    fn take_in(&mut self, datagram: &[u8]) {
        let now = Instant::now();
        let log = Arc::clone(&self.log);
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = packet::fragment_for(datagram) {
            return log.fragment(host);
        }
        match packet::parse(datagram) {
            Packet::Request(request) => {
                log.request(&request, now);
                self.plan(&request, now);
            }
            Packet::Corrupt => log.corrupt += 1,
            Packet::Other => log.others += 1,
        }
    }

    fn plan(&mut self, request: &packet::Request, now: Instant) {
        let address = request.destination;
        let host = self.hosts.entry(address).or_insert_with(|| Host::new(address));
        for packet in host.answer(request, now) {
            self.planned += 1;
            self.held.push(Reverse(Held { due: (packet.due, self.planned), packet }));
        }
    }

    /// Writes what is due.
    fn write(&mut self) {
        while let Ok(datagram) = self.injected.try_recv() {
            self.put(&datagram);
        }
        while self.held.peek().is_some_and(|Reverse(held)| held.due.0 <= Instant::now()) {
            let Some(Reverse(held)) = self.held.pop() else { return };
            // Logged first: whoever hears of the packet finds it in the log.
            let mut log = self.lock();
            log.sent(&held.packet, Instant::now());
            drop(log);
            self.put(&held.packet.datagram);
        }
    }

    fn put(&mut self, datagram: &[u8]) {
        if self.tun.write(datagram).is_err() {
            self.lock().refused += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}
