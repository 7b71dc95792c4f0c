//! Drawing on a terminal, for the daemon's live table and for meshpingctl.

pub mod painter;

/// Size of a terminal that does not report one: that of a VT100.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// Columns and lines of the terminal.
pub fn size() -> (u16, u16) {
    let size = crossterm::terminal::window_size().map(|size| (size.columns, size.rows));
    size.ok().filter(|&(columns, lines)| columns > 0 && lines > 0).unwrap_or(USUAL_SIZE)
}
