//! The targets of the configuration, changed step by step from an earlier configuration to a later one.

use super::subscription::{RevisedOptions, Subscription};
use super::{AddError, Change, NameState, Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, Label, TargetOptions, TargetSpec};

/// One step from an earlier configuration to a later one.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigChange {
    /// A target is configured, with exactly these options.
    Put(TargetSpec),
    /// A target is no longer configured.
    Drop {
        /// Its name.
        name: Label,
        /// The host.
        host: Host,
    },
}

impl<H: Clone> Registry<H> {
    /// The configured targets, without those that were removed at runtime since.
    pub fn configured(&self) -> Vec<TargetSpec> {
        let mut configured = Vec::new();
        for (address, entry) in &self.targets {
            let own = entry.subscriptions().filter(|subscription| {
                subscription.dns_name.is_none() && subscription.origin == Origin::Config
            });
            configured.extend(own.map(|subscription| TargetSpec {
                name: subscription.name.clone(),
                host: Host::Address(*address),
                options: subscription.revised.options.clone(),
            }));
        }
        for (host, dns_name) in &self.dns_names {
            configured.extend(dns_name.configured().map(|(name, options)| TargetSpec {
                name: name.clone(),
                host: Host::Name(host.clone()),
                options: options.clone(),
            }));
        }
        configured
    }

    /// Configured targets that were removed at runtime since; they stay removed.
    pub fn suppressed(&self) -> impl Iterator<Item = &(Label, Host)> {
        self.suppressed.keys()
    }

    /// Applies one change of the configuration. Returns a DNS name that has to be followed from now on.
    ///
    /// # Errors
    /// [`AddError`] beyond a limit.
    pub fn apply_change(
        &mut self,
        change: ConfigChange,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        match change {
            ConfigChange::Put(configured) => self.put(configured, changes),
            ConfigChange::Drop { name, host } => {
                self.drop_configured(&name, &host, changes);
                Ok(None)
            }
        }
    }

    fn put(
        &mut self,
        TargetSpec { name, host, options }: TargetSpec,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        if let Some(suppressed) = self.suppressed.get_mut(&(name.clone(), host.clone())) {
            *suppressed = options;
            return Ok(None);
        }
        let overridden = self.overridden(&name, &host, &options);
        let new =
            self.subscribe_config(TargetSpec { name: name.clone(), host: host.clone(), options }, changes)?;
        if let Some(revised) = overridden {
            self.replace_runtime_options(name, host, revised, changes);
        }
        Ok(new)
    }

    /// The runtime options of a host without those that the configuration sets from now on: the latest value applies,
    /// after a restart too. `None` if nothing changes.
    fn overridden(&self, name: &Label, host: &Host, options: &TargetOptions) -> Option<RevisedOptions> {
        let before = self.options_by(name, host, Origin::Config);
        let is_new = before.is_none_or(|before| before.options != *options);
        let runtime = self.options_by(name, host, Origin::Runtime).filter(|_| is_new)?;
        let left = runtime.options.minus(options);
        (left != runtime.options).then(|| runtime.with(left))
    }

    fn replace_runtime_options(
        &mut self,
        name: Label,
        host: Host,
        revised: RevisedOptions,
        changes: &mut Vec<Change<H>>,
    ) {
        let options = revised.options.clone();
        // The subscription exists, so no limit applies.
        match &host {
            Host::Address(address) => {
                let subscription =
                    Subscription { name: name.clone(), dns_name: None, origin: Origin::Runtime, revised };
                let _ = self.subscribe(*address, subscription, changes);
            }
            Host::Name(host) => {
                if let Some(dns_name) = self.dns_names.get_mut(host) {
                    let _ = dns_name.subscribe(&name, Origin::Runtime, revised);
                }
                changes.extend(self.apply(host).0);
            }
        }
        self.runtime_changes.push(RuntimeChange::Add(TargetSpec { name, host, options }));
    }

    /// Restores a configured target that was removed, because it is added at runtime. Returns a DNS name that has to be
    /// followed from now on.
    ///
    /// # Errors
    /// [`AddError`] beyond a limit; then the target stays removed.
    pub(super) fn unsuppress_and_subscribe(
        &mut self,
        name: &Label,
        host: &Host,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let Some(options) = self.unsuppress(name, host) else { return Ok(None) };
        let configured = TargetSpec { name: name.clone(), host: host.clone(), options: options.clone() };
        self.subscribe_config(configured, changes).inspect_err(|_| {
            self.suppressed.insert((name.clone(), host.clone()), options);
            self.runtime_changes.pop();
        })
    }

    fn subscribe_config(
        &mut self,
        TargetSpec { name, host, options }: TargetSpec,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let revised = RevisedOptions::at(options, self.next_revision());
        match host {
            Host::Address(address) => {
                let subscription = Subscription { name, dns_name: None, origin: Origin::Config, revised };
                self.subscribe(address, subscription, changes).map(|()| None)
            }
            Host::Name(host) => {
                let (subscribed, caused) = self.subscribe_name_as(Origin::Config, &name, &host, revised)?;
                changes.extend(caused);
                Ok((subscribed.name == NameState::New).then_some(host))
            }
        }
    }

    fn drop_configured(&mut self, name: &Label, host: &Host, changes: &mut Vec<Change<H>>) {
        self.unsuppress(name, host);
        match host {
            Host::Address(address) => {
                let configured = |subscription: &Subscription| {
                    subscription.dns_name.is_none()
                        && subscription.origin == Origin::Config
                        && subscription.name == *name
                };
                self.unsubscribe(*address, configured, changes);
            }
            Host::Name(host) => {
                self.drop_name_subscription(Origin::Config, name, host, changes);
            }
        }
    }

    /// Applies a runtime change from before a restart. Returns a DNS name that has to be followed.
    ///
    /// `Suppress` has to come before the configuration, everything else after it.
    ///
    /// # Errors
    /// [`AddError`] beyond a limit.
    pub fn restore(
        &mut self,
        change: RuntimeChange,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let mut follow = None;
        match change {
            RuntimeChange::Add(TargetSpec { name, host: Host::Address(address), options }) => {
                changes.extend(self.add_address(&name, address, &options)?);
            }
            RuntimeChange::Add(TargetSpec { name, host: Host::Name(host), options }) => {
                let (subscribed, caused) = self.subscribe_name(&name, &host, &options)?;
                changes.extend(caused);
                follow = (subscribed.name == NameState::New).then_some(host);
            }
            RuntimeChange::ExcludeAddress { name, host, address } => {
                if let Some(dns_name) = self.dns_names.get_mut(&host) {
                    dns_name.exclude_for(&name, address);
                }
            }
            RuntimeChange::Suppress { name, host } => {
                self.suppressed.insert((name, host), TargetOptions::default());
            }
            // The state before a restart holds none of these.
            RuntimeChange::Remove { .. }
            | RuntimeChange::IncludeAddresses { .. }
            | RuntimeChange::Unsuppress { .. } => {}
        }
        // The store has this change already.
        self.runtime_changes.clear();
        Ok(follow)
    }
}
