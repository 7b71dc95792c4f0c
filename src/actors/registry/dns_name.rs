//! One followed DNS name of the registry: who claims it, and what it stands for.

use super::subscription::{MAX_SUBSCRIPTIONS, RevisedOptions, Subscription};
use super::{AddError, Origin};
use crate::target::{Address, Family, HostName, Label, TargetOptions};
use std::collections::HashSet;

/// A DNS name, with those who want it followed.
#[derive(Default)]
pub(super) struct DnsName {
    claims: Vec<NameSubscription>,
    /// What it stands for now.
    pub addresses: Vec<Address>,
    /// Whether there has been an answer.
    pub answered: bool,
}

/// Somebody's wish that a DNS name is followed.
pub(super) struct NameSubscription {
    pub name: Label,
    pub origin: Origin,
    pub given: RevisedOptions,
    /// Addresses that were removed one by one; the claim does not bring them back.
    excluded: HashSet<Address>,
}

impl NameSubscription {
    /// Addresses that it does not bring back.
    pub(super) fn excluded(&self) -> impl Iterator<Item = &Address> {
        self.excluded.iter()
    }

    fn wants(&self, address: Address) -> bool {
        let only = self.given.terms.overrides.as_ref().and_then(|overrides| overrides.only_family());
        only.is_none_or(|family: Family| family == address.family()) && !self.excluded.contains(&address)
    }
}

/// So many removed addresses are remembered for a claim: as many as a name can have.
const MAX_EXCLUDED: usize = 256;

impl DnsName {
    /// Makes a claim, or renews it; returns whether it is new.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn claim(
        &mut self,
        name: &Label,
        origin: Origin,
        given: RevisedOptions,
    ) -> Result<bool, AddError> {
        if let Some(claim) = self.find_mut(name, origin) {
            claim.given = given;
            return Ok(false);
        }
        if self.claims.len() >= MAX_SUBSCRIPTIONS {
            return Err(AddError::TooManyLabels(MAX_SUBSCRIPTIONS));
        }
        self.claims.push(NameSubscription { name: name.clone(), origin, given, excluded: HashSet::new() });
        Ok(true)
    }

    /// Ends a claim.
    pub(super) fn unclaim(&mut self, name: &Label, origin: Origin) {
        self.claims.retain(|claim| claim.origin != origin || claim.name != *name);
    }

    /// Whether anybody claims it.
    pub(super) fn is_claimed(&self) -> bool {
        !self.claims.is_empty()
    }

    /// Those who claim it.
    pub(super) fn claims(&self) -> impl Iterator<Item = &NameSubscription> {
        self.claims.iter()
    }

    /// What was said about a claim.
    pub(super) fn given_by(&self, name: &Label, origin: Origin) -> Option<&RevisedOptions> {
        self.claims
            .iter()
            .find(|claim| claim.origin == origin && claim.name == *name)
            .map(|claim| &claim.given)
    }

    /// What the claims want of the present addresses, and what they do not want any more.
    pub(super) fn wanted(&self, host: &HostName) -> Vec<(Address, Subscription, bool)> {
        let of = |claim: &NameSubscription| {
            let NameSubscription { name, origin, given, .. } = claim;
            let want = |&address: &Address| {
                let want = Subscription {
                    name: name.clone(),
                    by: Some(host.clone()),
                    origin: *origin,
                    given: given.clone(),
                };
                (address, want, claim.wants(address))
            };
            self.addresses.iter().map(want).collect::<Vec<_>>()
        };
        self.claims.iter().flat_map(of).collect()
    }

    /// Has no claim bring that address back; returns who has just given it up. One whose first answer is awaited
    /// may yet turn out to have it.
    pub(super) fn exclude(&mut self, address: Address) -> Vec<Label> {
        if self.answered && !self.addresses.contains(&address) {
            return Vec::new();
        }
        let room = |claim: &&mut NameSubscription| claim.excluded.len() < MAX_EXCLUDED;
        let excluding = self.claims.iter_mut().filter(room);
        excluding.filter_map(|claim| claim.excluded.insert(address).then(|| claim.name.clone())).collect()
    }

    /// The claim of that name wants no such address, as it was before a restart.
    pub(super) fn exclude_for(&mut self, name: &Label, address: Address) {
        for claim in self.claims.iter_mut().filter(|claim| claim.name == *name) {
            claim.excluded.insert(address);
        }
    }

    /// Has the claims of that name want every address again; returns whether that changes anything.
    pub(super) fn include(&mut self, name: &Label) -> bool {
        let claims = self.claims.iter_mut().filter(|claim| claim.name == *name);
        let excluded: usize = claims.map(|claim| std::mem::take(&mut claim.excluded).len()).sum();
        excluded > 0
    }

    fn find_mut(&mut self, name: &Label, origin: Origin) -> Option<&mut NameSubscription> {
        self.claims.iter_mut().find(|claim| claim.origin == origin && claim.name == *name)
    }

    /// The terms of those that the configuration claims.
    pub(super) fn declared(&self) -> impl Iterator<Item = (&Label, &TargetOptions)> {
        let declared = self.claims.iter().filter(|claim| claim.origin == Origin::Config);
        declared.map(|claim| (&claim.name, &claim.given.terms))
    }
}
