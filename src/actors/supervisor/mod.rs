//! Owns the registry, and the actors of its targets and DNS names.

mod config;
mod lookup_state;
mod messages;
mod name_log;
mod pending_adds;
mod persistence;

use super::pinger::{self, Adjust, PingActor, PingerDied};
use super::registry::{Change, NameState, Registry, RegistryLimits, TargetEntry};
use super::reload::ReloadState;
use super::resolver::{self, LookUpNow, LookupResult, Parent, ResolverActor, ResolverDied};
use super::shard::{PingerSpec, Seeds, Shard, ShardHandle};
use crate::resolve::{LookupVerdict, Resolve};
use crate::target::{Defaults, EntryConflict, Host, HostName, NameVariant, NewEntry, TargetKey};
use actix::WeakAddr;
use actix::prelude::*;
use futures_util::future::join_all;
use name_log::{AddressDifference, NameLog};
use pending_adds::{PendingAdd, PendingAdds};
use persistence::Persistence;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tracing::{error, warn};

pub use messages::*;

/// Settings of a supervisor.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Limits of the registry.
    pub limits: RegistryLimits,
    /// Defaults of options.
    pub defaults: Defaults,
}

/// Owns the registry and the actors of its targets and names.
pub struct SupervisorActor {
    registry: Registry<Pinger>,
    resolvers: HashMap<HostName, Resolver>,
    pending_adds: PendingAdds,
    shards: Vec<Shard>,
    seeds: Seeds,
    resolve: Rc<dyn Resolve>,
    /// Where the pingers report their death: this actor, from the first target on. It holds a strong address of the
    /// actor itself, so from then on the supervisor runs until the system ends.
    parent: Option<Arc<Recipient<PingerDied>>>,
    /// Counts the actors started: distinguishes the end of an earlier actor from that of its successor.
    generations: u64,
    replaced: u64,
    ready: bool,
    reload: ReloadState,
    persistence: Persistence,
    name_log: NameLog,
}

#[derive(Debug, Clone, PartialEq)]
struct Pinger {
    /// Weak: a pinger lives until it is stopped, and copies of a weak address take no memory.
    actor: WeakAddr<PingActor>,
    generation: u64,
}

impl Pinger {
    fn send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        PingActor: Handler<M>,
    {
        if let Some(actor) = self.actor.upgrade() {
            actor.do_send(message);
        }
    }
}

struct Resolver {
    actor: Addr<ResolverActor>,
    generation: u64,
    lookups: LookupState,
}

/// Time limit for the first answer of a name that is added; after it the add succeeds, and look-ups go on.
const ADD_TIMEOUT: Duration = Duration::from_millis(300);

impl SupervisorActor {
    /// A supervisor without targets. There is at least one shard.
    pub fn new(settings: Settings, shards: Vec<Shard>, seeds: Seeds, resolve: Rc<dyn Resolve>) -> Self {
        Self {
            registry: Registry::new(settings.limits, settings.defaults),
            resolvers: HashMap::new(),
            pending_adds: PendingAdds::default(),
            shards,
            seeds,
            resolve,
            parent: None,
            generations: 0,
            replaced: 0,
            ready: false,
            reload: ReloadState::default(),
            persistence: Persistence::default(),
            name_log: NameLog::default(),
        }
    }

    fn apply(&mut self, changes: Vec<Change<Pinger>>, ctx: &mut Context<Self>) {
        for change in changes {
            match change {
                Change::Start(key) => self.start_pinger(&key, ctx),
                Change::Adjust(pinger, ping_settings) => pinger.send(Adjust(ping_settings)),
                Change::Retire(key, pinger) => {
                    pinger.send(pinger::StopPinger);
                    self.persistence.retired(key);
                }
                Change::Unfollow(name) => {
                    self.pending_adds.cancel(&name);
                    if let Some(resolver) = self.resolvers.remove(&name) {
                        resolver.actor.do_send(resolver::StopResolver);
                    }
                }
            }
        }
    }

    fn start_pinger(&mut self, key: &TargetKey, ctx: &mut Context<Self>) {
        let Some(ping_settings) = self.registry.get(key).map(|entry| self.registry.ping_settings(entry))
        else {
            return;
        };
        self.generations += 1;
        let generation = self.generations;
        let parent = Arc::clone(self.parent.get_or_insert_with(|| Arc::new(ctx.address().recipient())));
        let saved = self.persistence.started(key);
        let spec = PingerSpec { key: key.clone(), ping_settings, generation, parent, saved };
        let shard = &self.shards[Seeds::shard_of(key.address(), self.shards.len())];
        let actor = shard.start(spec, &self.seeds).downgrade();
        self.registry.set_handle(key, Pinger { actor, generation });
    }

