//! What was wished live, over the control socket: records that bring it back after a restart.

use crate::target::{Address, Host, HostName, Label, TargetOptions};

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
    /// A host is wanted, on these terms from now on.
    Add {
        /// How it is called.
        name: Label,
        /// What is pinged.
        host: Host,
        /// All of its terms, not only what changed.
        terms: TargetOptions,
    },
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
