//! Which addresses are pinged under which names, and which DNS names are followed for them.
//!
//! Pure: it returns the changes that follow, and the supervisor makes them with its actors.

mod config_targets;
mod dns_name;
mod entries;
mod limits;
mod origin;
mod removal;
mod resolution;
mod runtime_change;
mod runtime_state;
mod selection;
mod subscription;

use crate::target::{
    Address, Defaults, EntryConflict, Host, HostName, HostVariant, Label, NameVariant, PingSettings,
    TargetKey, TargetOptions, TargetSpec,
};
use dns_name::DnsName;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use subscription::Subscription;

pub use config_targets::ConfigChange;
pub use entries::{Entry, EntryQuery};
pub use limits::{AddError, Filter, RegistryLimits};
pub use origin::Origin;
pub use runtime_change::RuntimeChange;
pub use subscription::TargetEntry;

/// The registry. `H` is the handle with which the owner reaches the actor of a target.
pub struct Registry<H> {
    limits: RegistryLimits,
    defaults: Defaults,
    /// Boxed, because a map that grows in order leaves nearly half of its slots empty.
    targets: BTreeMap<TargetKey, Box<TargetEntry<H>>>,
    /// Each label with each of its targets, except targets whose label is the text of their address. The second part is
    /// `None` only in a search key, where it sorts before all targets.
    by_name: BTreeSet<(Label, Option<TargetKey>)>,
    dns_names: BTreeMap<HostName, DnsName>,
    /// The followed DNS names of each label.
    hosts_of_label: HashMap<Label, Vec<HostName>>,
    /// Configured targets that were removed over the control socket since, with their configured options.
    suppressed: HashMap<(Label, HostVariant), TargetOptions>,
    /// Changes made at runtime since the owner last drained them.
    runtime_changes: Vec<RuntimeChange>,
    /// Counts the intervals that are set.
    revision: u32,
    /// Conflicts since the owner last drained them, at most [`MAX_CONFLICTS`].
    conflicts: Vec<EntryConflict>,
}

/// Maximum number of conflicts until they are drained; the names and addresses of one change can have more.
const MAX_CONFLICTS: usize = 1_000;

/// What the owner has to do after a change of the registry.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<H> {
    /// A target is new: start its actor, and set its handle.
    Start(TargetKey),
    /// A target is pinged with other settings.
    Adjust(H, PingSettings),
    /// A target has no subscription left: end its actor.
    Retire(TargetKey, H),
    /// A DNS name has no subscription left: end its resolver.
    Unfollow(HostName),
}

/// Result of a subscription to a DNS name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameSubscribed {
    /// Whether the subscription is new.
    pub is_new: bool,
    /// The state of the DNS name before.
    pub name: NameState,
}

/// What is known of a DNS name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameState {
    /// It was not followed.
    New,
    /// No answer has come yet.
    Unanswered,
    /// It had no address at the latest look-up.
    Unresolved,
    /// Its addresses are known.
    Resolved,
}

impl<H: Clone> Registry<H> {
    /// An empty registry.
    pub fn new(limits: RegistryLimits, defaults: Defaults) -> Self {
        Self {
            limits,
            defaults,
            targets: BTreeMap::new(),
            by_name: BTreeSet::new(),
            dns_names: BTreeMap::new(),
            hosts_of_label: HashMap::new(),
            suppressed: HashMap::new(),
            runtime_changes: Vec::new(),
            revision: 0,
            conflicts: Vec::new(),
        }
    }

    /// Number of targets.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are no targets.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Number of followed names.
    pub fn names(&self) -> usize {
        self.dns_names.len()
    }

    /// The target with a key.
    pub fn get(&self, key: &TargetKey) -> Option<&TargetEntry<H>> {
        self.targets.get(key).map(Box::as_ref)
    }

    /// Sets the handle of a target's actor.
    pub fn set_handle(&mut self, key: &TargetKey, handle: H) {
        if let Some(entry) = self.targets.get_mut(key) {
            entry.handle = Some(handle);
        }
    }

    /// The settings that a target is pinged with.
    pub fn ping_settings(&self, entry: &TargetEntry<H>) -> PingSettings {
        self.defaults.ping_settings(entry.options())
    }

    /// Changes the limits; targets beyond them stay.
    pub fn set_limits(&mut self, limits: RegistryLimits) {
        self.limits = limits;
    }

