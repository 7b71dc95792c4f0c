//! What was refused for the sake of safety, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why somebody was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpRejection {
    /// No TLS, no good handshake, not the right certificate.
    Connection,
    /// More often than is permitted.
    RateLimit,
    /// A body that is too long, or does not say how long it is.
    ScrapeBody,
    /// No user, or not the right password.
    Credentials,
    /// Too many passwords are being checked.
    Busy,
    /// A request to change something that must not come from there.
    Write,
}

impl HttpRejection {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::RateLimit, Self::ScrapeBody, Self::Credentials, Self::Busy, Self::Write];

    /// What metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::RateLimit => "rate",
            Self::ScrapeBody => "body",
            Self::Credentials => "credentials",
            Self::Busy => "busy",
            Self::Write => "write",
        }
    }
}

/// So often it happened.
#[derive(Debug, Default)]
pub(crate) struct HttpRejections([AtomicU64; HttpRejection::ALL.len()]);

impl HttpRejections {
    /// It happened once more.
    pub(crate) fn count(&self, refused: HttpRejection) {
        self.0[refused as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So often each happened, in the order of [`HttpRejection::ALL`].
    pub(crate) fn counts(&self) -> [u64; HttpRejection::ALL.len()] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
