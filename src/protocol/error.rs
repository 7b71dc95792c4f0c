//! Why the daemon refuses a request, and the reply.

use super::{Quoted, StatusReply};
use crate::target::{
    HostError, MAX_NAME, NewEntry, OptionConflict, OptionError, TargetKeyError, VariantError,
};

/// Why a datagram is no valid request; the text goes into the reply.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// An object with `status` but without `cmd` is a reply, which is never answered: two daemons must not exchange
    /// datagrams without end.
    #[error("a reply, not a request")]
    IsReply,
    /// Not JSON, empty, not UTF-8.
    #[error("invalid json")]
    InvalidJson,
    /// JSON, but no object with `cmd`.
    #[error("need cmd variable")]
    NeedCmd,
    /// `add`, `remove` or `history` without `name` and `addr`.
    #[error("need name or addr variable")]
    NeedNameOrAddr,
    /// `histogram` without `addr`.
    #[error("need addr variable")]
    NeedAddr,
    /// An unknown `cmd`.
    #[error(
        "unknown command {0}, try one of: noop, list, add, remove, reset, histogram, history, names, entries, reload"
    )]
    UnknownCommand(Quoted),
    /// A member that must be a string.
    #[error("{member} must be a string, not {value}")]
    NotAString {
        /// Name of the member.
        member: &'static str,
        /// Its value.
        value: Quoted,
    },
    /// A member that must be true or false.
    #[error("{member} must be true or false, not {value}")]
    NotAFlag {
        /// Name of the member.
        member: &'static str,
        /// Its value.
        value: Quoted,
    },
    /// An unusable `variant`.
    #[error("variant {value} is not usable: {reason}")]
    Variant {
        /// Its value.
        value: Quoted,
        /// What is allowed.
        reason: VariantError,
    },
    /// An unusable value of an option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Options that contradict each other or the host, or unusable labels.
    #[error(transparent)]
    Options(#[from] OptionConflict),
    /// `labels` is no object of strings.
    #[error("labels must be an object of strings, like {{\"site\": \"berlin\"}}, not {0}")]
    Labels(Quoted),
    /// An unusable `limit`.
    #[error("limit {0} is not usable, it takes a whole number from 1")]
    Limit(Quoted),
    /// An unusable `after`.
    #[error("after takes the last address of the page before, not {value}: {reason}")]
    After {
        /// Its value.
        value: Quoted,
        /// Why it is no key of a target.
        reason: TargetKeyError,
    },
    /// An unusable `after` of a history.
    #[error("after takes addr and hour of the last row before, like 192.0.2.1@1763856000, not {0}")]
    AfterHour(Quoted),
    /// An unusable `after` of names or entries.
    #[error("after takes what the page before has as next, not {0}")]
    AfterEntry(Quoted),
    /// An unusable `exclude`.
    #[error("exclude must be an array of at most {max} addresses, not {0}", max = NewEntry::MAX_EXCLUDED)]
    Exclude(Quoted),
    /// An `add` of a text that cannot be one host.
    #[error("can't ping {value}: {reason}")]
    Host {
        /// The text of the request.
        value: Quoted,
        /// Why it is no host.
        reason: HostError,
    },
    /// An `add` with a name that is too long.
    #[error("a name has at most {max} bytes, this one has {0}", max = MAX_NAME)]
    LongName(usize),
}

impl RequestError {
    /// The reply; `None` for a datagram that must not be answered.
    pub fn reply(&self) -> Option<Vec<u8>> {
        match self {
            Self::IsReply => None,
            Self::InvalidJson | Self::NeedCmd | Self::NeedNameOrAddr | Self::NeedAddr => {
                Some(StatusReply::new(&self.to_string()).to_json())
            }
            _ => Some(StatusReply::error(self.to_string()).to_json()),
        }
    }
}
