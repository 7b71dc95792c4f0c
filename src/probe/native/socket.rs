//! One family's ICMP socket: raw where that is permitted, else a datagram socket.

use super::drops::Drops;
use super::idents::Idents;
use super::sys::{self, PacketMarks};
use crate::measure::Timestamp;
use crate::target::Family;
use socket2::{Domain, Protocol, Socket as Inner, Type};
use std::cell::Cell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

/// What kind of ICMP socket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketKind {
    /// Sees every ICMP packet of the host; needs CAP_NET_RAW.
    Raw,
    /// Sees replies to its own requests, and errors through its error queue; needs `net.ipv4.ping_group_range`.
    Datagram,
}

impl SocketKind {
    /// As metrics call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Datagram => "dgram",
        }
    }
}

/// What the system does with a request that is larger than a link takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fragments {
    /// Nobody fragments it, and what is known of the path does not matter: it is sent, and a router may refuse it.
    Never,
    /// We do, to what the path is known to take (RFC 1191, RFC 8201); a router does not.
    AtSource,
    /// We do, to what our own link takes; and for IPv4 any router.
    Anywhere,
}

/// An open ICMP socket of one family, with what its receive buffer dropped.
pub(super) struct IcmpSocket {
    inner: Inner,
    /// Which family it is for.
    pub family: Family,
    /// What kind of socket it is.
    pub kind: SocketKind,
    /// The identifier of its requests: random, or chosen by the kernel for a datagram socket.
    pub ident: u16,
    /// What its receive buffer dropped, and when.
    pub drops: Drops,
    seen_drops: u32,
    /// What it is set to.
    fragments: Cell<Fragments>,
}

/// Bytes of receive buffer that we ask for: enough for 5 000 replies, of 832 bytes each as the kernel counts.
const RECEIVE_BUFFER: usize = 4 << 20;
/// With less than this a warning is due.
const SMALL_BUFFER: u32 = 1 << 20;

/// Before, Linux passed over the options of packets of IPv6 datagram sockets.
const MARKS_SINCE: (u32, u32) = (5, 18);

impl IcmpSocket {
    /// Opens a socket that does not block, stamps what it receives, and gets only what concerns us.
    ///
    /// # Errors
    /// Whatever socket(2) and its companions say: no permission, no such family.
    pub(super) fn open(family: Family, kind: SocketKind, idents: Idents) -> io::Result<Self> {
        let (domain, protocol) = match family {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket_type = if kind == SocketKind::Raw { Type::RAW } else { Type::DGRAM };
        let inner = Inner::new(domain, socket_type.nonblocking().cloexec(), Some(protocol))?;
        sys::set_option(&inner, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        let ident = idents.own();
        let (drops, fragments) = (Drops::default(), Cell::new(Fragments::Anywhere));
        let mut socket = Self { inner, family, kind, ident, drops, seen_drops: 0, fragments };
        socket.enlarge_buffers();
        match kind {
            SocketKind::Raw => socket.filter(idents)?,
            SocketKind::Datagram => socket.ident = socket.bind()?,
        }
        socket.ask_for_details()?;
        // Without an IP identifier to choose, the kernel sends 3 % cheaper.
        socket.set_fragments(Fragments::Never)?;
        Ok(socket)
    }

    /// What becomes of large requests at present.
    pub(super) fn fragments(&self) -> Fragments {
        self.fragments.get()
    }

    /// Why the kernel would send a request otherwise than its marks say, and would not mention it.
    pub(super) fn inability(&self, marks: PacketMarks) -> Option<&'static str> {
        if self.kind == SocketKind::Raw || self.family == Family::V4 || marks == PacketMarks::default() {
            return None;
        }
        if sys::kernel_version() < MARKS_SINCE {
            return Some("datagram sockets of IPv6 take no options before Linux 5.18: it takes CAP_NET_RAW");
        }
        marks.source.map(|_| "datagram sockets of IPv6 choose the source themselves: it takes CAP_NET_RAW")
    }

    /// Says what becomes of large requests from now on: an option of the socket, not of a packet.
    ///
    /// # Errors
    /// Whatever setsockopt(2) says.
    pub(super) fn set_fragments(&self, fragments: Fragments) -> io::Result<()> {
        let (level, option) = match self.family {
            Family::V4 => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
            Family::V6 => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER),
        };
        // The values are the same for both families.
        let value = match fragments {
            Fragments::Never => libc::IP_PMTUDISC_PROBE,
            Fragments::AtSource => libc::IP_PMTUDISC_WANT,
            Fragments::Anywhere => libc::IP_PMTUDISC_DONT,
        };
        sys::set_option(&self.inner, level, option, value)?;
        self.fragments.set(fragments);
        Ok(())
    }

