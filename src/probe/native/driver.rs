//! The engine's task: sleeps until something is due, reads, wakes whom it is time for, sends.

use super::{NativeEngine, pacing, sys};
use crate::measure::Timestamp;
use crate::probe::{Engine, EngineHandle};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// With the next slot further away than this, a packet that comes wakes us.
const FAR: Duration = Duration::from_millis(100);
/// But not more often than this.
const READING_PAUSE: Duration = Duration::from_millis(20);
/// After reading as much as is read in one go, everybody else on this thread has so long.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);
/// Targets that are called on, and sent to, in one go: what that takes fits into the processor's cache.
const CHUNK: usize = 512;
/// With more to do than we can, others on this thread get a turn after so long, and what is being done then.
const LONGEST_TURN: Duration = Duration::from_millis(5);
/// Runs an engine, on its own thread, until the thread ends.
///
/// # Errors
/// Whatever epoll(7) and timerfd_create(2) say at the start, and nothing later.
pub async fn drive(engine: Rc<NativeEngine>) -> io::Result<()> {
    let mut driver = Driver::new(engine)?;
    loop {
        driver.sleep().await;
        driver.count_wakeup();
        driver.turn();
    }
}

struct Driver {
    engine: Rc<NativeEngine>,
    timer: AsyncFd<OwnedFd>,
    doorbell: AsyncFd<sys::SocketPoll>,
    due: Vec<u32>,
    /// Not before this time anything more is sent.
    not_before: Timestamp,
    /// No packet wakes us before this time.
    read_at: Timestamp,
    /// When to read what was left in the sockets; never if nothing was.
    read_rest: Timestamp,
}

impl Driver {
    fn new(engine: Rc<NativeEngine>) -> io::Result<Self> {
        engine.in_turn.set(false);
        Ok(Self {
            timer: sys::watch(sys::timer()?)?,
            doorbell: sys::watch(sys::SocketPoll::new()?)?,
            due: Vec::new(),
            not_before: engine.now(),
            read_at: engine.now(),
            read_rest: Timestamp::NEVER,
            engine,
        })
    }

    /// Sleeps until the next slot, or until somebody asks for more.
    async fn sleep(&mut self) {
        let now = self.engine.now();
        let next = self.engine.slots.borrow().first();
        let next = next.map_or(Timestamp::NEVER, |slot| slot.max(self.not_before)).min(self.read_rest);
        if next <= now || self.engine.queued() > 0 {
            // Everybody else on this thread gets a turn before our next one, and what comes from outside is seen.
            tokio::task::yield_now().await;
            return;
        }
        let listen = next != Timestamp::NEVER && next.since(now) > FAR && now >= self.read_at;
        self.set_timer(if now < self.read_at { next.min(self.read_at) } else { next });
        if listen {
            self.listen(true);
        }
        tokio::select! {
            biased;
            () = ready(&self.timer) => {}
            () = ready(&self.doorbell), if listen => self.read_at = self.engine.now() + READING_PAUSE,
            () = self.engine.kick.notified() => {}
        }
        if listen {
            self.listen(false);
        }
    }

    fn count_wakeup(&self) {
        self.engine.wakeups.set(self.engine.wakeups.get() + 1);
    }

    /// Everything that is to be done now.
    fn turn(&mut self) {
        let start = self.engine.now();
        self.engine.in_turn.set(true);
        let emptied = self.engine.drain();
        self.read_rest = if emptied { Timestamp::NEVER } else { self.engine.now() + FLOOD_PAUSE };
        let (rate, late) = (self.engine.targets.borrow().rate(), self.late(start));
        let volley = pacing::volley(rate, late);
        let mut sent = 0;
        loop {
            if start >= self.not_before {
                let most = CHUNK.min(volley - sent);
                self.engine.slots.borrow_mut().take_due(start, most, &mut self.due);
            }
            let woken = self.wake_due();
            let queued = self.engine.queued();
            if woken == 0 && queued == 0 {
                break;
            }
            sent += queued;
            self.engine.flush();
            if sent >= volley {
                // What is left waits for its turn, and is skipped if that comes too late.
                self.not_before = start + pacing::pause(sent, rate, late);
                break;
            }
            if self.engine.now().since(start) > LONGEST_TURN {
                break;
            }
        }
        self.engine.in_turn.set(false);
    }

    /// How late the first of those is who wait for their turn.
    fn late(&self, now: Timestamp) -> Duration {
        let next = self.engine.slots.borrow().first();
        next.map_or(Duration::ZERO, |slot| now.since(slot))
    }

    fn wake_due(&mut self) -> usize {
        let now = self.engine.now();
        let woken = self.due.len();
        if woken > 0 {
            self.engine.rang.set(now);
        }
        self.look_ahead();
        for index in self.due.drain(..) {
            let Some((id, listener, slot)) = self.engine.targets.borrow_mut().take_alarm(index) else {
                continue;
            };
            self.engine.lateness.borrow_mut().record(now.since(slot));
            listener.on_due(EngineHandle::new(&*self.engine, id));
        }
        woken
    }

    /// See `Listener::prefetch`.
    fn look_ahead(&self) {
        let targets = self.engine.targets.borrow();
        let glances = self
            .due
            .iter()
            .filter_map(|&index| targets.at(index))
            .map(|(_, target)| target.listener.prefetch());
        std::hint::black_box(glances.fold(0, u64::wrapping_add));
    }

    fn set_timer(&self, alarm: Timestamp) {
        self.engine.timer.set(alarm);
        let nanos =
            if alarm == Timestamp::NEVER { 0 } else { self.engine.epoch + i128::from(alarm.as_nanos()) };
        if let Err(error) = sys::set_timer(self.timer.get_ref(), nanos) {
            tracing::error!(%error, "the timer can't be set");
        }
    }

    fn listen(&self, on: bool) {
        let doorbell = self.doorbell.get_ref();
        for socket in self.engine.sockets.borrow().iter() {
            let result = if on { doorbell.arm(socket) } else { doorbell.disarm(socket) };
            if let Err(error) = result {
                tracing::debug!(%error, "the doorbell can't be set");
            }
        }
    }
}

async fn ready<T: std::os::fd::AsRawFd>(fd: &AsyncFd<T>) {
    match fd.readable().await {
        Ok(mut guard) => guard.clear_ready(),
        Err(_) => std::future::pending().await,
    }
}
