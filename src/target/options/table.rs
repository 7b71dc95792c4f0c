//! The table of the options that a target can have: one row for each.
//!
//! Configuration files, target files, the control socket, the arguments of `meshpingctl` and the manual page take keys
//! and texts from here; limits come from the type of the value. A new option is a field of [`OptionOverrides`] or [`PacketOptions`](crate::target::PacketOptions), a row of this table,
//! and the code of the engine that applies it.

use super::{OptionOverrides, TargetOptions};
use crate::target::dscp::{DSCP_VALUES, Dscp};
use crate::target::{Address, Family, Interval, PayloadSize, Timeout, Zone};
use std::fmt::{self, Display};
use std::net::IpAddr;
use std::num::NonZero;
use std::str::FromStr;

/// One option of a target.
#[derive(Debug)]
pub struct OptionRow {
    /// Key in configuration files; behind `__meshping_` the label in target files.
    pub name: &'static str,
    /// Member of an `add` request and of a list with detail.
    pub member: &'static str,
    /// Type of the value in JSON.
    pub kind: ValueKind,
    /// Values that it accepts.
    pub expected: Expected,
    /// One-letter argument of `meshpingctl add`.
    pub short: Option<char>,
    /// Placeholder for the value in the help of `meshpingctl add`.
    pub placeholder: &'static str,
    /// What the option does, without its limits and without a full stop.
    pub help: &'static str,
    pub(super) value: Storage,
}

/// Type of an option's value in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A number.
    Number,
    /// A string.
    Text,
    /// `true` or `false`.
    Bool,
}

/// Values that an option accepts; the text completes "it takes …".
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// A number of the unit, from a minimum to a maximum.
    Range(&'static str, f64, f64),
    /// Anything else, in words.
    Words(&'static str),
}

impl Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(unit, min, max) => write!(f, "{unit} from {min} to {max}"),
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// Where [`TargetOptions`] holds the value of an option.
#[derive(Debug)]
pub(super) enum Storage {
    /// In the structure itself, because many targets differ in it.
    Inline(Access<TargetOptions>),
    /// In the structure that targets with the same options share.
    Shared(Access<OptionOverrides>),
}

/// Functions that read and change one option in `T`.
#[derive(Debug)]
pub(super) struct Access<T> {
    /// Sets the option; `None` if the text is not a value of it.
    pub parse: fn(&mut T, &str) -> Option<()>,
    /// The option's value as `parse` accepts it; `None` if it is not set.
    pub print: fn(&T) -> Option<String>,
    /// Takes over the earlier value if none is set.
    pub fill: fn(&mut T, &T),
    /// Unsets the option if the other has a value for it.
    pub subtract: fn(&mut T, &T),
}

/// Makes the [`Access`] of the option in a field.
macro_rules! access {
    ($($field:ident).+) => {
        Access {
            parse: |options, text| {
                options.$($field).+ = Some(OptionValue::parse(text)?);
                Some(())
            },
            print: |options| options.$($field).+.map(OptionValue::print),
            fill: |options, earlier| options.$($field).+ = options.$($field).+.or(earlier.$($field).+),
            subtract: |options, other| {
                options.$($field).+ = options.$($field).+.filter(|_| other.$($field).+.is_none());
            },
        }
    };
}

/// Makes [`OptionKey`] and its rows.
macro_rules! option_table {
    ($($variant:ident: $row:expr;)+) => {
        /// The options that a target can have, except its labels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "OptionRow::help describes them")]
        pub enum OptionKey {
            $($variant,)+
        }

        impl OptionKey {
            /// Every option, in the order in which help and messages list them.
            pub const ALL: [Self; [$(stringify!($variant)),+].len()] = [$(Self::$variant),+];
        }

        static ROWS: [OptionRow; OptionKey::ALL.len()] = [$($row),+];
    };
}

option_table! {
    Interval: OptionRow {
        name: "interval",
        member: "itv",
        kind: ValueKind::Number,
        expected: Expected::Range("seconds", Interval::LIMITS.0, Interval::LIMITS.1),
        short: Some('i'),
        placeholder: "SECONDS",
        help: "Time between two requests",
        value: Storage::Inline(access!(interval)),
    };
    Timeout: OptionRow {
        name: "timeout",
        member: "timeout",
        kind: ValueKind::Number,
        expected: Expected::Range("seconds", Timeout::LIMITS.0, Timeout::LIMITS.1),
        short: Some('t'),
        placeholder: "SECONDS",
        help: "Time after which a request without an answer is lost",
        value: Storage::Shared(access!(timeout)),
    };
    Size: OptionRow {
        name: "size",
        member: "size",
        kind: ValueKind::Number,
        expected: Expected::Range(
            "a number of bytes",
            PayloadSize::LIMITS.0 as f64,
            PayloadSize::LIMITS.1 as f64,
        ),
        short: None,
        placeholder: "BYTES",
        help: "Payload behind the ICMP header, 56 bytes by default",
        value: Storage::Shared(access!(packet.size)),
    };
    Dscp: OptionRow {
        name: "dscp",
        member: "dscp",
        kind: ValueKind::Number,
        expected: Expected::Words(DSCP_VALUES),
        short: None,
        placeholder: "CODEPOINT",
        help: "Differentiated services codepoint",
        value: Storage::Shared(access!(packet.dscp)),
    };
    Ttl: OptionRow {
        name: "ttl",
        member: "ttl",
        kind: ValueKind::Number,
        expected: Expected::Range("a number", 1.0, 255.0),
        short: None,
        placeholder: "HOPS",
        help: "Time to live, or hop limit",
        value: Storage::Shared(access!(packet.ttl)),
    };
    Source: OptionRow {
        name: "source",
        member: "source",
        kind: ValueKind::Text,
        expected: Expected::Words("an IP address of this machine"),
        short: None,
        placeholder: "ADDR",
        help: "Source address of the requests",
        value: Storage::Shared(access!(packet.source)),
    };
    Interface: OptionRow {
        name: "interface",
        member: "interface",
        kind: ValueKind::Text,
        expected: Expected::Words("the name of an interface"),
        short: None,
        placeholder: "NAME",
        help: "Interface that the requests leave through",
        value: Storage::Shared(access!(packet.interface)),
    };
    DontFragment: OptionRow {
        name: "dont_fragment",
        member: "dont_fragment",
        kind: ValueKind::Bool,
        expected: Expected::Words("true or false"),
        short: None,
        placeholder: "BOOL",
        help: "Whether routers and this machine must not fragment the requests",
        value: Storage::Shared(access!(packet.dont_fragment)),
    };
    Family: OptionRow {
        name: "family",
        member: "family",
        kind: ValueKind::Text,
        expected: Expected::Words("ipv4 or ipv6"),
        short: None,
        placeholder: "FAMILY",
        help: "Only addresses of this family, if the host is a DNS name",
        value: Storage::Shared(access!(family)),
    };
}

impl OptionKey {
    /// The option's row of the table.
    pub fn row(self) -> &'static OptionRow {
        &ROWS[self as usize]
    }

    /// The option's key in configuration files.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The values that the option accepts.
    pub fn expected(self) -> Expected {
        self.row().expected
    }
}

