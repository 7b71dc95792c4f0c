//! The thread that writes down what is wished live: everything that waits goes to the disk together, and is answered
//! when it is there.

use super::database::{Database, DatabaseError};
use super::targets_db;
use crate::actors::persistence::{NotSaved, Recall, Receipt, RewriteAll};
use crate::actors::registry::RuntimeChange;
use actix::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::oneshot;

/// Hands wishes to the thread.
#[derive(Debug, Clone)]
pub(super) struct TargetsWriter {
    jobs: Sender<TargetsJob>,
    backlog: Arc<Backlog>,
    owner: Arc<OnceLock<ChangeSource>>,
}

/// Who knows what was wished.
#[derive(Debug, Clone)]
pub(super) struct ChangeSource {
    /// Tells all of it again, when some of it is not on disk.
    pub rewrite: Recipient<RewriteAll>,
    /// Is told what was wished before the restart, when that can be read only late.
    pub recall: Recipient<Recall>,
}

/// What waits for the disk.
#[derive(Debug, Default)]
struct Backlog {
    wishes: AtomicUsize,
    /// Something was dropped, because more waited than can be kept waiting.
    overflowed: AtomicBool,
}

/// So many wishes wait for a disk that does not answer; then all of them are told again when it does.
const LONGEST_BACKLOG: usize = 1 << 16;

enum TargetsJob {
    Record(Vec<RuntimeChange>, oneshot::Sender<Result<(), NotSaved>>),
    RewriteAll(Vec<RuntimeChange>),
    EarlyExit,
}

impl TargetsWriter {
    /// Starts the thread on a database whose wishes have been `read` already, or could not be.
    ///
    /// # Errors
    /// What the system says when it has no thread to give.
    pub(super) fn start(database: Database, read: bool) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = channel();
        let journal = Self { jobs, backlog: Arc::default(), owner: Arc::default() };
        let (backlog, owner) = (Arc::clone(&journal.backlog), Arc::clone(&journal.owner));
        let outdated = !database.works();
        let mut writer = TargetsThread { database, backlog, owner, read, outdated, asked: None };
        let thread = thread::Builder::new().name("journal".into()).spawn(move || writer.run(&queue))?;
        Ok((journal, thread))
    }

    /// Tells who knows everything.
    pub(super) fn belong_to(&self, owner: ChangeSource) {
        // There is one supervisor.
        let _ = self.owner.set(owner);
    }

    pub(super) fn record(&self, wishes: Vec<RuntimeChange>) -> Receipt {
        let (answer, receipt) = Receipt::pending();
        if self.backlog.wishes.fetch_add(wishes.len(), Relaxed) > LONGEST_BACKLOG {
            self.backlog.wishes.fetch_sub(wishes.len(), Relaxed);
            self.backlog.overflowed.store(true, Relaxed);
            let _ = answer.send(Err(NotSaved("the disk does not keep up".into())));
        } else {
            // If the thread has ended, the receipt tells.
            let _ = self.jobs.send(TargetsJob::Record(wishes, answer));
        }
        receipt
    }

    pub(super) fn rewrite(&self, wishes: Vec<RuntimeChange>) {
        let _ = self.jobs.send(TargetsJob::RewriteAll(wishes));
    }

    pub(super) fn stop(&self) {
        let _ = self.jobs.send(TargetsJob::EarlyExit);
    }
}

struct TargetsThread {
    database: Database,
    backlog: Arc<Backlog>,
    owner: Arc<OnceLock<ChangeSource>>,
    /// Whether the wishes of the time before the restart are known.
    read: bool,
    /// Whether the disk has not got everything; until it is written anew, nothing is.
    outdated: bool,
    /// When it was last asked for everything.
    asked: Option<Instant>,
}

