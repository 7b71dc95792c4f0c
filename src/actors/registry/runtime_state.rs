//! The runtime state as a list of changes that restore it.

use super::dns_name::NameSubscription;
use super::{Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, HostVariant, Label, NameVariant, TargetSpec};

impl<H: Clone> Registry<H> {
    /// The changes that, applied in this order, restore the runtime state: suppressions, then additions, then
    /// exclusions. Subscriptions to the same host come in their order.
    pub fn runtime_state(&self) -> Vec<RuntimeChange> {
        let suppress = |(name, host): &(Label, HostVariant)| RuntimeChange::Suppress {
            name: name.clone(),
            host: host.clone(),
        };
        let mut changes: Vec<RuntimeChange> = self.suppressed.keys().map(suppress).collect();
        changes.extend(self.subscribed_by(Origin::Runtime).into_iter().map(RuntimeChange::Add));
        for (host, dns_name) in &self.dns_names {
            changes.extend(dns_name.subscriptions().flat_map(|subscription| exclusions(subscription, host)));
        }
        changes
    }

    /// The targets of an origin: hosts that are addresses first, in address order.
    pub(super) fn subscribed_by(&self, origin: Origin) -> Vec<TargetSpec> {
        let mut specs = Vec::new();
        for (key, entry) in &self.targets {
            let direct = entry.subscriptions().filter(|it| it.dns_name.is_none() && it.origin == origin);
            specs.extend(direct.map(|subscription| {
                let HostVariant { host, variant } = key.clone().into();
                TargetSpec {
                    name: subscription.name.clone(),
                    host,
                    variant,
                    options: subscription.options.clone(),
                }
            }));
        }
        for (host, dns_name) in &self.dns_names {
            let of_origin = dns_name.subscriptions().filter(|it| it.origin == origin);
            specs.extend(of_origin.map(|subscription| TargetSpec {
                name: subscription.name.clone(),
                host: Host::Name(host.clone()),
                variant: subscription.variant.clone(),
                options: subscription.options.clone(),
            }));
        }
        specs
    }
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
