//! The ICMP socket of one family: raw if permitted, otherwise a datagram socket.
//!
//! Opened here and not by `crate::socket`: filters, time stamps, error queues and buffers are options of ICMP alone.

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

/// Kind of an ICMP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketKind {
    /// Receives every ICMP packet of the host; needs CAP_NET_RAW.
    Raw,
    /// Receives replies to its own requests, and errors in its error queue; needs `net.ipv4.ping_group_range`.
    Datagram,
}

impl SocketKind {
    /// Its name in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Datagram => "dgram",
        }
    }
}

/// How requests that exceed the MTU of a link are fragmented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fragments {
    /// Never, and the known MTU of the path is ignored: the request is sent, and a router may refuse it.
    Never,
    /// Only by the local system, to the known MTU of the path (RFC 1191, RFC 8201).
    AtSource,
    /// By the local system, to the MTU of its link; and for IPv4 by any router.
    Anywhere,
}

/// An open ICMP socket of one family.
pub(super) struct IcmpSocket {
    inner: Inner,
    /// Its family.
    pub family: Family,
    /// Its kind.
    pub kind: SocketKind,
    /// The identifier of its requests: random, or chosen by the kernel for a datagram socket.
    pub ident: u16,
    /// Drops of its receive buffer.
    pub drops: Drops,
    seen_drops: u32,
    /// The current setting of the socket.
    fragments: Cell<Fragments>,
}

/// Requested size of the receive buffer in bytes: 5 000 replies, which the kernel counts as 832 bytes each.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Size in bytes below which the daemon logs a warning.
const MIN_RECEIVE_BUFFER: u32 = 1 << 20;

/// First version of Linux that applies control data of packets to IPv6 datagram sockets.
const MARKS_SINCE: (u32, u32) = (5, 18);

impl IcmpSocket {
    /// Opens a non-blocking socket with receive time stamps and filters.
    ///
    /// # Errors
    /// Errors of socket(2), setsockopt(2) and bind(2): no permission, no such family.
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
        socket.enable_details()?;
        // Sending is 3 % cheaper if the kernel does not have to choose an IP identifier.
        socket.set_fragments(Fragments::Never)?;
        Ok(socket)
    }

    /// The current setting for large requests.
    pub(super) fn fragments(&self) -> Fragments {
        self.fragments.get()
    }

    /// Why the kernel would silently ignore some of these marks; `None` if it applies all of them.
    pub(super) fn unsupported(&self, marks: PacketMarks) -> Option<&'static str> {
        if self.kind == SocketKind::Raw || self.family == Family::V4 || marks == PacketMarks::default() {
            return None;
        }
        if sys::kernel_version() < MARKS_SINCE {
            return Some("datagram sockets of IPv6 take no options before Linux 5.18: it takes CAP_NET_RAW");
        }
        marks.source.map(|_| "datagram sockets of IPv6 choose the source themselves: it takes CAP_NET_RAW")
    }

    /// Changes the setting for large requests, which is an option of the socket, not of a packet.
    ///
    /// # Errors
    /// Errors of setsockopt(2).
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

    /// Size of the receive buffer in bytes, if that is too small for many targets.
    pub(super) fn small_buffer(&self) -> Option<u32> {
        let (_, allowed, _) = sys::receive_buffer(&self.inner).ok()?;
        (allowed < MIN_RECEIVE_BUFFER).then_some(allowed)
    }

    /// Records the drops of the receive buffer since the latest call; must be called before reading.
    ///
    /// Returns the number of packets with a wrong checksum: Linux counts those of raw IPv6 sockets as drops. The buffer
    /// only fills until it is read, so if it is not full now it never was.
    pub(super) fn note_drops(&mut self, since: Timestamp, now: Timestamp) -> u64 {
        let Ok((charged, allowed, drops)) = sys::receive_buffer(&self.inner) else { return 0 };
        let dropped = u64::from(drops.wrapping_sub(self.seen_drops));
        self.seen_drops = drops;
        if dropped == 0 {
            return 0;
        }
        if self.family == Family::V6 && self.kind == SocketKind::Raw && charged < allowed / 2 {
            return dropped;
        }
        self.drops.record(dropped, since, now);
        0
    }

    fn enlarge_buffers(&self) {
        let bytes = i32::try_from(RECEIVE_BUFFER).unwrap_or(i32::MAX);
        // More than net.core.rmem_max needs CAP_NET_ADMIN; without it the kernel limits the size.
        if sys::set_option(&self.inner, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes).is_err() {
            let _ = self.inner.set_recv_buffer_size(RECEIVE_BUFFER);
        }
        let _ = self.inner.set_send_buffer_size(RECEIVE_BUFFER / 4);
    }

    fn filter(&self, idents: Idents) -> io::Result<()> {
        self.filter_types()?;
        idents.filter(self.family).map_or(Ok(()), |program| self.inner.attach_filter(&program))
    }

    /// Keeps echo requests, including our own on loopback, and router messages out of the buffer.
    fn filter_types(&self) -> io::Result<()> {
        match self.family {
            Family::V4 => {
                let accepted: u32 = [0, 3, 11, 12].iter().map(|kind| 1_u32 << kind).sum();
                sys::set_option(&self.inner, libc::SOL_RAW, ICMP_FILTER, !accepted)
            }
            Family::V6 => {
                let blocked = [0, 0, 0, 0, !(1_u32 << (129 - 128)), !0, !0, !0];
                sys::set_option(&self.inner, libc::IPPROTO_ICMPV6, ICMP6_FILTER, blocked)
            }
        }
    }

    /// Binds a datagram socket; the kernel chooses its identifier, which is its port.
    fn bind(&self) -> io::Result<u16> {
        let any: SocketAddr = match self.family {
            Family::V4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
            Family::V6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        self.inner.bind(&any.into())?;
        Ok(self.inner.local_addr()?.as_socket().map_or(0, |address| address.port()))
    }

    /// Enables hop limits and the error queue.
    ///
    /// A datagram socket gets ICMP errors in its error queue. A raw socket gets them as packets, but only with an error
    /// queue the kernel reports that it dropped a request because the queue of a device was full.
    fn enable_details(&self) -> io::Result<()> {
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

/// `linux/icmp.h`: the bits are the types that are blocked.
const ICMP_FILTER: i32 = 1;
/// `linux/icmpv6.h`: the same.
const ICMP6_FILTER: i32 = 1;
