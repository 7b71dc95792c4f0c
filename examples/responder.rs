//! Simulates hosts that answer echo requests after a delay, and reports how long it held them. `scripts/bench` runs it.
//!
//! Usage: responder INTERFACE DELAY_US:LOSS_PERCENT…
//!
//! Answers for all hosts behind an Ethernet device, best one end of a veth pair in a namespace of its own. The n-th
//! behaviour, counted from 0, is that of the hosts 10.n.x.y and fd77::n:h. A delay begins with the kernel's time of
//! receipt, so a late wake-up makes no delay longer; a late end does, and is part of the report.
//!
//! For each line on standard input it writes a line per behaviour, `REQUESTS LOST P50 P99` with times in nanoseconds, and
//! `dropped N`, the packets that its receive buffer dropped. It ends with standard input.

#![allow(unsafe_code, reason = "packet sockets and kernel time stamps have no safe wrapper")]

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let interface = arguments.next().unwrap_or_default();
    let behaviours: Option<Vec<linux::Group>> = arguments.map(|text| linux::Group::parse(&text)).collect();
    match behaviours {
        Some(groups) if !groups.is_empty() => linux::Responder::open(&interface, groups)?.run(),
        _ => {
            eprintln!("usage: responder INTERFACE DELAY_US:LOSS_PERCENT…");
            std::process::exit(2);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("responder needs Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::VecDeque;
    use std::ffi::CString;
    use std::io::{Error, Read, Result, Write};
    use std::mem::{size_of, zeroed};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    /// Hosts that behave alike.
    pub struct Group {
        delay: i64,
        loss_percent: u64,
        /// In the order of their being due, as the delay is the same for all.
        waiting: VecDeque<Frame>,
        requests: u64,
        lost: u64,
        /// How long each reply was held, in nanoseconds.
        held: Vec<i64>,
    }

    /// An Ethernet frame; its time of receipt in nanoseconds.
    struct Frame {
        received: i64,
        length: usize,
        bytes: [u8; LARGEST],
    }

    pub struct Responder {
        socket: OwnedFd,
        groups: Vec<Group>,
        random: u64,
    }

    const LARGEST: usize = 256;
    /// Requests read in one go; then due replies are sent.
    const BATCH: usize = 16;
    const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
    const RECEIVE_BUFFER: u32 = 64 << 20;

    impl Group {
        pub fn parse(text: &str) -> Option<Self> {
            let (delay_us, loss) = text.split_once(':')?;
            let (delay_us, loss_percent) = (delay_us.parse::<i64>().ok()?, loss.parse().ok()?);
            let (waiting, held) = (VecDeque::new(), Vec::new());
            Some(Self { delay: delay_us * 1000, loss_percent, waiting, requests: 0, lost: 0, held })
        }

        fn due(&self) -> Option<i64> {
            self.waiting.front().map(|frame| frame.received + self.delay)
        }

        fn quantile(&mut self, percent: usize) -> i64 {
            self.held.sort_unstable();
            self.held.get(self.held.len() * percent / 100).copied().unwrap_or_default()
        }
    }

    impl Responder {
        pub fn open(interface: &str, groups: Vec<Group>) -> Result<Self> {
            be_punctual();
            // SAFETY: no pointers; the result is checked before it is owned.
            let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
            if socket < 0 {
                return Err(Error::last_os_error());
            }
            // SAFETY: a file descriptor that was just opened and has no other owner.
            let socket = unsafe { OwnedFd::from_raw_fd(socket) };
            set(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)?;
            set(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
            // Beyond the system's limit where that is allowed.
            set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_BUFFER)?;
            let _ = set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER);
            bind(&socket, interface)?;
            Ok(Self { socket, groups, random: 1 })
        }

        pub fn run(mut self) -> Result<()> {
            loop {
                let asked = self.wait()?;
                let more = (0..BATCH).all(|_| self.receive());
                self.send_due()?;
                if asked && !more && !self.answer()? {
                    return Ok(());
                }
            }
        }

        /// Waits for packets, questions, or the time of the next reply; returns whether there is a question.
        fn wait(&self) -> Result<bool> {
            let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            let mut watched = [watch(self.socket.as_raw_fd()), watch(libc::STDIN_FILENO)];
            let next = self.groups.iter().filter_map(Group::due).min();
            let wait = next.map_or(1_000_000_000, |due| (due - now()).clamp(0, 1_000_000_000));
            let timeout = libc::timespec { tv_sec: wait / 1_000_000_000, tv_nsec: wait % 1_000_000_000 };
            // SAFETY: two pollfds and a timespec, all of which outlive the call; no signal mask.
            let found = unsafe { libc::ppoll(watched.as_mut_ptr(), 2, &raw const timeout, std::ptr::null()) };
            if found < 0 { Err(Error::last_os_error()) } else { Ok(watched[1].revents != 0) }
        }

        /// Reads a packet; returns whether there was one.
        fn receive(&mut self) -> bool {
            let mut bytes = [0; LARGEST];
            let Some((length, received)) = receive(&self.socket, &mut bytes) else { return false };
            if let Some(group) = make_reply(&mut bytes[..length]).and_then(|n| self.groups.get_mut(n)) {
                group.requests += 1;
                self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if (self.random >> 33) % 100 < group.loss_percent {
                    group.lost += 1;
                } else {
                    group.waiting.push_back(Frame { received, length, bytes });
                }
            }
            true
        }

        fn send_due(&mut self) -> Result<()> {
            for group in &mut self.groups {
                while group.due().is_some_and(|due| due <= now()) {
                    let Some(frame) = group.waiting.pop_front() else { break };
                    group.held.push(now() - frame.received);
                    send(&self.socket, &frame.bytes[..frame.length])?;
                }
            }
            Ok(())
        }

        /// Answers a question; `false` when there will be no more.
        fn answer(&mut self) -> Result<bool> {
            if std::io::stdin().read(&mut [0; 64])? == 0 {
                return Ok(false);
            }
            let mut out = std::io::stdout().lock();
            for group in &mut self.groups {
                let (p50, p99) = (group.quantile(50), group.quantile(99));
                writeln!(out, "{} {} {p50} {p99}", group.requests, group.lost)?;
            }
            writeln!(out, "dropped {}", dropped(&self.socket))?;
            Ok(true)
        }
    }

    /// Asks the kernel for exact wake-ups and, where allowed, for the highest priority: a real host does not compete with
    /// its pinger for a processor.
    fn be_punctual() {
        // SAFETY: no pointers.
        unsafe {
            libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64);
            libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        }
    }

    /// Turns the frame of an echo request into that of its reply; returns whose it is.
    fn make_reply(frame: &mut [u8]) -> Option<usize> {
        let kind = frame.get(12..14)?;
        let (addresses, width, group, icmp, types) = match kind {
            [0x08, 0x00] => (26, 4, 31, 34, [8, 0]),
            [0x86, 0xdd] => (22, 16, 51, 54, [128, 129]),
            _ => return None,
        };
        let protocol = if width == 4 { (23, 1) } else { (20, 58) };
        if frame.len() < icmp + 8 || frame[protocol.0] != protocol.1 || frame[icmp] != types[0] {
            return None;
        }
        let owner = usize::from(frame[group]);
        swap(&mut frame[..12], 6);
        swap(&mut frame[addresses..], width);
        frame[icmp] = types[1];
        // RFC 1624; the sum of the addresses stays the same.
        let old = u16::from_be_bytes([frame[icmp + 2], frame[icmp + 3]]);
        let sum = u32::from(!old) + u32::from(!(u16::from(types[0]) << 8)) + (u32::from(types[1]) << 8);
        let folded = (sum & 0xffff) + (sum >> 16);
        let new = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or_default();
        frame[icmp + 2..icmp + 4].copy_from_slice(&new.to_be_bytes());
        Some(owner)
    }

    fn swap(bytes: &mut [u8], width: usize) {
        let (one, two) = bytes.split_at_mut(width);
        one.swap_with_slice(&mut two[..width]);
    }

    fn now() -> i64 {
        // SAFETY: all zeroes is a valid timespec, and it outlives the call.
        let time = unsafe {
            let mut time: libc::timespec = zeroed();
            libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time);
            time
        };
        nanoseconds(time)
    }

    fn nanoseconds(time: libc::timespec) -> i64 {
        time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// A packet's length and the kernel's time of receipt.
    fn receive(socket: &OwnedFd, bytes: &mut [u8]) -> Option<(usize, i64)> {
        let mut data = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let mut control = [0_u64; 16];
        // SAFETY: the message points to `data` and `control`, which outlive the call; what the kernel
        // writes into `control` is read with its own macros.
        unsafe {
            let mut message: libc::msghdr = zeroed();
            message.msg_iov = &raw mut data;
            message.msg_iovlen = 1;
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = size_of_val(&control);
            let length = libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT);
            let length = usize::try_from(length).ok()?;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            let stamped = !header.is_null() && (*header).cmsg_type == libc::SCM_TIMESTAMPNS;
            let stamp = stamped.then(|| libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned());
            Some((length, stamp.map_or_else(now, nanoseconds)))
        }
    }

    fn send(socket: &OwnedFd, frame: &[u8]) -> Result<()> {
        // SAFETY: the pointer and the length are those of `frame`.
        let sent = unsafe { libc::send(socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    fn bind(socket: &OwnedFd, interface: &str) -> Result<()> {
        let name = CString::new(interface)?;
        // SAFETY: all zeroes is a valid sockaddr_ll; the name is terminated; all outlive the calls.
        let bound = unsafe {
            let mut address: libc::sockaddr_ll = zeroed();
            address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).unwrap_or_default();
            address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or_default().to_be();
            address.sll_ifindex = libc::if_nametoindex(name.as_ptr()).cast_signed();
            let size = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or_default();
            libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size)
        };
        if bound < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    fn set(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: u32) -> Result<()> {
        let size = libc::socklen_t::try_from(size_of::<u32>()).unwrap_or_default();
        // SAFETY: the pointer and the size are those of `value`, which lives during the call.
        let set =
            unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size) };
        if set < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    /// What the receive buffer had no room for since the last time.
    fn dropped(socket: &OwnedFd) -> u32 {
        let mut statistics = [0_u32; 2];
        let mut size = libc::socklen_t::try_from(size_of_val(&statistics)).unwrap_or_default();
        let to = statistics.as_mut_ptr().cast();
        // SAFETY: the pointer and the size are those of `statistics`, two words as the kernel writes them.
        unsafe {
            libc::getsockopt(socket.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, to, &raw mut size)
        };
        statistics[1]
    }
}
