//! Removal over the control socket: ends subscriptions of every origin, and records that so that it survives a restart.

use super::subscription::Subscription;
use super::{Change, Origin, Registry, RuntimeChange};
use crate::target::{
    Address, Host, HostName, HostSelector, HostVariant, Label, NameVariant, TargetKey, TargetOptions, Variant,
};

impl<H: Clone> Registry<H> {
    /// Removes everything with that name, and everything with that host.
    pub fn remove(&mut self, name: Option<&Label>, host: Option<&HostSelector>) -> Vec<Change<H>> {
        let mut changes = Vec::new();
        if let Some(name) = name {
            self.remove_name(name, &mut changes);
        }
        if let Some(HostSelector { host, variant }) = host {
            match host {
                Host::Address(address) => self.remove_address(*address, variant.as_ref(), &mut changes),
                Host::Name(host) => self.remove_host(host, variant.as_ref(), &mut changes),
            }
        }
        changes
    }

    /// Whether [`Self::drain_changes`] would return any change.
    pub const fn has_changes(&self) -> bool {
        !self.runtime_changes.is_empty()
    }

    /// Undoes a runtime subscription: the DNS name does not exist.
    pub fn unsubscribe_name(&mut self, name: &Label, host: &NameVariant) -> Vec<Change<H>> {
        let mut changes = Vec::new();
        self.end_name_subscription(Origin::Runtime, name, host, &mut changes);
        changes
    }

    fn remove_name(&mut self, name: &Label, changes: &mut Vec<Change<H>>) {
        for host in self.hosts_of_label.get(name).cloned().unwrap_or_default() {
            self.end_name_subscriptions(&host, |other, _| other == name, changes);
        }
        for key in self.keys_of_label(name) {
            let ended = self.unsubscribe(&key, |subscription| subscription.name == *name, changes);
            self.record_ended(&key, &ended);
        }
    }

    fn remove_address(&mut self, address: Address, variant: Option<&Variant>, changes: &mut Vec<Change<H>>) {
        for (host, dns_name) in &mut self.dns_names {
            let excluding = dns_name.exclude(address, variant).into_iter();
            self.runtime_changes.extend(excluding.map(|(name, variant)| RuntimeChange::ExcludeAddress {
                name,
                host: NameVariant { name: host.clone(), variant },
                address,
            }));
        }
        for key in self.keys_of_address(address) {
            if variant.is_none_or(|variant| key.variant() == variant.as_str()) {
                let ended = self.unsubscribe(&key, |_| true, changes);
                self.record_ended(&key, &ended);
            }
        }
    }

    fn remove_host(&mut self, host: &HostName, variant: Option<&Variant>, changes: &mut Vec<Change<H>>) {
        let selects = |_: &Label, other: &Variant| variant.is_none_or(|variant| other == variant);
        self.end_name_subscriptions(host, selects, changes);
    }

    /// Records the end of subscriptions to an address itself.
    fn record_ended(&mut self, key: &TargetKey, ended: &[Subscription]) {
        for subscription in ended.iter().filter(|subscription| subscription.dns_name.is_none()) {
            let host = key.clone().into();
            self.record_end(subscription.origin, &subscription.name, host, &subscription.options);
        }
    }

    fn record_end(&mut self, origin: Origin, name: &Label, host: HostVariant, options: &TargetOptions) {
        let name = name.clone();
        match origin {
            Origin::Runtime => self.runtime_changes.push(RuntimeChange::Remove { name, host }),
            Origin::Config => {
                self.suppressed.insert((name.clone(), host.clone()), options.clone());
                self.runtime_changes.push(RuntimeChange::Suppress { name, host });
            }
        }
    }

    /// Ends the subscriptions to a DNS name that are selected by name and variant.
    fn end_name_subscriptions(
        &mut self,
        host: &HostName,
        selects: impl Fn(&Label, &Variant) -> bool,
        changes: &mut Vec<Change<H>>,
    ) {
        let Some(dns_name) = self.dns_names.get(host) else { return };
        let selected = dns_name.subscriptions().filter(|it| selects(&it.name, &it.variant));
        let ending: Vec<(Origin, Label, Variant)> =
            selected.map(|it| (it.origin, it.name.clone(), it.variant.clone())).collect();
        for (origin, name, variant) in ending {
            let host = NameVariant { name: host.clone(), variant };
            self.end_name_subscription(origin, &name, &host, changes);
        }
    }

    fn end_name_subscription(
        &mut self,
        origin: Origin,
        name: &Label,
        host: &NameVariant,
        changes: &mut Vec<Change<H>>,
    ) {
        let subject = HostVariant::from(host.clone());
        let options = self.options_by(name, &subject, origin).map(|(options, _)| options.clone());
        self.drop_name_subscription(origin, name, host, changes);
        if let Some(options) = options {
            self.record_end(origin, name, subject, &options);
        }
    }

    /// Ends a subscription to a DNS name, with its subscriptions to addresses.
    pub(super) fn drop_name_subscription(
        &mut self,
        origin: Origin,
        name: &Label,
        NameVariant { name: host, variant }: &NameVariant,
        changes: &mut Vec<Change<H>>,
    ) {
        let Some(dns_name) = self.dns_names.get_mut(host) else { return };
        dns_name.unsubscribe(name, variant, origin);
        let is_followed = dns_name.is_subscribed();
        let has_name = dns_name.subscriptions().any(|subscription| subscription.name == *name);
        for address in dns_name.addresses.clone() {
            let ends = |subscription: &Subscription| {
                subscription.origin == origin
                    && subscription.name == *name
                    && subscription.dns_name.as_ref() == Some(host)
            };
            self.unsubscribe(&TargetKey::new(address, variant.clone()), ends, changes);
        }
        if !has_name && let Some(hosts) = self.hosts_of_label.get_mut(name) {
            hosts.retain(|other| other != host);
            if hosts.is_empty() {
                self.hosts_of_label.remove(name);
            }
        }
        if !is_followed {
            self.dns_names.remove(host);
            changes.push(Change::Unfollow(host.clone()));
        }
    }

    /// Ends the suppression of a configured target; returns its configured options.
    pub(super) fn unsuppress(&mut self, name: &Label, host: &HostVariant) -> Option<TargetOptions> {
        let ((name, host), options) = self.suppressed.remove_entry(&(name.clone(), host.clone()))?;
        self.runtime_changes.push(RuntimeChange::Unsuppress { name, host });
        Some(options)
    }
}
