//! Logs to standard error in plain lines; escapes everything that a terminal acts on.

use super::console::ConsoleHandle;
use crate::format::escape::shown;
use std::io::{self, Write};
use std::panic;
use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{SetGlobalDefaultError, set_global_default};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, fmt, registry, reload};

/// Sends the logs of this process, including panics, to the console.
///
/// # Errors
/// If logging was started before.
pub fn start(level: LevelFilter, console: ConsoleHandle) -> Result<LevelHandle, SetGlobalDefaultError> {
    let (filter, handle) = reload::Layer::new(filter(level));
    let subscriber = registry().with(layer(filter, level, under_journal(), console));
    set_global_default(subscriber)?;
    // The message of a panic may contain text from outside, and a panic of an actor does not end the daemon.
    panic::set_hook(Box::new(|info| error!(panic = %info, "defect of meshping; please report it")));
    Ok(LevelHandle(handle))
}

/// Changes the log level.
#[derive(Debug, Clone)]
pub struct LevelHandle(reload::Handle<Targets, registry::Registry>);

impl LevelHandle {
    /// Sets the log level. Whether lines name the module depends on the level at the start.
    pub fn set(&self, level: LevelFilter) {
        // Fails only without a subscriber; then there is nothing to filter.
        let _ = self.0.reload(filter(level));
    }
}

/// Our own events up to `level`, and warnings of the libraries.
fn filter(level: LevelFilter) -> Targets {
    let libraries = if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::WARN) };
    Targets::new().with_default(libraries).with_target("meshping", level)
}

/// Writes events that pass the filter as lines, without time stamps under the journal, which adds its own.
fn layer<S, F>(
    filter: F,
    level: LevelFilter,
    journal: bool,
    console: ConsoleHandle,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> registry::LookupSpan<'a>,
    F: tracing_subscriber::layer::Filter<S> + Send + Sync + 'static,
{
    let detailed = level >= LevelFilter::DEBUG;
    let lines = fmt::layer().with_ansi(false).with_target(detailed).with_writer(LogLines(console));
    if journal { lines.without_time().with_filter(filter).boxed() } else { lines.with_filter(filter).boxed() }
}

/// Whether standard error goes to systemd's journal, according to the environment (systemd.exec(5)).
fn under_journal() -> bool {
    let Ok(journal) = std::env::var("JOURNAL_STREAM") else { return false };
    stderr_identity().is_some_and(|(device, inode)| journal == format!("{device}:{inode}"))
}

#[cfg(target_os = "linux")]
fn stderr_identity() -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let stderr = std::fs::metadata("/proc/self/fd/2").ok()?;
    Some((stderr.dev(), stderr.ino()))
}

#[cfg(not(target_os = "linux"))]
fn stderr_identity() -> Option<(u64, u64)> {
    None
}

/// Makes each event one line of the console.
struct LogLines(ConsoleHandle);

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> LogLine<'a> {
        LogLine(&self.0)
    }
}

struct LogLine<'a>(&'a ConsoleHandle);

impl Write for LogLine<'_> {
    /// Writes one event; the formatter passes each in one call.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.log(line(event));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The event as one line, whose only control character is the line break at its end.
fn line(event: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(event);
    let mut line = shown(text.trim_end_matches('\n')).into_owned();
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::{debug, info, warn};

    fn logged(level: LevelFilter, journal: bool, events: impl Fn()) -> Vec<String> {
        let console = ConsoleHandle::default();
        let subscriber = registry().with(layer(filter(level), level, journal, console.clone()));
        tracing::subscriber::with_default(subscriber, events);
        console.pending_lines()
    }

    #[test]
    fn text_from_outside_reaches_the_terminal_escaped() {
        let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\nERROR forged\r\u{9b}31m\u{202e}";
        let lines = logged(LevelFilter::INFO, true, || {
            warn!(name = ?evil, "as debug");
            warn!(name = %evil, "as display");
            warn!(error = %io::Error::other(evil), "in an error");
            warn!("in the message: {evil}");
        });
        assert_eq!(lines.len(), 4);
        for line in lines {
            let (text, end) = line.split_at(line.len() - 1);
            assert_eq!(end, "\n");
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
            assert!(text.contains("title") && text.contains("forged"), "{text:?}");
        }
    }

    #[test]
    fn the_level_applies_to_our_own_events_and_libraries_only_warn() {
        let events = || {
            debug!("ours in detail");
            info!("ours");
            info!(target: "hickory_proto", "theirs");
            warn!(target: "hickory_proto", "theirs is serious");
        };
        let count = |level| logged(level, true, events).len();
        assert_eq!(count(LevelFilter::OFF), 0);
        assert_eq!(count(LevelFilter::WARN), 1);
        assert_eq!(count(LevelFilter::INFO), 2);
        assert_eq!(count(LevelFilter::DEBUG), 3);
        assert_eq!(count(LevelFilter::TRACE), 4);
    }

    #[test]
    fn the_journal_gets_no_time_stamps() {
        let journal = logged(LevelFilter::INFO, true, || info!(addr = "::1", "added"));
        assert_eq!(journal, [" INFO added addr=\"::1\"\n"]);
        let terminal = logged(LevelFilter::INFO, false, || info!("added"));
        assert!(terminal[0].starts_with("20") && terminal[0].contains("Z  INFO added"), "{terminal:?}");
    }
}
