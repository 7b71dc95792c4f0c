//! Receiving with recvmmsg(2): packets with their time stamps, and errors from the error queue.

use super::{BATCH, empty_is_ok, nanos, size_of_u32};
use libc::{c_int, c_uint};
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

/// Room for a packet unless larger ones are expected: more than an ICMPv6 error with its quotation (RFC 4443 §2.4).
const MIN_PACKET_ROOM: usize = 1_600;
/// Maximum size of the buffers in bytes: the larger the packets, the fewer are read at once.
const MAX_BUFFER_BYTES: usize = 1 << 20;
/// Room for the time stamp, the hop limit and an extended error with its offender, in words.
const CONTROL_WORDS: usize = 32;

/// A received packet.
pub(crate) struct Received<'a> {
    /// The packet, or for an error our packet that caused it.
    pub bytes: &'a [u8],
    /// The sender; for an error from the error queue the destination of our packet.
    pub source: Option<SocketAddr>,
    /// When the kernel received it, in ns of wall-clock time.
    pub stamp: Option<i128>,
    /// TTL or hop limit, if the socket reports it.
    pub hops: Option<u8>,
    /// The error, for an entry of the error queue.
    pub error: Option<ExtendedError>,
    /// Whether the packet was longer than the buffer.
    pub truncated: bool,
}

/// An ICMP error from the error queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExtendedError {
    /// Type of the ICMP or ICMPv6 header.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// The sender of the error; `None` for the local kernel.
    pub offender: Option<IpAddr>,
}

/// Reusable buffers for one call of recvmmsg(2).
pub(crate) struct Inbound {
    /// `room` bytes for each packet that is read at once.
    packets: Box<[u8]>,
    room: usize,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    controls: Box<[[u64; CONTROL_WORDS]; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
    vectors: Box<[libc::iovec; BATCH]>,
    count: usize,
}

impl Inbound {
    /// Empty buffers.
    pub(crate) fn new() -> Self {
        // SAFETY: all of these are plain C structures and integers, for which all zeroes is a valid value.
        let zeroed = || unsafe { MaybeUninit::zeroed().assume_init() };
        Self {
            packets: vec![0; MIN_PACKET_ROOM * BATCH].into(),
            room: MIN_PACKET_ROOM,
            // SAFETY: as above.
            names: Box::new(unsafe { MaybeUninit::zeroed().assume_init() }),
            controls: Box::new([[0; CONTROL_WORDS]; BATCH]),
            headers: Box::new(zeroed()),
            // SAFETY: as above; null pointers are valid values of raw pointers.
            vectors: Box::new(unsafe { MaybeUninit::zeroed().assume_init() }),
            count: BATCH,
        }
    }

    /// Enlarges the room for each packet, if necessary. Discards packets that were read before.
    pub(crate) fn make_room(&mut self, length: usize) {
        if length > self.room {
            self.room = length;
            // The system allocates zeroed pages only when they are written to.
            self.packets = vec![0; length * BATCH.min(MAX_BUFFER_BYTES / length).max(1)].into();
            self.count = self.limit();
        }
    }

    /// Packets that are read at once.
    fn limit(&self) -> usize {
        self.packets.len() / self.room
    }

    /// Points the headers that the latest call changed to their buffers again.
    fn point(&mut self) {
        let used = mem::take(&mut self.count);
        for (index, packet) in self.packets.chunks_exact_mut(self.room).enumerate().take(used) {
            self.vectors[index].iov_base = packet.as_mut_ptr().cast();
            self.vectors[index].iov_len = packet.len();
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = size_of_u32::<libc::sockaddr_storage>();
            header.msg_iov = &raw mut self.vectors[index];
            header.msg_iovlen = 1;
            header.msg_control = self.controls[index].as_mut_ptr().cast();
            header.msg_controllen = mem::size_of_val(&self.controls[index]);
        }
    }

