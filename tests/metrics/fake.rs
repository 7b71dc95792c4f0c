//! A fake supervisor with targets on a scripted network, behind a real HTTP server.

use actix::prelude::*;
use meshping::actors::control_stats::{ControlStats, GetControlStats};
use meshping::actors::pinger::{PingActor, Seed};
use meshping::actors::reload::{Reload, ReloadState};
use meshping::actors::shard::ShardHandle;
use meshping::actors::supervisor::{
    Entry, EntryState, Filter, GetEntries, GetStatus, GetTargets, LookupState, Origin, Status, TargetPage,
    TargetRef,
};
use meshping::measure::Log2Histogram;
use meshping::probe::EngineStats;
use meshping::probe::scripted::ScriptedNetwork;
use meshping::target::{Address, Host, Interval, TargetKey, TargetOptions, Timeout};
use meshping::web::bind;
use meshping::web::{HttpLimits, WebSources};
use meshping::web::{HttpServer, Protection, serve};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::{Semaphore, watch};

pub struct Fake {
    pub targets: Vec<TargetRef>,
    pub ready: bool,
    /// Each page of targets consumes a permit.
    pub gate: Arc<Semaphore>,
    /// Number of pages requested so far.
    pub asked: watch::Sender<usize>,
    /// Number of targets in the delivered pages.
    pub delivered: watch::Sender<usize>,
}

impl Fake {
    pub fn new(targets: Vec<TargetRef>) -> Self {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { targets, ready: true, gate, asked: watch::Sender::new(0), delivered: watch::Sender::new(0) }
    }
}

impl Actor for Fake {
    type Context = Context<Self>;
}

impl Handler<GetTargets> for Fake {
    type Result = ResponseFuture<TargetPage>;

    fn handle(&mut self, question: GetTargets, _: &mut Self::Context) -> Self::Result {
        self.asked.send_modify(|asked| *asked += 1);
        let GetTargets { filter, after, limit } = question;
        let matches = |target: &&TargetRef| {
            let named = filter.name.as_ref() == Some(&target.name);
            filter == Filter::default()
                || named
                || filter.host == Some(Host::Address(target.key.address()).into())
        };
        let total = self.targets.iter().filter(matches).count();
        let page = self.targets.iter().filter(matches).filter(|target| Some(&target.key) > after.as_ref());
        let targets: Vec<TargetRef> = page.take(limit.unwrap_or(total)).cloned().collect();
        self.delivered.send_modify(|delivered| *delivered += targets.len());
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            gate.acquire().await.expect("the gate is never closed").forget();
            TargetPage { targets, total }
        })
    }
}

impl Handler<GetEntries> for Fake {
    type Result = MessageResult<GetEntries>;

    fn handle(&mut self, _: GetEntries, _: &mut Self::Context) -> Self::Result {
        MessageResult(names())
    }
}

/// Followed names: one that has addresses, and one of a variant that never had.
pub fn names() -> Vec<EntryState> {
    vec![entry("up.test up", 2, Some(1_700_000_000)), entry("gone.test#wan2 a\"b\n", 0, None)]
}

fn entry(id: &str, targets: usize, succeeded: Option<u64>) -> EntryState {
    let at = |second| UNIX_EPOCH + Duration::from_secs(second);
    EntryState {
        entry: Entry {
            id: id.parse().expect("an identity"),
            interval: Interval::DEFAULT,
            options: TargetOptions::default(),
            excluded: Vec::new(),
            origins: vec![Origin::Config],
            targets,
            decides_interval: false,
        },
        lookups: Some(LookupState {
            verdict: None,
            since: at(1_600_000_000),
            next: at(1_600_000_000),
            succeeded: succeeded.map(at),
        }),
    }
}

impl Handler<GetStatus> for Fake {
    type Result = MessageResult<GetStatus>;

    fn handle(&mut self, _: GetStatus, _: &mut Self::Context) -> Self::Result {
        MessageResult(Status { ready: self.ready, ..status() })
    }
}

impl Handler<GetControlStats> for Fake {
    type Result = MessageResult<GetControlStats>;

    fn handle(&mut self, _: GetControlStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(ControlStats { answered: 7, ignored: [4, 3, 2, 1], unsent: 0 })
    }
}

impl Handler<Reload> for Fake {
    type Result = Result<String, String>;

    fn handle(&mut self, _: Reload, _: &mut Self::Context) -> Self::Result {
        if self.ready { Ok("2 targets added".into()) } else { Err("line 3: no such option".into()) }
    }
}

/// A daemon with two shards.
pub fn status() -> Status {
    let mut lateness = Log2Histogram::default();
    for micros in [30, 250, 9_000_000] {
        lateness.record(Duration::from_micros(micros));
    }
    let stats = |foreign, dropped| {
        let (engine, socket, wakeups) = ("native", "raw", 321);
        EngineStats { engine, socket, foreign, dropped, lateness, wakeups, stalled: Duration::ZERO }
    };
    let engines = vec![stats([1, 2, 3, 4, 5], [6, 0]), stats([10, 0, 0, 0, 0], [0, 8])];
    let reload = ReloadState {
        successful: true,
        applied_at: 1_700_000_000,
        hash: 0xffff_ffff_ffff,
        broken_files: 1,
        broken_reads: 3,
        watched: true,
        problem: None,
    };
    Status { targets: 2, names: 1, ready: true, replaced: 9, reload, engines, dead_shards: 0 }
}

pub fn target(network: &ScriptedNetwork, address: &str, name: &str) -> TargetRef {
    let key: TargetKey = address.parse().expect("a key");
    let interval: Interval = "0.2".parse().expect("an interval");
    let seed = Seed { phase: 1 << 31, first_number: 0 };
    let pinger =
        PingActor::new(key.clone(), interval, Timeout::DEFAULT, seed, network.engine()).start().downgrade();
    TargetRef {
        key,
        name: name.into(),
        names: Vec::new(),
        interval,
        overrides: None,
        pinger,
        shard: ShardHandle::current(),
    }
}

/// Many targets that share one actor, enough to fill every buffer between server and client.
pub fn many(network: &ScriptedNetwork, count: u32) -> Vec<TargetRef> {
    let one = target(network, "10.0.0.1", "one of many");
    let address = |index| Address::try_from(std::net::IpAddr::from(Ipv4Addr::from(0x0a00_0001 + index)));
    (0..count).map(|i| TargetRef { key: address(i).expect("unicast").into(), ..one.clone() }).collect()
}

/// The fake as the source of all data.
pub fn sources(fake: Fake) -> WebSources {
    let fake = fake.start();
    WebSources {
        state: None,
        targets: fake.clone().recipient(),
        status: fake.clone().recipient(),
        entries: fake.clone().recipient(),
        control: Some(fake.clone().recipient()),
        reload: Some(fake.recipient()),
    }
}

/// Serves the data of the fake until the handle is stopped.
pub async fn start(fake: Fake, limits: HttpLimits) -> (SocketAddr, HttpServer) {
    let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = listener.local_addr().expect("bound");
    (address, serve(vec![listener], sources(fake), Protection::default(), limits).await.expect("it starts"))
}
