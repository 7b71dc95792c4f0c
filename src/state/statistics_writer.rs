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
    clock: SteadyClock,
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
            clock: SteadyClock::new(Instant::now()),
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
                    let saved = self.save(&batch, now_ms()).map_err(|_| batch);
                    let _ = sender.send(saved);
                    self.prune(now_ms() / 1_000, Instant::now());
                }
                StatisticsJob::History(query, sender) => {
                    let _ = sender.send(self.history(&query));
                }
                StatisticsJob::Stop => return,
            }
        }
    }

    fn save(&mut self, batch: &Batch, now_ms: i64) -> Result<(), DatabaseError> {
        let rules = self.rules;
        let result = self.database.write(|connection| {
            statistics_db::retire(connection, &batch.retired)?;
            statistics_db::save(connection, &batch.entries, now_ms, rules)
        });
        // A new database has no hour for any target, old ones included.
        self.rules.unknown_is_new &= !matches!(
            result,
            Err(DatabaseError::Corrupt | DatabaseError::Removed | DatabaseError::Replaced(_))
        );
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

    /// Removes old rows of the next targets of the pass; `now` is the Unix time in seconds.
    fn prune(&mut self, now: i64, moment: Instant) {
        self.clock.sample(now, moment);
        if !self.database.works() {
            return;
        }
        let due = self.is_due(now);
        if self.pruning.is_none() && due {
            let retention = self.retention(now, moment);
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

    /// Whether a new pass is due: every hour, and when the database is nearly full.
    fn is_due(&mut self, now: i64) -> bool {
        let hour = hour_rollover::hour_of(now);
        let before = self.hour.replace(hour);
        let used = self.database.read(statistics_db::used_pages).unwrap_or(0);
        if used > self.max_pages * 9 / 10 && self.pruning.is_none() {
            self.retained_hours = self.retained_hours * 9 / 10;
            return true;
        }
        before.is_some_and(|before| before != hour)
    }

    fn retention(&self, now: i64, moment: Instant) -> Retention {
        // The present hour, too.
        let hours = if self.rules.history { self.retained_hours + 1 } else { 0 };
        let all_saved = self.clock.steady_for(moment) > ALL_SAVED_AFTER;
        Retention { hours, latest: all_saved.then_some((now - DAY, now + DAY)) }
    }
}

/// Detects steps of the wall clock against the clock that never steps.
struct SteadyClock {
    latest: Option<(i64, Instant)>,
    steady_since: Instant,
}

impl SteadyClock {
    const fn new(now: Instant) -> Self {
        Self { latest: None, steady_since: now }
    }

    /// Compares the clocks: the wall clock in Unix seconds, and the moment.
    fn sample(&mut self, wall: i64, moment: Instant) {
        if let Some((wall_before, moment_before)) = self.latest.replace((wall, moment)) {
            let elapsed = i64::try_from(moment.duration_since(moment_before).as_secs()).unwrap_or(i64::MAX);
            if (wall - wall_before).abs_diff(elapsed) > MAX_STEP_SECONDS {
                self.steady_since = moment;
            }
        }
    }

    /// Time without a step.
    fn steady_for(&self, moment: Instant) -> Duration {
        moment.duration_since(self.steady_since)
    }
}

/// A larger difference between the clocks is a step, or a suspended machine.
const MAX_STEP_SECONDS: u64 = 30;

/// Unix time in milliseconds.
fn now_ms() -> i64 {
    i64::try_from(health::now().as_millis()).unwrap_or(0)
}

/// Targets that are pruned in one step, which takes a few milliseconds.
const PRUNE_PAGE_SIZE: i64 = 500;
const DAY: i64 = 86_400;

/// Time after the start, or a step of the clock, by which every current target has been saved again.
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

    /// Saves and prunes as the thread does, at a wall-clock time in seconds, `elapsed` seconds after the test began.
    fn tick(writer: &mut StatisticsThread, count: u64, now: i64, elapsed: u64) {
        let totals = hour_rollover::tests::replies(count);
        let entry = SavedEntry {
            key: "10.0.0.1".parse().unwrap(),
            name: "a".into(),
            saved: EncodedStats::from(&totals),
        };
        writer.save(&Batch { retired: Vec::new(), entries: vec![entry] }, 1_000 * now).unwrap();
        let moment = writer.clock.latest.map_or_else(Instant::now, |(_, moment)| moment);
        writer.prune(now, moment + Duration::from_secs(elapsed));
    }

    #[test]
    fn hours_beyond_the_retention_are_removed_at_the_end_of_an_hour() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 1, 100);
        writer.prune(NOON, Instant::now());
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 101);
        tick(&mut writer, 200, NOON + hour_rollover::SECONDS, 3_600);
        assert_eq!(hours_of(&mut writer, "10.0.0.1"), 25, "24 that are over, and one under way");
    }

    #[test]
    fn a_start_with_a_wrong_clock_removes_nothing() {
        for wrong in [NOON + 20 * 365 * DAY, 1_000, -5 * DAY, NOON + 2 * DAY, NOON - 40 * DAY] {
            let place = tempfile::tempdir().unwrap();
            let mut writer = writer(&place, 1, 20);
            assert_eq!(hours_of(&mut writer, "10.0.0.1"), 21);
            for step in 0..3 {
                tick(&mut writer, 100 + step, wrong + step.cast_signed() * 3_600, 3_600);
            }
            // The rows of 20 past hours and of noon, and those of the wrong clock.
            assert!(
                hours_of(&mut writer, "10.0.0.1") >= 23,
                "{wrong}: {}",
                hours_of(&mut writer, "10.0.0.1")
            );
            for step in 0..2 {
                tick(&mut writer, 200 + step, NOON + (step.cast_signed() + 4) * 3_600, 3_600);
            }
            let hours = hours_of(&mut writer, "10.0.0.1");
            assert!(hours == 25, "{wrong}: {hours} hours, as many as are retained");
        }
    }

    #[test]
    fn a_step_of_the_clock_is_no_age_of_the_latest_statistics() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 2, 1);
        tick(&mut writer, 10, NOON + 8, 8);
        tick(&mut writer, 11, NOON + 16, 1_000);
        tick(&mut writer, 12, NOON + 365 * DAY, 8);
        tick(&mut writer, 13, NOON + 365 * DAY + 3_600, 8);
        let saved = writer.database.read(statistics_db::load).unwrap();
        assert_eq!(saved.len(), 2, "the other one was saved before the step");
        tick(&mut writer, 14, NOON + 365 * DAY + 7_200, 3_600);
        tick(&mut writer, 15, NOON + 365 * DAY + 10_800, 3_600);
        assert_eq!(
            writer.database.read(statistics_db::load).unwrap().len(),
            1,
            "it was not saved for an hour"
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]

        /// Whatever the clock shows, the hours that were recorded last are there, and no more than are retained.
        #[test]
        fn the_hours_recorded_last_are_there_whatever_the_clock_shows(
            jumps in proptest::collection::vec((-3_i64..4, proptest::bool::weighted(0.2)), 1..80),
        ) {
            let place = tempfile::tempdir().unwrap();
            let mut writer = writer(&place, 1, 0);
            let (mut hour, mut recorded) = (0, vec![0]);
            for (index, (jump, far)) in jumps.into_iter().enumerate() {
                hour += if far { jump * 24 * 365 } else { jump };
                tick(&mut writer, 10 + index as u64, NOON + hour * 3_600, 3_600);
                recorded.retain(|other| *other != hour);
                recorded.push(hour);
            }
            let keys = vec!["10.0.0.1".parse().unwrap()];
            let history = writer.history(&HistoryQuery { keys, after: None, limit: usize::MAX }).unwrap();
            let present: Vec<i64> =
                history.iter().map(|row| hour_rollover::hour_of(row.begins - NOON)).collect();
            let expected = &recorded[recorded.len().saturating_sub(25)..];
            for hour in expected {
                proptest::prop_assert!(present.contains(hour), "{hour} of {expected:?} in {present:?}");
            }
            proptest::prop_assert!(present.len() <= 26, "{present:?}");
        }
    }

    #[test]
    fn the_oldest_hours_are_removed_from_a_full_database() {
        let place = tempfile::tempdir().unwrap();
        let mut writer = writer(&place, 200, 20);
        writer.max_pages = writer.database.read(statistics_db::used_pages).unwrap();
        for _ in 0..20 {
            writer.prune(NOON, Instant::now());
        }
        let (left, used) =
            (hours_of(&mut writer, "10.0.0.7"), writer.database.read(statistics_db::used_pages).unwrap());
        assert!(left < 20 && left > 5, "{left} hours");
        assert!(used <= writer.max_pages * 9 / 10, "{used} pages of {}", writer.max_pages);
    }
}
