//! The thread that keeps statistics: whatever it does, and however long that takes, nobody but its own queue waits.

use super::database::{Database, DatabaseError};
use super::statistics_db::{self, HourRules, MOST_PAGES, Retention, SavedEntry};
use super::{health, hourly};
use crate::actors::persistence::{HistoryError, Hour};
use crate::target::Address;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::oneshot;

/// Hands statistics to the thread.
#[derive(Debug, Clone)]
pub(super) struct StatisticsWriter(Sender<StatisticsJob>);

/// What is to be kept, and what not any more.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub retired: Vec<Address>,
    pub entries: Vec<SavedEntry>,
}

/// Which part of the history is wanted.
#[derive(Debug)]
pub(super) struct Query {
    /// In order.
    pub addresses: Vec<Address>,
    /// Only what comes after that hour of that address.
    pub after: Option<(Address, i64)>,
    pub limit: usize,
}

type HistoryAnswer = Result<Vec<Hour>, HistoryError>;

#[derive(Debug)]
enum StatisticsJob {
    Save(Batch, oneshot::Sender<Result<(), Batch>>),
    History(Query, oneshot::Sender<HistoryAnswer>),
    EarlyExit,
}

impl StatisticsWriter {
    /// Starts the thread. The history goes back so many days.
    ///
    /// # Errors
    /// What the system says when it has no thread to give.
    pub(super) fn start(database: Database, days: u16) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = channel();
        let mut writer = StatisticsThread::new(database, days);
        let thread = thread::Builder::new().name("statistics".into()).spawn(move || writer.run(&queue))?;
        Ok((Self(jobs), thread))
    }

    /// Keeps a batch, in one transaction; gives it back if that failed.
    pub(super) async fn save(&self, batch: Batch) -> Result<(), Batch> {
        let (answer, answered) = oneshot::channel();
        let _ = self.0.send(StatisticsJob::Save(batch, answer));
        answered.await.unwrap_or(Ok(()))
    }

    pub(super) async fn history(&self, query: Query) -> HistoryAnswer {
        let (answer, answered) = oneshot::channel();
        let _ = self.0.send(StatisticsJob::History(query, answer));
        answered.await.unwrap_or_else(|_| Err(HistoryError::Unreadable("the daemon is shutting down".into())))
    }

    pub(super) fn stop(&self) {
        let _ = self.0.send(StatisticsJob::EarlyExit);
    }
}

struct StatisticsThread {
    database: Database,
    started: Instant,
    rules: HourRules,
    /// Hours that are kept; fewer than asked for when there is no room for more.
    kept_hours: i64,
    /// So much room there is.
    most_pages: i64,
    /// The hour in which we were last.
    hour: Option<i64>,
    pruning: Option<Pass>,
}

/// A walk over all targets that removes what is too old, some targets at a time.
struct Pass {
    next: i64,
    last: i64,
    keep: Retention,
}

impl StatisticsThread {
    fn new(database: Database, days: u16) -> Self {
        let rules = HourRules { history: days > 0, unmarked_is_new: true };
        let kept_hours = i64::from(days) * 24;
        let most_pages = MOST_PAGES.into();
        Self { database, started: Instant::now(), rules, kept_hours, most_pages, hour: None, pruning: None }
    }

    fn run(&mut self, queue: &Receiver<StatisticsJob>) {
        for job in queue {
            match job {
                StatisticsJob::Save(batch, answer) => {
                    let kept = self.save(&batch).map_err(|_| batch);
                    let _ = answer.send(kept);
                    self.prune(now_ms() / 1_000);
                }
                StatisticsJob::History(query, answer) => {
                    let _ = answer.send(self.history(&query));
                }
                StatisticsJob::EarlyExit => return,
            }
        }
    }

    fn save(&mut self, batch: &Batch) -> Result<(), DatabaseError> {
        let rules = self.rules;
        let result = self.database.write(|connection| {
            statistics_db::retire(connection, &batch.retired)?;
            statistics_db::save(connection, &batch.entries, now_ms(), rules)
        });
        // In a new database all targets are without a mark, the old ones too.
        self.rules.unmarked_is_new &= !matches!(result, Err(DatabaseError::Corrupt | DatabaseError::Removed));
        result
    }

