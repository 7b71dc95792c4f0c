//! What the control socket reports of itself: the messages between it and whoever shows its counters.

use actix::prelude::*;

/// Asks what the control socket has seen so far.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ControlStats")]
pub struct GetControlStats;

/// What the control socket has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ControlStats {
    /// Datagrams that were answered, with whatever.
    pub answered: u64,
    /// Datagrams that must not be answered, in the order of [`IgnoreReason::ALL`].
    pub ignored: [u64; IgnoreReason::ALL.len()],
    /// Replies that our own system would not send.
    pub unsent: u64,
}

/// Why a datagram gets no answer; the label `reason` of the control socket's metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IgnoreReason {
    /// Its sender may not use the control socket.
    NotAllowed,
    /// Nothing can be sent to its source port, 0.
    PortZero,
    /// It comes from our own socket.
    Ourselves,
    /// It is somebody's reply: two daemons must not talk to each other for ever.
    Reply,
}

impl IgnoreReason {
    /// Every reason, in the order of its counters.
    pub const ALL: [Self; 4] = [Self::NotAllowed, Self::PortZero, Self::Ourselves, Self::Reply];

    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::PortZero => "port_zero",
            Self::Ourselves => "ourselves",
            Self::Reply => "reply",
        }
    }
}
