//! The runtime state as a list of changes that restore it.

use super::dns_name::NameSubscription;
use super::subscription::Subscription;
use super::{Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, TargetSpec};

impl<H: Clone> Registry<H> {
    /// The changes that, applied in this order, restore the runtime state: suppressions, then additions, then
    /// exclusions. Subscriptions to the same host come in their order, and again in that of their revisions where it
    /// differs.
    pub fn runtime_state(&self) -> Vec<RuntimeChange> {
        let suppress = |(name, host): &(_, Host)| RuntimeChange::Suppress {
            name: Clone::clone(name),
            host: host.clone(),
        };
        let mut changes: Vec<RuntimeChange> = self.suppressed.keys().map(suppress).collect();
        for (address, entry) in &self.targets {
            let runtime = entry.subscriptions().filter(|subscription| {
                subscription.dns_name.is_none() && subscription.origin == Origin::Runtime
            });
            let runtime = runtime.map(|subscription| {
                (subscription.revised.revision(), addition(subscription, Host::Address(*address)))
            });
            changes.extend(in_both_orders(runtime.collect()));
        }
        for (host, dns_name) in &self.dns_names {
            let runtime =
                dns_name.subscriptions().filter(|subscription| subscription.origin == Origin::Runtime);
            let change = |subscription: &NameSubscription| {
                RuntimeChange::Add(TargetSpec {
                    name: subscription.name.clone(),
                    host: Host::Name(host.clone()),
                    options: subscription.revised.options.clone(),
                })
            };
            changes.extend(in_both_orders(
                runtime.map(|subscription| (subscription.revised.revision(), change(subscription))).collect(),
            ));
        }
        for (host, dns_name) in &self.dns_names {
            changes.extend(dns_name.subscriptions().flat_map(|subscription| exclusions(subscription, host)));
        }
        changes
    }
}

fn addition(subscription: &Subscription, host: Host) -> RuntimeChange {
    RuntimeChange::Add(TargetSpec {
        name: subscription.name.clone(),
        host,
        options: subscription.revised.options.clone(),
    })
}

fn exclusions<'a>(
    subscription: &'a NameSubscription,
    host: &'a HostName,
) -> impl Iterator<Item = RuntimeChange> + 'a {
    let exclude = |&address| RuntimeChange::ExcludeAddress {
        name: subscription.name.clone(),
        host: host.clone(),
        address,
    };
    subscription.excluded().map(exclude)
}

fn in_both_orders(additions: Vec<(u64, RuntimeChange)>) -> Vec<RuntimeChange> {
    let mut later = Vec::new();
    if !additions.is_sorted_by_key(|(revision, _)| *revision) {
        later.clone_from(&additions);
        later.sort_by_key(|(revision, _)| *revision);
    }
    additions.into_iter().chain(later).map(|(_, change)| change).collect()
}
