//! One followed DNS name of the registry: who claims it, and what it stands for.

use super::entry::MOST_LABELS;
use super::{AddError, Given};
use crate::target::{Address, Label};
use std::collections::HashSet;

/// A DNS name, with those who want it followed.
#[derive(Default)]
pub(super) struct Followed {
    claims: Vec<Claim>,
    /// What it stands for now.
    pub addresses: Vec<Address>,
    /// Whether there has been an answer.
    pub answered: bool,
}

struct Claim {
    name: Label,
    interval: Option<Given>,
    /// Addresses that were removed one by one; the claim does not bring them back.
    excluded: HashSet<Address>,
}

/// So many removed addresses are remembered for a claim: as many as a name can have.
const MOST_EXCLUDED: usize = 256;

impl Followed {
    /// Makes a claim, or renews it; returns whether it is new.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub fn claim(&mut self, name: &Label, given: Option<Given>) -> Result<bool, AddError> {
        if let Some(claim) = self.claims.iter_mut().find(|claim| claim.name == *name) {
            claim.interval = given.or(claim.interval);
            claim.excluded.clear();
            return Ok(false);
        }
        if self.claims.len() >= MOST_LABELS {
            return Err(AddError::TooManyLabels(MOST_LABELS));
        }
        self.claims.push(Claim { name: name.clone(), interval: given, excluded: HashSet::new() });
        Ok(true)
    }

    /// Ends a claim; returns whether none is left.
    pub fn unclaim(&mut self, name: &Label) -> bool {
        self.claims.retain(|claim| claim.name != *name);
        self.claims.is_empty()
    }

    /// The names that claim it.
    pub fn names(&self) -> impl Iterator<Item = Label> + '_ {
        self.claims.iter().map(|claim| claim.name.clone())
    }

    /// What each claim wants of the present addresses, and with which interval.
    pub fn wanted(&self) -> Vec<(Label, Option<Given>, Vec<Address>)> {
        let of = |claim: &Claim| {
            let wanted = self.addresses.iter().filter(|address| !claim.excluded.contains(address));
            (claim.name.clone(), claim.interval, wanted.copied().collect())
        };
        self.claims.iter().map(of).collect()
    }

    /// Has no claim bring that address back. One whose first answer is awaited may yet turn out to have it.
    pub fn exclude(&mut self, address: Address) {
        if self.answered && !self.addresses.contains(&address) {
            return;
        }
        for claim in &mut self.claims {
            if claim.excluded.len() < MOST_EXCLUDED {
                claim.excluded.insert(address);
            }
        }
    }
}
