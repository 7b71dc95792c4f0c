//! A scripted supervisor and engine for the tests of the control socket.

use super::{Backend, ControlActor};
use crate::actors::control_stats::{ControlStats, GetControlStats};
use crate::actors::persistence::Receipt;
use crate::actors::pinger::{PingActor, Seed, StopPinger};
use crate::actors::shard::ShardHandle;
use crate::actors::supervisor::{
    AddError, AddTarget, Added, EntryState, GetEntries, GetTargets, RemoveTargets, Removed, TargetPage,
    TargetRef,
};
use crate::measure::Timestamp;
use crate::probe::{Engine, EngineHandle, EngineStats, Event, Listener, TargetId};
use crate::target::{Address, Host, Interval, Label, PacketOptions, TargetKey, Timeout};
use actix::prelude::*;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;

/// An engine whose clock a test moves. Replies take 1 ms, or do not come.
#[derive(Default)]
pub(crate) struct ManualEngine {
    now: Cell<Timestamp>,
    targets: RefCell<Vec<Rc<dyn Listener>>>,
    pub silent: Cell<bool>,
}

impl ManualEngine {
    /// Moves the clock by a second and wakes every target, which sends a request.
    pub(crate) fn tick(&self) {
        self.now.set(self.now.get() + Duration::from_secs(1));
        let targets = self.targets.borrow().clone();
        for (index, listener) in (0..).zip(targets) {
            listener.on_due(EngineHandle::new(self, TargetId { index, generation: 0 }));
        }
    }
}

impl Engine for ManualEngine {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn attach(&self, _: Address, listener: Rc<dyn Listener>) -> TargetId {
        let mut targets = self.targets.borrow_mut();
        targets.push(listener);
        TargetId { index: u32::try_from(targets.len() - 1).expect("few targets"), generation: 0 }
    }

    fn detach(&self, _: TargetId) {}

    fn set_packet_options(&self, _: TargetId, _: PacketOptions) {}

    fn send(&self, id: TargetId, number: u32) {
        let (at, listener) = (self.now.get(), Rc::clone(&self.targets.borrow()[id.index as usize]));
        listener.on_event(Event::Sent { number, at }).expect("a request of its own");
        if !self.silent.get() {
            let received = at + Duration::from_millis(1);
            listener.on_event(Event::Reply { number, received, ttl: None }).expect("a request of its own");
        }
    }

    fn wake_at(&self, _: TargetId, _: Timestamp, _: Duration) {}

    fn collect(&self) -> Timestamp {
        self.now.get()
    }

    fn complete_until(&self) -> Timestamp {
        self.now.get()
    }

    fn dropped_between(&self, _: TargetId, _: Timestamp, _: Timestamp) -> bool {
        false
    }

    fn stats(&self) -> EngineStats {
        EngineStats::default()
    }
}

/// The messages that the supervisor received, and its answers.
#[derive(Default)]
pub(crate) struct SupervisorScript {
    pub added: Vec<AddTarget>,
    pub removed: Vec<RemoveTargets>,
    pub refusal: Option<AddError>,
    pub answer_after: Duration,
    /// Number of targets in its answers; `None` for the real one.
    pub total: Option<usize>,
    pub queries: Vec<GetTargets>,
}

struct FakeSupervisor {
    members: Vec<TargetRef>,
    script: Arc<Mutex<SupervisorScript>>,
}

impl FakeSupervisor {
    fn delayed<T: 'static>(&self, answer: T) -> ResponseFuture<T> {
        let delay = self.script.lock().expect("no panic").answer_after;
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            answer
        })
    }
}

impl Actor for FakeSupervisor {
    type Context = Context<Self>;
}

impl Handler<AddTarget> for FakeSupervisor {
    type Result = ResponseFuture<Added>;

    fn handle(&mut self, add: AddTarget, _: &mut Self::Context) -> Self::Result {
        let mut script = self.script.lock().expect("no panic");
        script.added.push(add);
        let result = script.refusal.clone().map_or(Ok(()), Err);
        drop(script);
        self.delayed(Added { result, conflict: None, receipt: Receipt::default() })
    }
}

impl Handler<RemoveTargets> for FakeSupervisor {
    type Result = ResponseFuture<Removed>;

    fn handle(&mut self, remove: RemoveTargets, _: &mut Self::Context) -> Self::Result {
        self.script.lock().expect("no panic").removed.push(remove);
        self.delayed(Removed::default())
    }
}

impl Handler<GetEntries> for FakeSupervisor {
    type Result = MessageResult<GetEntries>;

