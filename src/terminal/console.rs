//! Writes standard output and standard error from one thread: a terminal that is slow, stopped or gone delays no other
//! thread, and log lines and the table do not overwrite each other.

use crate::screen::painter::{Frame, Painter};
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Maximum number of pending bytes of log; further lines are dropped and counted.
const MAX_PENDING_BYTES: usize = 1 << 20;

/// Time limit at the end for writing pending output.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Owns the writing thread. Dropping it writes pending output and restores the terminal.
pub struct Console(ConsoleHandle);

impl Console {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's error when it cannot create a thread.
    pub fn open() -> io::Result<Self> {
        let handle = ConsoleHandle::default();
        let shared = Arc::clone(&handle.0);
        let shared_screen = io::stdout().is_terminal() && io::stderr().is_terminal();
        let work = move || shared.work(Painter::new(io::stdout(), io::stderr(), shared_screen));
        thread::Builder::new().name("console".into()).spawn(work)?;
        Ok(Self(handle))
    }

    /// A handle for passing output to the thread.
    pub fn handle(&self) -> ConsoleHandle {
        self.0.clone()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.0.0.end(DRAIN_TIMEOUT);
    }
}

/// Passes output to the writing thread. Does not block.
#[derive(Clone, Default)]
pub struct ConsoleHandle(Arc<ConsoleShared>);

impl ConsoleHandle {
    /// Writes a line of log, which ends in a line break, to standard error.
    pub fn log(&self, line: Vec<u8>) {
        let mut pending = self.0.lock();
        if pending.phase == Phase::Ended {
            // The thread has ended; a slow terminal can no longer delay anything else.
            let _ = io::stderr().write_all(&line);
        } else if pending.bytes + line.len() > MAX_PENDING_BYTES {
            pending.dropped += 1;
        } else {
            pending.bytes += line.len();
            pending.lines.push_back(line);
            self.0.changed.notify_all();
        }
    }

    /// Draws the table on standard output; replaces one that is not drawn yet.
    pub fn draw(&self, frame: Frame) {
        self.0.lock().frame = Some(frame);
        self.0.changed.notify_all();
    }

    /// Whether standard output works.
    pub fn can_draw(&self) -> bool {
        !self.0.lock().output_failed
    }

    /// Whether the thread has taken the latest table, so that the next one can be made.
    pub fn is_ready_for_frame(&self) -> bool {
        self.0.lock().frame.is_none()
    }

    #[cfg(test)]
    pub(super) fn pending_lines(&self) -> Vec<String> {
        let lines = self.0.lock().take().lines;
        lines.into_iter().map(|line| String::from_utf8(line).expect("log lines are text")).collect()
    }
}

#[derive(Default)]
struct ConsoleShared {
    pending: Mutex<PendingOutput>,
    changed: Condvar,
}

/// Output that is not written yet.
#[derive(Default)]
struct PendingOutput {
    lines: VecDeque<Vec<u8>>,
    /// Sum of the lengths of `lines`.
    bytes: usize,
    /// Lines that did not fit.
    dropped: u64,
    frame: Option<Frame>,
    phase: Phase,
    /// Standard output has failed.
    output_failed: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Running,
    Ending,
    Ended,
}

impl PendingOutput {
    fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.frame.is_none() && self.phase == Phase::Running
    }

    fn take(&mut self) -> Self {
        let rest = Self { phase: self.phase, output_failed: self.output_failed, ..Self::default() };
        std::mem::replace(self, rest)
    }
}

impl ConsoleShared {
    fn lock(&self) -> MutexGuard<'_, PendingOutput> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop of the thread: writes output until the end.
    fn work(&self, mut painter: Painter<impl Write, impl Write>) {
        loop {
            let idle = self.changed.wait_while(self.lock(), |pending| pending.is_idle());
            let work = idle.unwrap_or_else(PoisonError::into_inner).take();
            let mut lines = Vec::from(work.lines);
            if work.dropped > 0 {
                lines.push(
                    format!("{} log lines were dropped: standard error is read too slowly\n", work.dropped)
                        .into(),
                );
            }
            painter.paint(&lines, work.frame);
            if work.phase == Phase::Ending {
                painter.restore();
            }
            let mut pending = self.lock();
            pending.output_failed = painter.has_failed();
            if work.phase == Phase::Ending {
                pending.phase = Phase::Ended;
                self.changed.notify_all();
                return;
            }
        }
    }

    fn end(&self, time_limit: Duration) {
        let mut pending = self.lock();
        pending.phase = Phase::Ending;
        self.changed.notify_all();
        let is_running = |pending: &mut PendingOutput| pending.phase != Phase::Ended;
        drop(self.changed.wait_timeout_while(pending, time_limit, is_running));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Passes output on, as fast as the receiver takes it.
    struct Slow(mpsc::SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow_console() -> (ConsoleHandle, mpsc::Receiver<String>) {
        let handle = ConsoleHandle::default();
        let (sender, receiver) = mpsc::sync_channel(0);
        let shared = Arc::clone(&handle.0);
        thread::spawn(move || shared.work(Painter::new(io::sink(), Slow(sender), false)));
        (handle, receiver)
    }

    #[test]
    fn lines_arrive_in_order_and_the_last_ones_before_the_end() {
        let (handle, receiver) = slow_console();
        let reader = thread::spawn(move || receiver.iter().collect::<String>());
        let lines: Vec<String> = (0..100).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            handle.log(line.clone().into());
        }
        handle.0.end(Duration::from_secs(10));
        assert_eq!(reader.join().unwrap(), lines.concat());
    }

    #[test]
    fn a_stopped_terminal_delays_no_thread_and_dropped_lines_are_counted() {
        let (handle, receiver) = slow_console();
        let line = vec![b'x'; 1024];
        for _ in 0..3_000 {
            handle.log(line.clone());
        }
        handle.0.end(Duration::from_millis(1));
        let read: String = receiver.iter().collect();
        let arrived = read.matches('x').count() / 1024;
        assert!((1_000..=2_100).contains(&arrived), "{arrived}");
        // If the thread starts after lines were dropped, it reports them in two lines.
        let counts =
            read.split(" log lines were dropped").filter_map(|before| before.rsplit(['x', '\n']).next());
        let dropped: usize = counts.filter_map(|count| count.parse::<usize>().ok()).sum();
        assert_eq!(dropped, 3_000 - arrived, "{arrived} arrived");
    }

    #[test]
    fn a_table_that_is_not_drawn_yet_is_replaced() {
        let handle = ConsoleHandle::default();
        handle.draw(Frame::new(&[], 1, (80, 24)));
        assert!(!handle.is_ready_for_frame());
        handle.draw(Frame::new(&[], 0, (80, 24)));
        assert_eq!(handle.0.lock().take().frame, Some(Frame::new(&[], 0, (80, 24))));
        assert!(handle.is_ready_for_frame());
    }
}
