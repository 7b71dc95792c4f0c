//! Who wants what: which addresses are pinged, under which names, and which DNS names are followed for them.
//!
//! Pure bookkeeping. It says what has to change; the supervisor has the actors to do it.

mod entry;
mod followed;
mod terms;

use crate::target::{Address, Host, HostName, Interval, Label};
use entry::Want;
use followed::Followed;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

pub use entry::Entry;
pub use terms::{AddError, Filter, Limits};

/// The registry. `H` is whatever the owner needs to reach the actor of a target.
pub struct Registry<H> {
    limits: Limits,
    /// Boxed, because a map that grows in order leaves nearly half of its places empty.
    targets: BTreeMap<Address, Box<Entry<H>>>,
    /// Every name with every address that it wants, but for addresses that are called as they are; the second is
    /// `None` only to look for a name's first.
    by_name: BTreeSet<(Label, Option<Address>)>,
    followed: HashMap<HostName, Followed>,
    /// The followed names of each label.
    claims: HashMap<Label, Vec<HostName>>,
    /// Counts the intervals given, for the last one wins.
    stamp: u64,
}

/// An interval that was asked for, and when.
#[derive(Debug, Clone, Copy)]
struct Given {
    interval: Interval,
    stamp: u64,
}

/// What has to happen outside after a change of the registry.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<H> {
    /// A target is new: start its actor, and set its handle.
    Start(Address),
    /// A target's interval has changed.
    SetInterval(H, Interval),
    /// Nobody wants a target any more.
    Retire(H),
    /// Nobody wants a DNS name any more.
    Unfollow(HostName),
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// It was not there before.
    pub fresh: bool,
    /// What is known of the DNS name.
    pub name: NameState,
}

/// What is known of a DNS name that somebody wants to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameState {
    /// Nobody has followed it so far.
    New,
    /// Its first answer is awaited.
    Unanswered,
    /// It had no address when it was last asked for.
    Unresolved,
    /// Its addresses are known.
    Resolved,
}

