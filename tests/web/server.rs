//! A daemon with a web config file, and the directory of the file and its certificates.

use crate::certificates::Authority;
use crate::daemon::Daemon;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Time limit for anything, also on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A directory with a web config file, and the certificate of a server.
pub struct Files {
    pub directory: TempDir,
    /// The authority of the server's certificate.
    pub authority: Authority,
}

impl Files {
    pub fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let files = Self { directory, authority: Authority::new("the server's authority") };
        files.renew();
        files
    }

    /// Writes a new certificate with its key, in place.
    pub fn renew(&self) {
        let (certificate, key) = self.authority.server();
        fs::write(self.path("server.crt"), certificate).expect("written");
        fs::write(self.path("server.key"), key).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the web config file, in place.
    pub fn configure(&self, content: &str) {
        fs::write(self.path("web.yml"), content).expect("written");
    }

    /// A daemon with this content of the file.
    pub fn start(&self, content: &str) -> Daemon {
        self.configure(content);
        let path = self.path("web.yml");
        Daemon::start(&["--web.config.file", path.to_str().expect("UTF-8")])
    }
}

/// The section that turns TLS on, with further lines.
pub fn tls(lines: &[&str]) -> String {
    let lines = lines.join("\n  ");
    format!("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  {lines}\n")
}

/// The section of a user; a low cost, for speed.
pub fn user(name: &str, password: &str) -> String {
    let hash = bcrypt::hash(password, 4).expect("it can be hashed");
    format!("basic_auth_users:\n  {name}: {hash}\n")
}

/// Waits for a condition.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + TIMEOUT;
    while !condition() {
        assert!(Instant::now() < give_up, "not within {TIMEOUT:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
