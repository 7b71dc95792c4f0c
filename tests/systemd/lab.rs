//! A systemd of the test's own, in namespaces of its own; it ends with the value.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running systemd with `meshping.service` installed, not started.
pub struct Lab {
    unshare: Child,
    /// Of the systemd, as the host sees it.
    pid: u32,
    files: tempfile::TempDir,
    cgroup: Option<PathBuf>,
}

impl Lab {
    /// Boots; `default` becomes /etc/default/meshping, `drop_in` is added to the unit.
    pub fn boot(default: &str, drop_in: &str) -> Self {
        let files = tempfile::tempdir().expect("a temporary directory");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for unit in UNITS {
            let name = Path::new(unit).file_name().expect("a name");
            fs::copy(here.join(unit), files.path().join(name)).expect("the unit file");
        }
        let put = |name: &str, text: &str| fs::write(files.path().join(name), text).expect("writable");
        put("default", default);
        put("drop-in.conf", drop_in);
        for (name, binary) in
            [("meshping", env!("CARGO_BIN_EXE_meshping")), ("meshpingctl", env!("CARGO_BIN_EXE_meshpingctl"))]
        {
            fs::copy(binary, files.path().join(name)).expect("the binary");
        }
        Self::enter(files, "tests/systemd/lab.sh")
    }

    /// Boots the small Debian of a tar file, with packages in its /packages.
    pub fn debian(root: &str, packages: &[PathBuf]) -> Self {
        let files = tempfile::tempdir().expect("a temporary directory");
        fs::write(files.path().join("root"), root).expect("writable");
        for package in packages {
            let name = package.file_name().expect("a package");
            fs::copy(package, files.path().join(name)).expect("the package");
        }
        Self::enter(files, "tests/systemd/root.sh")
    }

