//! Writes the log and the table so that the table stays in place at the end of the terminal, below the log.

use crate::format::table::{HEADER, Row};
use crossterm::{QueueableCommand, cursor, terminal};
use std::io::{self, Write};

/// A table, cut to the size of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    lines: Vec<String>,
    size: (u16, u16),
}

impl Frame {
    /// Number of rows that fit a terminal with this many lines.
    pub fn capacity(height: u16) -> usize {
        // The header and the cursor need a line each.
        usize::from(height).saturating_sub(2)
    }

    /// The first of `total` rows, as many as fit, and a line with the number of omitted ones. `size` is columns and lines.
    pub fn new(rows: &[Row], total: usize, size: (u16, u16)) -> Self {
        let capacity = Self::capacity(size.1);
        let fitting = if total <= capacity { capacity } else { capacity.saturating_sub(1) };
        let mut lines = vec![HEADER.to_owned()];
        lines.extend(rows.iter().take(fitting).map(ToString::to_string));
        let more = total.saturating_sub(lines.len() - 1);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.truncate(usize::from(size.1).saturating_sub(1).max(1));
        for line in &mut lines {
            *line = line.chars().take(size.0.into()).collect();
        }
        Self { lines, size }
    }
}

/// Writes log lines and the table to a terminal, or log lines alone to any output.
pub struct Painter<O, E> {
    out: O,
    err: E,
    /// Whether both are the same terminal.
    shared: bool,
    /// The table on the screen.
    drawn: Option<Frame>,
    hidden_cursor: bool,
    failed: bool,
}

impl<O: Write, E: Write> Painter<O, E> {
    /// A painter without a table. `shared`: standard output and standard error are terminals.
    pub fn new(out: O, err: E, shared: bool) -> Self {
        Self { out, err, shared, drawn: None, hidden_cursor: false, failed: false }
    }

    /// Whether standard output has failed, so that nothing more is drawn.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Writes log lines and the table: the new one, or again the old one if the log has overwritten it.
    pub fn paint(&mut self, log: &[Vec<u8>], frame: Option<Frame>) {
        let frame = frame.filter(|_| !self.failed);
        let covered = self.shared && !log.is_empty() && self.drawn.is_some();
        let next = frame.or_else(|| if covered { self.drawn.clone() } else { None });
        let mut picture = Vec::new();
        if next.is_some() {
            self.erase(next.as_ref(), &mut picture);
        }
        if covered {
            self.show(&std::mem::take(&mut picture));
        }
        if !log.is_empty() {
            // A failure of standard error cannot be reported.
            let _ = self.err.write_all(&log.concat()).and_then(|()| self.err.flush());
        }
        if let Some(next) = next {
            self.compose(&next, &mut picture);
            self.show(&picture);
            self.drawn = Some(next);
        }
    }

    /// Restores the terminal; the last table stays.
    pub fn restore(&mut self) {
        if self.hidden_cursor {
            let mut picture = Vec::new();
            let _ = picture.queue(cursor::Show);
            self.show(&picture);
        }
    }

    /// Erases the table. After a change of the terminal's size lines may be wrapped differently, so the place of the table
    /// is unknown: then erases the whole screen.
    fn erase(&self, next: Option<&Frame>, picture: &mut Vec<u8>) {
        let Some(drawn) = &self.drawn else { return };
        // Writing to a vector does not fail.
        let _ = if next.is_some_and(|next| next.size != drawn.size) {
            picture
                .queue(terminal::Clear(terminal::ClearType::All))
                .and_then(|picture| picture.queue(cursor::MoveTo(0, 0)))
        } else {
            let height = u16::try_from(drawn.lines.len()).unwrap_or(u16::MAX);
            picture
                .queue(cursor::MoveToPreviousLine(height))
                .and_then(|picture| picture.queue(terminal::Clear(terminal::ClearType::FromCursorDown)))
        };
    }

    fn compose(&mut self, frame: &Frame, picture: &mut Vec<u8>) {
        if !self.hidden_cursor {
            let _ = picture.queue(cursor::Hide);
            self.hidden_cursor = true;
        }
        for line in &frame.lines {
            picture.extend_from_slice(line.as_bytes());
            picture.extend_from_slice(b"\r\n");
        }
    }

