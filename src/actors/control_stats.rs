//! Counters of the control socket: the messages between it and the edges that show them.

use actix::prelude::*;

/// Asks for the counters of the control socket.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ControlStats")]
pub struct GetControlStats;

/// Counters of the control socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ControlStats {
    /// Datagrams that were answered, errors included.
    pub answered: u64,
    /// Datagrams that must not be answered, in the order of [`IgnoreReason::ALL`].
    pub ignored: [u64; IgnoreReason::ALL.len()],
    /// Replies that our own system refused to send.
    pub unsent: u64,
}

/// Why a datagram gets no answer; the label `reason` of the control socket's metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum IgnoreReason {
    /// Its sender may not use the control socket.
    NotAllowed,
    /// Its source port is 0, which can't be sent to.
    PortZero,
    /// It comes from our own socket.
    Ourselves,
    /// It is itself a reply: two daemons must not answer each other for ever.
    Reply,
}

impl IgnoreReason {
    /// Every reason, in the order of its counters.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
