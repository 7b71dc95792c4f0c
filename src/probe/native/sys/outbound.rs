//! Sending with sendmmsg(2): batches of packets, some with control data.

use super::{BATCH, size_of_u32};
use libc::{c_int, c_uint};
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

/// A batch of requests for sendmmsg(2), with reusable memory.
pub(crate) struct Outbound {
    /// The messages, one after the other.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    names: Vec<socket2::SockAddr>,
    /// Control data of some of them, by their index in the batch.
    controls: Vec<(usize, ControlData)>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

/// Options of a packet that differ from those of its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PacketMarks {
    /// Type of service, or traffic class.
    pub traffic_class: Option<u8>,
    /// Time to live, or hop limit.
    pub ttl: Option<u8>,
    /// Source address.
    pub source: Option<IpAddr>,
    /// Index of the outgoing interface; 0 for the one of the routing table.
    pub interface: u32,
}

impl Outbound {
    /// An empty batch.
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::with_capacity(BATCH),
            names: Vec::with_capacity(BATCH),
            controls: Vec::new(),
            vectors: Vec::with_capacity(BATCH),
            headers: Vec::with_capacity(BATCH),
        }
    }

    /// Adds a request with this length; the caller writes it into the returned slice.
    pub(crate) fn push(&mut self, to: SocketAddr, length: usize, marks: Option<PacketMarks>) -> &mut [u8] {
        if let Some(marks) = marks {
            self.controls.push((self.ends.len(), ControlData::new(marks, to.is_ipv4())));
        }
        let start = self.bytes.len();
        self.bytes.resize(start + length, 0);
        self.ends.push(start + length);
        self.names.push(to.into());
        &mut self.bytes[start..]
    }

    /// Empties the batch.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.names.clear();
        self.controls.clear();
    }

    /// Requests in the batch.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Sends the requests from the `first` one on; returns how many were sent.
    ///
    /// # Errors
    /// The error of sendmmsg(2) for the first of them, if that one could not be sent.
    pub(crate) fn send(&mut self, socket: &impl AsRawFd, first: usize) -> io::Result<usize> {
        self.point_at(first);
        let count = c_uint::try_from(self.headers.len()).unwrap_or(0);
        // SAFETY: `count` headers were just filled in, and what they point to stays in place during the call;
        // the kernel only reads from it.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), count, libc::MSG_DONTWAIT)
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Makes the headers of the requests from the `first` one on.
    fn point_at(&mut self, first: usize) {
        let mut start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.vectors.clear();
        self.vectors.extend(self.ends[first..].iter().map(|&end| {
            let message = &self.bytes[mem::replace(&mut start, end)..end];
            libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() }
        }));
        self.headers.clear();
        for (vector, name) in self.vectors.iter_mut().zip(&self.names[first..]) {
            // SAFETY: zeroes are valid for this plain C structure.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            header.msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
            header.msg_hdr.msg_namelen = name.len();
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            self.headers.push(header);
        }
        for (position, control) in &self.controls {
            let header = position.checked_sub(first).and_then(|position| self.headers.get_mut(position));
            if let Some(header) = header.filter(|_| control.length > 0) {
                header.msg_hdr.msg_control = control.words.as_ptr().cast_mut().cast();
                header.msg_hdr.msg_controllen = control.length;
            }
        }
    }
}

/// Control data of one packet (cmsg(3)).
struct ControlData {
    /// Messages begin at words, as headers have to.
    words: [usize; CONTROL_WORDS],
    /// In bytes.
    length: usize,
}

/// Room for three messages, the address and the interface among them: 24, 24 and 40 bytes.
const CONTROL_WORDS: usize = 88 / size_of::<usize>();

impl ControlData {
    fn new(marks: PacketMarks, ipv4: bool) -> Self {
        let mut control = Self { words: [0; CONTROL_WORDS], length: 0 };
        let (level, traffic_class, ttl) = if ipv4 {
            (libc::IPPROTO_IP, libc::IP_TOS, libc::IP_TTL)
        } else {
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS, libc::IPV6_HOPLIMIT)
        };
        if let Some(value) = marks.traffic_class {
            control.put(level, traffic_class, c_int::from(value));
        }
        if let Some(value) = marks.ttl {
            control.put(level, ttl, c_int::from(value));
        }
        if marks.source.is_some() || marks.interface != 0 {
            control.put_route(marks, ipv4);
        }
        control
    }

    /// Adds the outgoing interface and the source address.
    fn put_route(&mut self, marks: PacketMarks, ipv4: bool) {
        let any = libc::in_addr { s_addr: 0 };
        if ipv4 {
            let from = match marks.source {
                Some(IpAddr::V4(v4)) => libc::in_addr { s_addr: u32::from_ne_bytes(v4.octets()) },
                _ => any,
            };
            let ifindex = c_int::try_from(marks.interface).unwrap_or(0);
            let route = libc::in_pktinfo { ipi_ifindex: ifindex, ipi_spec_dst: from, ipi_addr: any };
            self.put(libc::IPPROTO_IP, libc::IP_PKTINFO, route);
        } else {
            let from = match marks.source {
                Some(IpAddr::V6(v6)) => v6.octets(),
                _ => [0; 16],
            };
            let from = libc::in6_addr { s6_addr: from };
            let route = libc::in6_pktinfo { ipi6_addr: from, ipi6_ifindex: marks.interface };
            self.put(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, route);
        }
    }

    /// Adds a message: a plain C value.
    fn put<T: Copy>(&mut self, level: c_int, kind: c_int, value: T) {
        // SAFETY: these only calculate.
        let (space, length) =
            unsafe { (libc::CMSG_SPACE(size_of_u32::<T>()), libc::CMSG_LEN(size_of_u32::<T>())) };
        let end = self.length + space as usize;
        if end > mem::size_of_val(&self.words) {
            return;
        }
        // SAFETY: there is room for the header and the value, as was just checked, and the space of each message
        // is a multiple of a word.
        unsafe {
            let header =
                self.words.as_mut_ptr().add(self.length / size_of::<usize>()).cast::<libc::cmsghdr>();
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = length as usize;
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        }
        self.length = end;
    }
}
