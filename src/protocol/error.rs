//! Why a request is not carried out, and the reply that says so.

use super::{Quoted, status};
use crate::target::{AddressError, HostError, MAX_NAME, OptionConflict, OptionError};

/// Why a datagram is no request that can be carried out; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// An object with `status` but without `cmd`: somebody's reply, which is never answered.
    #[error("a reply, not a request")]
    IsReply,
    /// Not JSON, empty, not UTF-8.
    #[error("invalid json")]
    InvalidJson,
    /// JSON, but no object with `cmd`.
    #[error("need cmd variable")]
    NeedCmd,
    /// An add or remove of nothing.
    #[error("need name or addr variable")]
    NeedNameOrAddr,
    /// A histogram of nothing.
    #[error("need addr variable")]
    NeedAddr,
    /// A `cmd` that nobody knows.
    #[error("unknown command {0}, try one of: noop, list, add, remove, reset, histogram, history")]
    UnknownCommand(Quoted),
    /// A member that must be a string.
    #[error("{member} must be a string, not {given}")]
    NotAString {
        /// Which one.
        member: &'static str,
        /// Its value.
        given: Quoted,
    },
    /// An unusable value of an option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Options that contradict each other or the host, or labels that can't be.
    #[error(transparent)]
    Options(#[from] OptionConflict),
    /// `labels` is no object of strings.
    #[error("labels must be an object of strings, like {{\"site\": \"berlin\"}}, not {0}")]
    Labels(Quoted),
    /// An unusable `limit`.
    #[error("limit {0} is not usable, it takes a whole number from 1")]
    Limit(Quoted),
    /// An unusable `after`.
    #[error("after takes the last address of the page before, not {given}: {why}")]
    After {
        /// Its value.
        given: Quoted,
        /// What is wrong with it.
        why: AddressError,
    },
    /// An unusable `after` of a history.
    #[error("after takes addr and hour of the last row before, like 192.0.2.1@1763856000, not {0}")]
    AfterHour(Quoted),
    /// An add of what can't be one host.
    #[error("can't ping {given}: {why}")]
    Host {
        /// What was to be pinged.
        given: Quoted,
        /// What is wrong with it.
        why: HostError,
    },
    /// An add under too long a name.
    #[error("a name has at most {max} bytes, this one has {0}", max = MAX_NAME)]
    LongName(usize),
}

impl RequestError {
    /// The reply; `None` for what must not be answered.
    pub fn reply(&self) -> Option<Vec<u8>> {
        match self {
            Self::IsReply => None,
            Self::InvalidJson | Self::NeedCmd | Self::NeedNameOrAddr | Self::NeedAddr => {
                Some(status::status(&self.to_string()))
            }
            _ => Some(status::error(&self.to_string())),
        }
    }
}
