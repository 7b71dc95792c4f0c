//! The least cost of a ping on this machine: only sendmmsg and recvmmsg. `scripts/bench` runs it.
//!
//! Usage: floor TARGETS SECONDS MILLISECONDS. Pings 127.1.0.1 and the addresses after it once a second each, spread over
//! slots; counts nothing, checks nothing. With slots of 0 ms it sends as fast as it can. The process is measured from
//! outside.

#![allow(unsafe_code, reason = "system calls without a layer between are the point of it")]

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    let argument = |at: usize| std::env::args().nth(at).and_then(|text| text.parse::<u32>().ok());
    let (Some(targets), Some(seconds), Some(slot)) = (argument(1), argument(2), argument(3)) else {
        eprintln!("usage: floor TARGETS SECONDS MILLISECONDS");
        std::process::exit(2);
    };
    linux::ping(targets as usize, seconds, slot)
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("floor measures Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Error, Result};
    use std::mem::{size_of, zeroed};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::ptr::from_mut;
    use std::time::{Duration, Instant};

    /// Packets per system call, as in the daemon.
    const BATCH: usize = 64;
    /// IPv4 header, ICMP header, 56 bytes.
    const LARGEST: usize = 84;
    /// The width that the targets are spread over when nothing is waited for.
    const SLOT_WITHOUT_PAUSE_MS: u32 = 5;
    const SOL_RAW: libc::c_int = 255;
    const ICMP_FILTER: libc::c_int = 1;

    /// Pings until the time is over.
    pub fn ping(targets: usize, seconds: u32, slot_ms: u32) -> Result<()> {
        let socket = open()?;
        let mut addresses: Vec<libc::sockaddr_in> = (0..targets).map(address).collect();
        let mut request = echo_request();
        let slots = (1000 / if slot_ms == 0 { SLOT_WITHOUT_PAUSE_MS } else { slot_ms }).max(1) as usize;
        let (begin, end) = (Instant::now(), Duration::from_secs(u64::from(seconds)));
        for slot in 0_u32.. {
            let due = Duration::from_millis(u64::from(slot_ms)) * slot;
            if due.max(begin.elapsed()) >= end {
                break;
            }
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
            let part = slot as usize % slots;
            for batch in addresses[targets * part / slots..targets * (part + 1) / slots].chunks_mut(BATCH) {
                send(&socket, batch, &mut request)?;
                drain(&socket);
            }
        }
        Ok(())
    }

    fn open() -> Result<OwnedFd> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let socket =
            unsafe { libc::socket(libc::AF_INET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::IPPROTO_ICMP) };
        if socket < 0 {
            return Err(Error::last_os_error());
        }
        // SAFETY: a file descriptor that was just opened and has no other owner.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        // Everything but echo replies, which are type 0; and room for a slot of them.
        set(&socket, SOL_RAW, ICMP_FILTER, !1_u32);
        set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, 4_u32 << 20);
        Ok(socket)
    }

    fn set(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: u32) {
        let size = libc::socklen_t::try_from(size_of::<u32>()).unwrap_or_default();
        // SAFETY: the pointer and the size are those of `value`, which lives during the call.
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size) };
    }

    fn address(index: usize) -> libc::sockaddr_in {
        let first = u32::from(std::net::Ipv4Addr::new(127, 1, 0, 1));
        // SAFETY: all zeroes is a valid sockaddr_in.
        let mut address: libc::sockaddr_in = unsafe { zeroed() };
        address.sin_family = libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default();
        address.sin_addr.s_addr = (first + u32::try_from(index).unwrap_or_default()).to_be();
        address
    }

    /// Type 8, code 0, checksum, ident 1, sequence 1, and zeroes.
    fn echo_request() -> [u8; 64] {
        let mut packet = [0; 64];
        packet[0] = 8;
        packet[5] = 1;
        packet[7] = 1;
        packet[2..4].copy_from_slice(&(!(0x0800_u16 + 1 + 1)).to_be_bytes());
        packet
    }

    fn send(socket: &OwnedFd, to: &mut [libc::sockaddr_in], packet: &mut [u8; 64]) -> Result<()> {
        let mut data = libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: packet.len() };
        // SAFETY: all zeroes is a valid mmsghdr.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        for (message, address) in messages.iter_mut().zip(to.iter_mut()) {
            message.msg_hdr.msg_name = from_mut(address).cast();
            message.msg_hdr.msg_namelen =
                libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap_or(16);
            message.msg_hdr.msg_iov = &raw mut data;
            message.msg_hdr.msg_iovlen = 1;
        }
        let count = libc::c_uint::try_from(to.len()).unwrap_or_default();
        // SAFETY: `count` of the messages are filled, and all that they point to lives during the call.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
        if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    fn drain(socket: &OwnedFd) {
        let mut buffers = [[0_u8; LARGEST]; BATCH];
        let mut data = buffers
            .each_mut()
            .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: LARGEST });
        // SAFETY: all zeroes is a valid mmsghdr.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        for (message, part) in messages.iter_mut().zip(&mut data) {
            message.msg_hdr.msg_iov = from_mut(part);
            message.msg_hdr.msg_iovlen = 1;
        }
        let most = libc::c_uint::try_from(BATCH).unwrap_or_default();
        let flags = libc::MSG_DONTWAIT;
        // SAFETY: every message points to a buffer of its own, and all of them live during the loop.
        while unsafe {
            libc::recvmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), most, flags, std::ptr::null_mut())
        } == libc::c_int::try_from(BATCH).unwrap_or_default()
        {}
    }
}
