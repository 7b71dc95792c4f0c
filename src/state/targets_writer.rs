//! The thread that saves the runtime state: all waiting changes go to the disk in one transaction, and their receipts
//! resolve after it.

use super::database::{Database, DatabaseError};
use super::targets_db;
use crate::actors::persistence::{NotSaved, Receipt, Restore, RewriteAll};
use crate::actors::registry::RuntimeChange;
use actix::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::oneshot;

/// Sends changes to the thread.
#[derive(Debug, Clone)]
pub(super) struct TargetsWriter {
    jobs: Sender<TargetsJob>,
    backlog: Arc<Backlog>,
    source: Arc<OnceLock<ChangeSource>>,
}

/// The actor that has the whole runtime state.
#[derive(Debug, Clone)]
pub(super) struct ChangeSource {
    /// Asks it for everything, when some of it is not on disk.
    pub rewrite: Recipient<RewriteAll>,
    /// Gets the saved state, when that could not be read at the start.
    pub restore: Recipient<Restore>,
}

/// Changes that wait for the disk.
#[derive(Debug, Default)]
struct Backlog {
    changes: AtomicUsize,
    /// Whether changes were dropped because there were more than [`MAX_BACKLOG`].
    overflowed: AtomicBool,
}

/// Maximum number of changes that wait for a disk that hangs; beyond it everything is rewritten when the disk works.
const MAX_BACKLOG: usize = 1 << 16;

enum TargetsJob {
    Record(Vec<RuntimeChange>, oneshot::Sender<Result<(), NotSaved>>),
    RewriteAll(Vec<RuntimeChange>),
    Stop,
}

impl TargetsWriter {
    /// Starts the thread. `read`: whether the state in the database was read.
    ///
    /// # Errors
    /// If the system refuses another thread.
    pub(super) fn start(database: Database, read: bool) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = channel();
        let targets_writer = Self { jobs, backlog: Arc::default(), source: Arc::default() };
        let (backlog, source) = (Arc::clone(&targets_writer.backlog), Arc::clone(&targets_writer.source));
        let is_outdated = !database.works();
        let mut writer = TargetsThread { database, backlog, source, read, is_outdated, requested: None };
        let thread = thread::Builder::new().name("targets".into()).spawn(move || writer.run(&queue))?;
        Ok((targets_writer, thread))
    }

    /// Sets the source of the runtime state.
    pub(super) fn set_source(&self, source: ChangeSource) {
        // There is one supervisor.
        let _ = self.source.set(source);
    }

    pub(super) fn record(&self, changes: Vec<RuntimeChange>) -> Receipt {
        let (sender, receipt) = Receipt::pending();
        if self.backlog.changes.fetch_add(changes.len(), Relaxed) > MAX_BACKLOG {
            self.backlog.changes.fetch_sub(changes.len(), Relaxed);
            self.backlog.overflowed.store(true, Relaxed);
            let _ = sender.send(Err(NotSaved("the disk does not keep up".into())));
        } else {
            // If the thread has ended, the receipt resolves with an error.
            let _ = self.jobs.send(TargetsJob::Record(changes, sender));
        }
        receipt
    }

    pub(super) fn rewrite(&self, changes: Vec<RuntimeChange>) {
        let _ = self.jobs.send(TargetsJob::RewriteAll(changes));
    }

    pub(super) fn stop(&self) {
        let _ = self.jobs.send(TargetsJob::Stop);
    }
}

struct TargetsThread {
    database: Database,
    backlog: Arc<Backlog>,
    source: Arc<OnceLock<ChangeSource>>,
    /// Whether the state of before the restart was read.
    read: bool,
    /// Whether the database misses changes; then nothing is saved until everything is rewritten.
    is_outdated: bool,
    /// When the source was last asked for everything.
    requested: Option<Instant>,
}

