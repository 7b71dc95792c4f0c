//! Raises the capabilities that the daemon needs, and drops all others. Each thread has its own (capabilities(7)).
//!
//! A capability of the binary that is permitted and not effective (`setcap cap_net_raw+p`) is raised here. An effective one
//! (`+ep`) needs none of this, but execve(2) fails with EPERM where the bounding set lacks it, as in many containers.

#[cfg(target_os = "linux")]
mod linux {
    use caps::{CapSet, Capability, CapsHashSet};
    use tracing::debug;

    /// Raises the capability for ports below 1024, if it is permitted.
    pub(crate) fn raise_for_ports() {
        if let Err(error) = caps::raise(None, CapSet::Effective, Capability::CAP_NET_BIND_SERVICE) {
            debug!(%error, "no capability for ports below 1024");
        }
    }

    /// Raises and keeps the capabilities for opening sockets: raw sockets, and receive buffers beyond the system's limit.
    pub(crate) fn keep_for_opening() {
        keep(&[Capability::CAP_NET_RAW, Capability::CAP_NET_ADMIN]);
    }

    /// Keeps the capability of a running daemon: opening raw sockets again.
    pub(crate) fn keep_for_running() {
        keep(&[Capability::CAP_NET_RAW]);
    }

    fn keep(needed: &[Capability]) {
        let held = caps::read(None, CapSet::Permitted).unwrap_or_default();
        let kept: CapsHashSet =
            needed.iter().copied().filter(|capability| held.contains(capability)).collect();
        let results = [
            caps::clear(None, CapSet::Ambient),
            caps::clear(None, CapSet::Inheritable),
            caps::set(None, CapSet::Effective, &kept),
            caps::set(None, CapSet::Permitted, &kept),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            debug!(%error, "can't drop a capability");
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{keep_for_opening, keep_for_running, raise_for_ports};

/// Other systems have no capabilities.
#[cfg(not(target_os = "linux"))]
pub fn raise_for_ports() {}

/// Likewise.
#[cfg(not(target_os = "linux"))]
pub fn keep_for_opening() {}

/// Likewise.
#[cfg(not(target_os = "linux"))]
pub fn keep_for_running() {}
