//! Draws on a terminal, for the live table of the daemon and for `meshpingctl list --watch`.

pub mod painter;

/// Columns and lines of a terminal that does not report its size: those of a VT100.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// Columns and lines of the terminal.
pub fn size() -> (u16, u16) {
    let size = crossterm::terminal::window_size().map(|size| (size.columns, size.rows));
    size.ok().filter(|&(columns, lines)| columns > 0 && lines > 0).unwrap_or(DEFAULT_SIZE)
}