    /// Reads up to [`BATCH`] packets without waiting; from the error queue if `errors`. 0 when there are none.
    ///
    /// # Errors
    /// Errors of recvmmsg(2) except `EAGAIN` and `EINTR`.
    pub(crate) fn receive(&mut self, socket: &impl AsRawFd, errors: bool) -> io::Result<usize> {
        self.point();
        let limit = self.limit();
        let flags = libc::MSG_DONTWAIT | if errors { libc::MSG_ERRQUEUE } else { 0 };
        // SAFETY: every header points to buffers of its own that outlive the call, with their right lengths.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                c_uint::try_from(limit).unwrap_or(1),
                flags,
                std::ptr::null_mut(),
            )
        };
        match usize::try_from(count) {
            Ok(count) => self.count = count.min(limit),
            Err(_) => return empty_is_ok(io::Error::last_os_error()),
        }
        Ok(self.count)
    }

    /// The packets of the latest call.
    pub(crate) fn packets(&self) -> impl Iterator<Item = Received<'_>> {
        (0..self.count).map(|index| self.packet(index))
    }

    fn packet(&self, index: usize) -> Received<'_> {
        let message = &self.headers[index];
        let room = &self.packets[index * self.room..][..self.room];
        let length = usize::try_from(message.msg_len).unwrap_or(self.room).min(self.room);
        let mut received = Received {
            bytes: &room[..length],
            source: socket_address(&self.names[index], message.msg_hdr.msg_namelen),
            stamp: None,
            hops: None,
            error: None,
            truncated: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        };
        let header = &message.msg_hdr;
        // SAFETY: the kernel filled in the control buffer and its length, and both are still in place; the
        // macros stay within that length, and the data of each kind is checked to be long enough.
        unsafe {
            let mut control = libc::CMSG_FIRSTHDR(header);
            while !control.is_null() {
                let data = std::slice::from_raw_parts(
                    libc::CMSG_DATA(control),
                    (*control).cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize),
                );
                received.note((*control).cmsg_level, (*control).cmsg_type, data);
                control = libc::CMSG_NXTHDR(header, control);
            }
        }
        received
    }
}

impl Received<'_> {
    fn note(&mut self, level: c_int, kind: c_int, data: &[u8]) {
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => self.stamp = copy::<libc::timespec>(data).map(nanos),
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                self.hops = copy::<c_int>(data).and_then(|hops| u8::try_from(hops).ok());
            }
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                self.error = extended_error(data);
            }
            _ => {}
        }
    }
}

fn extended_error(data: &[u8]) -> Option<ExtendedError> {
    let error: libc::sock_extended_err = copy(data)?;
    let rest = data.get(mem::size_of::<libc::sock_extended_err>()..)?;
    let from_network = matches!(error.ee_origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6);
    from_network.then(|| ExtendedError { kind: error.ee_type, code: error.ee_code, offender: offender(rest) })
}

fn offender(data: &[u8]) -> Option<IpAddr> {
    // SAFETY: a sockaddr_storage of zeroes is valid, and is then partly overwritten with plain bytes.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let length = data.len().min(mem::size_of_val(&storage));
    // SAFETY: the source has `length` bytes, the target at least as many, and they do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), (&raw mut storage).cast::<u8>(), length) };
    Some(socket_address(&storage, u32::try_from(length).ok()?)?.ip())
}

/// Copies a C structure out of control data; `None` if the data is too short.
fn copy<T: Copy>(data: &[u8]) -> Option<T> {
    // SAFETY: only used with plain C structures and integers, valid for any bytes; the length is checked.
    (data.len() >= mem::size_of::<T>()).then(|| unsafe { data.as_ptr().cast::<T>().read_unaligned() })
}

fn socket_address(storage: &libc::sockaddr_storage, length: libc::socklen_t) -> Option<SocketAddr> {
    match c_int::from(storage.ss_family) {
        libc::AF_INET if length >= size_of_u32::<libc::sockaddr_in>() => {
            // SAFETY: the family determines the structure, and the storage is large enough for it.
            let name: libc::sockaddr_in = unsafe { std::ptr::read((&raw const *storage).cast()) };
            Some(
                SocketAddrV4::new(u32::from_be(name.sin_addr.s_addr).into(), u16::from_be(name.sin_port))
                    .into(),
            )
        }
        libc::AF_INET6 if length >= size_of_u32::<libc::sockaddr_in6>() => {
            // SAFETY: as above.
            let name: libc::sockaddr_in6 = unsafe { std::ptr::read((&raw const *storage).cast()) };
            let ip = name.sin6_addr.s6_addr.into();
            Some(SocketAddrV6::new(ip, u16::from_be(name.sin6_port), 0, name.sin6_scope_id).into())
        }
        _ => None,
    }
}
