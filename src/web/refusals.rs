//! What was refused for the sake of safety, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why somebody was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No user, or not the right password.
    Credentials,
    /// There is no connection without a good handshake.
    Handshake,
    /// More often than is permitted.
    Rate,
    /// A body that is too long, or does not say how long it is.
    Body,
    /// A request to change something that is not to come from there.
    Write,
}

impl Refused {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Credentials, Self::Handshake, Self::Rate, Self::Body, Self::Write];

    /// What metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Handshake => "handshake",
            Self::Rate => "rate",
            Self::Body => "body",
            Self::Write => "write",
        }
    }
}

/// So often it happened.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Refused::ALL.len()]);

impl Refusals {
    /// It happened once more.
    pub fn count(&self, refused: Refused) {
        self.0[refused as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So often each happened, in the order of [`Refused::ALL`].
    pub fn counts(&self) -> [u64; Refused::ALL.len()] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
