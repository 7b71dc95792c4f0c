//! How what was wanted goes: over the control socket, whoever wanted it; for good, so that no restart brings it back.

use super::subscription::Subscription;
use super::{Change, Origin, Registry, RuntimeChange};
use crate::target::{Address, Host, HostName, Label, TargetOptions};

impl<H: Clone> Registry<H> {
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

    /// Whether [`Self::drain_changes`] would return any change.
    pub const fn has_changes(&self) -> bool {
        !self.wishes.is_empty()
    }

    /// Takes back what was claimed live: the name turned out to be none.
    pub fn unclaim(&mut self, name: &Label, host: &HostName) -> Vec<Change<H>> {
        let mut changes = Vec::new();
        self.end_claim(Origin::Runtime, name, host, &mut changes);
        changes
    }

    fn remove_name(&mut self, name: &Label, changes: &mut Vec<Change<H>>) {
        for host in self.claims.get(name).cloned().unwrap_or_default() {
            self.end_claims(name, &host, changes);
        }
        let addresses: Vec<Address> = self.addresses_of(name).collect();
        for address in addresses {
            let ended = self.unwant(address, |want| want.name == *name, changes);
            self.note_ended(address, &ended);
        }
    }

    fn remove_address(&mut self, address: Address, changes: &mut Vec<Change<H>>) {
        for (host, followed) in &mut self.followed {
            let excluding = followed.exclude(address).into_iter();
            self.wishes.extend(excluding.map(|name| RuntimeChange::ExcludeAddress {
                name,
                host: host.clone(),
                address,
            }));
        }
        let ended = self.unwant(address, |_| true, changes);
        self.note_ended(address, &ended);
    }

    fn remove_host(&mut self, host: &HostName, changes: &mut Vec<Change<H>>) {
        let Some(followed) = self.followed.get(host) else { return };
        let names: Vec<Label> = followed.claims().map(|claim| claim.name.clone()).collect();
        for name in names {
            self.end_claims(&name, host, changes);
        }
    }

    /// Notes what the end of somebody's wish for an address is to be remembered as.
    fn note_ended(&mut self, address: Address, ended: &[Subscription]) {
        for want in ended.iter().filter(|want| want.by.is_none()) {
            self.note_end(want.origin, &want.name, Host::Address(address), &want.given.terms);
        }
    }

    fn note_end(&mut self, origin: Origin, name: &Label, host: Host, terms: &TargetOptions) {
        let name = name.clone();
        match origin {
            Origin::Runtime => self.wishes.push(RuntimeChange::Remove { name, host }),
            Origin::Config => {
                self.bans.insert((name.clone(), host.clone()), terms.clone());
                self.wishes.push(RuntimeChange::Suppress { name, host });
            }
        }
    }

    fn end_claims(&mut self, name: &Label, host: &HostName, changes: &mut Vec<Change<H>>) {
        self.end_claim(Origin::Config, name, host, changes);
        self.end_claim(Origin::Runtime, name, host, changes);
    }

    fn end_claim(&mut self, origin: Origin, name: &Label, host: &HostName, changes: &mut Vec<Change<H>>) {
        let claimed = Host::Name(host.clone());
        let given = self.given_by(name, &claimed, origin).cloned();
        self.drop_claim(origin, name, host, changes);
        if let Some(given) = given {
            self.note_end(origin, name, claimed, &given.terms);
        }
    }

    /// Ends a claim, with what it wants.
    pub(super) fn drop_claim(
        &mut self,
        origin: Origin,
        name: &Label,
        host: &HostName,
        changes: &mut Vec<Change<H>>,
    ) {
        let Some(followed) = self.followed.get_mut(host) else { return };
        followed.unclaim(name, origin);
        let claimed = followed.is_claimed();
        let named = followed.claims().any(|claim| claim.name == *name);
        for address in followed.addresses.clone() {
            let of_claim = |want: &Subscription| {
                want.origin == origin && want.name == *name && want.by.as_ref() == Some(host)
            };
            self.unwant(address, of_claim, changes);
        }
        if !named && let Some(hosts) = self.claims.get_mut(name) {
            hosts.retain(|other| other != host);
            if hosts.is_empty() {
                self.claims.remove(name);
            }
        }
        if !claimed {
            self.followed.remove(host);
            changes.push(Change::Unfollow(host.clone()));
        }
    }

    /// Nothing is kept away any more; returns on which terms the configuration wants it.
    pub(super) fn unban(&mut self, name: &Label, host: &Host) -> Option<TargetOptions> {
        let ((name, host), terms) = self.bans.remove_entry(&(name.clone(), host.clone()))?;
        self.wishes.push(RuntimeChange::Unsuppress { name, host });
        Some(terms)
    }
}
