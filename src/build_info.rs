//! Version and revision of the build.

/// The version of meshping.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision of the source, from the variable MESHPING_REVISION of the build.
pub const REVISION: &str = match option_env!("MESHPING_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
