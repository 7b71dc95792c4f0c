//! The targets of the configuration, changed step by step from an earlier configuration to a later one.

use super::subscription::Subscription;
use super::{AddError, Change, NameState, NameSubscribed, Origin, Registry, RuntimeChange};
use crate::target::{Host, HostName, HostVariant, Label, NameVariant, TargetKey, TargetOptions, TargetSpec};

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
        host: HostVariant,
    },
}

impl<H: Clone> Registry<H> {
    /// The configured targets, without those that were removed at runtime since.
    pub fn configured(&self) -> Vec<TargetSpec> {
        self.subscribed_by(Origin::Config).into_iter().flatten().map(|(_, spec)| spec).collect()
    }

    /// Configured targets that were removed at runtime since; they stay removed.
    pub fn suppressed(&self) -> impl Iterator<Item = &(Label, HostVariant)> {
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
                self.drop_configured(&name, host, changes);
                Ok(None)
            }
        }
    }

    fn put(
        &mut self,
        configured: TargetSpec,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let (name, host) = (configured.name.clone(), configured.host_variant());
        if let Some(suppressed) = self.suppressed.get_mut(&(name.clone(), host.clone())) {
            *suppressed = configured.options;
            return Ok(None);
        }
        let overridden = self.overridden(&name, &host, &configured.options);
        let new = self.subscribe_config(configured, changes)?;
        if let Some(options) = overridden {
            self.replace_runtime_options(name, host, options, changes);
        }
        Ok(new)
    }

    /// The runtime options of a host without those that the configuration sets from now on: the latest value applies,
    /// after a restart too. `None` if nothing changes.
    fn overridden(
        &self,
        name: &Label,
        host: &HostVariant,
        options: &TargetOptions,
    ) -> Option<(TargetOptions, u32)> {
        let before = self.options_by(name, host, Origin::Config);
        let is_new = before.is_none_or(|(before, _)| before != options);
        let (runtime, revision) = self.options_by(name, host, Origin::Runtime).filter(|_| is_new)?;
        let left = runtime.minus(options);
        (left != *runtime).then_some((left, revision))
    }

    fn replace_runtime_options(
        &mut self,
        name: Label,
        HostVariant { host, variant }: HostVariant,
        (options, revision): (TargetOptions, u32),
        changes: &mut Vec<Change<H>>,
    ) {
        let change = TargetSpec { name: name.clone(), host, variant, options: options.clone() };
        // The subscription exists, so no limit applies.
        match &change.host {
            Host::Address(address) => {
                let key = TargetKey::new(*address, change.variant.clone());
                let subscription =
                    Subscription { name, dns_name: None, origin: Origin::Runtime, options, revision };
                let _ = self.subscribe(key, subscription, changes);
            }
            Host::Name(host) => {
                if let Some(dns_name) = self.dns_names.get_mut(host) {
                    let _ = dns_name.subscribe(&name, &change.variant, Origin::Runtime, (options, revision));
                }
                changes.extend(self.apply(host).0);
            }
        }
        self.runtime_changes.push(RuntimeChange::Add(change));
    }

    /// Restores a configured target that was removed, because it is added at runtime. Returns a DNS name that has to be
    /// followed from now on.
    ///
    /// # Errors
    /// [`AddError`] beyond a limit; then the target stays removed.
    pub(super) fn unsuppress_and_subscribe(
        &mut self,
        name: &Label,
        host: &HostVariant,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let Some(options) = self.unsuppress(name, host) else { return Ok(None) };
        let HostVariant { host: configured, variant } = host.clone();
        let configured =
            TargetSpec { name: name.clone(), host: configured, variant, options: options.clone() };
        self.subscribe_config(configured, changes).inspect_err(|_| {
            self.suppressed.insert((name.clone(), host.clone()), options);
            self.runtime_changes.pop();
        })
    }

    fn subscribe_config(
        &mut self,
        configured: TargetSpec,
        changes: &mut Vec<Change<H>>,
    ) -> Result<Option<HostName>, AddError> {
        let revision = self.next_revision();
        let host = configured.host.clone();
        let how = (Origin::Config, revision, &[][..]);
        let subscribed = self.subscribe_entry(configured, how, changes)?;
        Ok(new_name(subscribed, host))
    }

    fn drop_configured(&mut self, name: &Label, host: HostVariant, changes: &mut Vec<Change<H>>) {
        self.unsuppress(name, &host);
        let HostVariant { host, variant } = host;
        match host {
            Host::Address(address) => {
                let configured = |subscription: &Subscription| {
                    subscription.dns_name.is_none()
                        && subscription.origin == Origin::Config
                        && subscription.name == *name
                };
                self.unsubscribe(&TargetKey::new(address, variant), configured, changes);
            }
            Host::Name(host) => {
                let host = NameVariant { name: host, variant };
                self.drop_name_subscription(Origin::Config, name, &host, changes);
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
            RuntimeChange::Add(spec) => {
                let (subscribed, caused) = self.add(&spec)?;
                changes.extend(caused);
                follow = new_name(subscribed, spec.host);
            }
            RuntimeChange::ExcludeAddress { name, host, address } => {
                if let Some(dns_name) = self.dns_names.get_mut(&host.name) {
                    dns_name.exclude_for(&name, &host.variant, address);
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

/// The DNS name that has to be followed from now on.
fn new_name(subscribed: Option<NameSubscribed>, host: Host) -> Option<HostName> {
    match (subscribed, host) {
        (Some(subscribed), Host::Name(host)) if subscribed.name == NameState::New => Some(host),
        _ => None,
    }
}