    fn history(&mut self, query: &Query) -> HistoryAnswer {
        if !self.rules.history {
            return Err(HistoryError::Off);
        }
        let read = self.database.read(|connection| {
            let mut hours = Vec::new();
            for &address in &query.addresses {
                let after = match query.after {
                    Some((last, _)) if address < last => continue,
                    Some((last, begins)) if address == last => hourly::hour_of(begins),
                    _ => i64::MIN,
                };
                hours.extend(statistics_db::history(connection, address, after)?);
                if hours.len() >= query.limit {
                    break;
                }
            }
            hours.truncate(query.limit);
            Ok(hours)
        });
        read.map_err(|fault| HistoryError::Unreadable(fault.to_string()))
    }

    /// Goes a step further in removing what is too old.
    fn prune(&mut self, now: i64) {
        if !self.database.works() {
            return;
        }
        let due = self.is_due(now);
        if self.pruning.is_none() && due {
            let keep = self.keep(now);
            let last = self.database.read(statistics_db::last_target);
            self.pruning = last.ok().map(|last| Pass { next: 1, last, keep });
        }
        let Some(Pass { next, last, keep }) = self.pruning else { return };
        let until = next + STEP - 1;
        let pruned = self.database.write(|connection| statistics_db::prune(connection, (next, until), &keep));
        self.pruning = (pruned.is_ok() && until < last).then_some(Pass { next: until + 1, last, keep });
    }

    /// Every hour, and when there is little room left. When the clock was set, the next hour is soon enough: it may
    /// be set back.
    fn is_due(&mut self, now: i64) -> bool {
        let hour = hourly::hour_of(now);
        let before = self.hour.replace(hour);
        let used = self.database.read(statistics_db::used_pages).unwrap_or(0);
        if used > self.most_pages * 9 / 10 && self.pruning.is_none() {
            self.kept_hours = self.kept_hours * 9 / 10;
            return true;
        }
        before == Some(hour - 1)
    }

    fn keep(&self, now: i64) -> Retention {
        let hour = hourly::hour_of(now);
        let settled = self.started.elapsed() > EVERYBODY_IS_BACK;
        let (from, to) = (hour - self.kept_hours, hour + self.kept_hours.max(DAY / hourly::SECONDS));
        Retention { from, to, books: settled.then_some((now - DAY, now + DAY)) }
    }
}

/// Unix time in milliseconds.
fn now_ms() -> i64 {
    i64::try_from(health::now().as_millis()).unwrap_or(0)
}

/// So many targets are pruned at a time: a few milliseconds.
const STEP: i64 = 500;
const DAY: i64 = 86_400;

/// After this every target that is still pinged has been kept anew.
const EVERYBODY_IS_BACK: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{EncodedStats, LifetimeStats, Rtt};
    use crate::state::directory::Directory;
    use crate::state::health::Health;
    use std::sync::Arc;

    const NOON: i64 = 490_000 * hourly::SECONDS;

    /// One with a day of history, in which there are so many targets and hours before noon.
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
                address: format!("10.0.0.{number}").parse().unwrap(),
                name: "a name that takes some room".into(),
                saved: EncodedStats::from(&totals),
            };
            let entries: Vec<SavedEntry> = (1..=targets).map(entry).collect();
            let (now, rules) = (NOON + hour * hourly::SECONDS, writer.rules);
            writer
                .database
                .write(|connection| statistics_db::save(connection, &entries, 1_000 * now, rules))
                .unwrap();
        }
        writer
    }

    fn hours_of(writer: &mut StatisticsThread, address: &str) -> usize {
        let addresses = vec![address.parse().unwrap()];
        writer.history(&Query { addresses, after: None, limit: usize::MAX }).unwrap().len()
    }

    #[test]
    fn hours_beyond_the_days_that_are_kept_go_when_an_hour_is_over() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 1, 100);
        writer.prune(NOON);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 101);
        // A clock that was wrong for a while takes nothing away.
        writer.prune(NOON + 365 * DAY);
        writer.prune(NOON + 60);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 101);
        writer.prune(NOON + hourly::SECONDS);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 24, "23 that are over, and one under way");
    }

    #[test]
    fn when_there_is_no_more_room_the_oldest_hours_go() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 200, 20);
        writer.most_pages = writer.database.read(statistics_db::used_pages).unwrap();
        for _ in 0..20 {
            writer.prune(NOON);
        }
        let (left, used) =
            (hours_of(&mut writer, "10.0.0.7"), writer.database.read(statistics_db::used_pages).unwrap());
        assert!(left < 20 && left > 5, "{left} hours");
        assert!(used <= writer.most_pages * 9 / 10, "{used} pages of {}", writer.most_pages);
    }
}
