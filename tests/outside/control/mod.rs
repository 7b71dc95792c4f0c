//! The replies of the control socket, byte for byte.

mod add;
mod list;
mod options;
mod past;
mod remove;
mod requests;

use crate::daemon::Daemon;
use crate::network::known;
use crate::transcript::Transcript;
use crate::{golden, transcript};

/// Fails unless what `body` asks a daemon is answered as in the golden file; `test` is the path of the calling test.
fn frozen(test: &str, file: &str, args: &[&str], body: impl FnOnce(&Daemon, &mut Transcript)) {
    known(test, || {
        // After its first request, within a second, a target sends no further one while the test runs.
        let timeout: &[&str] = if args.contains(&"--timeout") { &[] } else { &["--timeout", "60"] };
        let daemon = Daemon::start(&[&["-i", "86400"], timeout, args].concat());
        let mut transcript = Transcript::default();
        body(&daemon, &mut transcript);
        golden::check(file, transcript.text());
    });
}

/// The members that are different every time, where anything was measured or has a time.
const MEASURED: [&str; 16] = [
    "\"sum\":",
    "\"min\":",
    "\"max\":",
    "\"last\":",
    "\"stddev\":",
    "\"jitter\":",
    "\"p50\":",
    "\"p90\":",
    "\"p99\":",
    "\"avg15m\":",
    "\"avg6h\":",
    "\"avg24h\":",
    "\"since\":",
    "\"duration\":",
    "\"hour\":",
    "\"saved\":",
];

fn measured(reply: &str) -> String {
    transcript::masked(reply, &MEASURED)
}
