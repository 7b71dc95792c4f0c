//! Why the local system refuses to send a request.

/// Reason for which the local system refuses to send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendError {
    /// There is no route to the host.
    NoRoute,
    /// There is no route to the network.
    NetworkUnreachable,
    /// The interface is down.
    NetworkDown,
    /// There is no interface of that name.
    NoInterface,
    /// A firewall rule or a privilege that is missing.
    NotPermitted,
    /// The source address is none of this machine.
    SourceNotAvailable,
    /// There is no socket for the address family.
    NoSocket,
}

impl SendError {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::NoRoute,
        Self::NetworkUnreachable,
        Self::NetworkDown,
        Self::NoInterface,
        Self::NotPermitted,
        Self::SourceNotAvailable,
        Self::NoSocket,
    ];

    /// Text for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no route to host",
            Self::NetworkUnreachable => "network is unreachable",
            Self::NetworkDown => "network is down",
            Self::NoInterface => "no such interface",
            Self::NotPermitted => "not permitted",
            Self::SourceNotAvailable => "source address is not available",
            Self::NoSocket => "no socket for this address family",
        }
    }
}
