//! Selects targets of the registry by name and host, page by page.

use super::subscription::TargetEntry;
use super::{Filter, Registry, address_of_label};
use crate::target::{Address, Host, HostName, Label};
use std::ops::Bound;

impl<H: Clone> Registry<H> {
    /// The targets that match a filter, in address order: at most `limit` of those after `after`, and the number of
    /// all that match.
    pub fn select(
        &self,
        filter: &Filter,
        after: Option<Address>,
        limit: usize,
    ) -> (Vec<(Address, &TargetEntry<H>)>, usize) {
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        if filter.name.is_none() && filter.host.is_none() {
            let range = self.targets.range(from).take(limit);
            return (range.map(|(address, entry)| (*address, entry.as_ref())).collect(), self.targets.len());
        }
        let mut chosen: Vec<Address> = Vec::new();
        chosen.extend(filter.name.iter().flat_map(|name| self.addresses_of(name)));
        match &filter.host {
            Some(Host::Address(address)) => {
                chosen.extend(self.targets.contains_key(address).then_some(*address));
            }
            Some(Host::Name(host)) => chosen.extend(self.addresses_of_name(host)),
            None => {}
        }
        // Nearly sorted already, so sorting takes about one pass; building a set would not.
        chosen.sort();
        chosen.dedup();
        let start = chosen.partition_point(|address| Some(*address) <= after);
        let page = chosen[start..].iter().take(limit);
        let entry = |address: &Address| Some((*address, self.targets.get(address)?.as_ref()));
        (page.filter_map(entry).collect(), chosen.len())
    }

    pub(super) fn addresses_of(&self, name: &Label) -> impl Iterator<Item = Address> + '_ {
        let own =
            address_of_label(name).filter(|own| self.targets.get(own).is_some_and(|it| it.has_label(name)));
        let name = name.clone();
        let from = (name.clone(), None);
        self.by_name
            .range(from..)
            .take_while(move |(other, _)| *other == name)
            .filter_map(|(_, address)| *address)
            .chain(own)
    }

    fn addresses_of_name(&self, host: &HostName) -> Vec<Address> {
        let resolves_from =
            |address: &&Address| self.targets.get(address).is_some_and(|entry| entry.resolves_from(host));
        let addresses = self.dns_names.get(host).map_or(&[][..], |dns_name| &dns_name.addresses);
        addresses.iter().filter(resolves_from).copied().collect()
    }
}
