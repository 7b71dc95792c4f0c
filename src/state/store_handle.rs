//! Joins both databases for the actors: what they tell to be kept, and when it has to be fresh.

use super::statistics_db::SavedEntry;
use super::statistics_writer::{Batch, StatisticsWriter};
use super::targets_writer::TargetsWriter;
use crate::actors::ask_all::ask_all;
use crate::actors::persistence::{Receipt, StateStore};
use crate::actors::pinger::Query;
use crate::actors::registry::RuntimeChange;
use crate::actors::supervisor::TargetRef;
use crate::measure::EncodedStats;
use crate::target::Address;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use tokio::sync::{Mutex, Notify};

/// What the supervisor tells, and the rounds that follow from it.
pub(super) struct StoreHandle {
    pub(super) journal: TargetsWriter,
    pub(super) books: StatisticsWriter,
    retired: RefCell<Vec<Address>>,
    /// There is something to do again.
    pub(super) awake: Notify,
    /// What is kept must be as new as what somebody has seen.
    pub(super) hurry: Notify,
    pub(super) hurried: Cell<bool>,
    /// Targets are asked and kept by one at a time, so that nothing older is kept after something newer.
    turn: Mutex<()>,
}

impl StoreHandle {
    pub(super) fn new(journal: TargetsWriter, books: StatisticsWriter) -> Self {
        Self {
            journal,
            books,
            retired: RefCell::default(),
            awake: Notify::new(),
            hurry: Notify::new(),
            hurried: Cell::new(false),
            turn: Mutex::default(),
        }
    }

    /// Keeps the statistics of these targets, as they are now.
    pub(super) async fn save(&self, members: Vec<TargetRef>) -> bool {
        let _turn = self.turn.lock().await;
        let answers = ask_all(members, Query::<EncodedStats>::new).await;
        let retired = self.retired.take();
        let gone: HashSet<Address> = retired.iter().copied().collect();
        let entry = |(member, saved): (TargetRef, _)| SavedEntry {
            address: member.address,
            name: member.name,
            saved,
        };
        let mut entries: Vec<SavedEntry> = answers.into_iter().map(entry).collect();
        // Whoever ended meanwhile may have begun anew already: the next round has the new books.
        entries.retain(|entry| !gone.contains(&entry.address));
        match self.books.save(Batch { retired, entries }).await {
            Ok(()) => true,
            Err(Batch { retired, .. }) => {
                let mut waiting = self.retired.borrow_mut();
                // Without them their rows are rows of nobody, and gone in a day.
                waiting.extend(retired);
                waiting.truncate(MOST_RETIRED);
                false
            }
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.retired.borrow().is_empty()
    }
}

impl StateStore for Rc<StoreHandle> {
    fn record(&self, wishes: Vec<RuntimeChange>) -> Receipt {
        self.journal.record(wishes)
    }

    fn rewrite(&self, wishes: Vec<RuntimeChange>) {
        self.journal.rewrite(wishes);
    }

    fn started(&self) {
        self.awake.notify_one();
    }

    fn retired(&self, address: Address) {
        self.retired.borrow_mut().push(address);
        self.awake.notify_one();
    }
}

/// So many targets that ended while the disk did not work are remembered.
const MOST_RETIRED: usize = 100_000;
