//! Databases that another program replaces, while the daemon runs and while it does not.

use crate::fixture::{Fixture, add, listed, until};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

fn names(daemon: &crate::daemon::Daemon) -> Vec<String> {
    listed(daemon).into_iter().map(|(_, name, _)| name).collect()
}

/// A copy as `sqlite3 targets.db .backup` makes it.
fn copy(fixture: &Fixture, to: &Path) {
    let source = Connection::open(fixture.file("targets.db")).expect("a database");
    source.execute("VACUUM INTO ?1", [to.to_str().expect("UTF-8")]).expect("it can be read");
}

fn aside(fixture: &Fixture, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(fixture.path()).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.display().to_string().contains(part)).collect()
}

#[test]
fn a_backup_copied_beside_the_log_of_a_killed_daemon_is_not_undone() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[]);
    assert_eq!(add(&daemon, "old", "127.0.0.2", "5")["status"], "ok");
    let backup = fixture.file("backup");
    copy(&fixture, &backup);
    // A copy is recognised when it is older than a second.
    thread::sleep(Duration::from_millis(1_100));
    for number in 3..9 {
        assert_eq!(add(&daemon, "new", &format!("127.0.0.{number}"), "5")["status"], "ok");
    }
    assert_eq!(add(&daemon, "new", "127.0.0.9", "5")["status"], "ok");
    drop(daemon);
    assert!(fs::metadata(fixture.file("targets.db-wal")).expect("it was killed").len() > 0);
    fs::copy(&backup, fixture.file("targets.db")).expect("it can be copied");
    let daemon = fixture.daemon(&[]);
    assert_eq!(names(&daemon), ["old"], "{}", daemon.log());
    assert!(
        daemon.log().contains("the database was replaced while meshping was not running"),
        "{}",
        daemon.log()
    );
    assert_eq!(aside(&fixture, "targets.db-wal.foreign-").len(), 1);
    assert_eq!(add(&daemon, "later", "127.0.0.8", "5")["status"], "ok");
    drop(daemon);
    assert_eq!(names(&fixture.daemon(&[])), ["old", "later"]);
}

#[test]
fn a_log_that_belongs_to_its_database_is_applied_after_every_kill() {
    let fixture = Fixture::new();
    for number in 2..20_u8 {
        let daemon = fixture.daemon(&[]);
        assert_eq!(names(&daemon).len(), usize::from(number) - 2, "{}", daemon.log());
        assert_eq!(add(&daemon, "a", &format!("127.0.0.{number}"), "5")["status"], "ok");
        drop(daemon);
    }
    assert_eq!(aside(&fixture, ".foreign-"), Vec::<PathBuf>::new());
}

#[test]
fn a_database_that_is_replaced_under_a_running_daemon_is_kept_aside_and_nothing_is_lost() {
    for in_place in [true, false] {
        let fixture = Fixture::new();
        let daemon = fixture.daemon(&[]);
        assert_eq!(add(&daemon, "old", "127.0.0.2", "5")["status"], "ok");
        let backup = fixture.file("backup");
        copy(&fixture, &backup);
        thread::sleep(Duration::from_millis(1_100));
        assert_eq!(add(&daemon, "new", "127.0.0.3", "5")["status"], "ok");
        thread::sleep(Duration::from_millis(1_100));
        assert_eq!(add(&daemon, "newer", "127.0.0.4", "5")["status"], "ok");
        if in_place {
            fs::copy(&backup, fixture.file("targets.db")).expect("it can be copied");
        } else {
            fs::copy(&backup, fixture.file("copy")).expect("it can be copied");
            fs::rename(fixture.file("copy"), fixture.file("targets.db")).expect("it can be renamed");
        }
        until("a change is saved", || add(&daemon, "last", "127.0.0.5", "5")["status"] == "ok");
        let log = daemon.log();
        assert!(
            log.contains("its file was replaced by another program") && log.contains("--state.restore"),
            "{log}"
        );
        let kept = aside(&fixture, "targets.db.replaced-");
        assert_eq!(kept.len(), 1, "{kept:?}");
        let rows: i64 = Connection::open(&kept[0])
            .and_then(|database| database.query_row("SELECT count(*) FROM wants", [], |row| row.get(0)))
            .expect("the other file is whole");
        assert_eq!(rows, 1);
        drop(daemon);
        assert_eq!(names(&fixture.daemon(&[])), ["old", "new", "newer", "last"], "in place: {in_place}");
    }
}
