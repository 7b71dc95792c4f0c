//! The state of a scripted network: scripts, targets, and their scheduled events. No clock.

use super::outcome::{Arrival, ScriptedArrival, ScriptedOutcome, Sending};
use super::{Sighting, silence};
use crate::measure::Timestamp;
use crate::probe::{Event, Listener, RejectReason, TargetId};
use crate::target::{Address, Family, PacketOptions};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

pub(super) struct NetworkState {
    scripts: HashMap<Address, HostScript>,
    pub elsewhere: ScriptedOutcome,
    targets: Vec<Option<ScriptedTarget>>,
    generations: Vec<u32>,
    free: Vec<u32>,
    /// Each target with scheduled events, and the moment of its first one.
    due: BTreeSet<(Timestamp, u32)>,
    /// Number of arrivals so far, which orders those of the same moment.
    arrivals_planned: u64,
    pub requests: u64,
    /// When the receive buffer dropped a packet, for IPv4 and IPv6.
    pub drops: [Vec<Timestamp>; 2],
    pub foreign: [u64; RejectReason::ALL.len()],
}

/// Continuation after the last outcome of a script.
#[derive(Clone, Copy)]
pub(super) enum Repeat {
    All,
    Last,
}

/// The script of a host, and the requests that it received.
#[derive(Default)]
pub(super) struct HostScript {
    outcomes: Rc<[ScriptedOutcome]>,
    next: usize,
    /// Index of the outcome after the last one.
    repeat_from: usize,
    pub sightings: Vec<Sighting>,
}

/// A due event.
#[derive(Clone, Copy)]
pub(super) enum ScriptedEvent {
    Event(Event),
    /// A packet that the local receive buffer drops.
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
            targets: Vec::new(),
            generations: Vec::new(),
            free: Vec::new(),
            due: BTreeSet::new(),
            arrivals_planned: 0,
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

    pub(super) fn targets(&self) -> usize {
        self.targets.iter().flatten().count()
    }

    pub(super) fn scheduled(&self) -> usize {
        let of_target =
            |target: &ScriptedTarget| target.arrivals.len() + usize::from(target.alarm != Timestamp::NEVER);
        self.targets.iter().flatten().map(of_target).sum::<usize>().max(self.due.len())
    }

    pub(super) fn next_due(&self) -> Timestamp {
        self.due.first().map_or(Timestamp::NEVER, |&(at, _)| at)
    }

