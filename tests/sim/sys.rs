//! The system calls that the simulation needs and that neither `std` nor `socket2` offer.
#![allow(
    unsafe_code,
    reason = "system calls without a safe wrapper; this is the only such file of the tests"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// Creates the TUN device `name`; every read gives one IP packet, every write delivers one. Does not block.
pub fn open_tun(name: &str) -> io::Result<File> {
    let tun =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    // SAFETY: ifreq is plain data, for which all zeroes is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).expect("small constants");
    // SAFETY: the descriptor is open, and the kernel reads and writes one ifreq, which outlives the call.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })?;
    Ok(tun)
}

/// Waits until there is something to read, but no longer than `at_most`, to the nanosecond.
pub fn wait_readable(file: &File, at_most: Duration) -> io::Result<()> {
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(at_most.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: i64::from(at_most.subsec_nanos()),
    };
    // SAFETY: one pollfd and one timespec, both of which outlive the call; no signal mask.
    let found = unsafe { libc::ppoll(&raw mut poll, 1, &raw const timeout, std::ptr::null()) };
    match check(found) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        other => other,
    }
}

/// Has the kernel wake the calling thread when it asked for it, not up to 50 µs later.
pub fn wake_precisely() {
    // SAFETY: no pointers involved.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64, 0_u64, 0_u64, 0_u64) };
}

/// Sends a signal to one process.
pub fn signal(pid: u32, signal: i32) -> io::Result<()> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: no pointers involved.
    check(unsafe { libc::kill(pid, signal) })
}

/// Has the kernel kill the command's process when the thread that started it ends.
pub fn die_with_us(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only prctl is called, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0_u64, 0_u64, 0_u64)))
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
