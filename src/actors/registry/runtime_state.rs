//! The runtime state as a list of changes that restore it.

use super::dns_name::NameSubscription;
use super::subscription::Subscription;
use super::{Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, HostVariant, Label, NameVariant, TargetSpec};

impl<H: Clone> Registry<H> {
    /// The changes that, applied in this order, restore the runtime state: suppressions, then additions, then
    /// exclusions. Subscriptions to the same host come in their order, and again in that of their revisions where it
    /// differs.
    pub fn runtime_state(&self) -> Vec<RuntimeChange> {
        let suppress = |(name, host): &(Label, HostVariant)| RuntimeChange::Suppress {
            name: name.clone(),
            host: host.clone(),
        };
        let mut changes: Vec<RuntimeChange> = self.suppressed.keys().map(suppress).collect();
        let groups = self.subscribed_by(Origin::Runtime).into_iter();
        changes.extend(groups.flat_map(in_both_orders).map(RuntimeChange::Add));
        for (host, dns_name) in &self.dns_names {
            changes.extend(dns_name.subscriptions().flat_map(|subscription| exclusions(subscription, host)));
        }
        changes
    }

    /// The targets of an origin, in groups of the same host: hosts that are addresses first, in address order. Each target
    /// has the revision of its interval.
    pub(super) fn subscribed_by(&self, origin: Origin) -> Vec<Vec<(u32, TargetSpec)>> {
        let addresses = self.targets.iter().map(|(key, entry)| {
            let direct = entry.subscriptions().filter(|it| it.dns_name.is_none() && it.origin == origin);
            let spec = |subscription: &Subscription| {
                let HostVariant { host, variant } = key.clone().into();
                let (name, options) = (subscription.name.clone(), subscription.options.clone());
                (subscription.revision, TargetSpec { name, host, variant, options })
            };
            direct.map(spec).collect()
        });
        let names = self.dns_names.iter().map(|(host, dns_name)| {
            let spec = |subscription: &NameSubscription| {
                let NameSubscription { name, variant, options, revision, .. } = subscription;
                let (name, host, options) = (name.clone(), Host::Name(host.clone()), options.clone());
                (*revision, TargetSpec { name, host, variant: variant.clone(), options })
            };
            dns_name.subscriptions().filter(|it| it.origin == origin).map(spec).collect()
        });
        addresses.chain(names).collect()
    }
}

fn in_both_orders(group: Vec<(u32, TargetSpec)>) -> impl Iterator<Item = TargetSpec> {
    let mut later = Vec::new();
    if !group.is_sorted_by_key(|(revision, _)| *revision) {
        later.clone_from(&group);
        later.sort_by_key(|(revision, _)| *revision);
    }
    group.into_iter().chain(later).map(|(_, spec)| spec)
}

fn exclusions<'a>(
    subscription: &'a NameSubscription,
    host: &'a HostName,
) -> impl Iterator<Item = RuntimeChange> + 'a {
    let exclude = |&address| RuntimeChange::ExcludeAddress {
        name: subscription.name.clone(),
        host: NameVariant { name: host.clone(), variant: subscription.variant.clone() },
        address,
    };
    subscription.excluded().map(exclude)
}
