//! Who wants what: which addresses are pinged, under which names, and which DNS names are followed for them.
//!
//! Pure bookkeeping. It says what has to change; the supervisor has the actors to do it.

mod config_targets;
mod dns_name;
mod limits;
mod removal;
mod runtime_change;
mod runtime_state;
mod subscription;

use crate::target::{Address, Defaults, Host, HostName, Label, PingSettings, TargetOptions, TargetSpec};
use dns_name::DnsName;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use subscription::{RevisedOptions, Subscription};

pub use config_targets::ConfigChange;
pub use limits::{AddError, Filter, RegistryLimits};
pub use runtime_change::{Origin, RuntimeChange};
pub use subscription::TargetEntry;

/// The registry. `H` is whatever the owner needs to reach the actor of a target.
pub struct Registry<H> {
    limits: RegistryLimits,
    defaults: Defaults,
    /// Boxed, because a map that grows in order leaves nearly half of its places empty.
    targets: BTreeMap<Address, Box<TargetEntry<H>>>,
    /// Every name with every address that it wants, but for addresses that are called as they are; the second is
    /// `None` only to look for a name's first.
    by_name: BTreeSet<(Label, Option<Address>)>,
    followed: HashMap<HostName, DnsName>,
    /// The followed names of each label.
    claims: HashMap<Label, Vec<HostName>>,
    /// What the configuration wants, and on which terms, and somebody has removed since.
    bans: HashMap<(Label, Host), TargetOptions>,
    /// What was wished live since the owner took it last.
    wishes: Vec<RuntimeChange>,
    /// Counts the terms given, for the last ones win.
    revision: u64,
}