impl TargetsThread {
    fn run(&mut self, queue: &Receiver<TargetsJob>) {
        loop {
            let job = match self.next_attempt() {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                // Retries have priority over new jobs.
                Some(at) if at <= Instant::now() => Err(RecvTimeoutError::Timeout),
                Some(at) => queue.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match job {
                Ok(TargetsJob::Record(changes, sender)) => {
                    if self.record(changes, sender, queue) {
                        return;
                    }
                }
                Ok(TargetsJob::RewriteAll(changes)) => self.rewrite(&changes),
                Err(RecvTimeoutError::Timeout) => self.catch_up(),
                Ok(TargetsJob::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// When to try again without a new change; `None` if nothing is missing.
    fn next_attempt(&self) -> Option<Instant> {
        if !self.is_outdated {
            return None;
        }
        let retry_at = if self.database.works() { Some(Instant::now()) } else { self.database.retry_at() };
        let requested = self.requested.map(|requested| requested + REWRITE_TIMEOUT);
        retry_at.map(|retry_at| requested.map_or(retry_at, |requested| requested.max(retry_at)))
    }

    /// Saves all waiting changes; returns whether the thread has to end.
    fn record(
        &mut self,
        changes: Vec<RuntimeChange>,
        sender: oneshot::Sender<Result<(), NotSaved>>,
        queue: &Receiver<TargetsJob>,
    ) -> bool {
        let (mut all, mut senders, mut rewritten, mut stop) = (changes, vec![sender], None, false);
        while all.len() < MAX_CHANGES_PER_TRANSACTION && !stop && rewritten.is_none() {
            match queue.try_recv() {
                Ok(TargetsJob::Record(changes, sender)) => {
                    all.extend(changes);
                    senders.push(sender);
                }
                Ok(TargetsJob::RewriteAll(changes)) => rewritten = Some(changes),
                Ok(TargetsJob::Stop) => stop = true,
                Err(_) => break,
            }
        }
        let result = self.write(&all);
        self.backlog.changes.fetch_sub(all.len(), Relaxed);
        for sender in senders {
            // The receiver may have stopped waiting.
            let _ = sender.send(result.clone());
        }
        if let Some(changes) = rewritten {
            self.rewrite(&changes);
        }
        stop
    }

    fn write(&mut self, changes: &[RuntimeChange]) -> Result<(), NotSaved> {
        if self.is_outdated || self.backlog.overflowed.load(Relaxed) {
            self.is_outdated = true;
            return Err(NotSaved(self.reason()));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let result = self
            .database
            .write(|connection| changes.iter().try_for_each(|change| targets_db::apply(connection, change)));
        result.map_err(|error| {
            self.is_outdated = true;
            self.requested = None;
            NotSaved(error.to_string())
        })
    }

    fn reason(&mut self) -> String {
        match self.database.failure() {
            Some(reason) => reason.to_owned(),
            None => "everything is being written again after an error".into(),
        }
    }

    /// Checks whether the disk works again, and asks for the whole state.
    fn catch_up(&mut self) {
        let Some(source) = self.source.get() else {
            // The source is set shortly after the start.
            self.requested = Some(Instant::now());
            return;
        };
        if !self.read {
            let Ok(changes) = self.database.read(targets_db::load) else { return };
            self.read = true;
            source.restore.do_send(Restore(changes));
        }
        if self.database.write(|connection| connection.execute_batch(WRITE_TEST)).is_ok() {
            self.backlog.overflowed.store(false, Relaxed);
            self.requested = Some(Instant::now());
            source.rewrite.do_send(RewriteAll);
        }
    }

    fn rewrite(&mut self, changes: &[RuntimeChange]) {
        // A saved state that was never read must not be overwritten.
        if !self.read || !self.database.may_try() {
            return;
        }
        let result: Result<(), DatabaseError> =
            self.database.write(|connection| targets_db::replace(connection, changes));
        self.requested = None;
        if result.is_ok() {
            self.is_outdated = false;
        }
    }
}

/// A write without effect.
const WRITE_TEST: &str =
    "INSERT INTO bans (name, key) VALUES ('', ''); DELETE FROM bans WHERE name = '' AND key = '';";

/// Maximum number of changes in one transaction: far more than usually wait.
const MAX_CHANGES_PER_TRANSACTION: usize = 4_096;

/// Time limit for a rewrite by the source, before it is asked again.
const REWRITE_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::directory::Directory;
    use crate::state::health::Health;
    use crate::target::{TargetOptions, TargetSpec, Variant};
    use std::path::Path;
    use tokio::time::timeout;

    /// Has the runtime state.
    struct FakeSource {
        targets_writer: TargetsWriter,
        changes: Vec<RuntimeChange>,
    }

    impl Actor for FakeSource {
        type Context = Context<Self>;
    }

    impl Handler<RewriteAll> for FakeSource {
        type Result = ();

        fn handle(&mut self, _: RewriteAll, _: &mut Self::Context) {
            self.targets_writer.rewrite(self.changes.clone());
        }
    }

    impl Handler<Restore> for FakeSource {
        type Result = ();

        fn handle(&mut self, Restore(changes): Restore, _: &mut Self::Context) {
            self.changes.extend(changes);
        }
    }

    fn database(path: &Path) -> Database {
        let directory = Arc::new(Directory::new(path.into()));
        Database::new(directory, &targets_db::SCHEMA, Arc::new(Health::default()))
    }

    fn addition(number: u8) -> RuntimeChange {
        let (name, host) = (number.to_string().into(), format!("10.0.0.{number}").parse().unwrap());
        RuntimeChange::Add(TargetSpec {
            name,
            host,
            variant: Variant::default(),
            options: TargetOptions::default(),
        })
    }

    async fn is_saved(receipt: Receipt) -> bool {
        receipt.saved(tokio::time::Instant::now() + Duration::from_secs(20)).await.is_ok()
    }

    fn set_source(targets_writer: &TargetsWriter, changes: Vec<RuntimeChange>) {
        let actor = FakeSource { targets_writer: targets_writer.clone(), changes }.start();
        targets_writer
            .set_source(ChangeSource { rewrite: actor.clone().recipient(), restore: actor.recipient() });
    }

    /// Repeats a change until it is saved.
    async fn until_saved(targets_writer: &TargetsWriter, change: RuntimeChange) {
        let adding = async {
            while !is_saved(targets_writer.record(vec![change.clone()])).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), adding).await.expect("it is saved again");
    }

    fn end(targets_writer: &TargetsWriter, thread: JoinHandle<()>) {
        targets_writer.stop();
        thread.join().unwrap();
    }

    #[actix::test]
    async fn changes_dropped_from_a_full_backlog_are_rewritten() {
        let place = tempfile::tempdir().unwrap();
        let (targets_writer, thread) = TargetsWriter::start(database(place.path()), true).unwrap();
        set_source(&targets_writer, vec![addition(1), addition(2)]);
        assert!(is_saved(targets_writer.record(vec![addition(1)])).await);
        targets_writer.backlog.changes.fetch_add(MAX_BACKLOG + 1, Relaxed);
        assert!(!is_saved(targets_writer.record(vec![addition(2)])).await);
        targets_writer.backlog.changes.fetch_sub(MAX_BACKLOG + 1, Relaxed);
        until_saved(&targets_writer, addition(3)).await;
        end(&targets_writer, thread);
        assert_eq!(
            database(place.path()).read(targets_db::load).unwrap(),
            [addition(1), addition(2), addition(3)]
        );
    }

    #[actix::test]
    async fn a_state_that_could_not_be_read_at_first_is_not_lost() {
        let place = tempfile::tempdir().unwrap();
        let (targets_writer, thread) = TargetsWriter::start(database(place.path()), true).unwrap();
        assert!(is_saved(targets_writer.record(vec![addition(1)])).await);
        end(&targets_writer, thread);
        let (path, away) = (place.path().join("targets.db"), place.path().join("away"));
        std::fs::rename(&path, &away).unwrap();
        std::fs::create_dir(&path).unwrap();
        let mut broken = database(place.path());
        assert!(broken.read(targets_db::load).is_err());
        let (targets_writer, thread) = TargetsWriter::start(broken, false).unwrap();
        set_source(&targets_writer, vec![addition(2)]);
        assert!(!is_saved(targets_writer.record(vec![addition(2)])).await);
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(&away, &path).unwrap();
        until_saved(&targets_writer, addition(3)).await;
        end(&targets_writer, thread);
        let mut all = database(place.path()).read(targets_db::load).unwrap();
        all.sort_by_key(|change| format!("{change:?}"));
        assert_eq!(all, [addition(1), addition(2), addition(3)]);
    }
}
