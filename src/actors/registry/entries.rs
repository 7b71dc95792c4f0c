//! The entries of the registry, whatever their origin: what was asked for, not what is pinged for it.

use super::dns_name::{DnsName, NameSubscription};
use super::subscription::{Subscription, TargetEntry};
use super::{Filter, Origin, Registry};
use crate::target::{
    Address, EntryId, Host, HostName, HostVariant, Interval, Label, TargetKey, TargetOptions, Variant,
};
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

/// Selects entries, in their order: addresses, then DNS names; the names of one host in the order of their adding.
#[derive(Debug, Clone, Default)]
pub struct EntryQuery {
    /// Only those that match; all by default.
    pub filter: Filter,
    /// Only those of DNS names.
    pub names_only: bool,
    /// Only those after this one.
    pub after: Option<EntryId>,
    /// Maximum number of entries; `None` for all.
    pub limit: Option<usize>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it pings, and what it calls it.
    pub id: EntryId,
    /// Its options; those that were set at runtime before those of the configuration.
    pub options: TargetOptions,
    /// Addresses of its DNS name that it does not ping, sorted.
    pub excluded: Vec<Address>,
    /// Its interval; that of the defaults, if it has none.
    pub interval: Interval,
    /// Where it comes from: one or both.
    pub origins: Vec<Origin>,
    /// Number of targets that it has now.
    pub targets: usize,
    /// Whether its interval is in force, of several entries of one address.
    pub decides_interval: bool,
}

impl EntryQuery {
    /// All followed DNS names.
    pub fn names() -> Self {
        Self { names_only: true, ..Self::default() }
    }

    fn matches(&self, id: &EntryId) -> bool {
        let Filter { name, host } = &self.filter;
        let is_host = |selector: &crate::target::HostSelector| {
            selector.host == id.host.host && selector.includes(id.host.variant.as_str())
        };
        (name.is_none() && host.is_none())
            || name.as_ref().is_some_and(|name| *name == id.name)
            || host.as_ref().is_some_and(is_host)
    }
}

impl<H: Clone> Registry<H> {
    /// The selected entries.
    pub fn entries(&self, query: &EntryQuery) -> Vec<Entry> {
        let after = query.after.as_ref();
        let (key, name) = match after.map(|id| &id.host) {
            None => (Bound::Unbounded, Bound::Unbounded),
            Some(HostVariant { host: Host::Address(address), variant }) => {
                (Bound::Included(TargetKey::new(*address, variant.clone())), Bound::Unbounded)
            }
            Some(HostVariant { host: Host::Name(name), .. }) => (Bound::Unbounded, Bound::Included(name)),
        };
        let starts_at_name = query.names_only || matches!(name, Bound::Included(_));
        let targets = (!starts_at_name).then(|| self.targets.range((key, Bound::Unbounded)));
        let of_addresses =
            targets.into_iter().flatten().map(|(key, target)| self.entries_of_target(key, target));
        let names = self.dns_names.range::<HostName, _>((name, Bound::Unbounded));
        let of_names = names.map(|(host, dns_name)| self.entries_of_name(host, dns_name));
        let groups = of_addresses.chain(of_names).map(|group| behind(after, group));
        let matching = groups.flatten().filter(|entry| query.matches(&entry.id));
        matching.take(query.limit.unwrap_or(usize::MAX)).collect()
    }

    fn entries_of_name(&self, host: &HostName, dns_name: &DnsName) -> Vec<Entry> {
        let mut by_variant: BTreeMap<&Variant, Vec<&NameSubscription>> = BTreeMap::new();
        for subscription in dns_name.subscriptions() {
            by_variant.entry(&subscription.variant).or_default().push(subscription);
        }
        let mut entries = Vec::new();
        for (variant, subscriptions) in by_variant {
            for name in distinct(subscriptions.iter().map(|it| &it.name)) {
                let own: Vec<_> = subscriptions.iter().filter(|it| it.name == *name).collect();
                // An address is pinged while one of them has it.
                let is_excluded =
                    |address: &&Address| own.iter().all(|it| it.excluded().any(|it| it == *address));
                let mut excluded: Vec<Address> =
                    own.iter().flat_map(|it| it.excluded()).filter(is_excluded).copied().collect();
                excluded.sort_unstable();
                excluded.dedup();
                let options =
                    Origin::merge(|origin| own.iter().find(|it| it.origin == origin).map(|it| &it.options));
                let is_pinged = |address: &&Address| {
                    let target = self.targets.get(&TargetKey::new(**address, variant.clone()));
                    target.is_some_and(|target| target.is_subscribed_by(name, host))
                };
                entries.push(Entry {
                    id: id(Host::Name(host.clone()), variant, name),
                    interval: self.defaults.ping_settings(&options).interval,
                    options,
                    excluded,
                    origins: own.iter().map(|it| it.origin).collect(),
                    targets: dns_name.addresses.iter().filter(is_pinged).count(),
                    decides_interval: false,
                });
            }
        }
        entries
    }

    /// The entries of the address itself.
    fn entries_of_target(&self, key: &TargetKey, target: &TargetEntry<H>) -> Vec<Entry> {
        let direct: Vec<&Subscription> = target.subscriptions().filter(|it| it.dns_name.is_none()).collect();
        let HostVariant { host, variant } = key.clone().into();
        let decisive = target.decides_interval().or(target.subscriptions().next());
        let decisive = decisive.filter(|it| it.dns_name.is_none());
        let entry = |name: &Label| {
            let own: Vec<_> = direct.iter().filter(|it| it.name == *name).collect();
            let options =
                Origin::merge(|origin| own.iter().find(|it| it.origin == origin).map(|it| &it.options));
            Entry {
                id: id(host.clone(), &variant, name),
                interval: self.defaults.ping_settings(&options).interval,
                options,
                excluded: Vec::new(),
                origins: own.iter().map(|it| it.origin).collect(),
                targets: 1,
                decides_interval: direct.len() > 1 && decisive.is_some_and(|it| it.name == *name),
            }
        };
        distinct(direct.iter().map(|it| &it.name)).map(entry).collect()
    }
}

fn id(host: Host, variant: &Variant, name: &Label) -> EntryId {
    EntryId { host: HostVariant { host, variant: variant.clone() }, name: name.clone() }
}

fn distinct<'a>(names: impl Iterator<Item = &'a Label>) -> impl Iterator<Item = &'a Label> {
    let mut seen = HashSet::new();
    names.filter(move |name| seen.insert(*name))
}

/// Those of a group of entries in order that are behind one. A name that has gone meanwhile is before all of its host.
fn behind(after: Option<&EntryId>, mut group: Vec<Entry>) -> Vec<Entry> {
    let Some(after) = after else { return group };
    if group.first().is_some_and(|first| first.id.host.host == after.host.host) {
        group.retain(|entry| entry.id.host.variant >= after.host.variant);
        if let Some(at) = group.iter().position(|entry| entry.id == *after) {
            group.drain(..=at);
        }
    }
    group
}