    /// Has a script, in namespaces of its own, make a systemd of these files.
    fn enter(files: tempfile::TempDir, script: &str) -> Self {
        let log = File::create(files.path().join("log")).expect("writable");
        let cgroup = own_cgroup(files.path());
        let enter =
            cgroup.as_ref().map_or_else(String::new, |path| path.join("cgroup.procs").display().to_string());
        let unshare = as_root("sh")
            .args(["-c", "[ -z \"$1\" ] || echo $$ >\"$1\"; shift; exec unshare \"$@\"", "sh", &enter])
            .args(["--pid", "--fork", "--kill-child", "--mount", "--net", "--cgroup", "--uts", "--ipc", "sh"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .arg(files.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("sh runs");
        let mut lab = Self { unshare, pid: 0, files, cgroup };
        lab.wait_until_booted();
        lab
    }

    fn wait_until_booted(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut state = String::new();
        while Instant::now() < deadline && state != "running" && state != "degraded" {
            let running = matches!(self.unshare.try_wait(), Ok(None));
            assert!(running, "systemd can't run here, it needs root and namespaces: {}", self.log());
            thread::sleep(Duration::from_millis(50));
            if let Some(pid) = descendant(self.unshare.id(), "systemd") {
                self.pid = pid;
                self.try_run(&["systemctl", "is-system-running"]).trim().clone_into(&mut state);
            }
        }
        assert!(state == "running" || state == "degraded", "systemd is {state:?}: {}", self.log());
    }

    /// What systemd and the scripts before it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }

    /// Starts a command in the lab, which is killed with what it started if it takes too long.
    pub fn spawn(&self, command: &[&str]) -> Running {
        let mut timeout = as_root("timeout");
        timeout.args(["--signal=KILL", COMMAND_TIMEOUT_SECONDS, "nsenter"]);
        timeout.args(["--target", &self.pid.to_string(), "--all", "--root", "--wd=/", "--"]).args(command);
        let pipes = timeout.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(pipes.spawn().expect("timeout and nsenter run"))
    }

    fn output(&self, command: &[&str], input: &str) -> Output {
        let mut child = self.spawn(command).0;
        // A command that reads nothing may be gone by now.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        child.wait_with_output().expect("its output")
    }

    /// Writes a file in the lab, with the directory that it is in.
    pub fn write(&self, path: &str, text: &str) {
        let output = self.output(&["sh", "-c", "mkdir -p \"${0%/*}\" && cat >\"$0\"", path], text);
        assert!(output.status.success(), "{path} not written");
    }

    /// Standard output of a command in the lab, whether it succeeds or not.
    pub fn try_run(&self, command: &[&str]) -> String {
        String::from_utf8_lossy(&self.output(command, "").stdout).into_owned()
    }

    /// Standard output of a command in the lab, which must succeed.
    pub fn run(&self, command: &[&str]) -> String {
        let output = self.output(command, "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}: {text}{errors}\n{}", self.journal());
        text
    }

    /// Standard output and error of a command in the lab, which must fail.
    pub fn fail(&self, command: &[&str]) -> String {
        let output = self.output(command, "");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!output.status.success(), "{command:?} succeeds: {text}");
        text
    }

    /// What the unit logged.
    pub fn journal(&self) -> String {
        self.try_run(&["journalctl", "--no-pager", "--unit", "meshping"])
    }

    /// One property of the unit.
    pub fn property(&self, name: &str) -> String {
        let text = self.run(&["systemctl", "show", "--value", "--property", name, "meshping"]);
        text.trim().to_owned()
    }

    /// Asks the daemon's control socket.
    pub fn control(&self, request: &str) -> String {
        let output = self.output(&["socat", "-", "udp:127.0.0.1:55432"], request);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asks the daemon's web server.
    pub fn http(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        let output = self.output(&["socat", "-t5", "-", "tcp:127.0.0.1:9922"], &request);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until `what` holds, for at most half a minute.
    pub fn wait_for(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < deadline, "{what}: not within 30 s\n{}\n{}", self.journal(), self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A command that runs.
pub struct Running(Child);

impl Running {
    /// Ends its standard input, and waits for what it says.
    pub fn finish(self) -> String {
        let output = self.0.wait_with_output().expect("its output");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // With the first process of its namespace everything in it ends, and so does unshare.
        let first = if self.pid == 0 { self.unshare.id() } else { self.pid };
        let killed = as_root("sh").args(["-c", "kill -9 $0", &first.to_string()]).status();
        let deadline = Instant::now() + END_TIMEOUT;
        while matches!(self.unshare.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        if !matches!(self.unshare.try_wait(), Ok(Some(_))) {
            eprintln!("the systemd of the test is left running, as process {first}; kill: {killed:?}");
            assert!(thread::panicking(), "a systemd is left running");
            return;
        }
        if let Some(cgroup) = &self.cgroup {
            let _ = as_root("sh").args(["-c", REMOVE_CGROUP, "sh"]).arg(cgroup).status();
        }
    }
}

/// How long a command in the lab may take; none takes a quarter of it.
const COMMAND_TIMEOUT_SECONDS: &str = "120";

/// How long a lab may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// What the daemon is installed with.
const UNITS: [&str; 4] = [
    "meshping.service",
    "contrib/meshping-control.socket",
    "contrib/meshping-web.socket",
    "contrib/meshping.toml",
];

/// A control group can go when its processes are gone, which may take a moment.
const REMOVE_CGROUP: &str = "for i in 1 2 3 4 5 6 7 8 9 10; do
    find \"$1\" -depth -type d -exec rmdir {} \\; 2>/dev/null
    [ -d \"$1\" ] || exit 0
    sleep 0.1
done";

/// A control group below ours, so that systemd's own do not stay behind; none where that is not possible.
fn own_cgroup(files: &Path) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?.split(' ').nth(1)?;
    let ours = fs::read_to_string("/proc/self/cgroup").ok()?;
    let ours = ours.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    let name = format!("meshping-lab{}", files.file_name()?.to_str()?);
    let path = Path::new(mount).join(ours).join(name);
    as_root("mkdir").arg(&path).status().ok()?.success().then_some(path)
}

/// The process of that name among the children, their children and so on.
fn descendant(pid: u32, name: &str) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().filter_map(|child| child.parse().ok()).find_map(|child: u32| {
        let called = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        if called.trim() == name { Some(child) } else { descendant(child, name) }
    })
}

/// The command, as root: itself, or through a sudo that asks for nothing.
fn as_root(program: &str) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if status.lines().any(|line| line.starts_with("Uid:\t") && line.ends_with("\t0")) {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}
