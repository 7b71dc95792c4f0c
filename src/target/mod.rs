//! Targets, valid by type: addresses, host names, names, options.
//!
//! The edges parse texts into these types; no other module checks them again. Pure: no clock, no network.

mod address;
mod conflict;
mod dscp;
mod entry_id;
mod family;
mod host_name;
mod interval;
mod labels;
mod not_a_host;
mod options;
mod packet_options;
mod spec;
mod variant;

pub use address::{Address, AddressError, Zone};
pub use conflict::EntryConflict;
pub use entry_id::{EntryId, EntryIdError};
pub use family::{BadFamily, Family};
pub use host_name::{Host, HostError, HostName, HostNameError, Label, MAX_NAME};
pub use interval::{Interval, SecondsError, Timeout};
pub use labels::{LabelError, Labels};
pub use not_a_host::{NetworkError, NotAHost};
pub use options::{
    Defaults, Expected, OptionConflict, OptionError, OptionKey, OptionOverrides, OptionRow, PingSettings,
    TargetOptions, UnknownOption, ValueKind,
};
pub use packet_options::{BadPayloadSize, PacketOptions, PayloadSize};
pub use spec::{NewEntry, TargetError, TargetSpec};
pub use variant::{
    HostSelector, HostVariant, HostVariantError, NameVariant, TargetKey, TargetKeyError, Variant,
    VariantError,
};
