//! Runs a test again in namespaces of its own: network, mounts, processes. All of it ends with the test.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const INSIDE: &str = "MESHPING_TEST_INSIDE";

/// Time limit for a test.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs `body` in a network namespace with only a loopback interface. `test` is the path of the calling test.
///
/// # Panics
/// If the test fails inside, exceeds its time limit, or cannot create its namespaces; it is never skipped.
pub fn inside(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        run("ip", &["link", "set", "lo", "up"]);
        return body();
    }
    let binary = std::env::current_exe().expect("the path of the test binary");
    let mut child = Command::new("unshare")
        .args(["-rnmp", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(binary)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .spawn()
        .expect("unshare (util-linux) is needed to give the test a network of its own");
    let begin = Instant::now();
    while begin.elapsed() < DEADLINE {
        if let Some(status) = child.try_wait().expect("it is our child") {
            assert!(status.success(), "{test} failed inside its namespace: {status}");
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().and_then(|()| child.wait()).expect("it is our child");
    panic!("{test} hangs");
}

/// Runs a command to its end.
///
/// # Panics
/// If it fails.
pub fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    let status = status.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(status.success(), "{program} {arguments:?}: {status}");
}