    /// Bytes that the kernel lets the receive buffer hold, if that is too little for many targets.
    pub(super) fn small_buffer(&self) -> Option<u32> {
        let (_, allowed, _) = sys::receive_buffer(&self.inner).ok()?;
        (allowed < SMALL_BUFFER).then_some(allowed)
    }

    /// Notes what the receive buffer has dropped since the last time; to be called before reading.
    ///
    /// Returns packets that were discarded for a wrong checksum: Linux counts those of raw IPv6 sockets in the
    /// same place. The buffer only fills until it is read, so if it is not full now it never was.
    pub(super) fn note_drops(&mut self, since: Timestamp, now: Timestamp) -> u64 {
        let Ok((charged, allowed, drops)) = sys::receive_buffer(&self.inner) else { return 0 };
        let fresh = u64::from(drops.wrapping_sub(self.seen_drops));
        self.seen_drops = drops;
        if fresh == 0 {
            return 0;
        }
        if self.family == Family::V6 && self.kind == SocketKind::Raw && charged < allowed / 2 {
            return fresh;
        }
        self.drops.record(fresh, since, now);
        0
    }

    fn enlarge_buffers(&self) {
        let bytes = i32::try_from(RECEIVE_BUFFER).unwrap_or(i32::MAX);
        // Beyond net.core.rmem_max needs CAP_NET_ADMIN; else the kernel takes as much as it may.
        if sys::set_option(&self.inner, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes).is_err() {
            let _ = self.inner.set_recv_buffer_size(RECEIVE_BUFFER);
        }
        let _ = self.inner.set_send_buffer_size(RECEIVE_BUFFER / 4);
    }

    fn filter(&self, idents: Idents) -> io::Result<()> {
        self.filter_types()?;
        idents.filter(self.family).map_or(Ok(()), |program| self.inner.attach_filter(&program))
    }

    /// Keeps echo requests, our own on loopback among them, and router chatter out of the buffer.
    fn filter_types(&self) -> io::Result<()> {
        match self.family {
            Family::V4 => {
                let wanted: u32 = [0, 3, 11, 12].iter().map(|kind| 1_u32 << kind).sum();
                sys::set_option(&self.inner, libc::SOL_RAW, ICMP_FILTER, !wanted)
            }
            Family::V6 => {
                let blocked = [0, 0, 0, 0, !(1_u32 << (129 - 128)), !0, !0, !0];
                sys::set_option(&self.inner, libc::IPPROTO_ICMPV6, ICMP6_FILTER, blocked)
            }
        }
    }

    /// Has the kernel choose our identifier: the port of a datagram ICMP socket.
    fn bind(&self) -> io::Result<u16> {
        let any: SocketAddr = match self.family {
            Family::V4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
            Family::V6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        self.inner.bind(&any.into())?;
        Ok(self.inner.local_addr()?.as_socket().map_or(0, |address| address.port()))
    }

    /// Asks for what else the kernel can tell.
    ///
    /// The error queue is where a datagram socket hears of ICMP errors. A raw socket sees those as packets, but
    /// only with an error queue the kernel admits that it dropped a request for want of room in a device's queue.
    fn ask_for_details(&self) -> io::Result<()> {
        match self.family {
            Family::V4 => {
                sys::set_option(&self.inner, libc::IPPROTO_IP, libc::IP_RECVTTL, 1)?;
                sys::set_option(&self.inner, libc::IPPROTO_IP, libc::IP_RECVERR, 1)
            }
            Family::V6 => {
                sys::set_option(&self.inner, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)?;
                sys::set_option(&self.inner, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)
            }
        }
    }
}

impl AsRawFd for IcmpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

/// `linux/icmp.h`: bits are the types to keep out.
const ICMP_FILTER: i32 = 1;
/// `linux/icmpv6.h`: likewise.
const ICMP6_FILTER: i32 = 1;
