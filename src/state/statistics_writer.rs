//! The thread that saves statistics and reads the history: only its own queue waits for the disk.

use super::database::{Database, DatabaseError};
use super::statistics_db::{self, HourRules, MAX_PAGES, Retention, SavedEntry};
use super::{health, hour_rollover};
use crate::actors::persistence::{HistoryError, Hour};
use crate::target::TargetKey;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::oneshot;

/// Sends statistics to the thread.
#[derive(Debug, Clone)]
pub(super) struct StatisticsWriter(Sender<StatisticsJob>);

/// Statistics to be saved, and targets that have ended.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub retired: Vec<TargetKey>,
    pub entries: Vec<SavedEntry>,
}

/// Selects a part of the history.
#[derive(Debug)]
pub(super) struct HistoryQuery {
    /// In order.
    pub keys: Vec<TargetKey>,
    /// Only hours after this one of this target.
    pub after: Option<(TargetKey, i64)>,
    pub limit: usize,
}

type HistoryResult = Result<Vec<Hour>, HistoryError>;

#[derive(Debug)]
enum StatisticsJob {
    Save(Batch, oneshot::Sender<Result<(), Batch>>),
    History(HistoryQuery, oneshot::Sender<HistoryResult>),
    Stop,
}

impl StatisticsWriter {
    /// Starts the thread, with `days` of history.
    ///
    /// # Errors
    /// If the system refuses another thread.
    pub(super) fn start(database: Database, days: u16) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = channel();
        let mut writer = StatisticsThread::new(database, days);
        let thread = thread::Builder::new().name("statistics".into()).spawn(move || writer.run(&queue))?;
        Ok((Self(jobs), thread))
    }

    /// Saves a batch in one transaction; returns it if that failed.
    pub(super) async fn save(&self, batch: Batch) -> Result<(), Batch> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.0.send(StatisticsJob::Save(batch, sender));
        receiver.await.unwrap_or(Ok(()))
    }

    pub(super) async fn history(&self, query: HistoryQuery) -> HistoryResult {
        let (sender, receiver) = oneshot::channel();
        let _ = self.0.send(StatisticsJob::History(query, sender));
        receiver.await.unwrap_or_else(|_| Err(HistoryError::Unreadable("the daemon is shutting down".into())))
    }

    pub(super) fn stop(&self) {
        let _ = self.0.send(StatisticsJob::Stop);
    }
}

struct StatisticsThread {
    database: Database,
    started: Instant,
    rules: HourRules,
    /// Hours that are retained; fewer than configured when the database is nearly full.
    retained_hours: i64,
    /// Maximum size of the database.
    max_pages: i64,
    /// The hour of the latest check.
    hour: Option<i64>,
    pruning: Option<PruningPass>,
}

/// A pass over all targets that removes old rows, some targets at a time.
struct PruningPass {
    next: i64,
    last: i64,
    retention: Retention,
}

impl StatisticsThread {
    fn new(database: Database, days: u16) -> Self {
        let rules = HourRules { history: days > 0, unknown_is_new: true };
        let retained_hours = i64::from(days) * 24;
        let max_pages = MAX_PAGES.into();
        Self {
            database,
            started: Instant::now(),
            rules,
            retained_hours,
            max_pages,
            hour: None,
            pruning: None,
        }
    }

    fn run(&mut self, queue: &Receiver<StatisticsJob>) {
        for job in queue {
            match job {
                StatisticsJob::Save(batch, sender) => {
                    let saved = self.save(&batch).map_err(|_| batch);
                    let _ = sender.send(saved);
                    self.prune(now_ms() / 1_000);
                }
                StatisticsJob::History(query, sender) => {
                    let _ = sender.send(self.history(&query));
                }
                StatisticsJob::Stop => return,
            }
        }
    }

    fn save(&mut self, batch: &Batch) -> Result<(), DatabaseError> {
        let rules = self.rules;
        let result = self.database.write(|connection| {
            statistics_db::retire(connection, &batch.retired)?;
            statistics_db::save(connection, &batch.entries, now_ms(), rules)
        });
        // A new database has no hour for any target, old ones included.
        self.rules.unknown_is_new &= !matches!(result, Err(DatabaseError::Corrupt | DatabaseError::Removed));
        result
    }

    fn history(&mut self, query: &HistoryQuery) -> HistoryResult {
        if !self.rules.history {
            return Err(HistoryError::Off);
        }
        let read = self.database.read(|connection| {
            let mut hours = Vec::new();
            for key in &query.keys {
                let after = match &query.after {
                    Some((last, _)) if key < last => continue,
                    Some((last, begins)) if key == last => hour_rollover::hour_of(*begins),
                    _ => i64::MIN,
                };
                hours.extend(statistics_db::history(connection, key, after)?);
                if hours.len() >= query.limit {
                    break;
                }
            }
            hours.truncate(query.limit);
            Ok(hours)
        });
        read.map_err(|error| HistoryError::Unreadable(error.to_string()))
    }

