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

/// A system call that the kernel is to answer by itself: with an error, or as done without doing it.
#[derive(Debug, Clone, Copy)]
pub struct Denial {
    call: libc::c_long,
    /// Index and value of an argument, all of which have to fit.
    arguments: &'static [(u32, libc::c_int)],
    errno: libc::c_int,
}

/// Setting the size of the receive buffer changes nothing: it stays at `net.core.rmem_default`.
pub const BUFFERS_STAY_SMALL: [Denial; 2] = [
    Denial {
        call: libc::SYS_setsockopt,
        arguments: &[(1, libc::SOL_SOCKET), (2, libc::SO_RCVBUF)],
        errno: 0,
    },
    Denial {
        call: libc::SYS_setsockopt,
        arguments: &[(1, libc::SOL_SOCKET), (2, libc::SO_RCVBUFFORCE)],
        errno: 0,
    },
];

/// A kernel that was built without IPv6.
pub const NO_IPV6: [Denial; 1] =
    [Denial { call: libc::SYS_socket, arguments: &[(0, libc::AF_INET6)], errno: libc::EAFNOSUPPORT }];

/// Has the kernel deny system calls to the command's process, by a seccomp filter.
pub fn deny<'a>(command: &'a mut Command, denials: &[Denial]) -> &'a mut Command {
    let program = denials.iter().flat_map(instructions).chain([allow()]).collect::<Vec<_>>();
    // SAFETY: between fork and exec only prctl is called; the program lives in the closure.
    unsafe {
        command.pre_exec(move || {
            let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
            let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
            check(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter))
        })
    }
}

/// The classic BPF of one denial: falls through to what comes after it unless all of it fits.
fn instructions(denial: &Denial) -> Vec<libc::sock_filter> {
    // `seccomp_data`: the call's number at 0, the arguments as 64-bit words from 16 on; little end first.
    let call = (0, u32::try_from(denial.call).expect("a small number"));
    let arguments = denial.arguments.iter().map(|&(index, value)| (16 + 8 * index, value.cast_unsigned()));
    let conditions: Vec<(u32, u32)> = [call].into_iter().chain(arguments).collect();
    let mut program = Vec::new();
    for (index, &(offset, value)) in conditions.iter().enumerate() {
        let rest = u8::try_from(2 * (conditions.len() - index) - 1).expect("a short program");
        program.push(instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset));
        program.push(instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, rest, value));
    }
    let errno = libc::SECCOMP_RET_ERRNO | denial.errno.cast_unsigned();
    program.push(instruction(libc::BPF_RET | libc::BPF_K, 0, errno));
    program
}

fn allow() -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW)
}

/// An instruction; a jump goes on with the next one if equal, else skips `unless` of them.
fn instruction(code: u32, unless: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).expect("a 16-bit code"), jt: 0, jf: unless, k }
}
