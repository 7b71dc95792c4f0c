//! Signals: SIGINT and SIGTERM end the daemon, SIGHUP reloads its configuration.

use super::systemd;
use crate::actors::reload::Reload;
use actix::prelude::*;
use std::io::{self, IsTerminal};
use std::rc::Rc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// SIGHUP, from `systemctl reload` or from a terminal that is closed.
pub(super) struct Hangups {
    signal: Signal,
    /// Whether the daemon ends with its terminal, as programs in the foreground do, unless nohup(1) ignores the signal.
    ends_with_terminal: bool,
}

impl Hangups {
    pub(super) fn new() -> io::Result<Self> {
        let ends_with_terminal = io::stdout().is_terminal() && !is_hangup_ignored();
        Ok(Self { signal: signal(SignalKind::hangup())?, ends_with_terminal })
    }

    /// Reloads the configuration at each signal, until the terminal is closed.
    pub(super) async fn reload(mut self, reload: Recipient<Reload>, terminal_gone: Rc<Notify>) {
        while self.signal.recv().await.is_some() {
            if self.ends_with_terminal && !io::stdout().is_terminal() {
                return terminal_gone.notify_one();
            }
            systemd::reloading();
            // The actor logs the result.
            let _ = reload.send(Reload).await;
            systemd::ready();
        }
    }
}

/// Whether the parent process has set SIGHUP to be ignored: the lowest bit of a mask (proc_pid_status(5)).
fn is_hangup_ignored() -> bool {
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    let bit = SignalKind::hangup().as_raw_value() - 1;
    status.is_ok_and(|status| status.sigign >> bit & 1 == 1)
}

#[cfg(not(target_os = "linux"))]
fn is_hangup_ignored() -> bool {
    false
}

/// SIGINT and SIGTERM, caught from the start.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub(super) async fn received(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
