//! The books of a scripted network: scripts, ports, and what is to come for each. No clock.

use super::fate::{Arrival, ScriptedArrival, ScriptedOutcome, Sending};
use super::{Sighting, silence};
use crate::measure::Timestamp;
use crate::probe::{Event, Listener, RejectReason, TargetId};
use crate::target::{Address, Family, PacketOptions};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

pub(super) struct NetworkState {
    scripts: HashMap<Address, HostScript>,
    pub elsewhere: ScriptedOutcome,
    ports: Vec<Option<ScriptedTarget>>,
    generations: Vec<u32>,
    free: Vec<u32>,
    /// Each port that has something to come, with the moment of its first.
    due: BTreeSet<(Timestamp, u32)>,
    /// So many arrivals have been planned: their order, where they come at the same moment.
    planned: u64,
    pub requests: u64,
    /// When our receive buffer dropped a packet, IPv4 and IPv6.
    pub drops: [Vec<Timestamp>; 2],
    pub foreign: [u64; RejectReason::ALL.len()],
}

/// What to do when all fates of a script have been used.
#[derive(Clone, Copy)]
pub(super) enum Repeat {
    All,
    Last,
}

/// What a host does, and what it got to see.
#[derive(Default)]
pub(super) struct HostScript {
    fates: Rc<[ScriptedOutcome]>,
    next: usize,
    /// Where to go on after the last fate.
    again_from: usize,
    pub sightings: Vec<Sighting>,
}

/// Something whose time has come.
#[derive(Clone, Copy)]
pub(super) enum ScriptedEvent {
    Event(Event),
    /// A packet that our own receive buffer drops.
    Dropped,
    Alarm,
}

struct ScriptedTarget {
    id: TargetId,
    address: Address,
    listener: Rc<dyn Listener>,
    packet: PacketOptions,
    alarm: Timestamp,
    arrivals: BTreeMap<(Timestamp, u64), ScriptedEvent>,
}

impl NetworkState {
    pub(super) fn new() -> Self {
        Self {
            scripts: HashMap::new(),
            elsewhere: silence(),
            ports: Vec::new(),
            generations: Vec::new(),
            free: Vec::new(),
            due: BTreeSet::new(),
            planned: 0,
            requests: 0,
            drops: Default::default(),
            foreign: Default::default(),
        }
    }

    pub(super) fn script(&mut self, address: Address) -> &mut HostScript {
        self.scripts.entry(address).or_default()
    }

    pub(super) fn sightings(&self, address: Address) -> &[Sighting] {
        self.scripts.get(&address).map_or(&[], |script| &script.sightings)
    }

    pub(super) fn ports(&self) -> usize {
        self.ports.iter().flatten().count()
    }

    pub(super) fn to_come(&self) -> usize {
        let of_port =
            |port: &ScriptedTarget| port.arrivals.len() + usize::from(port.alarm != Timestamp::NEVER);
        self.ports.iter().flatten().map(of_port).sum::<usize>().max(self.due.len())
    }

    pub(super) fn next_due(&self) -> Timestamp {
        self.due.first().map_or(Timestamp::NEVER, |&(at, _)| at)
    }