    pub(super) fn attach(&mut self, address: Address, listener: Rc<dyn Listener>) -> TargetId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.targets.push(None);
            self.generations.push(0);
            u32::try_from(self.targets.len() - 1).unwrap_or(u32::MAX)
        });
        let id = TargetId { index, generation: self.generations[index as usize] };
        let (packet, alarm, arrivals) = (PacketOptions::default(), Timestamp::NEVER, BTreeMap::new());
        self.targets[index as usize] =
            Some(ScriptedTarget { id, address, listener, packet, alarm, arrivals });
        id
    }

    pub(super) fn detach(&mut self, id: TargetId) {
        let Some(target) = self.target(id) else { return };
        let due = (target.next_due(), id.index);
        self.due.remove(&due);
        self.targets[id.index as usize] = None;
        self.generations[id.index as usize] += 1;
        self.free.push(id.index);
    }

    pub(super) fn set_packet_options(&mut self, id: TargetId, packet: PacketOptions) {
        if let Some(target) = self.target(id) {
            target.packet = packet;
        }
    }

    pub(super) fn set_alarm(&mut self, id: TargetId, at: Timestamp) {
        self.plan(id, |target| target.alarm = at);
    }

    /// Sends a request as scripted, and schedules its arrivals. `None` for a detached target.
    pub(super) fn send(
        &mut self,
        id: TargetId,
        number: u32,
        now: Timestamp,
    ) -> Option<(Rc<dyn Listener>, Sending)> {
        let target = self.target(id)?;
        let (address, packet, listener) = (target.address, target.packet, Rc::clone(&target.listener));
        let outcome = match self.scripts.get_mut(&address) {
            Some(script) => script.next_outcome(),
            None => self.elsewhere.clone(),
        };
        if outcome.sending == Sending::Sent {
            self.requests += 1;
            if let Some(script) = self.scripts.get_mut(&address) {
                script.sightings.push(Sighting { at: now, number, packet });
            }
            self.plan_arrivals(id, number, now, &outcome.arrivals);
        }
        Some((listener, outcome.sending))
    }

    /// Removes the first event that is due at `now`, and returns it with its target.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Rc<dyn Listener>, TargetId, ScriptedEvent)> {
        let &(at, index) = self.due.first().filter(|&&(at, _)| at <= now)?;
        let id = self.targets[index as usize].as_ref()?.id;
        let mut due = ScriptedEvent::Alarm;
        self.plan(id, |target| due = target.take_first(at));
        let target = self.target(id)?;
        let (listener, family) = (Rc::clone(&target.listener), target.address.family());
        if matches!(due, ScriptedEvent::Dropped) {
            self.drops[usize::from(family == Family::V6)].push(at);
        }
        Some((listener, id, due))
    }

    pub(super) fn dropped_between(&mut self, id: TargetId, from: Timestamp, to: Timestamp) -> bool {
        let Some(family) = self.target(id).map(|target| target.address.family()) else { return false };
        let drops = &self.drops[usize::from(family == Family::V6)];
        drops.partition_point(|&at| at <= to) > drops.partition_point(|&at| at < from)
    }

    fn target(&mut self, id: TargetId) -> Option<&mut ScriptedTarget> {
        self.targets.get_mut(id.index as usize)?.as_mut().filter(|target| target.id == id)
    }

    /// Changes the scheduled events of a target.
    fn plan(&mut self, id: TargetId, change: impl FnOnce(&mut ScriptedTarget)) {
        let Some(target) = self.target(id) else { return };
        let before = target.next_due();
        change(target);
        let after = target.next_due();
        if before != after {
            self.due.remove(&(before, id.index));
            if after != Timestamp::NEVER {
                self.due.insert((after, id.index));
            }
        }
    }

    fn plan_arrivals(&mut self, id: TargetId, number: u32, sent: Timestamp, arrivals: &[Arrival]) {
        let first = self.arrivals_planned;
        self.arrivals_planned += arrivals.len() as u64;
        self.plan(id, |target| {
            for (order, arrival) in (first..).zip(arrivals) {
                let received = sent + arrival.after;
                target.arrivals.insert((received, order), due(arrival.kind, number, received));
            }
        });
    }
}

impl HostScript {
    pub(super) fn rewrite(&mut self, outcomes: impl IntoIterator<Item = ScriptedOutcome>, repeat: Repeat) {
        self.outcomes = outcomes.into_iter().collect();
        self.next = 0;
        self.repeat_from = match repeat {
            Repeat::All => 0,
            Repeat::Last => self.outcomes.len().saturating_sub(1),
        };
    }

    fn next_outcome(&mut self) -> ScriptedOutcome {
        let outcome = self.outcomes.get(self.next).cloned().unwrap_or_else(silence);
        self.next = if self.next + 1 < self.outcomes.len() { self.next + 1 } else { self.repeat_from };
        outcome
    }
}

impl ScriptedTarget {
    fn next_due(&self) -> Timestamp {
        self.arrivals.first_key_value().map_or(self.alarm, |(&(at, _), _)| at.min(self.alarm))
    }

    /// Removes the first arrival if it is due at `at`, otherwise the alarm.
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

fn due(kind: ScriptedArrival, number: u32, received: Timestamp) -> ScriptedEvent {
    let reply =
        |number| ScriptedEvent::Event(Event::Reply { number, received, ttl: Some(ScriptedOutcome::TTL) });
    match kind {
        ScriptedArrival::Reply => reply(number),
        ScriptedArrival::Stale => reply(number.wrapping_sub(1 << 30)),
        ScriptedArrival::Error(class) => {
            #[expect(clippy::cast_possible_truncation, reason = "errors quote the low 16 bits")]
            let sequence = number as u16;
            let (code, router) = (ScriptedOutcome::CODE, ScriptedOutcome::ROUTER);
            ScriptedEvent::Event(Event::Error { sequence, received, class, code, router })
        }
        ScriptedArrival::DroppedByUs => ScriptedEvent::Dropped,
    }
}
