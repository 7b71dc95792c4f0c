//! The signals that end the daemon, and the one that has it read its configuration again.

use super::systemd;
use crate::actors::reload::Reload;
use actix::prelude::*;
use std::io::{self, IsTerminal};
use std::rc::Rc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// SIGHUP, which is what `systemctl reload` sends, and a terminal that goes away.
pub(super) struct Hangups {
    signal: Signal,
    /// Whether we end with our terminal, as every program in the foreground; nohup(1) ignores the signal for us.
    ends_with_terminal: bool,
}

impl Hangups {
    pub(super) fn new() -> io::Result<Self> {
        let ends_with_terminal = io::stdout().is_terminal() && !is_hangup_ignored();
        Ok(Self { signal: signal(SignalKind::hangup())?, ends_with_terminal })
    }

    /// Has the configuration read again at each of them, until the terminal is gone.
    pub(super) async fn reload(mut self, reload: Recipient<Reload>, terminal_gone: Rc<Notify>) {
        while self.signal.recv().await.is_some() {
            if self.ends_with_terminal && !io::stdout().is_terminal() {
                return terminal_gone.notify_one();
            }
            systemd::reloading();
            // It logs what came of it.
            let _ = reload.send(Reload).await;
            systemd::ready();
        }
    }
}

/// Whether the parent process has set SIGHUP to be ignored. Signal n is bit n - 1 of the mask (proc_pid_status(5)).
#[cfg(target_os = "linux")]
fn is_hangup_ignored() -> bool {
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    let bit = SignalKind::hangup().as_raw_value() - 1;
    status.is_ok_and(|status| status.sigign >> bit & 1 == 1)
}

#[cfg(not(target_os = "linux"))]
fn is_hangup_ignored() -> bool {
    false
}

/// SIGINT and SIGTERM, caught from the start on.
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
