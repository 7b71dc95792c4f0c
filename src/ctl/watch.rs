//! The table of `list --watch`.

use crate::format::table::Row;
use crate::screen;
use crate::screen::painter::{Frame, Painter};
use std::io::{self, IsTerminal, Stderr, Stdout};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two tables.
const PERIOD: Duration = Duration::from_secs(1);

/// Draws tables in place on a terminal, one a second.
pub(super) struct TableWatch {
    painter: Option<Painter<Stdout, Stderr>>,
    next: Instant,
}

impl TableWatch {
    pub(super) fn start() -> Self {
        let on_terminal = io::stdout().is_terminal();
        let painter = on_terminal.then(|| Painter::new(io::stdout(), io::stderr(), true));
        Self { painter, next: Instant::now() }
    }

    /// Whether there is a terminal to draw on.
    pub(super) fn has_screen(&self) -> bool {
        self.painter.is_some()
    }

    /// Draws the table over the one before.
    pub(super) fn draw(&mut self, rows: &[Row]) {
        if let Some(painter) = &mut self.painter {
            painter.paint(&[], Some(Frame::new(rows, rows.len(), screen::size())));
            // An interrupt ends the program without clean-up, so the cursor must be visible between tables.
            painter.restore();
        }
    }

    /// Waits for the next second; missed seconds are skipped.
    pub(super) fn wait(&mut self) {
        let now = Instant::now();
        self.next = (self.next + PERIOD).max(now);
        thread::sleep(self.next - now);
    }
}