impl TargetsThread {
    fn run(&mut self, queue: &Receiver<TargetsJob>) {
        loop {
            let job = match self.next_attempt() {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                // However much comes in meanwhile.
                Some(at) if at <= Instant::now() => Err(RecvTimeoutError::Timeout),
                Some(at) => queue.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match job {
                Ok(TargetsJob::Record(wishes, answer)) => {
                    if self.record(wishes, answer, queue) {
                        return;
                    }
                }
                Ok(TargetsJob::RewriteAll(wishes)) => self.rewrite(&wishes),
                Err(RecvTimeoutError::Timeout) => self.catch_up(),
                Ok(TargetsJob::EarlyExit) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// When something is to be done even if nobody wishes anything.
    fn next_attempt(&self) -> Option<Instant> {
        if !self.outdated {
            return None;
        }
        let rested = if self.database.works() { Some(Instant::now()) } else { self.database.try_again_at() };
        let asked = self.asked.map(|asked| asked + ANSWER_OF_OWNER);
        rested.map(|rested| asked.map_or(rested, |asked| asked.max(rested)))
    }

    /// Writes down everything that waits; returns whether it is time to end.
    fn record(
        &mut self,
        wishes: Vec<RuntimeChange>,
        answer: oneshot::Sender<Result<(), NotSaved>>,
        queue: &Receiver<TargetsJob>,
    ) -> bool {
        let (mut all, mut answers, mut rewritten, mut stop) = (wishes, vec![answer], None, false);
        while all.len() < MOST_AT_ONCE && !stop && rewritten.is_none() {
            match queue.try_recv() {
                Ok(TargetsJob::Record(wishes, answer)) => {
                    all.extend(wishes);
                    answers.push(answer);
                }
                Ok(TargetsJob::RewriteAll(wishes)) => rewritten = Some(wishes),
                Ok(TargetsJob::EarlyExit) => stop = true,
                Err(_) => break,
            }
        }
        let result = self.write(&all);
        self.backlog.wishes.fetch_sub(all.len(), Relaxed);
        for answer in answers {
            // Whoever has asked may not wait any more.
            let _ = answer.send(result.clone());
        }
        if let Some(wishes) = rewritten {
            self.rewrite(&wishes);
        }
        stop
    }

    fn write(&mut self, wishes: &[RuntimeChange]) -> Result<(), NotSaved> {
        if self.outdated || self.backlog.overflowed.load(Relaxed) {
            self.outdated = true;
            return Err(NotSaved(self.why()));
        }
        if wishes.is_empty() {
            return Ok(());
        }
        let result = self
            .database
            .write(|connection| wishes.iter().try_for_each(|wish| targets_db::apply(connection, wish)));
        result.map_err(|fault| {
            self.outdated = true;
            self.asked = None;
            NotSaved(fault.to_string())
        })
    }

    fn why(&mut self) -> String {
        match self.database.trouble() {
            Some(why) => why.to_owned(),
            None => "everything is being written anew after an error".into(),
        }
    }

    /// Tries whether the disk works again, and asks for everything that it is to hold.
    fn catch_up(&mut self) {
        let Some(owner) = self.owner.get() else {
            // Not told yet; a moment later it is.
            self.asked = Some(Instant::now());
            return;
        };
        if !self.read {
            let Ok(wishes) = self.database.read(targets_db::load) else { return };
            self.read = true;
            owner.recall.do_send(Recall(wishes));
        }
        if self.database.write(|connection| connection.execute_batch(PROBE)).is_ok() {
            self.backlog.overflowed.store(false, Relaxed);
            self.asked = Some(Instant::now());
            owner.rewrite.do_send(RewriteAll);
        }
    }

    fn rewrite(&mut self, wishes: &[RuntimeChange]) {
        // What is on disk and was never read must not be overwritten.
        if !self.read || !self.database.may_try() {
            return;
        }
        let result: Result<(), DatabaseError> =
            self.database.write(|connection| targets_db::replace(connection, wishes));
        self.asked = None;
        if result.is_ok() {
            self.outdated = false;
        }
    }
}

/// Writes something that changes nothing.
const PROBE: &str =
    "INSERT INTO bans (name, key) VALUES ('', ''); DELETE FROM bans WHERE name = '' AND key = '';";

/// Far more than wait unless somebody adds a whole network.
const MOST_AT_ONCE: usize = 4_096;

/// After this whoever knows everything is asked again.
const ANSWER_OF_OWNER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::directory::Directory;
    use crate::state::health::Health;
    use crate::target::{TargetOptions, TargetSpec};
    use std::path::Path;
    use tokio::time::timeout;

    /// Knows what was wished.
    struct Knower {
        journal: TargetsWriter,
        wishes: Vec<RuntimeChange>,
    }

    impl Actor for Knower {
        type Context = Context<Self>;
    }

    impl Handler<RewriteAll> for Knower {
        type Result = ();

        fn handle(&mut self, _: RewriteAll, _: &mut Self::Context) {
            self.journal.rewrite(self.wishes.clone());
        }
    }

    impl Handler<Recall> for Knower {
        type Result = ();

        fn handle(&mut self, Recall(wishes): Recall, _: &mut Self::Context) {
            self.wishes.extend(wishes);
        }
    }

    fn database(path: &Path) -> Database {
        let directory = Arc::new(Directory::new(path.into()));
        Database::new(directory, &targets_db::SCHEMA, Arc::new(Health::default()))
    }

    fn want(number: u8) -> RuntimeChange {
        let (name, host) = (number.to_string().into(), format!("10.0.0.{number}").parse().unwrap());
        RuntimeChange::Add(TargetSpec { name, host, options: TargetOptions::default() })
    }

    async fn is_kept(receipt: Receipt) -> bool {
        receipt.kept(tokio::time::Instant::now() + Duration::from_secs(20)).await.is_ok()
    }

    fn know(journal: &TargetsWriter, wishes: Vec<RuntimeChange>) {
        let knower = Knower { journal: journal.clone(), wishes }.start();
        journal.belong_to(ChangeSource { rewrite: knower.clone().recipient(), recall: knower.recipient() });
    }

    /// Adds until that is saved.
    async fn until_kept(journal: &TargetsWriter, wish: RuntimeChange) {
        let adding = async {
            while !is_kept(journal.record(vec![wish.clone()])).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), adding).await.expect("it is saved again");
    }

    fn end(journal: &TargetsWriter, thread: JoinHandle<()>) {
        journal.stop();
        thread.join().unwrap();
    }

    #[actix::test]
    async fn what_was_dropped_because_too_much_waited_is_told_again() {
        let place = tempfile::tempdir().unwrap();
        let (journal, thread) = TargetsWriter::start(database(place.path()), true).unwrap();
        know(&journal, vec![want(1), want(2)]);
        assert!(is_kept(journal.record(vec![want(1)])).await);
        journal.backlog.wishes.fetch_add(LONGEST_BACKLOG + 1, Relaxed);
        assert!(!is_kept(journal.record(vec![want(2)])).await);
        journal.backlog.wishes.fetch_sub(LONGEST_BACKLOG + 1, Relaxed);
        until_kept(&journal, want(3)).await;
        end(&journal, thread);
        assert_eq!(database(place.path()).read(targets_db::load).unwrap(), [want(1), want(2), want(3)]);
    }

    #[actix::test]
    async fn what_could_not_be_read_at_first_is_not_lost() {
        let place = tempfile::tempdir().unwrap();
        let (journal, thread) = TargetsWriter::start(database(place.path()), true).unwrap();
        assert!(is_kept(journal.record(vec![want(1)])).await);
        end(&journal, thread);
        let (path, away) = (place.path().join("targets.db"), place.path().join("away"));
        std::fs::rename(&path, &away).unwrap();
        std::fs::create_dir(&path).unwrap();
        let mut broken = database(place.path());
        assert!(broken.read(targets_db::load).is_err());
        let (journal, thread) = TargetsWriter::start(broken, false).unwrap();
        know(&journal, vec![want(2)]);
        assert!(!is_kept(journal.record(vec![want(2)])).await);
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(&away, &path).unwrap();
        until_kept(&journal, want(3)).await;
        end(&journal, thread);
        let mut all = database(place.path()).read(targets_db::load).unwrap();
        all.sort_by_key(|wish| format!("{wish:?}"));
        assert_eq!(all, [want(1), want(2), want(3)]);
    }
}
