//! Counts of connections and requests that the protection rejected.

use std::sync::atomic::{AtomicU64, Ordering};
use strum::{EnumCount, IntoStaticStr, VariantArray};

/// Why a connection or request was rejected. The texts are values of a label in the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum HttpRejection {
    /// No TLS, a failed handshake, or a certificate that is missing or not accepted.
    Connection,
    /// Over the rate limit.
    #[strum(serialize = "rate")]
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

/// Number of rejections for each reason.
#[derive(Debug, Default)]
pub(crate) struct HttpRejections([AtomicU64; HttpRejection::COUNT]);

impl HttpRejections {
    /// Counts a rejection.
    pub(crate) fn count(&self, reason: HttpRejection) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The counts, in the order of [`HttpRejection::VARIANTS`].
    pub(crate) fn counts(&self) -> [u64; HttpRejection::COUNT] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
