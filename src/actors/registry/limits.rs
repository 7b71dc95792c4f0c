//! What a registry is asked with, and why it refuses.

use crate::target::{Host, Label};

/// What a registry holds at most.
#[derive(Debug, Clone, Copy)]
pub struct RegistryLimits {
    /// Targets at most.
    pub targets: usize,
    /// Followed names at most.
    pub names: usize,
}

/// Why nothing was added; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// NXDOMAIN.
    #[error("Name or service not known")]
    NoName,
    /// The name exists, but has no address (of a family that is wanted).
    #[error("No address associated with hostname")]
    NoAddress,
    /// SERVFAIL, REFUSED.
    #[error("Temporary failure in name resolution")]
    ServersFail,
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

/// Which targets are meant: all of them, or those called `name` and those that are `host`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that any of their names calls so.
    pub name: Option<Label>,
    /// The one with this address, or those that a followed DNS name resolves to.
    pub host: Option<Host>,
}