    /// Changes the defaults of options.
    pub fn set_defaults(&mut self, defaults: Defaults) -> Vec<Change<H>> {
        let before = std::mem::replace(&mut self.defaults, defaults);
        let adjustment = |entry: &TargetEntry<H>| {
            let ping_settings = defaults.ping_settings(entry.options());
            let handle =
                entry.handle.clone().filter(|_| ping_settings != before.ping_settings(entry.options()))?;
            Some(Change::Adjust(handle, ping_settings))
        };
        self.targets.values().filter_map(|entry| adjustment(entry)).collect()
    }

    /// Returns the runtime changes since the latest call, in order.
    pub fn drain_changes(&mut self) -> Vec<RuntimeChange> {
        std::mem::take(&mut self.runtime_changes)
    }

    /// Returns the conflicts of options since the latest call.
    pub fn drain_conflicts(&mut self) -> Vec<EntryConflict> {
        std::mem::take(&mut self.conflicts)
    }

    /// Adds a host at runtime. Options that are not set keep their values; addresses of a DNS name that had been excluded
    /// are included again. The result has the state of the DNS name, if the host is one.
    ///
    /// # Errors
    /// [`AddError`] beyond a limit.
    pub fn add(&mut self, spec: &TargetSpec) -> Result<(Option<NameSubscribed>, Vec<Change<H>>), AddError> {
        self.add_excluding(spec, &[])
    }

    /// Like [`Self::add`], without some addresses of the DNS name.
    ///
    /// # Errors
    /// [`AddError`] beyond a limit.
    pub fn add_excluding(
        &mut self,
        spec: &TargetSpec,
        excluded: &[Address],
    ) -> Result<(Option<NameSubscribed>, Vec<Change<H>>), AddError> {
        let name = &spec.name;
        let mut changes = Vec::new();
        let host = spec.host_variant();
        let new = self.unsuppress_and_subscribe(name, &host, &mut changes)?;
        let next = self.next_revision();
        let (options, revision) = match self.options_by(name, &host, Origin::Runtime) {
            None => (spec.options.clone(), next),
            Some((earlier, revision)) => {
                let revision = if spec.options.interval.is_some() { next } else { revision };
                (spec.options.merged_over(earlier), revision)
            }
        };
        let entry = TargetSpec { options, ..spec.clone() };
        let change = RuntimeChange::Add(entry.clone());
        let how = (Origin::Runtime, revision, excluded);
        let mut subscribed = self.subscribe_entry(entry, how, &mut changes)?;
        if let Some(subscribed) = subscribed.as_mut().filter(|_| new.is_some()) {
            subscribed.name = NameState::New;
        }
        self.runtime_changes.push(change);
        if let Host::Name(host) = &spec.host {
            let host = NameVariant { name: host.clone(), variant: spec.variant.clone() };
            let exclude =
                |&address| RuntimeChange::ExcludeAddress { name: name.clone(), host: host.clone(), address };
            self.runtime_changes.extend(excluded.iter().map(exclude));
        }
        Ok((subscribed, changes))
    }

