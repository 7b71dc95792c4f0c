//! Which build this is.

/// The version of meshping.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision of its source, as the build was told.
pub const REVISION: &str = match option_env!("MESHPING_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