    fn handle(&mut self, _: GetEntries, _: &mut Self::Context) -> Self::Result {
        MessageResult(Vec::<EntryState>::new())
    }
}

impl Handler<GetTargets> for FakeSupervisor {
    type Result = ResponseFuture<TargetPage>;

    fn handle(&mut self, query: GetTargets, _: &mut Self::Context) -> Self::Result {
        let all = query.filter == crate::actors::supervisor::Filter::default();
        let selected = |member: &&TargetRef| {
            let named = query.filter.name.as_ref().is_some_and(|name| *name == member.name);
            let hosted = query
                .filter
                .host
                .as_ref()
                .is_some_and(|host| host.host == Host::Address(member.key.address()));
            (all || named || hosted) && query.after.as_ref().is_none_or(|after| member.key > *after)
        };
        let limit = query.limit.unwrap_or(usize::MAX);
        let total = self.members.iter().filter(selected).count();
        let members = self.members.iter().filter(selected).take(limit).cloned().collect();
        let mut script = self.script.lock().expect("no panic");
        let total = script.total.unwrap_or(total);
        script.queries.push(query);
        drop(script);
        self.delayed(TargetPage { targets: members, total })
    }
}

/// A control socket with a client connected to it.
pub(crate) struct TestSocket {
    pub engine: Rc<ManualEngine>,
    pub script: Arc<Mutex<SupervisorScript>>,
    pub members: Vec<TargetRef>,
    pub address: SocketAddr,
    pub client: UdpSocket,
    actor: Addr<ControlActor>,
}

impl TestSocket {
    /// A control socket of a supervisor with these targets, all of them called `name`.
    pub(crate) async fn new(count: u32, name: &str) -> Self {
        Self::allowing(count, name, &[]).await
    }

    pub(crate) async fn allowing(count: u32, name: &str, allow: &[&str]) -> Self {
        let engine = Rc::new(ManualEngine::default());
        let name: Label = name.into();
        let members: Vec<TargetRef> = (1..=count).map(|host| member(host, &name, &engine)).collect();
        let script = Arc::new(Mutex::new(SupervisorScript::default()));
        let supervisor = FakeSupervisor { members: members.clone(), script: Arc::clone(&script) }.start();
        let socket = super::bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let allow = allow.iter().map(|network| network.parse().expect("a network")).collect();
        let actor = super::start(socket, allow, Backend::from(supervisor)).await.expect("a thread");
        let client = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        client.connect(address).await.expect("loopback");
        Self { engine, script, members, address, client, actor }
    }

    /// Moves the clock by a second; on return every target has sent a request.
    pub(crate) async fn tick(&self) {
        self.engine.tick();
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }

    /// Sends a datagram and waits for its answer.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> String {
        self.client.send(request.as_ref()).await.expect("loopback");
        self.answer().await.expect("an answer")
    }

    /// Waits for an answer for longer than the protocol allows, because other tests can keep the machine busy.
    pub(crate) async fn answer(&self) -> Option<String> {
        let mut buffer = vec![0; 65_536];
        let answer = tokio::time::timeout(Duration::from_secs(3), self.client.recv(&mut buffer)).await;
        let length = answer.ok()?.expect("the socket is there");
        Some(String::from_utf8(buffer[..length].to_vec()).expect("UTF-8"))
    }

    /// Sends a list request and reads the answer.
    pub(crate) async fn list(&self, request: impl AsRef<[u8]>) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str(&self.ask(request).await).expect("an object")
    }

    pub(crate) async fn stats(&self) -> ControlStats {
        self.actor.send(GetControlStats).await.expect("the actor runs")
    }

    pub(crate) async fn finish(&self) {
        self.actor.send(super::StopReading).await.expect("the actor runs");
    }

    /// Ends the actor of a target without the supervisor.
    pub(crate) async fn kill(&self, index: usize) {
        let pinger = self.members[index].pinger.upgrade().expect("the actor runs");
        pinger.send(StopPinger).await.expect("the actor ran");
    }
}

fn member(host: u32, name: &Label, engine: &Rc<ManualEngine>) -> TargetRef {
    let address = std::net::IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + host));
    let key = TargetKey::from(Address::try_from(address).expect("a host"));
    let seed = Seed { phase: 0, first_number: 0 };
    let engine = Rc::clone(engine) as Rc<dyn Engine>;
    let pinger =
        PingActor::new(key.clone(), Interval::DEFAULT, Timeout::DEFAULT, seed, engine).start().downgrade();
    TargetRef {
        key,
        name: Label::clone(name),
        names: Vec::new(),
        interval: Interval::DEFAULT,
        overrides: None,
        pinger,
        shard: ShardHandle::current(),
    }
}
