//! What is known of the client of a connection: who it is, how fast it reads, and what the server waits for.

pub(super) mod delivery;
pub(super) mod patience;
#[deny(clippy::disallowed_methods)]
pub(super) mod reader_pace;

use super::security::peer::Peer;
use super::security::web_config::Policy;
use delivery::Delivery;
use patience::Patience;
use std::sync::Arc;

/// The client of a connection. Every request has it as an extension, in an `Rc`.
pub(super) struct WebClient {
    /// Its address, and what it has proved.
    pub peer: Peer,
    /// The policy under which the connection was accepted.
    pub policy: Arc<Policy>,
    /// How it reads what is sent.
    pub delivery: Arc<Delivery>,
    /// What the server waits for.
    pub patience: Patience,
}

impl WebClient {
    pub(super) fn new(peer: Peer, policy: Arc<Policy>) -> Self {
        Self { peer, policy, delivery: Arc::default(), patience: Patience::default() }
    }
}
