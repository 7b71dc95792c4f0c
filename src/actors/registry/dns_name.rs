//! One followed DNS name of the registry: its subscriptions and its addresses.

use super::subscription::{MAX_SUBSCRIPTIONS, Subscription};
use super::{AddError, Origin};
use crate::target::{Address, Family, HostName, Label, NewEntry, TargetKey, TargetOptions, Variant};
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
    pub variant: Variant,
    pub origin: Origin,
    pub options: TargetOptions,
    /// See [`Subscription::revision`].
    pub revision: u32,
    /// Addresses that were removed one by one: not pinged for this subscription.
    excluded: HashSet<Address>,
}

impl NameSubscription {
    fn is(&self, name: &Label, variant: &Variant, origin: Origin) -> bool {
        self.origin == origin && self.has(name, variant)
    }

    fn has(&self, name: &Label, variant: &Variant) -> bool {
        self.name == *name && self.variant == *variant
    }

    /// Addresses that are not pinged for it.
    pub(super) fn excluded(&self) -> impl Iterator<Item = &Address> {
        self.excluded.iter()
    }

    fn includes(&self, address: Address) -> bool {
        let only = self.options.overrides.as_ref().and_then(|options| options.only_family());
        only.is_none_or(|family: Family| family == address.family()) && !self.excluded.contains(&address)
    }
}

impl DnsName {
    /// Adds a subscription or changes its options; returns whether it is new.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn subscribe(
        &mut self,
        name: &Label,
        variant: &Variant,
        origin: Origin,
        (options, revision): (TargetOptions, u32),
    ) -> Result<bool, AddError> {
        if let Some(subscription) = self.subscriptions.iter_mut().find(|it| it.is(name, variant, origin)) {
            (subscription.options, subscription.revision) = (options, revision);
            return Ok(false);
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(AddError::TooManyLabels(MAX_SUBSCRIPTIONS));
        }
        self.subscriptions.push(NameSubscription {
            name: name.clone(),
            variant: variant.clone(),
            origin,
            options,
            revision,
            excluded: HashSet::new(),
        });
        Ok(true)
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&mut self, name: &Label, variant: &Variant, origin: Origin) {
        self.subscriptions.retain(|subscription| !subscription.is(name, variant, origin));
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
    pub(super) fn options_by(
        &self,
        name: &Label,
        variant: &Variant,
        origin: Origin,
    ) -> Option<(&TargetOptions, u32)> {
        self.subscriptions.iter().find(|it| it.is(name, variant, origin)).map(|it| (&it.options, it.revision))
    }

    /// The subscriptions to each current address, and whether the address is included.
    pub(super) fn to_addresses(&self, host: &HostName) -> Vec<(TargetKey, Subscription, bool)> {
        let of = |name_subscription: &NameSubscription| {
            let NameSubscription { name, variant, origin, options, revision, .. } = name_subscription;
            let to_address = |&address: &Address| {
                let subscription = Subscription {
                    name: name.clone(),
                    dns_name: Some(host.clone()),
                    origin: *origin,
                    options: options.clone(),
                    revision: *revision,
                };
                let key = TargetKey::new(address, variant.clone());
                (key, subscription, name_subscription.includes(address))
            };
            self.addresses.iter().map(to_address).collect::<Vec<_>>()
        };
        self.subscriptions.iter().flat_map(of).collect()
    }

    /// Excludes an address from the subscriptions of a variant, or of all; returns those that included it. Before the
    /// first answer any address can turn out to be one of the name.
    pub(super) fn exclude(&mut self, address: Address, variant: Option<&Variant>) -> Vec<(Label, Variant)> {
        if self.answered && !self.addresses.contains(&address) {
            return Vec::new();
        }
        let excludes = |it: &&mut NameSubscription| {
            it.excluded.len() < NewEntry::MAX_EXCLUDED && variant.is_none_or(|variant| it.variant == *variant)
        };
        let excluding = self.subscriptions.iter_mut().filter(excludes);
        excluding
            .filter_map(|it| it.excluded.insert(address).then(|| (it.name.clone(), it.variant.clone())))
            .collect()
    }

    /// Excludes an address from the subscriptions of a name, as before a restart.
    pub(super) fn exclude_for(&mut self, name: &Label, variant: &Variant, address: Address) {
        for subscription in self.subscriptions.iter_mut().filter(|it| it.has(name, variant)) {
            subscription.excluded.insert(address);
        }
    }

    /// Excludes these addresses, and no others, from the subscriptions of a name; returns whether others had been excluded.
    pub(super) fn exclude_only(&mut self, name: &Label, variant: &Variant, addresses: &[Address]) -> bool {
        let excluded: HashSet<Address> = addresses.iter().copied().take(NewEntry::MAX_EXCLUDED).collect();
        let subscriptions = self.subscriptions.iter_mut().filter(|it| it.has(name, variant));
        let replace = |it: &mut NameSubscription| std::mem::replace(&mut it.excluded, excluded.clone());
        let before: HashSet<Address> = subscriptions.flat_map(replace).collect();
        !before.is_subset(&excluded)
    }
}