/// What has to happen outside after a change of the registry.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<H> {
    /// A target is new: start its actor, and set its handle.
    Start(Address),
    /// A target is pinged in another manner.
    Adjust(H, PingSettings),
    /// Nobody wants a target any more.
    Retire(Address, H),
    /// Nobody wants a DNS name any more.
    Unfollow(HostName),
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameSubscribed {
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
    pub fn new(limits: RegistryLimits, defaults: Defaults) -> Self {
        Self {
            limits,
            defaults,
            targets: BTreeMap::new(),
            by_name: BTreeSet::new(),
            followed: HashMap::new(),
            claims: HashMap::new(),
            bans: HashMap::new(),
            wishes: Vec::new(),
            revision: 0,
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
    pub fn get(&self, address: &Address) -> Option<&TargetEntry<H>> {
        self.targets.get(address).map(Box::as_ref)
    }

    /// Notes how the actor of a target is reached.
    pub fn set_handle(&mut self, address: &Address, handle: H) {
        if let Some(entry) = self.targets.get_mut(address) {
            entry.handle = Some(handle);
        }
    }

    /// How a target is pinged.
    pub fn ping_settings(&self, entry: &TargetEntry<H>) -> PingSettings {
        self.defaults.ping_settings(entry.terms())
    }

    /// Changes the limits; what is there already stays.
    pub fn set_limits(&mut self, limits: RegistryLimits) {
        self.limits = limits;
    }

    /// Changes what goes for targets that say nothing themselves.
    pub fn set_defaults(&mut self, defaults: Defaults) -> Vec<Change<H>> {
        let before = std::mem::replace(&mut self.defaults, defaults);
        let adjusted = |entry: &TargetEntry<H>| {
            let ping_settings = defaults.ping_settings(entry.terms());
            let handle =
                entry.handle.clone().filter(|_| ping_settings != before.ping_settings(entry.terms()))?;
            Some(Change::Adjust(handle, ping_settings))
        };
        self.targets.values().filter_map(|entry| adjusted(entry)).collect()
    }

    /// What was wished live since this was last asked, in order.
    pub fn drain_changes(&mut self) -> Vec<RuntimeChange> {
        std::mem::take(&mut self.wishes)
    }

    /// Adds an address under a name. Terms that it does not give stay as they were.
    ///
    /// # Errors
    /// [`AddError::TooManyTargets`], [`AddError::TooManyLabels`].
    pub fn add_address(
        &mut self,
        name: &Label,
        address: Address,
        terms: &TargetOptions,
    ) -> Result<Vec<Change<H>>, AddError> {
        let mut changes = Vec::new();
        let host = Host::Address(address);
        self.lift_ban(name, &host, &mut changes)?;
        let given = self.renewed(name, &host, terms);
        let wish = RuntimeChange::Add(TargetSpec { name: name.clone(), host, options: given.terms.clone() });
        let want = Subscription { name: name.clone(), by: None, origin: Origin::Runtime, given };
        self.want(address, want, &mut changes)?;
        self.wishes.push(wish);
        Ok(changes)
    }

    /// Notes that a DNS name is wanted under a name. Addresses that had been removed from the claim come back, and
    /// terms that it does not give stay as they were.
    ///
    /// # Errors
    /// [`AddError::TooManyNames`], [`AddError::TooManyTargets`], [`AddError::TooManyLabels`].
    pub fn claim(
        &mut self,
        name: &Label,
        host: &HostName,
        terms: &TargetOptions,
    ) -> Result<(NameSubscribed, Vec<Change<H>>), AddError> {
        let mut changes = Vec::new();
        let wanted = Host::Name(host.clone());
        let new = self.lift_ban(name, &wanted, &mut changes)?;
        let given = self.renewed(name, &wanted, terms);
        let options = given.terms.clone();
        let wish = RuntimeChange::Add(TargetSpec { name: name.clone(), host: wanted, options });
        let (mut claimed, caused) = self.claim_as(Origin::Runtime, name, host, given)?;
        changes.extend(caused);
        if new.is_some() {
            claimed.name = NameState::New;
        }
        self.wishes.push(wish);
        Ok((claimed, changes))
    }

    fn claim_as(
        &mut self,
        origin: Origin,
        name: &Label,
        host: &HostName,
        given: RevisedOptions,
    ) -> Result<(NameSubscribed, Vec<Change<H>>), AddError> {
        if !self.followed.contains_key(host) && self.followed.len() >= self.limits.names {
            return Err(AddError::TooManyNames(self.limits.names));
        }
        let state = self.state(host);
        let followed = self.followed.entry(host.clone()).or_default();
        let fresh = followed.claim(name, origin, given)?;
        if origin == Origin::Runtime && followed.include(name) {
            self.wishes.push(RuntimeChange::IncludeAddresses { name: name.clone(), host: host.clone() });
        }
        if fresh && followed.claims().filter(|claim| claim.name == *name).count() == 1 {
            self.claims.entry(name.clone()).or_default().push(host.clone());
        }
        let (changes, refused) = self.apply(host);
        match refused {
            // What began to be wanted is nothing, so nothing but the claim is to be undone.
            Some(error) if fresh && !self.wants_any(name, host) => {
                self.drop_claim(origin, name, host, &mut Vec::new());
                Err(error)
            }
            _ => Ok((NameSubscribed { fresh, name: state }, changes)),
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

    /// The targets that a filter means, in address order: at most `limit` of those after an address, and how many
    /// it means in all.
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

    /// What somebody who wants a host itself, not what is behind it, has said about it.
    fn given_by(&self, name: &Label, host: &Host, origin: Origin) -> Option<&RevisedOptions> {
        match host {
            Host::Address(address) => self.targets.get(address)?.given_by(name, origin),
            Host::Name(host) => self.followed.get(host)?.given_by(name, origin),
        }
    }

    /// What was said live about a host, with what is said now.
    fn renewed(&mut self, name: &Label, host: &Host, terms: &TargetOptions) -> RevisedOptions {
        let revision = self.next_revision();
        self.given_by(name, host, Origin::Runtime).cloned().unwrap_or_default().renewed(terms, revision)
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn want(
        &mut self,
        address: Address,
        want: Subscription,
        changes: &mut Vec<Change<H>>,
    ) -> Result<(), AddError> {
        if !self.targets.contains_key(&address) {
            if self.targets.len() >= self.limits.targets {
                return Err(AddError::TooManyTargets(self.limits.targets));
            }
            self.targets.insert(address, Box::new(TargetEntry::new()));
            changes.push(Change::Start(address));
        }
        let Some(entry) = self.targets.get_mut(&address) else { return Ok(()) };
        let name = want.name.clone();
        let wanted = entry.want(want)?;
        let adjusted = wanted.adjusted.then(|| entry.handle.clone()).flatten();
        let ping_settings = self.defaults.ping_settings(entry.terms());
        if wanted.fresh && own_address(&name) != Some(address) {
            self.by_name.insert((name, Some(address)));
        }
        changes.extend(adjusted.map(|handle| Change::Adjust(handle, ping_settings)));
        Ok(())
    }

    /// Ends the wants of an address that match, and the target with the last of them; returns those that ended.
    fn unwant(
        &mut self,
        address: Address,
        ends: impl Fn(&Subscription) -> bool,
        changes: &mut Vec<Change<H>>,
    ) -> Vec<Subscription> {
        let Some(entry) = self.targets.get_mut(&address) else { return Vec::new() };
        let unwanted = entry.unwant(ends);
        for name in unwanted.names {
            self.by_name.remove(&(name, Some(address)));
        }
        if !entry.is_wanted() {
            let retire = |handle| Change::Retire(address, handle);
            changes.extend(self.targets.remove(&address).and_then(|entry| entry.handle).map(retire));
        } else if let Some(handle) = entry.handle.clone().filter(|_| unwanted.adjusted) {
            changes.push(Change::Adjust(handle, self.defaults.ping_settings(entry.terms())));
        }
        unwanted.ended.into_vec()
    }

    /// Has every claim of a DNS name want what it is to want, and nothing else.
    fn apply(&mut self, host: &HostName) -> (Vec<Change<H>>, Option<AddError>) {
        let (mut changes, mut refused) = (Vec::new(), None);
        let wanted = self.followed.get(host).map_or_else(Vec::new, |followed| followed.wanted(host));
        for (address, want, is_wanted) in wanted {
            if is_wanted {
                refused = self.want(address, want, &mut changes).err().or(refused);
            } else {
                self.unwant(address, |other| other.is_same(&want), &mut changes);
            }
        }
        (changes, refused)
    }
}

/// The address that a name is the text of: it is found without an index.
fn own_address(name: &Label) -> Option<Address> {
    name.parse().ok()
}

#[cfg(test)]
mod origin_tests;
#[cfg(test)]
mod tests;
