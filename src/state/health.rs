//! State of a database, shared between threads.

use crate::actors::persistence::StoreStats;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Written by the database's thread, read by others.
#[derive(Debug, Default)]
pub(super) struct Health {
    works: AtomicBool,
    errors: AtomicU64,
    last_saved_millis: AtomicU64,
    bytes: AtomicU64,
}

impl Health {
    pub(super) fn saved(&self, bytes: u64) {
        let now = u64::try_from(now().as_millis()).unwrap_or(0);
        self.last_saved_millis.store(now, Relaxed);
        self.bytes.store(bytes, Relaxed);
        self.works.store(true, Relaxed);
    }

    pub(super) fn failed(&self) {
        self.errors.fetch_add(1, Relaxed);
        self.works.store(false, Relaxed);
    }

    pub(super) fn stats(&self, database: &'static str) -> StoreStats {
        let last = self.last_saved_millis.load(Relaxed);
        StoreStats {
            database,
            works: self.works.load(Relaxed),
            errors: self.errors.load(Relaxed),
            last_saved: (last > 0).then(|| Duration::from_millis(last)),
            bytes: self.bytes.load(Relaxed),
        }
    }
}

/// The wall clock, as time since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