    fn start_resolver(&mut self, name: &HostName, ctx: &mut Context<Self>) {
        self.generations += 1;
        let generation = self.generations;
        let parent = Parent { lookups: ctx.address().recipient(), deaths: ctx.address().recipient() };
        let actor = ResolverActor::new(name.clone(), generation, Rc::clone(&self.resolve), parent).start();
        let lookups = self.resolvers.get(name).map_or_else(LookupState::begun, |before| before.lookups);
        self.resolvers.insert(name.clone(), Resolver { actor, generation, lookups });
    }

    /// Adds a host; `Some` if the result depends on the first answer of a name.
    fn add(
        &mut self,
        AddTarget(NewEntry { spec: target, excluded, unresolved }): AddTarget,
        ctx: &mut Context<Self>,
    ) -> Result<Option<PendingAdd>, AddError> {
        let (subscribed, changes) = self.registry.add_excluding(&target, &excluded)?;
        self.apply(changes, ctx);
        let (Some(subscribed), Host::Name(host)) = (subscribed, target.host) else { return Ok(None) };
        match subscribed.name {
            NameState::New => self.start_resolver(&host, ctx),
            NameState::Unresolved if subscribed.is_new => self.look_up_now(&host),
            NameState::Unanswered => {}
            NameState::Resolved | NameState::Unresolved => return Ok(None),
        }
        let host = NameVariant { name: host, variant: target.variant };
        let provisional = subscribed.is_new && !unresolved;
        Ok(Some(PendingAdd { name: target.name, host, provisional, unresolved }))
    }

    fn look_up_now(&mut self, host: &HostName) {
        if let Some(resolver) = self.resolvers.get_mut(host) {
            resolver.lookups.next = resolver.lookups.next.min(SystemTime::now());
            resolver.actor.do_send(LookUpNow);
        }
    }

    /// Completes the pending adds of a name with the result of its latest look-up.
    fn answer(
        &mut self,
        host: &HostName,
        lookup: &Result<(), AddError>,
        conflicts: &[EntryConflict],
        ctx: &mut Context<Self>,
    ) {
        for (pending, answer) in self.pending_adds.take(host) {
            let result = match lookup {
                Err(AddError::TooManyTargets(_) | AddError::TooManyLabels(_))
                    if self.registry.has_subscribed_address(&pending.name, &pending.host) =>
                {
                    Ok(())
                }
                Err(error) if pending.unresolved && error.is_of_dns() => Ok(()),
                other => other.clone(),
            };
            if result.is_err() && pending.provisional {
                let changes = self.registry.unsubscribe_name(&pending.name, &pending.host);
                self.apply(changes, ctx);
            }
            let conflict = conflicts.iter().find(|conflict| conflict.ignored == pending.name).cloned();
            let _ = answer.send(Added { result, conflict, receipt: self.persist() });
        }
    }

    /// Logs the conflicts of options since the latest call, and returns them.
    fn log_conflicts(&mut self) -> Vec<EntryConflict> {
        let conflicts = self.registry.drain_conflicts();
        for conflict in conflicts.iter().take(MAX_LOGGED_CONFLICTS) {
            warn!(%conflict, "options have no effect");
        }
        if let Some(more) = conflicts.len().checked_sub(MAX_LOGGED_CONFLICTS).filter(|more| *more > 0) {
            warn!(more, "further options have no effect; --config.check lists those of the configuration");
        }
        conflicts
    }

    fn target_page(&self, query: &GetTargets) -> TargetPage {
        let limit = query.limit.unwrap_or(usize::MAX);
        let (selected, total) = self.registry.select(&query.filter, query.after.as_ref(), limit);
        let handles: Vec<ShardHandle> =
            self.shards.iter().enumerate().map(|(index, shard)| shard.handle(index)).collect();
        let target = |(key, entry): (&TargetKey, &TargetEntry<Pinger>)| {
            let pinger = entry.handle.as_ref()?.actor.clone();
            let shard = handles[Seeds::shard_of(key.address(), handles.len())].clone();
            let interval = self.registry.ping_settings(entry).interval;
            let overrides = entry.options().overrides.clone();
            Some(TargetRef {
                key: key.clone(),
                name: entry.name().clone(),
                names: entry.several_names(),
                interval,
                overrides,
                pinger,
                shard,
            })
        };
        TargetPage { targets: selected.into_iter().filter_map(target).collect(), total }
    }
}

/// Maximum number of conflicts logged at once.
const MAX_LOGGED_CONFLICTS: usize = 10;

impl Actor for SupervisorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Ten thousand names that are added at once, and their look-ups, must fit.
        ctx.set_mailbox_capacity(1 << 16);
    }
}

impl Handler<AddTarget> for SupervisorActor {
    type Result = ResponseActFuture<Self, Added>;

