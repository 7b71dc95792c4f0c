//! Counts of connections and requests that the protection rejected.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a connection or request was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpRejection {
    /// No TLS, a failed handshake, or a certificate that is missing or not accepted.
    Connection,
    /// Over the rate limit.
    RateLimit,
    /// A body that is too long or without Content-Length.
    Body,
    /// No user, an unknown one, or a wrong password.
    Credentials,
    /// Other passwords were being checked for too long.
    Busy,
    /// A request to change something, from a sender that may not.
    Write,
}

impl HttpRejection {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::RateLimit, Self::Body, Self::Credentials, Self::Busy, Self::Write];

    /// What metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::RateLimit => "rate",
            Self::Body => "body",
            Self::Credentials => "credentials",
            Self::Busy => "busy",
            Self::Write => "write",
        }
    }
}

/// Number of rejections for each reason.
#[derive(Debug, Default)]
pub(crate) struct HttpRejections([AtomicU64; HttpRejection::ALL.len()]);

impl HttpRejections {
    /// Counts a rejection.
    pub(crate) fn count(&self, reason: HttpRejection) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The counts, in the order of [`HttpRejection::ALL`].
    pub(crate) fn counts(&self) -> [u64; HttpRejection::ALL.len()] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