    pub(super) fn attach(&mut self, address: Address, listener: Rc<dyn Listener>) -> TargetId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.ports.push(None);
            self.generations.push(0);
            u32::try_from(self.ports.len() - 1).unwrap_or(u32::MAX)
        });
        let id = TargetId { index, generation: self.generations[index as usize] };
        let (packet, alarm, arrivals) = (PacketOptions::default(), Timestamp::NEVER, BTreeMap::new());
        self.ports[index as usize] = Some(ScriptedTarget { id, address, listener, packet, alarm, arrivals });
        id
    }

    pub(super) fn detach(&mut self, id: TargetId) {
        let Some(port) = self.port(id) else { return };
        let due = (port.next_due(), id.index);
        self.due.remove(&due);
        self.ports[id.index as usize] = None;
        self.generations[id.index as usize] += 1;
        self.free.push(id.index);
    }

    pub(super) fn set_packet_options(&mut self, id: TargetId, packet: PacketOptions) {
        if let Some(port) = self.port(id) {
            port.packet = packet;
        }
    }

    pub(super) fn set_alarm(&mut self, id: TargetId, at: Timestamp) {
        self.plan(id, |port| port.alarm = at);
    }

    /// Does what the script says at sending, and plans what will come back. `None` for a port that is gone.
    pub(super) fn send(
        &mut self,
        id: TargetId,
        number: u32,
        now: Timestamp,
    ) -> Option<(Rc<dyn Listener>, Sending)> {
        let port = self.port(id)?;
        let (address, packet, listener) = (port.address, port.packet, Rc::clone(&port.listener));
        let fate = match self.scripts.get_mut(&address) {
            Some(script) => script.next_fate(),
            None => self.elsewhere.clone(),
        };
        if fate.sending == Sending::Sent {
            self.requests += 1;
            if let Some(script) = self.scripts.get_mut(&address) {
                script.sightings.push(Sighting { at: now, number, packet });
            }
            self.plan_arrivals(id, number, now, &fate.arrivals);
        }
        Some((listener, fate.sending))
    }

    /// Takes out the first thing that is due by `now`, and says whose it is.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Rc<dyn Listener>, TargetId, ScriptedEvent)> {
        let &(at, index) = self.due.first().filter(|&&(at, _)| at <= now)?;
        let id = self.ports[index as usize].as_ref()?.id;
        let mut due = ScriptedEvent::Alarm;
        self.plan(id, |port| due = port.take_first(at));
        let port = self.port(id)?;
        let (listener, family) = (Rc::clone(&port.listener), port.address.family());
        if matches!(due, ScriptedEvent::Dropped) {
            self.drops[usize::from(family == Family::V6)].push(at);
        }
        Some((listener, id, due))
    }

    pub(super) fn dropped_between(&mut self, id: TargetId, from: Timestamp, to: Timestamp) -> bool {
        let Some(family) = self.port(id).map(|port| port.address.family()) else { return false };
        let drops = &self.drops[usize::from(family == Family::V6)];
        drops.partition_point(|&at| at <= to) > drops.partition_point(|&at| at < from)
    }

    fn port(&mut self, id: TargetId) -> Option<&mut ScriptedTarget> {
        self.ports.get_mut(id.index as usize)?.as_mut().filter(|port| port.id == id)
    }

    /// Changes what is to come for a port.
    fn plan(&mut self, id: TargetId, change: impl FnOnce(&mut ScriptedTarget)) {
        let Some(port) = self.port(id) else { return };
        let before = port.next_due();
        change(port);
        let after = port.next_due();
        if before != after {
            self.due.remove(&(before, id.index));
            if after != Timestamp::NEVER {
                self.due.insert((after, id.index));
            }
        }
    }

    fn plan_arrivals(&mut self, id: TargetId, number: u32, sent: Timestamp, arrivals: &[Arrival]) {
        let first = self.planned;
        self.planned += arrivals.len() as u64;
        self.plan(id, |port| {
            for (order, arrival) in (first..).zip(arrivals) {
                let received = sent + arrival.after;
                port.arrivals.insert((received, order), due(arrival.what, number, received));
            }
        });
    }
}

impl HostScript {
    pub(super) fn rewrite(&mut self, fates: impl IntoIterator<Item = ScriptedOutcome>, repeat: Repeat) {
        self.fates = fates.into_iter().collect();
        self.next = 0;
        self.again_from = match repeat {
            Repeat::All => 0,
            Repeat::Last => self.fates.len().saturating_sub(1),
        };
    }

    fn next_fate(&mut self) -> ScriptedOutcome {
        let fate = self.fates.get(self.next).cloned().unwrap_or_else(silence);
        self.next = if self.next + 1 < self.fates.len() { self.next + 1 } else { self.again_from };
        fate
    }
}

impl ScriptedTarget {
    fn next_due(&self) -> Timestamp {
        self.arrivals.first_key_value().map_or(self.alarm, |(&(at, _), _)| at.min(self.alarm))
    }

    /// The first arrival, if it comes at `at`; otherwise the alarm is what is due then, and is over.
    fn take_first(&mut self, at: Timestamp) -> ScriptedEvent {
        match self.arrivals.first_entry() {
            Some(first) if first.key().0 == at => first.remove(),
            _ => {
                self.alarm = Timestamp::NEVER;
                ScriptedEvent::Alarm
            }
        }
    }
}

fn due(what: ScriptedArrival, number: u32, received: Timestamp) -> ScriptedEvent {
    let reply =
        |number| ScriptedEvent::Event(Event::Reply { number, received, ttl: Some(ScriptedOutcome::TTL) });
    match what {
        ScriptedArrival::Reply => reply(number),
        ScriptedArrival::Stale => reply(number.wrapping_sub(1 << 30)),
        ScriptedArrival::Error(class) => {
            #[expect(clippy::cast_possible_truncation, reason = "errors quote the low 16 bits")]
            let sequence = number as u16;
            let (code, router) = (ScriptedOutcome::CODE, ScriptedOutcome::ROUTER);
            ScriptedEvent::Event(Event::Error { sequence, received, class, code, router })
        }
        ScriptedArrival::Swallowed => ScriptedEvent::Dropped,
    }
}
