//! A supervisor with one shard, as the daemon has them: the shard's thread pings loopback addresses.

use actix::prelude::*;
use meshping::actors::pinger::Query;
use meshping::actors::registry::RegistryLimits;
use meshping::actors::shard::{Seeds, Shard};
use meshping::actors::supervisor::{AddTarget, GetTargets, Settings, SupervisorActor, WaitUntilReady};
use meshping::measure::PeriodStats;
use meshping::probe::native::{Idents, NativeEngine, boot_time, drive};
use meshping::resolve::Families;
use meshping::resolve::system::SystemNames;
use meshping::target::{Address, Defaults, Host, NewEntry, TargetOptions, TargetSpec, Variant};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

pub struct Fixture {
    pub supervisor: Addr<SupervisorActor>,
    shard: Arbiter,
}

impl Fixture {
    /// How every target is called.
    pub const NAME: &str = "everybody";

    pub fn new() -> Self {
        let shard = Arbiter::new();
        shard.spawn_fn(|| {
            let engine = NativeEngine::open(boot_time(), Idents::new(7, 1)).expect("CAP_NET_RAW");
            actix_rt::spawn(drive(Rc::clone(&engine)));
            Shard::set_thread_engine(engine);
        });
        let limits = RegistryLimits { targets: 200_000, names: 1 };
        let settings = Settings { limits, defaults: Defaults::default() };
        let names = Rc::new(SystemNames::new(Families::BOTH));
        let shards = vec![Shard::Remote(shard.handle())];
        Self { supervisor: SupervisorActor::new(settings, shards, Seeds::new([1; 16]), names).start(), shard }
    }

    /// Adds so many targets; when it returns their actors run.
    pub async fn add(&self, targets: u32, interval: &str) {
        let interval = interval.parse().expect("an interval");
        let add = |number| {
            let ip = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + number);
            let host = Host::Address(Address::try_from(std::net::IpAddr::V4(ip)).expect("one host"));
            AddTarget(NewEntry::from(TargetSpec {
                name: Self::NAME.into(),
                host,
                variant: Variant::default(),
                options: TargetOptions::every(Some(interval)),
            }))
        };
        for number in 1..=targets {
            self.supervisor.send(add(number)).await.expect("it runs").result.expect("there is room");
        }
        self.supervisor.send(WaitUntilReady).await.expect("it runs");
    }

    /// Replies to all of them so far.
    pub async fn replies(&self) -> usize {
        let roster = self.supervisor.send(GetTargets::default()).await.expect("it runs");
        let mut replies = 0;
        for member in roster.targets {
            let pinger = member.pinger.upgrade().expect("it runs");
            let totals = pinger.send(Query::<PeriodStats>::new()).await.expect("it runs");
            replies += usize::try_from(totals.replies).expect("a few");
        }
        replies
    }
}

/// Waits for a condition.
pub async fn until(patience: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Memory of this process that is in the machine's.
pub fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("we run");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    resident.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number")
}
