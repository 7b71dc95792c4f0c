//! Access to both databases for the actors, and the signals that start a flush.

use super::statistics_db::SavedEntry;
use super::statistics_writer::{Batch, StatisticsWriter};
use super::targets_writer::TargetsWriter;
use crate::actors::ask_all::ask_all;
use crate::actors::persistence::{Receipt, StateStore};
use crate::actors::pinger::Query;
use crate::actors::registry::RuntimeChange;
use crate::actors::supervisor::TargetRef;
use crate::measure::EncodedStats;
use crate::target::TargetKey;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use tokio::sync::{Mutex, Notify};

/// The storage port of the supervisor, shared with the flush loop.
pub(super) struct StoreHandle {
    pub(super) targets_writer: TargetsWriter,
    pub(super) statistics_writer: StatisticsWriter,
    retired: RefCell<Vec<TargetKey>>,
    /// A target has started or ended.
    pub(super) target_changed: Notify,
    /// Counters were read: saved ones must not be older.
    pub(super) urgent: Notify,
    pub(super) is_urgent: Cell<bool>,
    /// Held while targets are asked and saved, so that older statistics never overwrite newer ones.
    save_lock: Mutex<()>,
}

impl StoreHandle {
    pub(super) fn new(targets_writer: TargetsWriter, statistics_writer: StatisticsWriter) -> Self {
        Self {
            targets_writer,
            statistics_writer,
            retired: RefCell::default(),
            target_changed: Notify::new(),
            urgent: Notify::new(),
            is_urgent: Cell::new(false),
            save_lock: Mutex::default(),
        }
    }

    /// Saves the current statistics of targets; returns whether that succeeded.
    pub(super) async fn save(&self, targets: Vec<TargetRef>) -> bool {
        let _guard = self.save_lock.lock().await;
        let replies = ask_all(targets, Query::<EncodedStats>::new).await;
        let retired = self.retired.take();
        let retired_set: HashSet<TargetKey> = retired.iter().cloned().collect();
        let entry =
            |(target, saved): (TargetRef, _)| SavedEntry { key: target.key, name: target.name, saved };
        let mut entries: Vec<SavedEntry> = replies.into_iter().map(entry).collect();
        // A target that ended meanwhile may have been added again: the next flush saves its new statistics.
        entries.retain(|entry| !retired_set.contains(&entry.key));
        match self.statistics_writer.save(Batch { retired, entries }).await {
            Ok(()) => true,
            Err(Batch { retired, .. }) => {
                let mut unsaved = self.retired.borrow_mut();
                // A retired target that is forgotten here leaves rows that are pruned after a day.
                unsaved.extend(retired);
                unsaved.truncate(MAX_RETIRED);
                false
            }
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.retired.borrow().is_empty()
    }
}

impl StateStore for Rc<StoreHandle> {
    fn record(&self, changes: Vec<RuntimeChange>) -> Receipt {
        self.targets_writer.record(changes)
    }

    fn rewrite(&self, changes: Vec<RuntimeChange>) {
        self.targets_writer.rewrite(changes);
    }

    fn started(&self) {
        self.target_changed.notify_one();
    }

    fn retired(&self, key: TargetKey) {
        self.retired.borrow_mut().push(key);
        self.target_changed.notify_one();
    }
}

/// Maximum number of retired targets to remember while the disk fails.
const MAX_RETIRED: usize = 100_000;
