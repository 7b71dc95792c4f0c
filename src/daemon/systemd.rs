//! Messages to the service manager (sd_notify(3)); without one nothing is sent.

use crate::actors::supervisor::{GetStatus, Status, SupervisorActor};
use crate::format::escape::shown;
use actix::prelude::*;
use sd_notify::NotifyState;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// Reports that the daemon is ready: the actors of all targets run, or a reload is complete.
pub(super) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Reports the start of a reload; [`ready`] reports its end, successful or not.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => debug!(%error, "can't read the monotonic clock"),
    }
}

/// Reports that the daemon stops.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Stores a copy of a socket in the service manager, which passes it on to the next process under the name.
pub(super) fn store_socket(name: &str, socket: BorrowedFd<'_>) {
    // Without polling, so that a pending error of the socket does not remove it.
    let state = [NotifyState::FdStore, NotifyState::FdName(name), NotifyState::Custom("FDPOLL=0")];
    if let Err(error) = sd_notify::notify_with_fds(&state, &[socket]) {
        debug!(%error, "can't notify the service manager");
    }
}

/// Removes stored sockets from the service manager, and waits until it has closed them.
pub(super) fn remove_sockets(name: &str) {
    notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)]);
    if let Err(error) = wait_until_processed() {
        debug!(%error, "can't notify the service manager");
    }
}

/// Waits until the service manager has processed all messages: then it closes the descriptor of a barrier.
fn wait_until_processed() -> io::Result<()> {
    let (mut end, barrier) = UnixStream::pair()?;
    end.set_read_timeout(Some(BARRIER_TIMEOUT))?;
    sd_notify::notify_with_fds(&[NotifyState::Custom("BARRIER=1")], &[barrier.as_fd()])?;
    drop(barrier);
    end.read(&mut [0]).map(drop)
}

/// Reports the status, and resets the watchdog, if there is one, as long as every thread sends.
///
/// The watchdog is reset four times in its period. After the machine or the process was suspended a thread may seem to
/// be stalled: a fault is checked again at once, and does not end the process before the period is over.
pub(super) async fn report(supervisor: Addr<SupervisorActor>) {
    let watchdog_period = sd_notify::watchdog_enabled();
    let mut health = Ok(());
    loop {
        let period = watchdog_period.unwrap_or(DEFAULT_PERIOD);
        let result = match timeout(period / 4, supervisor.send(GetStatus)).await {
            Ok(Ok(status)) => examine(&status, period / 2).map(|()| status),
            Ok(Err(_)) => return,
            Err(_) => Err(WatchdogFault::Silent),
        };
        log_change(&health, result.as_ref().err());
        match &result {
            Ok(status) => notify(&[NotifyState::Watchdog, NotifyState::Status(&summary(status))]),
            Err(fault) => notify(&[NotifyState::Status(&fault.to_string())]),
        }
        let Some(period) = watchdog_period else { return };
        let pause = if result.is_ok() { period / 4 } else { period / 32 };
        health = result.map(drop);
        sleep(pause.max(MIN_PAUSE)).await;
    }
}

/// Why the watchdog is not reset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum WatchdogFault {
    #[error("a thread that pings, or the supervisor, does not respond")]
    Silent,
    #[error("{0} of the threads that ping have ended")]
    Dead(usize),
    #[error("a thread that pings has stalled for {:.1} s", .0.as_secs_f64())]
    Stalled(Duration),
}

/// Whether all threads send; `max_stall` is the time that a thread may stall.
fn examine(status: &Status, max_stall: Duration) -> Result<(), WatchdogFault> {
    let longest = status.engines.iter().map(|engine| engine.stalled).max().unwrap_or_default();
    match status.dead_shards {
        0 if longest <= max_stall => Ok(()),
        0 => Err(WatchdogFault::Stalled(longest)),
        dead => Err(WatchdogFault::Dead(dead)),
    }
}

fn log_change(before: &Result<(), WatchdogFault>, now: Option<&WatchdogFault>) {
    match (before, now) {
        (Ok(()), Some(fault)) => warn!(%fault, "the watchdog is not reset"),
        (Err(_), None) => info!("all threads ping again, the watchdog is reset"),
        _ => {}
    }
}

fn summary(status: &Status) -> String {
    let plural = |number| if number == 1 { "" } else { "s" };
    let (targets, names) = (status.targets, status.names);
    let summary =
        format!("pinging {targets} target{}, following {names} name{}", plural(targets), plural(names));
    match &status.reload.problem {
        // The status is one line.
        Some(problem) => format!("{summary}; {}", shown(problem)),
        None => summary,
    }
}

/// Reports the status once, after it has changed.
pub(super) async fn report_status(supervisor: Addr<SupervisorActor>) {
    if let Ok(Ok(status)) = timeout(DEFAULT_PERIOD, supervisor.send(GetStatus)).await
        && status.ready
    {
        notify(&[NotifyState::Status(&summary(&status))]);
    }
}

fn notify(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "can't notify the service manager");
    }
}

/// Time limit for a barrier: a service manager that does not respond must not delay the start.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(2);
/// Period of the checks without a watchdog.
const DEFAULT_PERIOD: Duration = Duration::from_secs(30);
/// Minimum time between two checks.
const MIN_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::EngineStats;

    #[test]
    fn one_thread_that_does_not_send_is_a_fault() {
        let max_stall = Duration::from_secs(15);
        let engine = |stalled| EngineStats { stalled, ..EngineStats::default() };
        let status = |stalled: &[u64], dead_shards| Status {
            engines: stalled.iter().map(|&seconds| engine(Duration::from_secs(seconds))).collect(),
            dead_shards,
            ..Status::default()
        };
        let stalled = |seconds| Err(WatchdogFault::Stalled(Duration::from_secs(seconds)));
        let cases = [
            ("all well", status(&[0, 0], 0), Ok(())),
            ("a little late", status(&[0, 15], 0), Ok(())),
            ("one does not send", status(&[0, 16], 0), stalled(16)),
            ("the longest is reported", status(&[99, 16], 0), stalled(99)),
            ("one has ended", status(&[0], 1), Err(WatchdogFault::Dead(1))),
        ];
        for (case, status, expected) in cases {
            assert_eq!(examine(&status, max_stall), expected, "{case}");
        }
    }
}
