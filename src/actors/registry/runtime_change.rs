//! Changes made at runtime over the control socket, as records that survive a restart.

use crate::target::{Address, HostVariant, Label, NameVariant, TargetSpec};

/// One change of the runtime state. The store keeps those that were not undone, so that none of the restored ones is a
/// `Remove`, an `IncludeAddresses` or an `Unsuppress`.
#[derive(Debug, Clone, PartialEq)]
pub enum RuntimeChange {
    /// A target is added, or its options change; all of its options, not only the changed ones.
    Add(TargetSpec),
    /// A host is removed.
    Remove {
        /// Its name.
        name: Label,
        /// The host.
        host: HostVariant,
    },
    /// One address of a DNS name is removed from a name.
    ExcludeAddress {
        /// Its name.
        name: Label,
        /// The DNS name that has the address.
        host: NameVariant,
        /// The address.
        address: Address,
    },
    /// All addresses of a DNS name are pinged under a name again.
    IncludeAddresses {
        /// Its name.
        name: Label,
        /// The DNS name whose addresses had been excluded.
        host: NameVariant,
    },
    /// A configured target is removed for as long as it stays configured.
    Suppress {
        /// Its name.
        name: Label,
        /// The host.
        host: HostVariant,
    },
    /// A removed configured target is pinged again.
    Unsuppress {
        /// Its name.
        name: Label,
        /// The host.
        host: HostVariant,
    },
}
