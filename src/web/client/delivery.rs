//! How the client of a connection reads what is sent, and the reset of connections whose clients read too slowly.

use super::reader_pace::ReaderPace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// How a client reads.
pub(in crate::web) struct Delivery {
    pace: Mutex<ReaderPace>,
    is_reset: AtomicBool,
    reset: Notify,
}

impl Default for Delivery {
    fn default() -> Self {
        let pace = Mutex::new(ReaderPace::new(Instant::now()));
        Self { pace, is_reset: AtomicBool::new(false), reset: Notify::new() }
    }
}

impl Delivery {
    /// Measures from now on, for a new body.
    pub(in crate::web) fn begin(&self) {
        self.pace().restart(Instant::now());
    }

    /// The connection is full.
    pub(in crate::web) fn full(&self) {
        self.pace().full(Instant::now());
    }

    /// The connection has taken bytes.
    pub(in crate::web) fn took(&self, bytes: usize) {
        self.pace().took(bytes, Instant::now());
    }

    /// Whether the client reads too slowly to keep others waiting.
    pub(in crate::web) fn is_slow(&self) -> bool {
        self.pace().is_slow(Instant::now())
    }

    /// Resets the connection: what was sent of a body does not end as if it were whole.
    pub(in crate::web) fn reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
        self.reset.notify_one();
    }

    /// Whether the connection must end with a reset.
    pub(in crate::web) fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Relaxed)
    }

    /// Returns when the connection must end with a reset.
    pub(in crate::web) async fn ended(&self) {
        self.reset.notified().await;
    }

    fn pace(&self) -> MutexGuard<'_, ReaderPace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
