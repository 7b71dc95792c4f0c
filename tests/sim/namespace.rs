//! Runs a test in a network namespace of its own: the test binary starts itself again under `unshare`.

use super::{Network, sys};
use std::any::type_name;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// Set in the process that runs inside of the namespace.
const INSIDE: &str = "MESHPING_SIMULATION";

/// No test takes longer than this; one that does has failed.
const AT_MOST: Duration = Duration::from_secs(120);

/// Runs `body`, which has to be a closure written in the test function itself, in a fresh namespace with a
/// simulated network. Fails where the system does not allow namespaces or TUN devices.
pub fn in_namespace<F: FnOnce(&Network)>(body: F) {
    if std::env::var_os(INSIDE).is_some() {
        watch_the_clock();
        return body(&Network::start());
    }
    let test = test_name(type_name::<F>());
    let output = run_inside(&test);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = output.status.success() && out.contains("1 passed");
    assert!(passed, "{test} failed in its namespace ({}):\n{out}\n{err}", output.status);
    println!("{out}\n{err}");
}

/// `native::module::some_test::{{closure}}` is the closure of the test `module::some_test`.
fn test_name(closure: &str) -> String {
    let path = closure.strip_suffix("::{{closure}}").expect("a closure, written in the test function");
    path.split_once("::").expect("a path within a crate").1.to_owned()
}

fn run_inside(test: &str) -> Output {
    let myself = std::env::current_exe().expect("the test binary exists");
    let mut command = Command::new("unshare");
    command.arg(unshare_flags()).arg("--").arg(myself);
    command.args(["--exact", test, "--nocapture", "--include-ignored", "--test-threads=1"]);
    command.env(INSIDE, "1");
    sys::die_with_us(&mut command).output().expect("unshare (util-linux) is installed")
}

/// How to get a namespace with a TUN device in it: as anybody, with a user namespace around it; else as root.
fn unshare_flags() -> &'static str {
    static FLAGS: OnceLock<&str> = OnceLock::new();
    FLAGS.get_or_init(|| {
        let attempts = ["-rn", "-n"].map(|flags| (flags, try_flags(flags)));
        let working = attempts.iter().find(|(_, result)| result.is_ok());
        working.unwrap_or_else(|| panic!("no namespace with a TUN device to be had: {attempts:?}")).0
    })
}

fn try_flags(flags: &str) -> Result<(), String> {
    let script = "ip link set lo up && ip tuntap add dev try0 mode tun && : <>/dev/net/tun";
    let output = Command::new("unshare").args([flags, "--", "sh", "-c", script]).output();
    let output = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(text) }
}

/// Ends the process when it has taken too long, so that nothing hangs for ever.
fn watch_the_clock() {
    thread::spawn(|| {
        thread::sleep(AT_MOST);
        eprintln!("the test took longer than {AT_MOST:?}");
        std::process::exit(101);
    });
}
