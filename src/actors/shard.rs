//! Threads that ping: each has an engine of its own, and the pingers of its share of the targets.

use super::persistence::SavedTarget;
use super::pinger::{DeathNotice, PingActor, PingerDied, Seed};
use crate::probe::{Engine, EngineStats};
use crate::target::{Address, PingSettings};
use actix::prelude::*;
use futures_util::future::LocalBoxFuture;
use siphasher::sip::SipHasher13;
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Where pingers run.
#[derive(Clone)]
pub enum Shard {
    /// On the caller's own thread, with that engine.
    Local(Rc<dyn Engine>),
    /// On another thread that [`Shard::set_thread_engine`]ed an engine.
    Remote(ArbiterHandle),
}

/// What a pinger is made of.
#[derive(Debug, Clone)]
pub struct PingerSpec {
    /// Whom to ping.
    pub address: Address,
    /// How.
    pub ping_settings: PingSettings,
    /// Which of the pingers of that address it is.
    pub generation: u64,
    /// Who is told if it dies.
    pub parent: Arc<Recipient<PingerDied>>,
    /// What was known of it before a restart.
    pub saved: Option<SavedTarget>,
}

/// The thread of a shard, for what is better done next to its pingers.
#[derive(Debug, Clone)]
pub struct ShardHandle {
    shard: usize,
    arbiter: ArbiterHandle,
}

impl ShardHandle {
    /// The present thread, as that of the only shard.
    pub fn here() -> Self {
        Self { shard: 0, arbiter: Arbiter::current() }
    }

    /// Has that thread do something, unless it has ended.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.arbiter.spawn(task);
    }
}

impl PartialEq for ShardHandle {
    fn eq(&self, other: &Self) -> bool {
        self.shard == other.shard
    }
}

thread_local! {
    /// The engine of this thread. Actors that are started from another thread can't be handed it: it is not `Send`.
    static ENGINE: RefCell<Option<Rc<dyn Engine>>> = const { RefCell::new(None) };
}

impl Shard {
    /// Makes that engine the one of the present thread.
    pub fn set_thread_engine(engine: Rc<dyn Engine>) {
        ENGINE.with_borrow_mut(|current| *current = Some(engine));
    }

    /// Its thread; `shard` is its number among all.
    pub fn home(&self, shard: usize) -> ShardHandle {
        match self {
            Self::Local(_) => ShardHandle { shard, arbiter: Arbiter::current() },
            Self::Remote(arbiter) => ShardHandle { shard, arbiter: arbiter.clone() },
        }
    }

    /// Starts a pinger; it can be sent messages at once.
    pub fn start(&self, order: PingerSpec, seeds: &Seeds) -> Addr<PingActor> {
        let seed = seeds.of(order.address, order.generation);
        match self {
            Self::Local(engine) => order.build(seed, Rc::clone(engine)).start(),
            Self::Remote(arbiter) => PingActor::start_in_arbiter(arbiter, move |_| {
                let engine = ENGINE.with_borrow(Option::clone);
                // Shards enter their engine before the supervisor gets to know them.
                order.build(seed, engine.expect("a shard's thread has an engine"))
            }),
        }
    }

    /// How its engine is doing; `None` if its thread has ended.
    ///
    /// The answer comes after everything that was started before.
    pub fn stats(&self) -> LocalBoxFuture<'static, Option<EngineStats>> {
        match self {
            Self::Local(engine) => {
                let stats = engine.stats();
                Box::pin(async move { Some(stats) })
            }
            Self::Remote(arbiter) => {
                let (answer, answered) = oneshot::channel();
                arbiter.spawn_fn(move || {
                    let stats = ENGINE.with_borrow(|engine| engine.as_ref().map(|engine| engine.stats()));
                    let _ = answer.send(stats);
                });
                Box::pin(async move { answered.await.ok().flatten() })
            }
        }
    }
}

impl PingerSpec {
    fn build(self, seed: Seed, engine: Rc<dyn Engine>) -> PingActor {
        let will = DeathNotice { parent: self.parent, generation: self.generation };
        let PingSettings { interval, timeout, packet } = self.ping_settings;
        let pinger = PingActor::new(self.address, interval, timeout, seed, engine)
            .with_packet_options(packet)
            .with_death_notice(will);
        match &self.saved {
            Some(saved) => pinger.restored_from(saved),
            None => pinger,
        }
    }
}

/// Gives each target its own phase and its own first number.
#[derive(Clone)]
pub struct Seeds {
    key: [u8; 16],
}

impl Seeds {
    /// Seeds under a key of random bytes.
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The phase follows from the address alone, so that it is the same after a restart; the first number can't
    /// be guessed without the key, and differs from one pinger of the address to the next.
    fn of(&self, address: Address, generation: u64) -> Seed {
        let phase = low_half(hash(&[0; 16], &address));
        let first_number = low_half(hash(&self.key, &(address, generation)));
        Seed { phase, first_number }
    }

    /// Which of `shards` an address belongs to.
    pub fn shard_of(address: Address, shards: usize) -> usize {
        usize::try_from(hash(&[1; 16], &address) % shards.max(1) as u64).unwrap_or(0)
    }
}

fn hash(key: &[u8; 16], value: &impl Hash) -> u64 {
    let mut hasher = SipHasher13::new_with_key(key);
    value.hash(&mut hasher);
    hasher.finish()
}

#[expect(clippy::cast_possible_truncation, reason = "half of the bits are enough")]
const fn low_half(hash: u64) -> u32 {
    hash as u32
}
