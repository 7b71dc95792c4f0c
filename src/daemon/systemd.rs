//! Tells the service manager how we are (sd_notify(3)); says nothing where there is none.

use crate::actors::supervisor::{GetStatus, Status, SupervisorActor};
use actix::prelude::*;
use sd_notify::NotifyState;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// Every target's actor runs, or a reload is over.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// We begin to read the configuration again; [`ready`] ends it, whatever came of it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => debug!(%error, "no clock"),
    }
}

/// We are about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Leaves a copy of a socket with the service manager, which hands it to our successor under that name.
pub(super) fn keep(name: &str, socket: BorrowedFd<'_>) {
    // Not to be dropped because of an error that is pending on it.
    let state = [NotifyState::FdStore, NotifyState::FdName(name), NotifyState::Custom("FDPOLL=0")];
    if let Err(error) = sd_notify::notify_with_fds(&state, &[socket]) {
        debug!(%error, "the service manager does not listen");
    }
}

/// Has the service manager close what was left with it, and waits until it has.
pub(super) fn forget(name: &str) {
    tell(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)]);
    if let Err(error) = wait_until_heard() {
        debug!(%error, "the service manager does not listen");
    }
}

/// The service manager closes what comes with a barrier when it has heard everything before it.
fn wait_until_heard() -> io::Result<()> {
    let (mut end, barrier) = UnixStream::pair()?;
    end.set_read_timeout(Some(LONGEST_WAIT))?;
    sd_notify::notify_with_fds(&[NotifyState::Custom("BARRIER=1")], &[barrier.as_fd()])?;
    drop(barrier);
    end.read(&mut [0]).map(drop)
}

/// Tells what is being done, and goes on to feed the watchdog, if there is one, for as long as every thread sends.
///
/// The watchdog is fed four times in its period. A thread may be found stalled that is not, after the machine or
/// we were suspended: so a fault is looked into again at once, and never ends us before the period is over.
pub(super) async fn report(supervisor: Addr<SupervisorActor>) {
    let patience = sd_notify::watchdog_enabled();
    let mut health = Ok(());
    loop {
        let period = patience.unwrap_or(DEFAULT_PERIOD);
        let seen = match timeout(period / 4, supervisor.send(GetStatus)).await {
            Ok(Ok(status)) => examine(&status, period / 2).map(|()| status),
            Ok(Err(_)) => return,
            Err(_) => Err(WatchdogFault::Silent),
        };
        log_change(&health, seen.as_ref().err());
        match &seen {
            Ok(status) => tell(&[NotifyState::Watchdog, NotifyState::Status(&summary(status))]),
            Err(fault) => tell(&[NotifyState::Status(&fault.to_string())]),
        }
        let Some(patience) = patience else { return };
        let pause = if seen.is_ok() { patience / 4 } else { patience / 32 };
        health = seen.map(drop);
        sleep(pause.max(SHORTEST_PAUSE)).await;
    }
}

/// Why the watchdog is not fed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum WatchdogFault {
    #[error("a thread that pings, or the supervisor, does not answer")]
    Silent,
    #[error("{0} of the threads that ping have ended")]
    Dead(usize),
    #[error("a thread has pinged nobody for {:.1} s although it should", .0.as_secs_f64())]
    Stalled(Duration),
}

/// Whether all threads send; `patience` is how long one may stall.
fn examine(status: &Status, patience: Duration) -> Result<(), WatchdogFault> {
    let longest = status.engines.iter().map(|engine| engine.stalled).max().unwrap_or_default();
    match status.dead_shards {
        0 if longest <= patience => Ok(()),
        0 => Err(WatchdogFault::Stalled(longest)),
        dead => Err(WatchdogFault::Dead(dead)),
    }
}

fn log_change(before: &Result<(), WatchdogFault>, now: Option<&WatchdogFault>) {
    match (before, now) {
        (Ok(()), Some(fault)) => warn!(%fault, "the watchdog is not fed"),
        (Err(_), None) => info!("all threads ping again, the watchdog is fed"),
        _ => {}
    }
}

fn summary(status: &Status) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("pinging {}, following {}", plural(status.targets, "target"), plural(status.names, "name"))
}

fn tell(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "the service manager does not listen");
    }
}

/// A service manager that does not hear us must not hold up the start.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// For how long the actors may be silent where there is no watchdog.
const DEFAULT_PERIOD: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::EngineStats;

    #[test]
    fn the_status_has_singular_and_plural() {
        let cases = [(0, 0, "0 targets, following 0 names"), (1, 1, "1 target, following 1 name")];
        for (targets, names, expected) in cases {
            let status = Status { targets, names, ..Status::default() };
            assert_eq!(summary(&status), format!("pinging {expected}"));
        }
    }

    #[test]
    fn one_thread_that_does_not_send_is_a_fault_of_the_whole() {
        let patience = Duration::from_secs(15);
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
            ("the longest is told", status(&[99, 16], 0), stalled(99)),
            ("one has ended", status(&[0], 1), Err(WatchdogFault::Dead(1))),
        ];
        for (case, status, expected) in cases {
            assert_eq!(examine(&status, patience), expected, "{case}");
        }
    }
}