impl<H: Clone> Registry<H> {
    /// An empty registry.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            targets: BTreeMap::new(),
            by_name: BTreeSet::new(),
            followed: HashMap::new(),
            claims: HashMap::new(),
            stamp: 0,
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
        self.followed.len()
    }

    /// The target with an address.
    pub fn get_mut(&mut self, address: &Address) -> Option<&mut Entry<H>> {
        self.targets.get_mut(address).map(Box::as_mut)
    }

    /// Adds an address under a name.
    ///
    /// # Errors
    /// [`AddError::TooManyTargets`], [`AddError::TooManyLabels`].
    pub fn add_address(
        &mut self,
        name: &Label,
        address: Address,
        interval: Option<Interval>,
    ) -> Result<Vec<Change<H>>, AddError> {
        let given = self.give(interval);
        let mut changes = Vec::new();
        self.want(address, Want { name: name.clone(), by: None }, given, &mut changes)?;
        Ok(changes)
    }

    /// Notes that a DNS name is wanted under a name. Addresses that had been removed from the claim come back.
    ///
    /// # Errors
    /// [`AddError::TooManyNames`], [`AddError::TooManyTargets`], [`AddError::TooManyLabels`].
    pub fn claim(
        &mut self,
        name: &Label,
        host: &HostName,
        interval: Option<Interval>,
    ) -> Result<(Claimed, Vec<Change<H>>), AddError> {
        if !self.followed.contains_key(host) && self.followed.len() >= self.limits.names {
            return Err(AddError::TooManyNames(self.limits.names));
        }
        let given = self.give(interval);
        let state = self.state(host);
        let fresh = self.followed.entry(host.clone()).or_default().claim(name, given)?;
        if fresh {
            self.claims.entry(name.clone()).or_default().push(host.clone());
        }
        let (changes, refused) = self.apply(host);
        match refused {
            // What began to be wanted is nothing, so nothing but the claim is to be undone.
            Some(error) if fresh && !self.wants_any(name, host) => {
                self.unclaim(name, host);
                Err(error)
            }
            _ => Ok((Claimed { fresh, name: state }, changes)),
        }
    }

    fn state(&self, host: &HostName) -> NameState {
        match self.followed.get(host) {
            None => NameState::New,
            Some(followed) if !followed.addresses.is_empty() => NameState::Resolved,
            Some(followed) if followed.answered => NameState::Unresolved,
            Some(_) => NameState::Unanswered,
        }
    }

    /// Takes back a claim: the name turned out to be none.
    pub fn unclaim(&mut self, name: &Label, host: &HostName) -> Vec<Change<H>> {
        let mut changes = Vec::new();
        self.drop_claim(name, host, &mut changes);
        changes
    }

    /// Takes in what a DNS name stands for now. The error is of addresses that found no room.
    pub fn resolved(
        &mut self,
        host: &HostName,
        addresses: Vec<Address>,
        answered: bool,
    ) -> (Vec<Change<H>>, Option<AddError>) {
        let Some(followed) = self.followed.get_mut(host) else { return (Vec::new(), None) };
        followed.answered |= answered;
        let before = std::mem::replace(&mut followed.addresses, addresses);
        let vanished: Vec<Address> =
            before.into_iter().filter(|address| !followed.addresses.contains(address)).collect();
        // First what appears, so that an address that another claim wants too is not started anew.
        let (mut changes, refused) = self.apply(host);
        for address in vanished {
            self.unwant(address, |want| want.by.as_ref() == Some(host), &mut changes);
        }
        (changes, refused)
    }

    /// Whether the claim wants any address.
    pub fn wants_any(&self, name: &Label, host: &HostName) -> bool {
        let wanted_by =
            |address: &Address| self.targets.get(address).is_some_and(|entry| entry.is_wanted_by(name, host));
        self.followed.get(host).is_some_and(|followed| followed.addresses.iter().any(wanted_by))
    }

    /// Forgets what matches the name, and what matches the host.
    pub fn remove(&mut self, name: Option<&Label>, host: Option<&Host>) -> Vec<Change<H>> {
        let mut changes = Vec::new();
        if let Some(name) = name {
            self.remove_name(name, &mut changes);
        }
        match host {
            Some(Host::Address(address)) => self.remove_address(*address, &mut changes),
            Some(Host::Name(host)) => self.remove_host(host, &mut changes),
            None => {}
        }
        changes
    }

    /// The targets that a filter means, in address order: at most `limit` of those after an address, and how many
    /// it means in all.
    pub fn select(
        &self,
        filter: &Filter,
        after: Option<Address>,
        limit: usize,
    ) -> (Vec<(Address, &Entry<H>)>, usize) {
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
            Some(Host::Name(host)) => chosen.extend(self.addresses_behind(host)),
            None => {}
        }
        // Nearly sorted already: one pass, where a set is built target by target.
        chosen.sort();
        chosen.dedup();
        let start = chosen.partition_point(|address| Some(*address) <= after);
        let page = chosen[start..].iter().take(limit);
        let entry = |address: &Address| Some((*address, self.targets.get(address)?.as_ref()));
        (page.filter_map(entry).collect(), chosen.len())
    }

    fn addresses_of(&self, name: &Label) -> impl Iterator<Item = Address> + '_ {
        let own = own_address(name).filter(|own| self.targets.get(own).is_some_and(|it| it.is_called(name)));
        let name = name.clone();
        let from = (name.clone(), None);
        self.by_name
            .range(from..)
            .take_while(move |(other, _)| *other == name)
            .filter_map(|(_, address)| *address)
            .chain(own)
    }

    fn addresses_behind(&self, host: &HostName) -> Vec<Address> {
        let is_behind =
            |address: &&Address| self.targets.get(address).is_some_and(|entry| entry.is_behind(host));
        let addresses = self.followed.get(host).map_or(&[][..], |followed| &followed.addresses);
        addresses.iter().filter(is_behind).copied().collect()
    }

    fn give(&mut self, interval: Option<Interval>) -> Option<Given> {
        self.stamp += 1;
        interval.map(|interval| Given { interval, stamp: self.stamp })
    }

    fn want(
        &mut self,
        address: Address,
        want: Want,
        given: Option<Given>,
        changes: &mut Vec<Change<H>>,
    ) -> Result<(), AddError> {
        if !self.targets.contains_key(&address) {
            if self.targets.len() >= self.limits.targets {
                return Err(AddError::TooManyTargets(self.limits.targets));
            }
            self.targets.insert(address, Box::new(Entry::new(self.limits.interval)));
            changes.push(Change::Start(address));
        }
        let Some(entry) = self.targets.get_mut(&address) else { return Ok(()) };
        let name = want.name.clone();
        if entry.want(want)? && own_address(&name) != Some(address) {
            self.by_name.insert((name, Some(address)));
        }
        changes.extend(entry.set_interval(given));
        Ok(())
    }

    /// Ends the wants of an address that match, and the target with the last of them.
    fn unwant(&mut self, address: Address, ends: impl Fn(&Want) -> bool, changes: &mut Vec<Change<H>>) {
        let Some(entry) = self.targets.get_mut(&address) else { return };
        let (names, wanted) = entry.unwant(ends);
        for name in names {
            self.by_name.remove(&(name, Some(address)));
        }
        if !wanted {
            changes.extend(self.targets.remove(&address).and_then(|entry| entry.handle).map(Change::Retire));
        }
    }

    /// Has every claim of a DNS name want what it is to want.
    fn apply(&mut self, host: &HostName) -> (Vec<Change<H>>, Option<AddError>) {
        let (mut changes, mut refused) = (Vec::new(), None);
        let wanted = self.followed.get(host).map_or_else(Vec::new, Followed::wanted);
        for (name, given, addresses) in wanted {
            for address in addresses {
                let want = Want { name: name.clone(), by: Some(host.clone()) };
                refused = self.want(address, want, given, &mut changes).err().or(refused);
            }
        }
        (changes, refused)
    }

    fn remove_name(&mut self, name: &Label, changes: &mut Vec<Change<H>>) {
        for host in self.claims.get(name).cloned().unwrap_or_default() {
            self.drop_claim(name, &host, changes);
        }
        let addresses: Vec<Address> = self.addresses_of(name).collect();
        for address in addresses {
            self.unwant(address, |want| want.name == *name, changes);
        }
    }

    fn remove_address(&mut self, address: Address, changes: &mut Vec<Change<H>>) {
        for followed in self.followed.values_mut() {
            followed.exclude(address);
        }
        self.unwant(address, |_| true, changes);
    }

    fn remove_host(&mut self, host: &HostName, changes: &mut Vec<Change<H>>) {
        let names: Vec<Label> =
            self.followed.get(host).map_or_else(Vec::new, |followed| followed.names().collect());
        for name in names {
            self.drop_claim(&name, host, changes);
        }
    }

    fn drop_claim(&mut self, name: &Label, host: &HostName, changes: &mut Vec<Change<H>>) {
        let Some(followed) = self.followed.get_mut(host) else { return };
        let unclaimed = followed.unclaim(name);
        for address in followed.addresses.clone() {
            self.unwant(address, |want| want.name == *name && want.by.as_ref() == Some(host), changes);
        }
        if let Some(hosts) = self.claims.get_mut(name) {
            hosts.retain(|other| other != host);
            if hosts.is_empty() {
                self.claims.remove(name);
            }
        }
        if unclaimed {
            self.followed.remove(host);
            changes.push(Change::Unfollow(host.clone()));
        }
    }
}

/// The address that a name is the text of: it is found without an index.
fn own_address(name: &Label) -> Option<Address> {
    name.parse().ok()
}

#[cfg(test)]
mod tests;
