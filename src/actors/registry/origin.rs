//! Who asks for a target: the configuration or a request at runtime.

/// Where a subscription comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The command line and the files: lasts as long as it is there.
    Config,
    /// The control socket: lasts until it is removed.
    Runtime,
}
