//! A terminal with the daemon on it. Raw system calls: a pseudo-terminal can't be had otherwise.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing here takes longer, unless something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

/// Calls `condition` until it holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < DEADLINE, "in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A program on a terminal of its own, which is its controlling terminal.
pub struct Session {
    child: Child,
    /// `None` when the terminal has gone away.
    master: Option<File>,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    /// Starts the program on a terminal of that many columns and lines. Nobody reads what it writes yet.
    pub fn start(mut command: Command, size: (u16, u16), ignore_hangup: bool) -> Self {
        let (master, slave) = open_terminal(size);
        let stdio = || slave.try_clone().expect("a file descriptor");
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        // SAFETY: the closure makes system calls only, which are allowed between fork and exec.
        unsafe {
            command.pre_exec(move || {
                if ignore_hangup {
                    libc::signal(libc::SIGHUP, libc::SIG_IGN);
                }
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().expect("the program starts");
        Self { child, master: Some(master), output: Arc::default() }
    }

    /// Begins to read what the program writes.
    pub fn read(&self) {
        let mut master = self.master().try_clone().expect("a file descriptor");
        let output = Arc::clone(&self.output);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with EIO when the program has ended.
            while let Ok(length @ 1..) = master.read(&mut buffer) {
                output.lock().expect("no panic").extend_from_slice(&buffer[..length]);
            }
        });
    }

    /// What is to be seen.
    pub fn screen(&self) -> Screen {
        let mut screen = Screen::default();
        screen.feed(&String::from_utf8_lossy(&self.output.lock().expect("no panic")));
        screen
    }

    /// Changes the terminal's size, which the program is told by a signal.
    pub fn resize(&self, size: (u16, u16)) {
        let size = window(size);
        // SAFETY: the pointer is to a live `winsize`, as TIOCSWINSZ wants it.
        let result = unsafe { libc::ioctl(self.master().as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0, "TIOCSWINSZ");
    }

    /// Presses keys.
    pub fn type_in(&self, keys: &[u8]) {
        self.master().write_all(keys).expect("the terminal takes keys");
    }

    /// Takes the terminal away from the program. What it wrote must not have been read.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    pub fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "the program runs");
    }

    /// How the program ended.
    pub fn end(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the program ends", || {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        status.expect("it has ended")
    }

    fn master(&self) -> &File {
        self.master.as_ref().expect("the terminal is there")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn window((columns, lines): (u16, u16)) -> libc::winsize {
    libc::winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn open_terminal(size: (u16, u16)) -> (File, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let (nothing, size) = (std::ptr::null_mut(), window(size));
    // SAFETY: all pointers are to live variables, or null where openpty(3) allows it.
    let result =
        unsafe { libc::openpty(&raw mut master, &raw mut slave, nothing, nothing.cast(), &raw const size) };
    assert_eq!(result, 0, "openpty: {}", std::io::Error::last_os_error());
    // SAFETY: both descriptors are fresh, and nobody else has them.
    let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
    // SAFETY: as above; the program must not inherit our end, or it would never see it close.
    unsafe { libc::fcntl(master.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
    (master, slave)
}

/// A terminal without end, that knows what the daemon makes use of.
#[derive(Debug, Default)]
pub struct Screen {
    pub lines: Vec<String>,
    pub cursor_hidden: bool,
    row: usize,
}

impl Screen {
    fn feed(&mut self, text: &str) {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            rest = &rest[next.len_utf8()..];
            match next {
                '\u{1b}' => {
                    // A sequence that has not arrived to its end yet.
                    let Some(end) = rest.find(|c: char| c.is_ascii_alphabetic()) else { return };
                    self.obey(&rest[..=end]);
                    rest = &rest[end + 1..];
                }
                '\n' => self.row += 1,
                '\r' => {}
                other => self.put(other),
            }
        }
    }

    fn put(&mut self, character: char) {
        assert!(!character.is_control(), "{character:?} got to the terminal");
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, String::new());
        }
        self.lines[self.row].push(character);
    }

    fn obey(&mut self, sequence: &str) {
        match sequence {
            "[?25l" => self.cursor_hidden = true,
            "[?25h" => self.cursor_hidden = false,
            "[2J" => self.lines.clear(),
            "[1;1H" => self.row = 0,
            "[J" => self.lines.truncate(self.row),
            up => {
                let count =
                    up.strip_prefix('[').and_then(|rest| rest.strip_suffix('F')?.parse::<usize>().ok());
                self.row -= count.unwrap_or_else(|| panic!("ESC {up:?} got to the terminal"));
            }
        }
    }

    /// The lines of the table, if there is one: exactly one, and at the end.
    pub fn table(&self) -> Option<&[String]> {
        let starts: Vec<usize> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with("Target "))
            .map(|(at, _)| at)
            .collect();
        assert!(starts.len() <= 1, "several tables: {:#?}", self.lines);
        starts.first().map(|&start| &self.lines[start..])
    }
}
