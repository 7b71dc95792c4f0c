//! Standard output and standard error, written by one thread, so that a terminal that is slow, stopped or gone
//! holds nobody else up, and so that log lines and the table do not write over each other.

use crate::screen::painter::{Frame, Painter};
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So many bytes of log may wait to be written; what comes on top is dropped, and counted.
const MAX_WAITING: usize = 1 << 20;

/// At the end, so long is waited for what is still to be written.
const PATIENCE: Duration = Duration::from_millis(500);

/// Owns the thread that writes. Dropping it writes what is left, and gives the terminal back as it was.
pub struct Console(ConsoleHandle);

impl Console {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn open() -> io::Result<Self> {
        let handle = ConsoleHandle::default();
        let shared = Arc::clone(&handle.0);
        let shared_screen = io::stdout().is_terminal() && io::stderr().is_terminal();
        let work = move || shared.work(Painter::new(io::stdout(), io::stderr(), shared_screen));
        thread::Builder::new().name("console".into()).spawn(work)?;
        Ok(Self(handle))
    }

    /// A way to hand text over, for whoever writes.
    pub fn handle(&self) -> ConsoleHandle {
        self.0.clone()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.0.0.end(PATIENCE);
    }
}

/// Hands text over to the thread that writes. Never blocks.
#[derive(Clone, Default)]
pub struct ConsoleHandle(Arc<ConsoleShared>);

impl ConsoleHandle {
    /// Hands over a line of log for standard error, with its line break.
    pub fn log(&self, line: Vec<u8>) {
        let mut waiting = self.0.lock();
        if waiting.phase == Phase::Ended {
            // The thread is gone; there is nothing left that a slow terminal could hold up.
            let _ = io::stderr().write_all(&line);
        } else if waiting.bytes + line.len() > MAX_WAITING {
            waiting.dropped += 1;
        } else {
            waiting.bytes += line.len();
            waiting.lines.push_back(line);
            self.0.changed.notify_all();
        }
    }

    /// Hands over the table for standard output. One that is not drawn yet is replaced.
    pub fn draw(&self, frame: Frame) {
        self.0.lock().frame = Some(frame);
        self.0.changed.notify_all();
    }

    /// Whether drawing has any use: standard output has not failed.
    pub fn can_draw(&self) -> bool {
        !self.0.lock().gone
    }

    /// Whether the latest table has been taken, so that the next one is worth its making.
    pub fn wants_frame(&self) -> bool {
        self.0.lock().frame.is_none()
    }

    #[cfg(test)]
    pub(super) fn waiting_lines(&self) -> Vec<String> {
        let lines = self.0.lock().take().lines;
        lines.into_iter().map(|line| String::from_utf8(line).expect("log lines are text")).collect()
    }
}

#[derive(Default)]
struct ConsoleShared {
    waiting: Mutex<PendingOutput>,
    changed: Condvar,
}

/// What is to be written next.
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
    gone: bool,
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
        let rest = Self { phase: self.phase, gone: self.gone, ..Self::default() };
        std::mem::replace(self, rest)
    }
}

impl ConsoleShared {
    fn lock(&self) -> MutexGuard<'_, PendingOutput> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does: writes what is handed over until the end.
    fn work(&self, mut painter: Painter<impl Write, impl Write>) {
        loop {
            let idle = self.changed.wait_while(self.lock(), |waiting| waiting.is_idle());
            let work = idle.unwrap_or_else(PoisonError::into_inner).take();
            let mut lines = Vec::from(work.lines);
            if work.dropped > 0 {
                lines.push(format!("{} log lines were dropped: too slow a reader\n", work.dropped).into());
            }
            painter.paint(&lines, work.frame);
            if work.phase == Phase::Ending {
                painter.restore();
            }
            let mut waiting = self.lock();
            waiting.gone = painter.gone();
            if work.phase == Phase::Ending {
                waiting.phase = Phase::Ended;
                self.changed.notify_all();
                return;
            }
        }
    }

    fn end(&self, patience: Duration) {
        let mut waiting = self.lock();
        waiting.phase = Phase::Ending;
        self.changed.notify_all();
        let going_on = |waiting: &mut PendingOutput| waiting.phase != Phase::Ended;
        drop(self.changed.wait_timeout_while(waiting, patience, going_on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Passes on what is written, and is as slow as whoever receives it.
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
    fn nobody_waits_for_a_stopped_terminal_and_what_it_missed_is_counted() {
        let (handle, receiver) = slow_console();
        let line = vec![b'x'; 1024];
        for _ in 0..3_000 {
            handle.log(line.clone());
        }
        handle.0.end(Duration::from_millis(1));
        let read: String = receiver.iter().collect();
        let arrived = read.matches('x').count() / 1024;
        assert!((1_000..=2_100).contains(&arrived), "{arrived}");
        // The thread may have begun when lines had been dropped already; then it says so twice.
        let counts =
            read.split(" log lines were dropped").filter_map(|before| before.rsplit(['x', '\n']).next());
        let dropped: usize = counts.filter_map(|count| count.parse::<usize>().ok()).sum();
        assert_eq!(dropped, 3_000 - arrived, "{arrived} arrived");
    }

    #[test]
    fn a_table_that_was_not_drawn_yet_is_replaced() {
        let handle = ConsoleHandle::default();
        handle.draw(Frame::new(&[], 1, (80, 24)));
        assert!(!handle.wants_frame());
        handle.draw(Frame::new(&[], 0, (80, 24)));
        assert_eq!(handle.0.lock().take().frame, Some(Frame::new(&[], 0, (80, 24))));
        assert!(handle.wants_frame());
    }
}
