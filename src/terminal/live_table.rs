//! Draws the table on the terminal once a second while the daemon runs.

use super::console::ConsoleHandle;
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::Query;
use crate::actors::supervisor::{GetTargets, TargetPage};
use crate::format::table::Row;
use crate::measure::PeriodStats;
use crate::screen;
use crate::screen::painter::Frame;
use actix::prelude::*;
use std::future::poll_fn;
use std::io::{self, IsTerminal};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// Time between two tables.
const REDRAW_INTERVAL: Duration = Duration::from_secs(1);

/// Whether to draw a table: standard output is a terminal, and `--quiet` is not set.
pub fn is_enabled(quiet: bool) -> bool {
    !quiet && io::stdout().is_terminal()
}

/// Draws the table once a second and when the size of the terminal changes, until the terminal is gone or the supervisor
/// has ended.
pub async fn run(console: ConsoleHandle, supervisor: Recipient<GetTargets>) {
    let mut ticks = interval(REDRAW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut resizes = signal(SignalKind::window_change()).ok();
    while console.can_draw() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = resized(&mut resizes) => {}
        }
        if !console.is_ready_for_frame() {
            continue;
        }
        let size = screen::size();
        let Some((rows, total)) = first_rows(&supervisor, Frame::capacity(size.1)).await else { return };
        console.draw(Frame::new(&rows, total, size));
    }
}

async fn resized(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => poll_fn(|task| signal.poll_recv(task).map(drop)).await,
        None => std::future::pending().await,
    }
}

/// The first rows of the table, and the number of all targets; `None` if the supervisor has ended.
async fn first_rows(supervisor: &Recipient<GetTargets>, limit: usize) -> Option<(Vec<Row>, usize)> {
    let request = GetTargets { limit: Some(limit.max(1)), ..GetTargets::default() };
    let TargetPage { targets: members, total } = supervisor.send(request).await.ok()?;
    let answers = ask_all(members, Query::<PeriodStats>::new).await;
    Some((answers.iter().map(|(target, stats)| Row::new(&target.key, stats)).collect(), total))
}
