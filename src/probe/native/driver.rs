//! The engine's task: sleeps until a slot is due, reads, calls the due targets, sends.

use super::{NativeEngine, pacing, sys};
use crate::measure::Timestamp;
use crate::probe::{Engine, EngineHandle};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// If the next slot is further away than this, a received packet wakes the driver.
const MIN_LISTEN_TIME: Duration = Duration::from_millis(100);
/// Minimum time between two wake-ups by packets.
const MIN_LISTEN_PAUSE: Duration = Duration::from_millis(20);
/// Pause after a read that did not empty the sockets, for other tasks on the thread.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);
/// Targets that are called and sent to in one chunk: the memory of a chunk fits into the processor's cache.
const TARGETS_PER_CHUNK: usize = 512;
/// Time after which an overloaded turn ends, at the end of its chunk, so that other tasks on the thread run.
const MAX_TURN: Duration = Duration::from_millis(5);

/// Runs an engine, on its own thread, until the thread ends.
///
/// # Errors
/// Errors of epoll(7) and timerfd_create(2) at the start; none later.
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
    socket_poll: AsyncFd<sys::SocketPoll>,
    due: Vec<u32>,
    /// No request is sent before this time.
    not_before: Timestamp,
    /// No packet wakes the driver before this time.
    read_at: Timestamp,
    /// When to read the rest of the sockets; never if they were emptied.
    read_rest: Timestamp,
}

impl Driver {
    fn new(engine: Rc<NativeEngine>) -> io::Result<Self> {
        engine.driver_awake.set(false);
        Ok(Self {
            timer: sys::watch(sys::timer()?)?,
            socket_poll: sys::watch(sys::SocketPoll::new()?)?,
            due: Vec::new(),
            not_before: engine.now(),
            read_at: engine.now(),
            read_rest: Timestamp::NEVER,
            engine,
        })
    }

    /// Sleeps until the next slot, or until the engine wakes the driver.
    async fn sleep(&mut self) {
        let now = self.engine.now();
        let next = self.engine.slots.borrow().first();
        let next = next.map_or(Timestamp::NEVER, |slot| slot.max(self.not_before)).min(self.read_rest);
        if next <= now || self.engine.queued() > 0 {
            // Other tasks on the thread run first, and the runtime polls its sockets.
            tokio::task::yield_now().await;
            return;
        }
        let listen = next != Timestamp::NEVER && next.since(now) > MIN_LISTEN_TIME && now >= self.read_at;
        self.set_timer(if now < self.read_at { next.min(self.read_at) } else { next });
        if listen {
            self.listen(true);
        }
        tokio::select! {
            biased;
            () = ready(&self.timer) => {}
            () = ready(&self.socket_poll), if listen => self.read_at = self.engine.now() + MIN_LISTEN_PAUSE,
            () = self.engine.wake_driver.notified() => {}
        }
        if listen {
            self.listen(false);
        }
    }

    fn count_wakeup(&self) {
        self.engine.wakeups.set(self.engine.wakeups.get() + 1);
    }

    /// Reads, calls due targets and sends, until nothing is left or the limits are reached.
    fn turn(&mut self) {
        let start = self.engine.now();
        self.engine.driver_awake.set(true);
        let emptied = self.engine.drain();
        self.read_rest = if emptied { Timestamp::NEVER } else { self.engine.now() + FLOOD_PAUSE };
        let (rate, late) = (self.engine.targets.borrow().rate(), self.late(start));
        let volley = pacing::volley(rate, late);
        let mut sent = 0;
        loop {
            if start >= self.not_before {
                let limit = TARGETS_PER_CHUNK.min(volley - sent);
                self.engine.slots.borrow_mut().take_due(start, limit, &mut self.due);
            }
            let woken = self.wake_due();
            let queued = self.engine.queued();
            if woken == 0 && queued == 0 {
                break;
            }
            sent += queued;
            self.engine.flush();
            if sent >= volley {
                // The rest waits for a later turn, and is skipped if that is too late.
                self.not_before = start + pacing::pause(sent, rate, late);
                break;
            }
            if self.engine.now().since(start) > MAX_TURN {
                break;
            }
        }
        self.engine.driver_awake.set(false);
    }

    /// Lateness of the first slot.
    fn late(&self, now: Timestamp) -> Duration {
        let next = self.engine.slots.borrow().first();
        next.map_or(Duration::ZERO, |slot| now.since(slot))
    }

    fn wake_due(&mut self) -> usize {
        let now = self.engine.now();
        let woken = self.due.len();
        if woken > 0 {
            self.engine.last_due_call.set(now);
        }
        self.prefetch_due();
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
    fn prefetch_due(&self) {
        let targets = self.engine.targets.borrow();
        let touched = self
            .due
            .iter()
            .filter_map(|&index| targets.at(index))
            .map(|(_, target)| target.listener.prefetch());
        std::hint::black_box(touched.fold(0, u64::wrapping_add));
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
        let socket_poll = self.socket_poll.get_ref();
        for socket in self.engine.sockets.borrow().iter() {
            let result = if on { socket_poll.arm(socket) } else { socket_poll.disarm(socket) };
            if let Err(error) = result {
                tracing::debug!(%error, "the sockets can't be watched");
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
