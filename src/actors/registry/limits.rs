//! Limits of a registry, errors, and filters of its targets.

use crate::target::{HostSelector, Label};

/// Limits of a registry.
#[derive(Debug, Clone, Copy)]
pub struct RegistryLimits {
    /// Maximum number of targets.
    pub targets: usize,
    /// Maximum number of followed DNS names.
    pub names: usize,
}

/// Why a host was not added; shown to the operator unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// NXDOMAIN.
    #[error("Name or service not known")]
    NoName,
    /// The name exists, but has no address of a selected family.
    #[error("No address associated with hostname")]
    NoAddress,
    /// SERVFAIL, REFUSED.
    #[error("Temporary failure in name resolution")]
    ServersFail,
    /// CNAME records that lead nowhere.
    #[error("the aliases (CNAME) of the name form a loop, or are too many")]
    EndlessAliases,
    /// `--max-targets` is reached.
    #[error("there are {0} targets already, which is the limit (--max-targets)")]
    TooManyTargets(usize),
    /// The limit of names for one host is reached.
    #[error("the host has {0} names already, which is the limit")]
    TooManyLabels(usize),
    /// The limit of followed names is reached.
    #[error("{0} DNS names are followed already, which is the limit")]
    TooManyNames(usize),
}

impl AddError {
    /// Whether the DNS name has no address now, but may have one later.
    pub const fn is_of_dns(&self) -> bool {
        matches!(self, Self::NoName | Self::NoAddress | Self::ServersFail | Self::EndlessAliases)
    }
}

/// Selects targets: all of them, or those with the name and those of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Targets with this among their names.
    pub name: Option<Label>,
    /// The targets with this address, or those that a followed DNS name resolves to.
    pub host: Option<HostSelector>,
}
