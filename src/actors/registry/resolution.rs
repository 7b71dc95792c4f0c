//! The addresses of DNS names, and the targets that follow from them.

use super::{AddError, Change, NameState, Registry};
use crate::target::{Address, HostName, Label, NameVariant, TargetKey};

impl<H: Clone> Registry<H> {
    pub(super) fn state(&self, host: &HostName) -> NameState {
        match self.dns_names.get(host) {
            None => NameState::New,
            Some(dns_name) if !dns_name.addresses.is_empty() => NameState::Resolved,
            Some(dns_name) if dns_name.answered => NameState::Unresolved,
            Some(_) => NameState::Unanswered,
        }
    }

    /// The addresses of a DNS name.
    pub fn addresses_of(&self, host: &HostName) -> &[Address] {
        self.dns_names.get(host).map_or(&[], |dns_name| &dns_name.addresses)
    }

    /// Sets the addresses of a DNS name. The error is that of addresses beyond a limit.
    pub fn resolved(
        &mut self,
        host: &HostName,
        addresses: Vec<Address>,
        answered: bool,
    ) -> (Vec<Change<H>>, Option<AddError>) {
        let Some(dns_name) = self.dns_names.get_mut(host) else { return (Vec::new(), None) };
        dns_name.answered |= answered;
        let before = std::mem::replace(&mut dns_name.addresses, addresses);
        let vanished: Vec<Address> =
            before.into_iter().filter(|address| !dns_name.addresses.contains(address)).collect();
        // New addresses first, so that an address with another subscription is not restarted.
        let (mut changes, rejected) = self.apply(host);
        for key in vanished.into_iter().flat_map(|address| self.keys_of_address(address)).collect::<Vec<_>>()
        {
            self.unsubscribe(&key, |subscription| subscription.dns_name.as_ref() == Some(host), &mut changes);
        }
        (changes, rejected)
    }

    /// Whether the subscription to a DNS name has any address that is pinged.
    pub fn has_subscribed_address(&self, name: &Label, host: &NameVariant) -> bool {
        let is_subscribed = |address: &Address| {
            let key = TargetKey::new(*address, host.variant.clone());
            self.targets.get(&key).is_some_and(|entry| entry.is_subscribed_by(name, &host.name))
        };
        self.dns_names.get(&host.name).is_some_and(|dns_name| dns_name.addresses.iter().any(is_subscribed))
    }

    /// Subscribes to the addresses of a DNS name that its subscriptions include, and ends those to the others.
    pub(super) fn apply(&mut self, host: &HostName) -> (Vec<Change<H>>, Option<AddError>) {
        let (mut changes, mut rejected) = (Vec::new(), None);
        let all = self.dns_names.get(host).map_or_else(Vec::new, |dns_name| dns_name.to_addresses(host));
        for (key, subscription, is_included) in all {
            if is_included {
                rejected = self.subscribe(key, subscription, &mut changes).err().or(rejected);
            } else {
                self.unsubscribe(&key, |other| other.is_same(&subscription), &mut changes);
            }
        }
        (changes, rejected)
    }
}
