//! Messages for reading the configuration again.

use actix::prelude::*;
use std::sync::Arc;

/// Reads the configuration again, and applies the differences.
///
/// `Ok` holds a report for the operator. `Err` holds the reason; nothing was changed then.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<String, String>")]
pub struct Reload;

/// Results of reading the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReloadState {
    /// Whether the latest attempt succeeded.
    pub successful: bool,
    /// When it was applied last, in seconds since 1970.
    pub applied_at: u64,
    /// Hash of the applied texts, less than 2^48.
    pub hash: u64,
    /// Target files that can't be read now.
    pub broken_files: usize,
    /// Number of failed reads of target files.
    pub broken_reads: u64,
    /// Whether the system reports changes of all files; otherwise they are looked at once a second.
    pub watched: bool,
    /// What is wrong with the files now.
    pub problem: Option<Arc<str>>,
}
