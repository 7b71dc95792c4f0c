//! Log messages about requests that the local system refuses to send: no route, interface down, not permitted.
//!
//! Each failure is logged once, and its end once; when many targets fail at the same time, only some are named.

use crate::measure::{SendError, Timestamp};
use crate::probe::TargetId;
use crate::target::Address;
use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tracing::{debug, info, warn};

/// The targets of an engine that currently can't be sent to.
#[derive(Debug, Default)]
pub(super) struct SendFailureLog {
    /// Each with whether it was logged.
    refused: HashMap<TargetId, bool>,
    /// When the current minute began.
    minute: Timestamp,
    /// Number of targets that failed in it, named or not.
    named: usize,
}

impl SendFailureLog {
    /// A request to that target was refused.
    pub(super) fn refused(
        &mut self,
        (id, address): (TargetId, Address),
        reason: &dyn Display,
        now: Timestamp,
    ) {
        if self.refused.contains_key(&id) {
            debug!(addr = %address, error = %reason, "request not sent");
            return;
        }
        if now.since(self.minute) >= MINUTE {
            (self.minute, self.named) = (now, 0);
        }
        self.named += 1;
        self.refused.insert(id, self.named <= MAX_NAMED_PER_MINUTE);
        if self.named <= MAX_NAMED_PER_MINUTE {
            warn!(addr = %address, error = %reason, "requests can't be sent, each counts as an error");
        } else if self.named == MAX_NAMED_PER_MINUTE + 1 {
            warn!(error = %reason, "requests to other targets can't be sent either");
        }
    }

    /// A request to that target was sent.
    pub(super) fn sent(&mut self, (id, address): (TargetId, Address)) {
        // Nearly always empty.
        if !self.refused.is_empty() && self.refused.remove(&id) == Some(true) {
            info!(addr = %address, "requests can be sent again");
        }
    }

    /// The target has ended.
    pub(super) fn remove(&mut self, id: TargetId) {
        self.refused.remove(&id);
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

/// Maximum number of targets named in a minute, so that the log stays readable when an interface with a hundred
/// thousand targets goes down.
const MAX_NAMED_PER_MINUTE: usize = 10;

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

    fn host(number: u8) -> (TargetId, Address) {
        (id(number), format!("10.0.0.{number}").parse().unwrap())
    }

    fn id(number: u8) -> TargetId {
        TargetId { index: number.into(), generation: 0 }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_failure_is_logged_once_and_so_is_its_end() {
        let lines = logged(|log| {
            log.sent(host(1));
            for second in 0..1_000 {
                log.refused(host(1), &"no route", at(second));
            }
            log.sent(host(1));
            log.sent(host(1));
            log.refused(host(1), &"interface down", at(2_000));
            log.remove(id(1));
            log.sent(host(1));
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("10.0.0.1") && lines[0].contains("no route"), "{lines:?}");
        assert!(lines[1].contains("10.0.0.1") && lines[1].contains("again"), "{lines:?}");
        assert!(lines[2].contains("interface down"), "{lines:?}");
    }

    #[test]
    fn targets_of_one_address_do_not_end_each_others_failures() {
        let lines = logged(|log| {
            let (_, address) = host(1);
            for second in 0..10 {
                log.refused((id(1), address), &"no route", at(second));
                log.sent((id(2), address));
            }
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
    }

    #[test]
    fn only_a_few_of_many_failing_targets_are_named() {
        let lines = logged(|log| {
            for second in 0..2 {
                (1..=200).for_each(|number| log.refused(host(number), &"no route", at(second)));
            }
            (1..=200).for_each(|number| log.sent(host(number)));
        });
        let others = lines.iter().filter(|line| line.contains("other targets")).count();
        assert_eq!((lines.len(), others), (MAX_NAMED_PER_MINUTE * 2 + 1, 1), "{lines:?}");
    }

    #[test]
    fn a_target_that_fails_now_and_then_does_not_fill_the_log() {
        let lines = logged(|log| {
            for second in 0..60 {
                log.refused(host(1), &"no route", at(second));
                log.sent(host(1));
            }
            log.refused(host(2), &"no route", at(61));
        });
        assert_eq!(lines.len(), MAX_NAMED_PER_MINUTE * 2 + 2, "{lines:?}");
    }
}
