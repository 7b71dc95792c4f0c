//! The classes of errors that answer a request, and counts of them.

use std::ops::{Deref, DerefMut};

/// Why a request was answered by an error. The classes of `meshping_errors_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorClass {
    /// Network unreachable or unknown; ICMPv6 no route to destination.
    NetUnreachable,
    /// Host unreachable or unknown; ICMPv6 address unreachable.
    HostUnreachable,
    /// Protocol unreachable.
    ProtocolUnreachable,
    /// Port unreachable.
    PortUnreachable,
    /// Fragmentation needed, ICMPv6 packet too big.
    FragNeeded,
    /// Source route failed; ICMPv6 error in source routing header.
    SourceRouteFailed,
    /// Administratively prohibited, in any form; ICMPv6 policy and reject route.
    AdminProhibited,
    /// ICMPv6 beyond scope of source address.
    BeyondScope,
    /// Time to live, or hop limit, exceeded in transit.
    TtlExceeded,
    /// Fragment reassembly time exceeded.
    ReassemblyTimeout,
    /// Parameter problem.
    ParameterProblem,
    /// Refused by the local kernel at sending, for example without a route.
    Send,
    /// A type or code that has no class of its own.
    Other,
}

impl ErrorClass {
    /// Every class, in the order of its counters.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The value of the label `class`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Requests answered by an error, by class, in the order of [`ErrorClass::ALL`].
///
/// Allocated at the first error, which most targets never have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorCounts(Option<Box<[u64; ErrorClass::ALL.len()]>>);

impl From<[u64; ErrorClass::ALL.len()]> for ErrorCounts {
    fn from(counts: [u64; ErrorClass::ALL.len()]) -> Self {
        Self(counts.iter().any(|&count| count > 0).then(|| counts.into()))
    }
}

impl Deref for ErrorCounts {
    type Target = [u64; ErrorClass::ALL.len()];

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&[0; ErrorClass::ALL.len()])
    }
}

impl DerefMut for ErrorCounts {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}