impl Display for OptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A text is not the key of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an option of a target")]
pub struct UnknownOption;

impl FromStr for OptionKey {
    type Err = UnknownOption;

    fn from_str(text: &str) -> Result<Self, UnknownOption> {
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or(UnknownOption)
    }
}

/// A value that an option can have, as a text.
trait OptionValue: Sized {
    fn parse(text: &str) -> Option<Self>;
    fn print(self) -> String;
}

/// Makes an [`OptionValue`] of a type that parses and prints itself.
macro_rules! values {
    ($($type:ty),+) => {
        $(impl OptionValue for $type {
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn print(self) -> String {
                self.to_string()
            }
        })+
    };
}

values!(Interval, Timeout, PayloadSize, Dscp, NonZero<u8>, bool);

/// An address of a machine, without a zone: the interface is an option of its own.
impl OptionValue for IpAddr {
    fn parse(text: &str) -> Option<Self> {
        let address: Address = text.parse().ok()?;
        address.zone().is_none().then_some(address.ip())
    }

    fn print(self) -> String {
        self.to_string()
    }
}

impl OptionValue for Zone {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn print(self) -> String {
        self.as_str().to_owned()
    }
}

impl OptionValue for Family {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn print(self) -> String {
        self.as_str().to_lowercase()
    }
}

/// Rows of the options that [`OptionOverrides`] holds, with the access to each.
pub(super) fn shared() -> impl Iterator<Item = (OptionKey, &'static Access<OptionOverrides>)> {
    OptionKey::ALL.into_iter().filter_map(|key| match &key.row().value {
        Storage::Shared(access) => Some((key, access)),
        Storage::Inline(_) => None,
    })
}

/// Rows of the options that [`TargetOptions`] itself holds, with the access to each.
pub(super) fn inline() -> impl Iterator<Item = &'static Access<TargetOptions>> {
    OptionKey::ALL.into_iter().filter_map(|key| match &key.row().value {
        Storage::Inline(access) => Some(access),
        Storage::Shared(_) => None,
    })
}
