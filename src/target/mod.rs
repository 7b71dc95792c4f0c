//! What can be pinged, valid by type: addresses, host names, intervals, timeouts.
//!
//! Everything here is parsed at the edge and is correct from then on. Pure: no clock, no network.

mod address;
mod family;
mod host_name;
mod interval;
mod labels;
mod options;
mod packet_options;
mod spec;

pub use address::{Address, AddressError, Zone};
pub use family::{Family, NoFamily};
pub use host_name::{Host, HostError, HostName, HostNameError, Label, MAX_NAME};
pub use interval::{Interval, SecondsError, Timeout};
pub use labels::{LabelError, Labels};
pub use options::{
    Defaults, OptionConflict, OptionError, OptionKey, OptionOverrides, PingSettings, TargetOptions,
};
pub use packet_options::{Dscp, NotDscp, PacketOptions, PayloadSize};
pub use spec::{TargetError, TargetSpec};
