//! To read the configuration again, whoever does it.

use actix::prelude::*;

/// Asks for the configuration to be read again, and applied as far as it differs.
///
/// `Ok` is a report for the operator. `Err` says what is wrong; nothing was changed then.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<String, String>")]
pub struct Reload;

/// How reading the configuration went, the latest time and ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReloadState {
    /// The latest time it could be read.
    pub successful: bool,
    /// When it was applied last, in seconds since 1970.
    pub applied_at: u64,
    /// Of the texts that were applied: equal for equal ones, less than 2^48.
    pub hash: u64,
    /// Target files that can't be read at present.
    pub broken_files: usize,
    /// How often a target file was found broken.
    pub broken_reads: u64,
}
