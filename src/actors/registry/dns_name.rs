//! One followed DNS name of the registry: its subscriptions and its addresses.

use super::subscription::{MAX_SUBSCRIPTIONS, RevisedOptions, Subscription};
use super::{AddError, Origin};
use crate::target::{Address, Family, HostName, Label, TargetOptions};
use std::collections::HashSet;

/// A followed DNS name.
#[derive(Default)]
pub(super) struct DnsName {
    subscriptions: Vec<NameSubscription>,
    /// Its current addresses.
    pub addresses: Vec<Address>,
    /// Whether any look-up has been answered.
    pub answered: bool,
}

/// A reason to follow a DNS name.
pub(super) struct NameSubscription {
    pub name: Label,
    pub origin: Origin,
    pub revised: RevisedOptions,
    /// Addresses that were removed one by one: not pinged for this subscription.
    excluded: HashSet<Address>,
}

impl NameSubscription {
    /// Addresses that are not pinged for it.
    pub(super) fn excluded(&self) -> impl Iterator<Item = &Address> {
        self.excluded.iter()
    }

    fn includes(&self, address: Address) -> bool {
        let only = self.revised.options.overrides.as_ref().and_then(|options| options.only_family());
        only.is_none_or(|family: Family| family == address.family()) && !self.excluded.contains(&address)
    }
}

/// Maximum number of excluded addresses of a subscription: as many as a name can have.
const MAX_EXCLUDED: usize = 256;

impl DnsName {
    /// Adds a subscription or changes its options; returns whether it is new.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn subscribe(
        &mut self,
        name: &Label,
        origin: Origin,
        revised: RevisedOptions,
    ) -> Result<bool, AddError> {
        if let Some(subscription) = self.find_mut(name, origin) {
            subscription.revised = revised;
            return Ok(false);
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(AddError::TooManyLabels(MAX_SUBSCRIPTIONS));
        }
        self.subscriptions.push(NameSubscription {
            name: name.clone(),
            origin,
            revised,
            excluded: HashSet::new(),
        });
        Ok(true)
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&mut self, name: &Label, origin: Origin) {
        self.subscriptions.retain(|subscription| subscription.origin != origin || subscription.name != *name);
    }

    /// Whether there is a subscription.
    pub(super) fn is_subscribed(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Its subscriptions.
    pub(super) fn subscriptions(&self) -> impl Iterator<Item = &NameSubscription> {
        self.subscriptions.iter()
    }

    /// The options of a subscription.
    pub(super) fn options_by(&self, name: &Label, origin: Origin) -> Option<&RevisedOptions> {
        self.subscriptions
            .iter()
            .find(|subscription| subscription.origin == origin && subscription.name == *name)
            .map(|subscription| &subscription.revised)
    }

    /// The subscriptions to each current address, and whether the address is included.
    pub(super) fn to_addresses(&self, host: &HostName) -> Vec<(Address, Subscription, bool)> {
        let of = |name_subscription: &NameSubscription| {
            let NameSubscription { name, origin, revised, .. } = name_subscription;
            let to_address = |&address: &Address| {
                let subscription = Subscription {
                    name: name.clone(),
                    dns_name: Some(host.clone()),
                    origin: *origin,
                    revised: revised.clone(),
                };
                (address, subscription, name_subscription.includes(address))
            };
            self.addresses.iter().map(to_address).collect::<Vec<_>>()
        };
        self.subscriptions.iter().flat_map(of).collect()
    }

    /// Excludes an address from all subscriptions; returns the names of those that included it. Before the first
    /// answer any address can turn out to be one of the name.
    pub(super) fn exclude(&mut self, address: Address) -> Vec<Label> {
        if self.answered && !self.addresses.contains(&address) {
            return Vec::new();
        }
        let room = |subscription: &&mut NameSubscription| subscription.excluded.len() < MAX_EXCLUDED;
        let excluding = self.subscriptions.iter_mut().filter(room);
        excluding
            .filter_map(|subscription| {
                subscription.excluded.insert(address).then(|| subscription.name.clone())
            })
            .collect()
    }

    /// Excludes an address from the subscriptions of a name, as before a restart.
    pub(super) fn exclude_for(&mut self, name: &Label, address: Address) {
        for subscription in self.subscriptions.iter_mut().filter(|subscription| subscription.name == *name) {
            subscription.excluded.insert(address);
        }
    }

    /// Includes all addresses in the subscriptions of a name again; returns whether that changes anything.
    pub(super) fn include(&mut self, name: &Label) -> bool {
        let subscriptions = self.subscriptions.iter_mut().filter(|subscription| subscription.name == *name);
        let excluded: usize =
            subscriptions.map(|subscription| std::mem::take(&mut subscription.excluded).len()).sum();
        excluded > 0
    }

    fn find_mut(&mut self, name: &Label, origin: Origin) -> Option<&mut NameSubscription> {
        self.subscriptions
            .iter_mut()
            .find(|subscription| subscription.origin == origin && subscription.name == *name)
    }

    /// The configured subscriptions: names and options.
    pub(super) fn configured(&self) -> impl Iterator<Item = (&Label, &TargetOptions)> {
        let configured =
            self.subscriptions.iter().filter(|subscription| subscription.origin == Origin::Config);
        configured.map(|subscription| (&subscription.name, &subscription.revised.options))
    }
}
