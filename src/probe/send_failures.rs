//! What the log says of requests that our own system refuses to send: no route, interface down, not permitted.
//!
//! Each failure is said once, and its end once; when much fails at once, some targets stand for all of them.

use crate::measure::{SendError, Timestamp};
use crate::target::Address;
use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tracing::{debug, info, warn};

/// The targets of an engine that nothing can be sent to, at present.
#[derive(Debug, Default)]
pub(super) struct SendFailureLog {
    /// With whether the log has been told.
    refused: HashMap<Address, bool>,
    /// When the present minute began.
    minute: Timestamp,
    /// How many targets were named in it, or stood behind "others".
    named: usize,
}

impl SendFailureLog {
    /// A request to that target was refused.
    pub(super) fn refused(&mut self, address: Address, reason: &dyn Display, now: Timestamp) {
        if self.refused.contains_key(&address) {
            debug!(addr = %address, error = %reason, "request not sent");
            return;
        }
        if now.since(self.minute) >= MINUTE {
            (self.minute, self.named) = (now, 0);
        }
        self.named += 1;
        self.refused.insert(address, self.named <= MOST_NAMED);
        if self.named <= MOST_NAMED {
            warn!(addr = %address, error = %reason, "requests can't be sent, each counts as an error");
        } else if self.named == MOST_NAMED + 1 {
            warn!(error = %reason, "requests to other targets can't be sent either");
        }
    }

    /// A request to that target was sent.
    pub(super) fn sent(&mut self, address: Address) {
        // Nearly always there is nothing to look for.
        if !self.refused.is_empty() && self.refused.remove(&address) == Some(true) {
            info!(addr = %address, "requests can be sent again");
        }
    }

    /// The target has ended.
    pub(super) fn forget(&mut self, address: Address) {
        self.refused.remove(&address);
    }
}

/// Returns the reason for which a send call failed; `None` if it is none of the usual ones.
pub(super) fn send_error(error: &io::Error) -> Option<SendError> {
    match error.kind() {
        ErrorKind::HostUnreachable => Some(SendError::NoRoute),
        ErrorKind::NetworkUnreachable => Some(SendError::NetworkUnreachable),
        ErrorKind::NetworkDown => Some(SendError::NetworkDown),
        ErrorKind::PermissionDenied => Some(SendError::NotPermitted),
        ErrorKind::AddrNotAvailable => Some(SendError::SourceNotAvailable),
        _ => None,
    }
}

/// So many targets are named in a minute: whoever reads it sees what is wrong, and the log stays readable when an
/// interface goes down that a hundred thousand are behind.
const MOST_NAMED: usize = 10;

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::subscriber::with_default;
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::{Layer, filter::LevelFilter, layer::Context, registry};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Log {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    #[derive(Default)]
    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            let _ = write!(self.0, "{}={value:?} ", field.name());
        }
    }

    fn logged(events: impl FnOnce(&mut SendFailureLog)) -> Vec<String> {
        let log = Log::default();
        let subscriber = registry().with(log.clone().with_filter(LevelFilter::INFO));
        with_default(subscriber, || events(&mut SendFailureLog::default()));
        log.0.lock().unwrap().clone()
    }

    fn host(number: u8) -> Address {
        format!("10.0.0.{number}").parse().unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_failure_is_said_once_and_so_is_its_end() {
        let lines = logged(|refusals| {
            refusals.sent(host(1));
            for second in 0..1_000 {
                refusals.refused(host(1), &"no route", at(second));
            }
            refusals.sent(host(1));
            refusals.sent(host(1));
            refusals.refused(host(1), &"interface down", at(2_000));
            refusals.forget(host(1));
            refusals.sent(host(1));
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("10.0.0.1") && lines[0].contains("no route"), "{lines:?}");
        assert!(lines[1].contains("10.0.0.1") && lines[1].contains("again"), "{lines:?}");
        assert!(lines[2].contains("interface down"), "{lines:?}");
    }

    #[test]
    fn a_few_targets_stand_for_all_that_fail_at_once() {
        let lines = logged(|refusals| {
            for second in 0..2 {
                (1..=200).for_each(|number| refusals.refused(host(number), &"no route", at(second)));
            }
            (1..=200).for_each(|number| refusals.sent(host(number)));
        });
        let others = lines.iter().filter(|line| line.contains("other targets")).count();
        assert_eq!((lines.len(), others), (MOST_NAMED * 2 + 1, 1), "{lines:?}");
    }

    #[test]
    fn a_target_that_comes_and_goes_does_not_fill_the_log() {
        let lines = logged(|refusals| {
            for second in 0..60 {
                refusals.refused(host(1), &"no route", at(second));
                refusals.sent(host(1));
            }
            refusals.refused(host(2), &"no route", at(61));
        });
        assert_eq!(lines.len(), MOST_NAMED * 2 + 2, "{lines:?}");
    }
}
