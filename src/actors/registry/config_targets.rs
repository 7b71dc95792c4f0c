//! What the configuration wants, as a difference to what it wanted before.

use super::subscription::{RevisedOptions, Subscription};
use super::{AddError, Change, NameState, Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, Label, TargetOptions, TargetSpec};

/// One step from an earlier configuration to a later one.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigChange {
    /// Adds a target, or replaces its options.
    Put(TargetSpec),
    /// A host is not wanted any more.
    Drop {
        /// How it was called.
        name: Label,
        /// What was pinged.
        host: Host,
    },
}

impl<H: Clone> Registry<H> {
    /// What the configuration wants at present. What was removed live since is not among it.
    pub fn declared(&self) -> Vec<TargetSpec> {
        let mut declared = Vec::new();
        for (address, entry) in &self.targets {
            let own = entry.wants().filter(|want| want.by.is_none() && want.origin == Origin::Config);
            declared.extend(own.map(|want| TargetSpec {
                name: want.name.clone(),
                host: Host::Address(*address),
                options: want.given.terms.clone(),
            }));
        }
        for (host, followed) in &self.followed {
            declared.extend(followed.declared().map(|(name, options)| TargetSpec {
                name: name.clone(),
                host: Host::Name(host.clone()),
                options: options.clone(),
            }));
        }
        declared
    }

    /// What the configuration wants and somebody has removed live since: it stays away.
    pub fn banned(&self) -> impl Iterator<Item = &(Label, Host)> {
        self.bans.keys()
    }

    /// Takes one step towards another configuration. `Some` is a DNS name that has to be followed from now on.
    ///
    /// # Errors
    /// [`AddError`] for what is beyond a limit.
    pub fn amend(
        &mut self,
        amendment: ConfigChange,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        match amendment {
            ConfigChange::Put(declared) => self.put(declared, changes),
            ConfigChange::Drop { name, host } => {
                self.withdraw(&name, &host, changes);
                Ok(None)
            }
        }
    }

    fn put(
        &mut self,
        TargetSpec { name, host, options }: TargetSpec,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        if let Some(banned) = self.bans.get_mut(&(name.clone(), host.clone())) {
            *banned = options;
            return Ok(None);
        }
        let outranked = self.outranked(&name, &host, &options);
        let new =
            self.put_as_declared(TargetSpec { name: name.clone(), host: host.clone(), options }, changes)?;
        if let Some(given) = outranked {
            self.restrict(name, host, given, changes);
        }
        Ok(new)
    }

    /// What was said live about a host, without what the configuration says otherwise from now on: the last word
    /// counts, after a restart too. `None` if nothing changes.
    fn outranked(&self, name: &Label, host: &Host, terms: &TargetOptions) -> Option<RevisedOptions> {
        let before = self.given_by(name, host, Origin::Config);
        let is_new = before.is_none_or(|before| before.terms != *terms);
        let live = self.given_by(name, host, Origin::Runtime).filter(|_| is_new)?;
        let left = live.terms.minus(terms);
        (left != live.terms).then(|| live.with(left))
    }

    fn restrict(&mut self, name: Label, host: Host, given: RevisedOptions, changes: &mut Vec<Change<H>>) {
        let options = given.terms.clone();
        // It is there already, so there is room for it.
        match &host {
            Host::Address(address) => {
                let want = Subscription { name: name.clone(), by: None, origin: Origin::Runtime, given };
                let _ = self.want(*address, want, changes);
            }
            Host::Name(host) => {
                if let Some(followed) = self.followed.get_mut(host) {
                    let _ = followed.claim(&name, Origin::Runtime, given);
                }
                changes.extend(self.apply(host).0);
            }
        }
        self.wishes.push(RuntimeChange::Add(TargetSpec { name, host, options }));
    }

    /// What the configuration wants and was removed is wanted again, since somebody wishes it live. `Some` is a DNS
    /// name that has to be followed from now on.
    ///
    /// # Errors
    /// [`AddError`] for what is beyond a limit; then it stays away.
    pub(super) fn lift_ban(
        &mut self,
        name: &Label,
        host: &Host,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let Some(terms) = self.unban(name, host) else { return Ok(None) };
        let declared = TargetSpec { name: name.clone(), host: host.clone(), options: terms.clone() };
        self.put_as_declared(declared, changes).inspect_err(|_| {
            self.bans.insert((name.clone(), host.clone()), terms);
            self.wishes.pop();
        })
    }

    fn put_as_declared(
        &mut self,
        TargetSpec { name, host, options }: TargetSpec,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let given = RevisedOptions::at(options, self.next_revision());
        match host {
            Host::Address(address) => {
                let want = Subscription { name, by: None, origin: Origin::Config, given };
                self.want(address, want, changes).map(|()| None)
            }
            Host::Name(host) => {
                let (claimed, caused) = self.claim_as(Origin::Config, &name, &host, given)?;
                changes.extend(caused);
                Ok((claimed.name == NameState::New).then_some(host))
            }
        }
    }

    fn withdraw(&mut self, name: &Label, host: &Host, changes: &mut Vec<Change<H>>) {
        self.unban(name, host);
        match host {
            Host::Address(address) => {
                let declared = |want: &Subscription| {
                    want.by.is_none() && want.origin == Origin::Config && want.name == *name
                };
                self.unwant(*address, declared, changes);
            }
            Host::Name(host) => {
                self.drop_claim(Origin::Config, name, host, changes);
            }
        }
    }

    /// Has things as they were wished live before a restart. `Some` is a DNS name that has to be followed.
    ///
    /// Bans are to come before the configuration, everything else behind it.
    ///
    /// # Errors
    /// [`AddError`] for what is beyond a limit.
    pub fn restore(
        &mut self,
        wish: RuntimeChange,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let mut follow = None;
        match wish {
            RuntimeChange::Add(TargetSpec { name, host: Host::Address(address), options }) => {
                changes.extend(self.add_address(&name, address, &options)?);
            }
            RuntimeChange::Add(TargetSpec { name, host: Host::Name(host), options }) => {
                let (claimed, caused) = self.claim(&name, &host, &options)?;
                changes.extend(caused);
                follow = (claimed.name == NameState::New).then_some(host);
            }
            RuntimeChange::ExcludeAddress { name, host, address } => {
                if let Some(followed) = self.followed.get_mut(&host) {
                    followed.exclude_for(&name, address);
                }
            }
            RuntimeChange::Suppress { name, host } => {
                self.bans.insert((name, host), TargetOptions::default());
            }
            // What is over needs no restoring.
            RuntimeChange::Remove { .. }
            | RuntimeChange::IncludeAddresses { .. }
            | RuntimeChange::Unsuppress { .. } => {}
        }
        // What comes from the store need not go there.
        self.wishes.clear();
        Ok(follow)
    }
}
