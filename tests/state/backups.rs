//! Backups of a running daemon, checks and restores: whole, or not at all.

use crate::fixture::{Fixture, add, listed};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

fn meshping(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshping")).args(arguments).output().expect("meshping runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Runs a command on the state; standard output of one that succeeds, standard error of one that fails.
fn command(fixture: &Fixture, arguments: &[&str]) -> Result<String, String> {
    let output = meshping(&[&["--state-dir", text(fixture.path())], arguments].concat());
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    match output.status.code() {
        Some(0) => Ok(out),
        Some(1) => Err(err),
        other => panic!("exit status {other:?}: {err}"),
    }
}

fn names(fixture: &Fixture) -> Vec<String> {
    let daemon = fixture.daemon(&[]);
    listed(&daemon).into_iter().map(|(_, name, _)| name).collect()
}

#[test]
fn a_backup_of_a_running_daemon_is_restored_after_it() {
    let fixture = Fixture::new();
    let place = tempfile::tempdir().expect("a directory");
    let backup = place.path().join("backup");
    let daemon = fixture.daemon(&["127.0.0.1/0.1"]);
    assert_eq!(add(&daemon, "kept", "127.0.0.2#v", "5")["status"], "error");
    assert_eq!(add(&daemon, "kept", "127.0.0.2", "5")["status"], "ok");
    daemon.list_until(|list| list["127.0.0.1"]["recv"].as_u64() > Some(3));
    let ctl = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
        let output =
            command.arg("backup").args(arguments).args(["--state-dir", text(fixture.path())]).output();
        output.expect("meshpingctl runs")
    };
    for _ in 0..2 {
        let output = ctl(&[text(&backup)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(report.starts_with("targets.db: 1 added, 0 removed\nstatistics.db: "), "{report}");
    }
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&backup), mode(&backup.join("targets.db"))), (0o700, 0o600));
    assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 1, "nothing is left beside it");

    assert_eq!(add(&daemon, "later", "127.0.0.3", "5")["status"], "ok");
    let live = command(&fixture, &["--state.check"]).expect("whole");
    assert!(
        live.contains("targets.db: whole, 2 added, 0 removed") && live.contains("a running meshping uses it"),
        "{live}"
    );
    let refused = command(&fixture, &["--state.restore", text(&backup)]).expect_err("it runs");
    assert!(refused.contains("stop it first (systemctl stop meshping)"), "{refused}");
    let sent = daemon.ask(&serde_json::json!({"cmd": "list"}))["127.0.0.1"]["sent"].as_u64();
    drop(daemon);

    let killed = command(&fixture, &["--state.check"]).expect("whole");
    assert!(killed.contains("targets.db-wal: ") && !killed.contains("running"), "{killed}");
    let restored = command(&fixture, &["--state.restore", text(&backup)]).expect("it is restored");
    assert!(restored.contains("targets.db: whole, 1 added, 0 removed"), "{restored}");
    assert!(
        restored.contains("the state before is kept: ") && restored.contains("targets.db.replaced-"),
        "{restored}"
    );
    let daemon = fixture.daemon(&["127.0.0.1/0.1"]);
    let list = daemon.ask(&serde_json::json!({"cmd": "list"}));
    let keys: Vec<&String> = list.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["127.0.0.1", "127.0.0.2"]);
    assert!(
        list["127.0.0.1"]["sent"].as_u64() <= sent.map(|sent| sent + 5),
        "its statistics are those of the backup"
    );
    assert!(daemon.terminate().success());
    // What was kept aside is a state of its own.
    let aside = fs::read_dir(fixture.path()).expect("a directory");
    let aside = aside.map(|entry| entry.expect("an entry").path());
    let aside = aside.filter(|path| {
        text(path).contains("targets.db.replaced-")
            && !text(path).contains("-wal")
            && !text(path).contains("-shm")
    });
    let kept: Vec<_> = aside.collect();
    let database = rusqlite::Connection::open(&kept[0]).expect("a database");
    let rows: i64 = database.query_row("SELECT count(*) FROM wants", [], |row| row.get(0)).expect("rows");
    assert_eq!(rows, 2, "its log is beside it");
}

