//! Who asks for a target: the configuration or a request at runtime.

use crate::target::TargetOptions;

/// Where a subscription comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The command line and the files: lasts as long as it is there.
    Config,
    /// The control socket: lasts until it is removed.
    Runtime,
}

impl Origin {
    /// The options of an entry from those of each origin: those of runtime over those of the configuration.
    pub(super) fn merge<'a>(of_origin: impl Fn(Self) -> Option<&'a TargetOptions>) -> TargetOptions {
        match (of_origin(Self::Runtime), of_origin(Self::Config)) {
            (Some(runtime), Some(config)) => runtime.merged_over(config),
            (runtime, config) => runtime.or(config).cloned().unwrap_or_default(),
        }
    }
}