    fn handle(&mut self, add: AddTarget, ctx: &mut Self::Context) -> Self::Result {
        let pending = self.add(add, ctx);
        let conflict = self.log_conflicts().into_iter().next();
        let receipt = self.persist();
        let pending = match pending {
            Ok(Some(pending)) => pending,
            Ok(None) => return Box::pin(fut::ready(Added { result: Ok(()), conflict, receipt })),
            Err(error) => return Box::pin(fut::ready(Added { result: Err(error), conflict, receipt })),
        };
        let answer = tokio::time::timeout(ADD_TIMEOUT, self.pending_adds.wait(pending.clone()));
        Box::pin(answer.into_actor(self).map(move |answer, supervisor, _| {
            if let Ok(Ok(added)) = answer {
                return added;
            }
            // No answer so far, or removed meanwhile: look-ups go on.
            supervisor.pending_adds.confirm(&pending);
            Added { result: Ok(()), conflict, receipt }
        }))
    }
}

impl Handler<RemoveTargets> for SupervisorActor {
    type Result = MessageResult<RemoveTargets>;

    fn handle(&mut self, remove: RemoveTargets, ctx: &mut Self::Context) -> Self::Result {
        let changes = self.registry.remove(remove.name.as_ref(), remove.host.as_ref());
        let targets = changes.iter().filter(|change| matches!(change, Change::Retire(..))).count();
        let names = changes.iter().filter(|change| matches!(change, Change::Unfollow(_))).count();
        let matched = self.registry.has_changes();
        self.apply(changes, ctx);
        MessageResult(Removed { matched, targets, names, receipt: self.persist() })
    }
}

impl Handler<LookupResult> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, lookup: LookupResult, ctx: &mut Self::Context) {
        let host = &lookup.name;
        let known = self.resolvers.get_mut(host).filter(|known| known.generation == lookup.generation);
        let Some(resolver) = known else { return };
        resolver.lookups.take(&lookup, SystemTime::now());
        let has_addresses = !lookup.addresses.is_empty();
        let answered = lookup.verdict != LookupVerdict::Silent;
        let difference = AddressDifference::new(self.registry.addresses_of(host), &lookup.addresses);
        let (changes, rejected) = self.registry.resolved(host, lookup.addresses, answered);
        self.name_log.log(host, &difference);
        self.apply(changes, ctx);
        let conflicts = self.log_conflicts();
        if let Some(error) = &rejected {
            warn!(name = ?host.as_str(), %error, "addresses of a name not added");
        }
        let result = match (lookup.verdict, rejected) {
            (_, Some(error)) => Err(error),
            _ if has_addresses => Ok(()),
            (LookupVerdict::NoName, _) => Err(AddError::NoName),
            (LookupVerdict::NoAddress, _) => Err(AddError::NoAddress),
            (LookupVerdict::ServersFail, _) => Err(AddError::ServersFail),
            (LookupVerdict::EndlessAliases, _) => Err(AddError::EndlessAliases),
            (LookupVerdict::Silent | LookupVerdict::Addresses, _) => return,
        };
        self.answer(host, &result, &conflicts, ctx);
    }
}

impl Handler<PingerDied> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, died: PingerDied, ctx: &mut Self::Context) {
        let entry = self.registry.get(&died.key);
        let current = entry.and_then(|entry| entry.handle.as_ref().map(|pinger| pinger.generation));
        if current == Some(died.generation) {
            error!(addr = %died.key, "a pinger died and is replaced; its statistics start again");
            self.replaced += 1;
            self.start_pinger(&died.key, ctx);
        }
    }
}

impl Handler<ResolverDied> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, died: ResolverDied, ctx: &mut Self::Context) {
        let current = self.resolvers.get(&died.name).map(|resolver| resolver.generation);
        if current == Some(died.generation) {
            error!(name = ?died.name.as_str(), "a resolver died and is replaced");
            self.replaced += 1;
            self.start_resolver(&died.name, ctx);
        }
    }
}

impl Handler<GetTargets> for SupervisorActor {
    type Result = MessageResult<GetTargets>;

    fn handle(&mut self, query: GetTargets, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.target_page(&query))
    }
}

impl Handler<GetEntries> for SupervisorActor {
    type Result = MessageResult<GetEntries>;

    fn handle(&mut self, GetEntries(query): GetEntries, _: &mut Self::Context) -> Self::Result {
        let state = |entry: Entry| {
            let resolver = match &entry.id.host.host {
                Host::Name(name) => self.resolvers.get(name),
                Host::Address(_) => None,
            };
            EntryState { entry, lookups: resolver.map(|resolver| resolver.lookups) }
        };
        MessageResult(self.registry.entries(&query).into_iter().map(state).collect())
    }
}

impl Handler<GetStatus> for SupervisorActor {
    type Result = ResponseFuture<Status>;

    fn handle(&mut self, _: GetStatus, _: &mut Self::Context) -> Self::Result {
        let engines = join_all(self.shards.iter().map(Shard::stats));
        let (targets, names) = (self.registry.len(), self.registry.names());
        let (ready, replaced, reload) = (self.ready, self.replaced, self.reload.clone());
        Box::pin(async move {
            let engines = engines.await;
            let dead_shards = engines.iter().filter(|engine| engine.is_none()).count();
            let engines = engines.into_iter().flatten().collect();
            Status { targets, names, ready, replaced, reload, engines, dead_shards }
        })
    }
}
