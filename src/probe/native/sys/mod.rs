//! The system calls of the native engine that no safe crate offers: batches, time stamps, error queues.
//!
//! The only module with `unsafe`. Every block has a proof of soundness; the functions of this module are safe.
#![allow(unsafe_code)]

mod inbound;
mod outbound;

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::c_int;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(super) use inbound::{ExtendedError, Inbound, Received};
pub(super) use outbound::{Outbound, PacketMarks};

/// Maximum number of packets in one system call.
pub(super) const BATCH: usize = 64;

/// Sets a socket option to a plain C value.
///
/// # Errors
/// Errors of setsockopt(2).
pub(super) fn set_option<T: Copy>(
    socket: &impl AsRawFd,
    level: c_int,
    option: c_int,
    value: T,
) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size_of_u32::<T>())
    };
    checked(result).map(drop)
}

/// State of a socket's receive buffer: bytes charged, bytes allowed, packets dropped since it was opened.
///
/// `SO_MEMINFO`, not `SO_RXQ_OVFL`: the latter comes with the next packet, and after the last drop there may be none.
///
/// # Errors
/// Errors of getsockopt(2).
pub(super) fn receive_buffer(socket: &impl AsRawFd) -> io::Result<(u32, u32, u32)> {
    const ALLOCATED: usize = 0;
    const ALLOWED: usize = 1;
    const DROPS: usize = 8;
    let mut info = [0_u32; 9];
    let mut length = size_of_u32::<[u32; 9]>();
    // SAFETY: the pointer and the length describe `info`; the kernel writes no more than that.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    checked(result)?;
    Ok((info[ALLOCATED], info[ALLOWED], info[DROPS]))
}

/// Reads a clock, in ns; a clock that exists can always be read.
pub(super) fn clock(id: libc::clockid_t) -> i128 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that outlives the call.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    nanos(time)
}

/// A timer that becomes readable at a time of `CLOCK_BOOTTIME`.
///
/// # Errors
/// Errors of timerfd_create(2).
pub(super) fn timer() -> io::Result<OwnedFd> {
    // SAFETY: no pointers; the descriptor is new, and has no other owner.
    let fd = checked(unsafe {
        libc::timerfd_create(libc::CLOCK_BOOTTIME, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC)
    })?;
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets the timer to a time of `CLOCK_BOOTTIME` in ns; 0 stops it. An expiry that was not read is discarded.
///
/// # Errors
/// Errors of timerfd_settime(2).
pub(super) fn set_timer(timer: &OwnedFd, nanos: i128) -> io::Result<()> {
    let at = libc::timespec {
        tv_sec: libc::time_t::try_from(nanos / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(nanos % 1_000_000_000).unwrap_or(0),
    };
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let spec = libc::itimerspec { it_interval: never, it_value: at };
    // SAFETY: the pointer is to an itimerspec that outlives the call; the old value is not asked for.
    checked(unsafe {
        libc::timerfd_settime(
            timer.as_raw_fd(),
            libc::TFD_TIMER_ABSTIME,
            &raw const spec,
            std::ptr::null_mut(),
        )
    })
    .map(drop)
}

/// The index of an interface; `None` if it does not exist.
fn interface_index(name: &str) -> Option<u32> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: a string with its terminator that outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// The index of an interface, by its name or by that number as text.
pub(super) fn interface_of(name: &str) -> Option<u32> {
    interface_index(name).or_else(|| name.parse().ok()).filter(|index| *index != 0)
}

/// The name of the interface with this index; `None` if it does not exist.
pub(super) fn interface_name(index: u32) -> Option<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: the buffer has the size that the function demands.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    let bytes = name.iter().take_while(|&&c| c != 0).map(|c| c.to_ne_bytes()[0]);
    (!found.is_null()).then(|| bytes.map(char::from).collect())
}

/// The first two numbers of the kernel's version; (0, 0) if there are none.
pub(super) fn kernel_version() -> (u32, u32) {
    // SAFETY: zeroes are valid for this plain C structure of arrays.
    let mut names: libc::utsname = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a utsname that outlives the call.
    unsafe { libc::uname(&raw mut names) };
    let release: String =
        names.release.iter().take_while(|&&c| c != 0).map(|c| char::from(c.to_ne_bytes()[0])).collect();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// An epoll instance that is readable while one of its sockets is.
pub(super) struct SocketPoll(OwnedFd);

impl SocketPoll {
    /// An instance without sockets.
    ///
    /// # Errors
    /// Errors of epoll(7).
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the descriptor is new, and has no other owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) }))
    }

    /// Adds a socket.
    ///
    /// # Errors
    /// Errors of epoll_ctl(2).
    pub(super) fn arm(&self, socket: &impl AsRawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, libc::EPOLLIN)
    }

    /// Removes a socket.
    ///
    /// A change of its events would not do: epoll always reports errors of its sockets.
    ///
    /// # Errors
    /// Errors of epoll_ctl(2).
    pub(super) fn disarm(&self, socket: &impl AsRawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, socket, 0)
    }

    fn control(&self, operation: c_int, socket: &impl AsRawFd, events: c_int) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events.cast_unsigned(), u64: 0 };
        // SAFETY: the pointer is to an event that outlives the call.
        checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, socket.as_raw_fd(), &raw mut event) })
            .map(drop)
    }
}

impl AsRawFd for SocketPoll {
    fn as_raw_fd(&self) -> c_int {
        self.0.as_raw_fd()
    }
}

/// Registers a timer or a poll with the runtime of this thread, for readiness to read.
///
/// # Errors
/// Errors of epoll_ctl(2).
pub(super) fn watch<T: Watchable>(source: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: a `Watchable` owns its descriptor and returns that same one for as long as it lives.
    unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) }.map_err(io::Error::from)
}

/// A type that owns its descriptor and never changes it.
pub(super) trait Watchable: AsRawFd {}

impl Watchable for OwnedFd {}

impl Watchable for SocketPoll {}

fn nanos(time: libc::timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn size_of_u32<T>() -> u32 {
    u32::try_from(mem::size_of::<T>()).unwrap_or(u32::MAX)
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn empty_is_ok(error: io::Error) -> io::Result<usize> {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
        _ => Err(error),
    }
}
