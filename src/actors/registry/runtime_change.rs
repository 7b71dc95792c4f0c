//! What was wished live, over the control socket: records that bring it back after a restart.

use crate::target::{Address, Host, HostName, Label, TargetSpec};

/// Who wants something pinged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The command line and the files: as long as they say so.
    Config,
    /// The control socket: until it is taken back.
    Runtime,
}

/// One change of what is wished live. Who keeps them keeps what was not taken back: of those that are restored none
/// is a `Remove`, an `IncludeAddresses` or an `Unsuppress`.
#[derive(Debug, Clone, PartialEq)]
pub enum RuntimeChange {
    /// Adds a target, or replaces its options; they are complete, not only those that changed.
    Add(TargetSpec),
    /// It is not wanted any more.
    Remove {
        /// How it was called.
        name: Label,
        /// What was pinged.
        host: Host,
    },
    /// One address of a DNS name is not wanted under a name.
    ExcludeAddress {
        /// How it was called.
        name: Label,
        /// The name that has the address.
        host: HostName,
        /// The address.
        address: Address,
    },
    /// All addresses of a DNS name are wanted under a name again.
    IncludeAddresses {
        /// How it is called.
        name: Label,
        /// The name whose addresses had been excluded.
        host: HostName,
    },
    /// What the configuration wants is not wanted, for as long as the configuration wants it.
    Suppress {
        /// How it is called.
        name: Label,
        /// What is not pinged.
        host: Host,
    },
    /// It may be pinged again.
    Unsuppress {
        /// How it is called.
        name: Label,
        /// What may be pinged.
        host: Host,
    },
}
