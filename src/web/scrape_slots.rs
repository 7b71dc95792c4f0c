//! The slots of scrapes. A scrape that finds none waits; meanwhile the connections of slow readers are reset.

use super::client::delivery::Delivery;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// The slots.
pub(super) struct ScrapeSlots {
    free: Arc<Semaphore>,
    /// The clients that are reading a scrape.
    readers: Arc<Mutex<Vec<Arc<Delivery>>>>,
}

/// A slot, free again when this is dropped.
pub(super) struct ScrapeSlot {
    readers: Arc<Mutex<Vec<Arc<Delivery>>>>,
    reader: Option<Arc<Delivery>>,
    _permit: OwnedSemaphorePermit,
}

/// Time between two looks at the readers while a scrape waits.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Time limit for a slot of a connection that is being reset.
const RESET_TIMEOUT: Duration = Duration::from_millis(200);

impl ScrapeSlots {
    pub(super) fn new(max_scrapes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(max_scrapes)), readers: Arc::default() }
    }

    /// Takes a slot; `None` if there is none within the time limit. With a limit of zero no connection is reset.
    pub(super) async fn take(&self, time_limit: Duration) -> Option<ScrapeSlot> {
        let permit = self.permit(time_limit).await?;
        Some(ScrapeSlot { readers: Arc::clone(&self.readers), reader: None, _permit: permit })
    }

    async fn permit(&self, time_limit: Duration) -> Option<OwnedSemaphorePermit> {
        if time_limit.is_zero() {
            return Arc::clone(&self.free).try_acquire_owned().ok();
        }
        let give_up = Instant::now() + time_limit;
        let mut permit = std::pin::pin!(Arc::clone(&self.free).acquire_owned());
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                // The semaphore is never closed.
                permit = &mut permit => return permit.ok(),
                () = sleep_until(give_up) => break,
                () = sleep(pause) => { self.reset_slow_readers(); },
            }
            pause = CHECK_INTERVAL;
        }
        // A late thread must not cost a scrape its slot.
        if self.reset_slow_readers() { timeout(RESET_TIMEOUT, permit).await.ok()?.ok() } else { None }
    }

    /// Resets the connections of slow readers; returns whether there are any.
    fn reset_slow_readers(&self) -> bool {
        let readers = lock(&self.readers);
        let slow = readers.iter().filter(|reader| reader.is_slow());
        slow.inspect(|reader| reader.reset()).count() > 0
    }
}

impl ScrapeSlot {
    /// The client begins to read the scrape.
    pub(super) fn begin_reading(&mut self, reader: &Arc<Delivery>) {
        reader.begin();
        lock(&self.readers).push(Arc::clone(reader));
        self.reader = Some(Arc::clone(reader));
    }

    /// The client that reads the scrape.
    pub(super) fn reader(&self) -> Option<&Arc<Delivery>> {
        self.reader.as_ref()
    }
}

impl Drop for ScrapeSlot {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            lock(&self.readers).retain(|other| !Arc::ptr_eq(reader, other));
        }
    }
}

fn lock(readers: &Mutex<Vec<Arc<Delivery>>>) -> MutexGuard<'_, Vec<Arc<Delivery>>> {
    readers.lock().unwrap_or_else(PoisonError::into_inner)
}