    /// Removes old rows of the next targets of the pass.
    fn prune(&mut self, now: i64) {
        if !self.database.works() {
            return;
        }
        let due = self.is_due(now);
        if self.pruning.is_none() && due {
            let retention = self.retention(now);
            let last = self.database.read(statistics_db::last_target);
            self.pruning = last.ok().map(|last| PruningPass { next: 1, last, retention });
        }
        let Some(PruningPass { next, last, retention }) = self.pruning else { return };
        let until = next + PRUNE_PAGE_SIZE - 1;
        let pruned =
            self.database.write(|connection| statistics_db::prune(connection, (next, until), &retention));
        self.pruning =
            (pruned.is_ok() && until < last).then_some(PruningPass { next: until + 1, last, retention });
    }

    /// Whether a new pass is due: every hour, and when the database is nearly full. After a step of the clock it waits
    /// for the next hour, because the clock may be set back.
    fn is_due(&mut self, now: i64) -> bool {
        let hour = hour_rollover::hour_of(now);
        let before = self.hour.replace(hour);
        let used = self.database.read(statistics_db::used_pages).unwrap_or(0);
        if used > self.max_pages * 9 / 10 && self.pruning.is_none() {
            self.retained_hours = self.retained_hours * 9 / 10;
            return true;
        }
        before == Some(hour - 1)
    }

    fn retention(&self, now: i64) -> Retention {
        let hour = hour_rollover::hour_of(now);
        let settled = self.started.elapsed() > ALL_SAVED_AFTER;
        let (from, to) =
            (hour - self.retained_hours, hour + self.retained_hours.max(DAY / hour_rollover::SECONDS));
        Retention { from, to, latest: settled.then_some((now - DAY, now + DAY)) }
    }
}

/// Unix time in milliseconds.
fn now_ms() -> i64 {
    i64::try_from(health::now().as_millis()).unwrap_or(0)
}

/// Targets that are pruned in one step, which takes a few milliseconds.
const PRUNE_PAGE_SIZE: i64 = 500;
const DAY: i64 = 86_400;

/// Time after the start by which every current target has been saved again.
const ALL_SAVED_AFTER: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{EncodedStats, LifetimeStats, Rtt};
    use crate::state::directory::Directory;
    use crate::state::health::Health;
    use std::sync::Arc;

    const NOON: i64 = 490_000 * hour_rollover::SECONDS;

    /// A thread with a day of history, of `targets` targets and `hours` hours before noon.
    fn writer(place: &tempfile::TempDir, targets: u8, hours: i64) -> StatisticsThread {
        let directory = Arc::new(Directory::new(place.path().into()));
        let database = Database::new(directory, &statistics_db::SCHEMA, Arc::new(Health::default()));
        let mut writer = StatisticsThread::new(database, 1);
        let mut totals = LifetimeStats::default();
        for hour in -hours..=0 {
            totals.replies += 1;
            totals.rtt.record(Rtt::from_micros(100));
            totals.histogram.record(Rtt::from_micros(100));
            let entry = |number| SavedEntry {
                key: format!("10.0.0.{number}").parse().unwrap(),
                name: "a name that takes some room".into(),
                saved: EncodedStats::from(&totals),
            };
            let entries: Vec<SavedEntry> = (1..=targets).map(entry).collect();
            let (now, rules) = (NOON + hour * hour_rollover::SECONDS, writer.rules);
            writer
                .database
                .write(|connection| statistics_db::save(connection, &entries, 1_000 * now, rules))
                .unwrap();
        }
        writer
    }

    fn hours_of(writer: &mut StatisticsThread, address: &str) -> usize {
        let keys = vec![address.parse().unwrap()];
        writer.history(&HistoryQuery { keys, after: None, limit: usize::MAX }).unwrap().len()
    }

    #[test]
    fn hours_beyond_the_retention_are_removed_at_the_end_of_an_hour() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 1, 100);
        writer.prune(NOON);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 101);
        // A clock that was wrong for a while removes nothing.
        writer.prune(NOON + 365 * DAY);
        writer.prune(NOON + 60);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 101);
        writer.prune(NOON + hour_rollover::SECONDS);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 24, "23 that are over, and one under way");
    }

    #[test]
    fn the_oldest_hours_are_removed_from_a_full_database() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 200, 20);
        writer.max_pages = writer.database.read(statistics_db::used_pages).unwrap();
        for _ in 0..20 {
            writer.prune(NOON);
        }
        let (left, used) =
            (hours_of(&mut writer, "10.0.0.7"), writer.database.read(statistics_db::used_pages).unwrap());
        assert!(left < 20 && left > 5, "{left} hours");
        assert!(used <= writer.max_pages * 9 / 10, "{used} pages of {}", writer.max_pages);
    }
}
