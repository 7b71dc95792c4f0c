//! Removal over the control socket: ends subscriptions of every origin, and records that so that it survives a restart.

use super::subscription::Subscription;
use super::{Change, Origin, Registry, RuntimeChange};
use crate::target::{Address, Host, HostName, Label, TargetOptions};

impl<H: Clone> Registry<H> {
    /// Removes everything with that name, and everything with that host.
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
        !self.runtime_changes.is_empty()
    }

    /// Undoes a runtime subscription: the DNS name does not exist.
    pub fn unsubscribe_name(&mut self, name: &Label, host: &HostName) -> Vec<Change<H>> {
        let mut changes = Vec::new();
        self.end_name_subscription(Origin::Runtime, name, host, &mut changes);
        changes
    }

    fn remove_name(&mut self, name: &Label, changes: &mut Vec<Change<H>>) {
        for host in self.hosts_of_label.get(name).cloned().unwrap_or_default() {
            self.end_name_subscriptions(name, &host, changes);
        }
        let addresses: Vec<Address> = self.addresses_of(name).collect();
        for address in addresses {
            let ended = self.unsubscribe(address, |subscription| subscription.name == *name, changes);
            self.record_ended(address, &ended);
        }
    }

    fn remove_address(&mut self, address: Address, changes: &mut Vec<Change<H>>) {
        for (host, dns_name) in &mut self.dns_names {
            let excluding = dns_name.exclude(address).into_iter();
            self.runtime_changes.extend(excluding.map(|name| RuntimeChange::ExcludeAddress {
                name,
                host: host.clone(),
                address,
            }));
        }
        let ended = self.unsubscribe(address, |_| true, changes);
        self.record_ended(address, &ended);
    }

    fn remove_host(&mut self, host: &HostName, changes: &mut Vec<Change<H>>) {
        let Some(dns_name) = self.dns_names.get(host) else { return };
        let names: Vec<Label> =
            dns_name.subscriptions().map(|subscription| subscription.name.clone()).collect();
        for name in names {
            self.end_name_subscriptions(&name, host, changes);
        }
    }

    /// Records the end of subscriptions to an address itself.
    fn record_ended(&mut self, address: Address, ended: &[Subscription]) {
        for subscription in ended.iter().filter(|subscription| subscription.dns_name.is_none()) {
            self.record_end(
                subscription.origin,
                &subscription.name,
                Host::Address(address),
                &subscription.revised.options,
            );
        }
    }

    fn record_end(&mut self, origin: Origin, name: &Label, host: Host, options: &TargetOptions) {
        let name = name.clone();
        match origin {
            Origin::Runtime => self.runtime_changes.push(RuntimeChange::Remove { name, host }),
            Origin::Config => {
                self.suppressed.insert((name.clone(), host.clone()), options.clone());
                self.runtime_changes.push(RuntimeChange::Suppress { name, host });
            }
        }
    }

    fn end_name_subscriptions(&mut self, name: &Label, host: &HostName, changes: &mut Vec<Change<H>>) {
        self.end_name_subscription(Origin::Config, name, host, changes);
        self.end_name_subscription(Origin::Runtime, name, host, changes);
    }

    fn end_name_subscription(
        &mut self,
        origin: Origin,
        name: &Label,
        host: &HostName,
        changes: &mut Vec<Change<H>>,
    ) {
        let subject = Host::Name(host.clone());
        let revised = self.options_by(name, &subject, origin).cloned();
        self.drop_name_subscription(origin, name, host, changes);
        if let Some(revised) = revised {
            self.record_end(origin, name, subject, &revised.options);
        }
    }

    /// Ends a subscription to a DNS name, with its subscriptions to addresses.
    pub(super) fn drop_name_subscription(
        &mut self,
        origin: Origin,
        name: &Label,
        host: &HostName,
        changes: &mut Vec<Change<H>>,
    ) {
        let Some(dns_name) = self.dns_names.get_mut(host) else { return };
        dns_name.unsubscribe(name, origin);
        let is_followed = dns_name.is_subscribed();
        let has_name = dns_name.subscriptions().any(|subscription| subscription.name == *name);
        for address in dns_name.addresses.clone() {
            let ends = |subscription: &Subscription| {
                subscription.origin == origin
                    && subscription.name == *name
                    && subscription.dns_name.as_ref() == Some(host)
            };
            self.unsubscribe(address, ends, changes);
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
    pub(super) fn unsuppress(&mut self, name: &Label, host: &Host) -> Option<TargetOptions> {
        let ((name, host), options) = self.suppressed.remove_entry(&(name.clone(), host.clone()))?;
        self.runtime_changes.push(RuntimeChange::Unsuppress { name, host });
        Some(options)
    }
}
