//! Threads that ping: each has its own engine, and the pingers of its share of the targets.

use super::persistence::SavedTarget;
use super::pinger::{DeathNotice, PingActor, PingerDied, Seed};
use crate::probe::{Engine, EngineStats};
use crate::target::{Address, PingSettings, TargetKey};
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
    /// The caller's thread, with this engine.
    Local(Rc<dyn Engine>),
    /// Another thread, which has called [`Shard::set_thread_engine`].
    Remote(ArbiterHandle),
}

/// Everything needed to start a pinger.
#[derive(Debug, Clone)]
pub struct PingerSpec {
    /// Address and variant of the target.
    pub key: TargetKey,
    /// Interval, timeout and packet options.
    pub ping_settings: PingSettings,
    /// Number of the pinger, see [`DeathNotice::generation`].
    pub generation: u64,
    /// Where its death is reported.
    pub parent: Arc<Recipient<PingerDied>>,
    /// Its statistics from before a restart.
    pub saved: Option<SavedTarget>,
}

/// The thread of a shard, for tasks that run faster next to its pingers.
#[derive(Debug, Clone)]
pub struct ShardHandle {
    shard: usize,
    arbiter: ArbiterHandle,
}

impl ShardHandle {
    /// The current thread, as that of the only shard.
    pub fn current() -> Self {
        Self { shard: 0, arbiter: Arbiter::current() }
    }

    /// Runs a task on the thread, unless it has ended.
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
    /// The engine of this thread. It is not `Send`, so it can't be passed to an actor that another thread starts.
    static ENGINE: RefCell<Option<Rc<dyn Engine>>> = const { RefCell::new(None) };
}

impl Shard {
    /// Sets the engine of the current thread.
    pub fn set_thread_engine(engine: Rc<dyn Engine>) {
        ENGINE.with_borrow_mut(|current| *current = Some(engine));
    }

    /// Its thread; `shard` is its index among all shards.
    pub fn handle(&self, shard: usize) -> ShardHandle {
        match self {
            Self::Local(_) => ShardHandle { shard, arbiter: Arbiter::current() },
            Self::Remote(arbiter) => ShardHandle { shard, arbiter: arbiter.clone() },
        }
    }

    /// Starts a pinger; it accepts messages at once.
    pub fn start(&self, spec: PingerSpec, seeds: &Seeds) -> Addr<PingActor> {
        let seed = seeds.of(&spec.key, spec.generation);
        match self {
            Self::Local(engine) => spec.build(seed, Rc::clone(engine)).start(),
            Self::Remote(arbiter) => PingActor::start_in_arbiter(arbiter, move |_| {
                let engine = ENGINE.with_borrow(Option::clone);
                // A shard's thread sets its engine before the supervisor starts.
                spec.build(seed, engine.expect("a shard's thread has an engine"))
            }),
        }
    }

    /// The state of its engine; `None` if its thread has ended.
    ///
    /// The reply comes after the start of all pingers that were started before.
    pub fn stats(&self) -> LocalBoxFuture<'static, Option<EngineStats>> {
        match self {
            Self::Local(engine) => {
                let stats = engine.stats();
                Box::pin(async move { Some(stats) })
            }
            Self::Remote(arbiter) => {
                let (sender, receiver) = oneshot::channel();
                arbiter.spawn_fn(move || {
                    let stats = ENGINE.with_borrow(|engine| engine.as_ref().map(|engine| engine.stats()));
                    let _ = sender.send(stats);
                });
                Box::pin(async move { receiver.await.ok().flatten() })
            }
        }
    }
}

impl PingerSpec {
    fn build(self, seed: Seed, engine: Rc<dyn Engine>) -> PingActor {
        let death_notice = DeathNotice { parent: self.parent, generation: self.generation };
        let PingSettings { interval, timeout, packet } = self.ping_settings;
        let pinger = PingActor::new(self.key, interval, timeout, seed, engine)
            .with_packet_options(packet)
            .with_death_notice(death_notice);
        match &self.saved {
            Some(saved) => pinger.restored_from(saved),
            None => pinger,
        }
    }
}

/// Derives the phase and the first number of each target.
#[derive(Clone)]
pub struct Seeds {
    key: [u8; 16],
}

impl Seeds {
    /// Seeds under a key of random bytes.
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The phase follows from address and variant alone, so that it is the same after a restart; the first number can't
    /// be guessed without the key, and differs between successive pingers of an address.
    fn of(&self, target: &TargetKey, generation: u64) -> Seed {
        let address = target.address();
        let phase = low_half(match target.variant() {
            "" => hash(&[0; 16], &address),
            variant => hash(&[0; 16], &(address, variant)),
        });
        let first_number = low_half(hash(&self.key, &(address, generation)));
        Seed { phase, first_number }
    }

    /// Index of the shard of an address; all its variants are on one shard, which attributes ICMP errors to them.
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