    /// Subscribes to the address or the DNS name of an entry, from an origin, with a revision and without some addresses
    /// of the DNS name; the result has the state of the DNS name.
    fn subscribe_entry(
        &mut self,
        TargetSpec { name, host, variant, options }: TargetSpec,
        (origin, revision, excluded): (Origin, u32, &[Address]),
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<NameSubscribed>, AddError> {
        match host {
            Host::Address(address) => {
                let subscription = Subscription { name, dns_name: None, origin, options, revision };
                self.subscribe(TargetKey::new(address, variant), subscription, changes)?;
                Ok(None)
            }
            Host::Name(host) => {
                let host = NameVariant { name: host, variant };
                let (subscribed, caused) =
                    self.subscribe_name_as(origin, &name, &host, (options, revision), excluded)?;
                changes.extend(caused);
                Ok(Some(subscribed))
            }
        }
    }

    fn subscribe_name_as(
        &mut self,
        origin: Origin,
        name: &Label,
        host_variant: &NameVariant,
        revised: (TargetOptions, u32),
        excluded: &[Address],
    ) -> Result<(NameSubscribed, Vec<Change<H>>), AddError> {
        let NameVariant { name: host, variant } = host_variant;
        if !self.dns_names.contains_key(host) && self.dns_names.len() >= self.limits.names {
            return Err(AddError::TooManyNames(self.limits.names));
        }
        let state = self.state(host);
        let dns_name = self.dns_names.entry(host.clone()).or_default();
        let is_new = dns_name.subscribe(name, variant, origin, revised)?;
        if origin == Origin::Runtime && dns_name.exclude_only(name, variant, excluded) {
            self.runtime_changes
                .push(RuntimeChange::IncludeAddresses { name: name.clone(), host: host_variant.clone() });
        }
        if is_new && dns_name.subscriptions().filter(|subscription| subscription.name == *name).count() == 1 {
            self.hosts_of_label.entry(name.clone()).or_default().push(host.clone());
        }
        let (changes, rejected) = self.apply(host);
        match rejected {
            // No address was subscribed to, so only the subscription to the name has to be undone.
            Some(error) if is_new && !self.has_subscribed_address(name, host_variant) => {
                self.drop_name_subscription(origin, name, host_variant, &mut Vec::new());
                Err(error)
            }
            _ => Ok((NameSubscribed { is_new, name: state }, changes)),
        }
    }

    /// The options of a subscription to the host itself; not of one to a name that resolves to it.
    fn options_by(&self, name: &Label, host: &HostVariant, origin: Origin) -> Option<(&TargetOptions, u32)> {
        let HostVariant { host, variant } = host;
        match host {
            Host::Address(address) => {
                self.targets.get(&TargetKey::new(*address, variant.clone()))?.options_by(name, origin)
            }
            Host::Name(host) => self.dns_names.get(host)?.options_by(name, variant, origin),
        }
    }

    fn next_revision(&mut self) -> u32 {
        self.revision = self.revision.saturating_add(1);
        self.revision
    }

    fn subscribe(
        &mut self,
        key: TargetKey,
        subscription: Subscription,
        changes: &mut Vec<Change<H>>,
    ) -> Result<(), AddError> {
        if !self.targets.contains_key(&key) {
            if self.targets.len() >= self.limits.targets {
                return Err(AddError::TooManyTargets(self.limits.targets));
            }
            self.targets.insert(key.clone(), Box::new(TargetEntry::new()));
            changes.push(Change::Start(key.clone()));
        }
        let Some(entry) = self.targets.get_mut(&key) else { return Ok(()) };
        let (name, dns_name) = (subscription.name.clone(), subscription.dns_name.clone());
        let subscribed = entry.subscribe(subscription)?;
        if subscribed.is_revised && self.conflicts.len() < MAX_CONFLICTS {
            self.conflicts.extend(entry.conflict(&key, (&name, dns_name.as_ref()), &self.defaults));
        }
        let adjusted = subscribed.options_changed.then(|| entry.handle.clone()).flatten();
        let ping_settings = self.defaults.ping_settings(entry.options());
        if subscribed.is_new && address_of_label(&name) != Some(key.address()) {
            self.by_name.insert((name, Some(key)));
        }
        changes.extend(adjusted.map(|handle| Change::Adjust(handle, ping_settings)));
        Ok(())
    }

    /// Ends matching subscriptions to a target, and the target with its last one; returns those that ended.
    fn unsubscribe(
        &mut self,
        key: &TargetKey,
        ends: impl Fn(&Subscription) -> bool,
        changes: &mut Vec<Change<H>>,
    ) -> Vec<Subscription> {
        let Some(entry) = self.targets.get_mut(key) else { return Vec::new() };
        let unsubscribed = entry.unsubscribe(ends);
        for name in unsubscribed.names {
            self.by_name.remove(&(name, Some(key.clone())));
        }
        if !entry.is_subscribed() {
            let retire = |handle| Change::Retire(key.clone(), handle);
            changes.extend(self.targets.remove(key).and_then(|entry| entry.handle).map(retire));
        } else if let Some(handle) = entry.handle.clone().filter(|_| unsubscribed.options_changed) {
            changes.push(Change::Adjust(handle, self.defaults.ping_settings(entry.options())));
        }
        unsubscribed.ended.into_vec()
    }
}

/// The address that a label is the text of; it needs no index.
fn address_of_label(name: &Label) -> Option<Address> {
    name.parse().ok()
}

#[cfg(test)]
mod entries_tests;
#[cfg(test)]
mod origin_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod variant_tests;
