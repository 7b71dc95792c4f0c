//! The table on a terminal, once a second, for as long as the daemon runs.

use super::console::Handle;
use super::painter::Frame;
use super::table::Row;
use crate::actors::pinger::GetSummary;
use crate::actors::supervisor::{GetRoster, Roster};
use crate::actors::survey::survey;
use actix::prelude::*;
use std::future::poll_fn;
use std::io::{self, IsTerminal};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// Time between two tables.
const PERIOD: Duration = Duration::from_secs(1);

/// Size of a terminal that does not tell: what the first ones had.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// Whether there is anybody to show a table to.
pub fn is_wanted(quiet: bool) -> bool {
    !quiet && io::stdout().is_terminal()
}

/// Shows the table once a second and when the terminal's size changes, until the terminal is gone or the
/// supervisor has ended.
pub async fn run(console: Handle, supervisor: Recipient<GetRoster>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut resizes = signal(SignalKind::window_change()).ok();
    while console.can_draw() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = resized(&mut resizes) => {}
        }
        if !console.wants_frame() {
            continue;
        }
        let size = size();
        let Some((rows, total)) = look(&supervisor, Frame::capacity(size.1)).await else { return };
        console.draw(Frame::new(&rows, total, size));
    }
}

async fn resized(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => poll_fn(|task| signal.poll_recv(task).map(drop)).await,
        None => std::future::pending().await,
    }
}

/// The first rows of the table, and how many targets there are; `None` when the supervisor has ended.
async fn look(supervisor: &Recipient<GetRoster>, limit: usize) -> Option<(Vec<Row>, usize)> {
    let question = GetRoster { limit: Some(limit.max(1)), ..GetRoster::default() };
    let Roster { members, total } = supervisor.send(question).await.ok()?;
    let answers = survey(members, || GetSummary).await;
    Some((answers.iter().map(|(member, books)| Row::new(&member.address, books)).collect(), total))
}

/// Columns and lines of the terminal.
pub(super) fn size() -> (u16, u16) {
    let size = crossterm::terminal::window_size().map(|size| (size.columns, size.rows));
    size.ok().filter(|&(columns, lines)| columns > 0 && lines > 0).unwrap_or(USUAL_SIZE)
}