#[test]
fn what_is_no_whole_backup_is_refused_and_nothing_is_touched() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[]);
    assert_eq!(add(&daemon, "kept", "127.0.0.2", "5")["status"], "ok");
    assert!(daemon.terminate().success());
    let place = tempfile::tempdir().expect("a directory");
    let backup = place.path().join("backup");
    command(&fixture, &["--state.backup", text(&backup)]).expect("it is made");
    let before = fs::read(fixture.file("targets.db")).expect("it is there");
    let spoil = |name: &str, change: &dyn Fn(&Path)| {
        let spoiled = place.path().join(name);
        fs::create_dir(&spoiled).expect("a directory");
        for file in ["targets.db", "statistics.db"] {
            fs::copy(backup.join(file), spoiled.join(file)).expect("it can be copied");
        }
        change(&spoiled);
        spoiled
    };
    let database = |path: &Path, sql: &str| {
        rusqlite::Connection::open(path.join("statistics.db"))
            .and_then(|db| db.execute_batch(sql))
            .expect("a database");
    };
    let cases = [
        (
            spoil("missing", &|path| fs::remove_file(path.join("statistics.db")).expect("ours")),
            "does not exist",
        ),
        (spoil("newer", &|path| database(path, "PRAGMA user_version = 99")), "newer than this meshping's"),
        (
            spoil("cut", &|path| fs::write(path.join("targets.db"), &before[..5_000]).expect("ours")),
            "is damaged",
        ),
        (
            spoil("text", &|path| {
                fs::write(path.join("targets.db"), "no database at all, but a text".repeat(50))
                    .expect("ours");
            }),
            "is damaged",
        ),
        (place.path().join("nowhere"), "nowhere does not exist"),
    ];
    for (source, reason) in cases {
        let error = command(&fixture, &["--state.restore", text(&source)]).expect_err("it is not whole");
        assert!(error.contains(reason) && error.lines().count() == 1, "{}: {error}", source.display());
        assert_eq!(fs::read(fixture.file("targets.db")).expect("it is there"), before, "{reason}");
    }
    let other = place.path().join("other");
    fs::create_dir(&other).expect("a directory");
    fs::write(other.join("important"), "text").expect("ours");
    let error = command(&fixture, &["--state.backup", text(&other)]).expect_err("it is no backup");
    assert!(error.contains("is not a backup of meshping"), "{error}");
    assert!(other.join("important").exists());
    let nothing = meshping(&["--state.check"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("--state-dir"));
    assert_eq!(names(&fixture), ["kept"]);
}

/// Number of kills, spread over the duration of a restore.
const ROUNDS: u32 = 40;

#[test]
fn a_restore_that_is_killed_leaves_the_old_state_or_the_new_one() {
    let place = tempfile::tempdir().expect("a directory");
    let backup = place.path().join("backup");
    let source = Fixture::new();
    let daemon = source.daemon(&[]);
    for number in 1..60 {
        assert_eq!(add(&daemon, "new", &format!("127.0.1.{number}"), "60")["status"], "ok");
    }
    assert!(daemon.terminate().success());
    command(&source, &["--state.backup", text(&backup)]).expect("it is made");
    let begun = Instant::now();
    let whole = Fixture::new();
    command(&whole, &["--state.restore", text(&backup)]).expect("it is restored");
    let duration = begun.elapsed();
    let (mut old, mut new) = (0, 0);
    for round in 0..=ROUNDS {
        let fixture = Fixture::new();
        let daemon = fixture.daemon(&[]);
        assert_eq!(add(&daemon, "old", "127.0.0.2", "60")["status"], "ok");
        drop(daemon);
        let mut child = Command::new(env!("CARGO_BIN_EXE_meshping"))
            .args(["--state-dir", text(fixture.path()), "--state.restore", text(&backup)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("meshping runs");
        if round < ROUNDS {
            thread::sleep(duration * round / ROUNDS);
            // It may have ended.
            let _ = child.kill();
        }
        child.wait().expect("it is ours");
        let found = names(&fixture);
        match found.len() {
            1 => old += u32::from(found == ["old"]),
            59 => new += u32::from(found.iter().all(|name| name == "new")),
            _ => panic!("round {round}: {found:?}"),
        }
    }
    println!("{old} times the old state, {new} times the new one");
    assert_eq!(old + new, ROUNDS + 1);
    assert!(old > 0 && new > 0, "the kills came at all times: {old} and {new}");
}

#[test]
fn a_state_that_can_not_be_read_is_an_error_that_says_what_to_do() {
    let fixture = Fixture::new();
    drop(fixture.daemon(&[]));
    let setpriv = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", "--", env!("CARGO_BIN_EXE_meshping")]);
        command.args(["--state-dir", text(fixture.path())]).args(arguments).output().expect("setpriv runs")
    };
    fs::set_permissions(fixture.path(), Permissions::from_mode(0o000)).expect("ours");
    let output = setpriv(&["--state.check"]);
    fs::set_permissions(fixture.path(), Permissions::from_mode(0o700)).expect("ours");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("Permission denied") && errors.contains("run it as root"), "{errors}");

    let elsewhere = fixture.path().join("elsewhere");
    let output = meshping(&["--state-dir", text(&elsewhere), "--state.check"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("elsewhere does not exist") && errors.contains("--state-dir"), "{errors}");
}
