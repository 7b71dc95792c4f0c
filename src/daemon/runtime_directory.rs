//! The directory of the service in /run, for programs that are run beside the daemon.

use std::net::SocketAddr;
use std::path::Path;
use tracing::warn;

/// Writes the address of the control socket, or `off`, into the file `control` of the runtime directory, if the service
/// manager has made one (systemd.exec(5), RuntimeDirectory=). The configuration may name another address by now.
pub(super) fn write_control_address(address: Option<SocketAddr>) {
    let Ok(directories) = std::env::var("RUNTIME_DIRECTORY") else { return };
    let directory = directories.split(':').next().unwrap_or_default();
    let text = address.map_or_else(|| "off".to_owned(), |address| address.to_string());
    let path = Path::new(directory).join("control");
    if let Err(error) = std::fs::write(&path, text + "\n") {
        warn!(?path, %error, "can't write the address of the control socket; systemctl reload does not find it");
    }
}
