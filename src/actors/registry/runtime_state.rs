//! Everything that is wished live at present.

use super::subscription::Subscription;
use super::{Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, TargetSpec};

impl<H: Clone> Registry<H> {
    /// The wishes that, restored in this order, have everything as it is: bans, then wants, then exclusions. Those who
    /// want the same host come in their order, and again in that of their terms where it is another.
    pub fn wished(&self) -> Vec<RuntimeChange> {
        let ban = |(name, host): &(_, Host)| RuntimeChange::Suppress {
            name: Clone::clone(name),
            host: host.clone(),
        };
        let mut wishes: Vec<RuntimeChange> = self.bans.keys().map(ban).collect();
        for (address, entry) in &self.targets {
            let live = entry.wants().filter(|want| want.by.is_none() && want.origin == Origin::Runtime);
            let live = live.map(|want| (want.given.revision(), wish_of(want, Host::Address(*address))));
            wishes.extend(in_both_orders(live.collect()));
        }
        for (host, followed) in &self.followed {
            let live = followed.claims().filter(|claim| claim.origin == Origin::Runtime);
            let wish = |claim: &super::dns_name::NameSubscription| {
                let (name, host) = (claim.name.clone(), Host::Name(host.clone()));
                RuntimeChange::Add(TargetSpec { name, host, options: claim.given.terms.clone() })
            };
            wishes.extend(in_both_orders(live.map(|claim| (claim.given.revision(), wish(claim))).collect()));
        }
        for (host, followed) in &self.followed {
            wishes.extend(followed.claims().flat_map(|claim| exclusions(claim, host)));
        }
        wishes
    }
}

fn wish_of(want: &Subscription, host: Host) -> RuntimeChange {
    RuntimeChange::Add(TargetSpec { name: want.name.clone(), host, options: want.given.terms.clone() })
}

fn exclusions<'a>(
    claim: &'a super::dns_name::NameSubscription,
    host: &'a HostName,
) -> impl Iterator<Item = RuntimeChange> + 'a {
    let exclude =
        |&address| RuntimeChange::ExcludeAddress { name: claim.name.clone(), host: host.clone(), address };
    claim.excluded().map(exclude)
}

fn in_both_orders(wants: Vec<(u64, RuntimeChange)>) -> Vec<RuntimeChange> {
    let mut later = Vec::new();
    if !wants.is_sorted_by_key(|(revision, _)| *revision) {
        later.clone_from(&wants);
        later.sort_by_key(|(revision, _)| *revision);
    }
    wants.into_iter().chain(later).map(|(_, wish)| wish).collect()
}
