//! Selects targets of the registry by name and host, page by page.

use super::subscription::TargetEntry;
use super::{Filter, Registry, address_of_label};
use crate::target::{Address, Host, HostName, HostSelector, Label, TargetKey};
use std::ops::Bound;

impl<H: Clone> Registry<H> {
    /// The targets that match a filter, in the order of their keys: at most `limit` of those after `after`, and the number
    /// of all that match.
    pub fn select(
        &self,
        filter: &Filter,
        after: Option<&TargetKey>,
        limit: usize,
    ) -> (Vec<(&TargetKey, &TargetEntry<H>)>, usize) {
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        if filter.name.is_none() && filter.host.is_none() {
            let range = self.targets.range::<TargetKey, _>(from).take(limit);
            return (range.map(|(key, entry)| (key, entry.as_ref())).collect(), self.targets.len());
        }
        let mut chosen: Vec<TargetKey> = Vec::new();
        chosen.extend(filter.name.iter().flat_map(|name| self.keys_of_label(name)));
        chosen.extend(filter.host.iter().flat_map(|host| self.keys_of_host(host)));
        // Nearly sorted already, so sorting takes about one pass; building a set would not.
        chosen.sort();
        chosen.dedup();
        let start = chosen.partition_point(|key| Some(key) <= after);
        let page = chosen[start..].iter().take(limit);
        let entry =
            |key: &TargetKey| self.targets.get_key_value(key).map(|(key, entry)| (key, entry.as_ref()));
        (page.filter_map(entry).collect(), chosen.len())
    }

    /// The targets with a name.
    pub(super) fn keys_of_label(&self, name: &Label) -> Vec<TargetKey> {
        let from = (name.clone(), None);
        let indexed = self.by_name.range(from..).take_while(|(other, _)| other == name);
        let mut keys: Vec<TargetKey> = indexed.filter_map(|(_, key)| key.clone()).collect();
        if let Some(address) = address_of_label(name) {
            let own = self.variants_of(address).filter(|(_, entry)| entry.has_label(name));
            keys.extend(own.map(|(key, _)| key.clone()));
        }
        keys
    }

    /// The targets with an address.
    pub(super) fn keys_of_address(&self, address: Address) -> Vec<TargetKey> {
        self.variants_of(address).map(|(key, _)| key.clone()).collect()
    }

    fn variants_of(&self, address: Address) -> impl Iterator<Item = (&TargetKey, &TargetEntry<H>)> {
        let from = TargetKey::from(address);
        let range = self.targets.range(from..).take_while(move |(key, _)| key.address() == address);
        range.map(|(key, entry)| (key, entry.as_ref()))
    }

    fn keys_of_host(&self, HostSelector { host, variant }: &HostSelector) -> Vec<TargetKey> {
        let mut keys = match (host, variant) {
            (Host::Address(address), Some(variant)) => {
                let key = TargetKey::new(*address, variant.clone());
                self.targets.contains_key(&key).then_some(key).into_iter().collect()
            }
            (Host::Address(address), None) => self.keys_of_address(*address),
            (Host::Name(name), _) => self.keys_of_name(name),
        };
        keys.retain(|key| variant.as_ref().is_none_or(|variant| key.variant() == variant.as_str()));
        keys
    }

    fn keys_of_name(&self, host: &HostName) -> Vec<TargetKey> {
        let addresses = self.dns_names.get(host).map_or(&[][..], |dns_name| &dns_name.addresses);
        let variants = addresses.iter().flat_map(|address| self.variants_of(*address));
        variants.filter(|(_, entry)| entry.resolves_from(host)).map(|(key, _)| key.clone()).collect()
    }
}