    fn show(&mut self, picture: &[u8]) {
        let shown = self.out.write_all(picture).and_then(|()| self.out.flush());
        // EAGAIN: another program made the terminal non-blocking; the next picture may succeed.
        self.failed |= shown.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Row> {
        (1..=count).map(|n| Row { address: format!("10.0.0.{n}"), ..Row::default() }).collect()
    }

    fn first_words(frame: &Frame) -> Vec<&str> {
        frame.lines.iter().map(|line| line.split_whitespace().next().unwrap_or("")).collect()
    }

    #[test]
    fn a_frame_fits_the_terminal_and_has_the_number_of_omitted_rows() {
        let all = rows(9);
        // targets, height; lines
        let cases: [(usize, u16, &[&str]); 6] = [
            (0, 24, &["Target"]),
            (2, 24, &["Target", "10.0.0.1", "10.0.0.2"]),
            (3, 5, &["Target", "10.0.0.1", "10.0.0.2", "10.0.0.3"]),
            (4, 5, &["Target", "10.0.0.1", "10.0.0.2", "and"]),
            (4, 2, &["Target"]),
            (4, 0, &["Target"]),
        ];
        for (targets, height, expected) in cases {
            let frame = Frame::new(&all[..targets], targets, (200, height));
            assert_eq!(first_words(&frame), expected, "{targets} targets, {height} lines");
        }
        let frame = Frame::new(&all, 10_000, (7, 5));
        assert_eq!(frame.lines, ["Target ", "10.0.0.", "10.0.0.", "and 999"]);
    }

    fn painted(
        size: (u16, u16),
        paint: impl Fn(&mut Painter<&mut Vec<u8>, &mut Vec<u8>>),
    ) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut painter = Painter::new(&mut out, &mut err, true);
        painter.paint(&[], Some(Frame::new(&rows(1), 1, size)));
        painter.out.clear();
        paint(&mut painter);
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_table_is_drawn_over_the_one_before() {
        let (out, _) =
            painted((20, 24), |painter| painter.paint(&[], Some(Frame::new(&rows(1), 1, (20, 24)))));
        assert_eq!(out, "\u{1b}[2F\u{1b}[JTarget              \r\n10.0.0.1            \r\n");
    }

    #[test]
    fn a_new_size_clears_the_screen() {
        let (out, _) =
            painted((20, 24), |painter| painter.paint(&[], Some(Frame::new(&rows(1), 1, (10, 24)))));
        assert_eq!(out, "\u{1b}[2J\u{1b}[1;1HTarget    \r\n10.0.0.1  \r\n");
    }

    #[test]
    fn a_log_line_goes_above_the_table() {
        let (out, err) = painted((20, 24), |painter| painter.paint(&[b"news\n".to_vec()], None));
        assert_eq!(err, "news\n");
        assert_eq!(out, "\u{1b}[2F\u{1b}[JTarget              \r\n10.0.0.1            \r\n");
    }

    #[test]
    fn the_cursor_is_hidden_once_and_comes_back() {
        let mut out = Vec::new();
        let mut painter = Painter::new(&mut out, io::sink(), false);
        painter.paint(&[b"no table yet\n".to_vec()], None);
        painter.paint(&[], Some(Frame::new(&[], 0, (6, 24))));
        painter.restore();
        assert_eq!(String::from_utf8(out).unwrap(), "\u{1b}[?25lTarget\r\n\u{1b}[?25h");
    }

    struct BrokenOutput;

    impl Write for BrokenOutput {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_failed_output_ends_the_drawing_but_not_the_log() {
        let mut err = Vec::new();
        let mut painter = Painter::new(BrokenOutput, &mut err, true);
        painter.paint(&[], Some(Frame::new(&[], 0, (80, 24))));
        assert!(painter.has_failed());
        painter.paint(&[b"news\n".to_vec()], Some(Frame::new(&[], 0, (80, 24))));
        assert_eq!(err, b"news\n");
    }
}
