//! Turns of look-ups. Nearly all names are answered within milliseconds; the others must not hold them up, nor use up the
//! descriptors of the process.
//!
//! A look-up begins in a lane with many short turns. If it is not answered within its turn, it gives up its questions, and
//! goes on in a lane with fewer and longer turns. Names that were not answered before come after the others, and may take
//! a quarter of each lane: that bounds what they cost.

use super::fair_queue::FairQueue;
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// The lanes that every look-up goes through until it is answered.
pub(super) struct Turns([Lane; 3]);

struct Lane {
    length: Duration,
    state: Rc<RefCell<LaneState>>,
}

struct LaneState {
    free: usize,
    /// Free turns for names that were not answered before; they count among the free turns.
    free_for_silent: usize,
    waiting: FairQueue<oneshot::Sender<Turn>>,
    silent_waiting: FairQueue<oneshot::Sender<Turn>>,
}

/// Right to ask name servers, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    lane: Weak<RefCell<LaneState>>,
    is_silent: bool,
}

/// Length of the turns of each lane. At the end of the last one the look-up ends.
const LENGTHS: [Duration; 3] = [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(30)];

/// Maximum number of turns of each lane. More at once would keep the actors of this thread from answering: a question
/// costs a tenth of a millisecond.
const MAX_TURNS: [usize; 3] = [256, 64, 32];

/// Divisors of the descriptors that look-ups may take.
const SHARES: [usize; 3] = [2, 4, 4];

/// Names that were not answered before take one turn of this many.
const SILENT_SHARE: usize = 4;

/// A look-up has a socket for each family, and hickory repeats a question three times, each time on a further socket.
const DESCRIPTORS_PER_TURN: [usize; 3] = [2, 8, 8];

/// Time limit for waiting for a turn in the last lane. So many names without an answer are before it that it is better to
/// end the look-up and to try the name again later.
const MAX_WAIT: Duration = Duration::from_secs(10);

impl Turns {
    /// Number of lanes.
    pub(super) const LANES: usize = LENGTHS.len();

    /// Lanes of a process that may open this many descriptors; look-ups take at most half of them.
    pub(super) fn new(descriptors: usize) -> Self {
        let lane = |at: usize| {
            let available = descriptors / 2 / SHARES[at] / DESCRIPTORS_PER_TURN[at];
            let free = MAX_TURNS[at].min(available).max(2);
            let (waiting, silent_waiting) = Default::default();
            let state =
                LaneState { free, free_for_silent: (free / SILENT_SHARE).max(1), waiting, silent_waiting };
            Lane { length: LENGTHS[at], state: Rc::new(RefCell::new(state)) }
        };
        Self([lane(0), lane(1), lane(2)])
    }

    /// Waits for a turn of a name of that zone; `was_silent`: its look-up before was not answered. Returns it with its end;
    /// `None` if there are too many others.
    pub(super) async fn take(&self, lane: usize, zone: &str, was_silent: bool) -> Option<(Turn, Instant)> {
        let is_last = lane + 1 >= Self::LANES;
        let Lane { length, state } = self.0.get(lane)?;
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = state.borrow_mut();
            let queue = if was_silent { &mut state.silent_waiting } else { &mut state.waiting };
            queue.push(zone, sender);
        }
        grant(state);
        let turn = if is_last { timeout(MAX_WAIT, receiver).await.ok()? } else { receiver.await };
        Some((turn.ok()?, Instant::now() + *length))
    }
}

/// Gives the free turns of a lane to those who wait.
fn grant(lane: &Rc<RefCell<LaneState>>) {
    loop {
        let mut state = lane.borrow_mut();
        if state.free == 0 {
            return;
        }
        let waiting = state.waiting.pop().map(|sender| (sender, false));
        let of_silent = |state: &mut LaneState| {
            let sender = if state.free_for_silent == 0 { None } else { state.silent_waiting.pop() };
            sender.map(|sender| (sender, true))
        };
        let Some((sender, is_silent)) = waiting.or_else(|| of_silent(&mut state)) else { return };
        if sender.is_closed() {
            continue;
        }
        state.free -= 1;
        state.free_for_silent -= usize::from(is_silent);
        drop(state);
        let _ = sender.send(Turn { lane: Rc::downgrade(lane), is_silent });
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(lane) = self.lane.upgrade() else { return };
        {
            let mut state = lane.borrow_mut();
            state.free += 1;
            state.free_for_silent += usize::from(self.is_silent);
        }
        grant(&lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wait_of(turns: &Turns, lane: usize, was_silent: bool) -> Option<Duration> {
        let begin = Instant::now();
        turns.take(lane, "zone", was_silent).await.map(|_| begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn names_without_an_answer_leave_most_turns_to_the_others() {
        let turns = Turns::new(1 << 20);
        for (lane, expected) in MAX_TURNS.into_iter().enumerate() {
            let mut held = Vec::new();
            for was_silent in [true, false] {
                let turn = || timeout(Duration::from_millis(1), turns.take(lane, "zone", was_silent));
                while let Ok(turn) = turn().await {
                    held.push(turn);
                }
                assert_eq!(
                    held.len(),
                    if was_silent { expected / SILENT_SHARE } else { expected },
                    "lane {lane}"
                );
            }
            drop(held);
            assert_eq!(wait_of(&turns, lane, true).await, Some(Duration::ZERO), "lane {lane}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_goes_to_the_next_zone_and_to_names_that_were_answered_first() {
        let turns = Turns::new(0);
        let held = [turns.take(0, "held", false).await, turns.take(0, "held", false).await];
        let order = RefCell::new(Vec::new());
        let waiter = |zone: &'static str, was_silent| {
            let (turns, order) = (&turns, &order);
            async move {
                let turn = turns.take(0, zone, was_silent).await;
                order.borrow_mut().push(zone);
                // Held for a while, so that one after the other is served.
                tokio::time::sleep(Duration::from_millis(10)).await;
                drop(turn);
            }
        };
        let waiters = async {
            tokio::join!(waiter("silent", true), waiter("a", false), waiter("a", false), waiter("b", false))
        };
        let cancelled = async {
            let _ = timeout(Duration::from_millis(1), turns.take(0, "gone", false)).await;
            drop(held);
        };
        tokio::join!(waiters, cancelled);
        assert_eq!(*order.borrow(), ["a", "b", "a", "silent"]);
        assert_eq!(wait_of(&turns, 0, true).await, Some(Duration::ZERO), "nothing is lost");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_in_the_last_lane_is_limited() {
        let turns = Turns::new(16);
        let held = [turns.take(2, "a", false).await, turns.take(2, "b", false).await];
        assert!(held.iter().all(Option::is_some), "two turns at least");
        let begin = Instant::now();
        assert!(turns.take(2, "c", false).await.is_none());
        assert_eq!(begin.elapsed(), MAX_WAIT);
        drop(held);
        assert!(turns.take(2, "c", true).await.is_some());
    }
}
