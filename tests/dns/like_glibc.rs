//! Look-ups compared with those of glibc, with the same resolv.conf and the same servers.

use super::namespace::{inside, run};
use super::zones::{A, AAAA, DeadServer, Record, Reply, ZoneServer};
use super::{System, words};
use futures_util::StreamExt;
use meshping::resolve::Resolve;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What `getent ahosts` finds in a namespace with these files, sorted, and how long it took.
struct Glibc {
    directory: TempDir,
}

impl Glibc {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        for (name, text) in [("resolv.conf", ""), ("hosts", ""), ("nsswitch.conf", "hosts: files dns\n")] {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            run("mount", &["--bind", path.to_str().unwrap(), &format!("/etc/{name}")]);
        }
        Self { directory }
    }

    fn addresses(&self, resolv_conf: &str, name: &str) -> (Vec<String>, Duration) {
        std::fs::write(self.directory.path().join("resolv.conf"), resolv_conf).unwrap();
        let begin = Instant::now();
        let output = Command::new("getent").args(["ahosts", name]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut addresses: Vec<String> =
            text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
        addresses.sort();
        addresses.dedup();
        (addresses, begin.elapsed())
    }
}

/// Zones with a behaviour each; in `lan` and `six.test` there is a host.
fn zones(name: &str, kind: u16) -> Reply {
    let zone = name.split_once('.').map_or("", |(_, zone)| zone);
    let host = |record| Reply::Records(vec![(name.to_owned(), record)]);
    match (name, zone, kind) {
        ("host.lan", _, A) => host(Record::V4([192, 0, 2, 1])),
        ("host.lan", _, AAAA) => host(Record::V6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
        ("host.six.test", _, AAAA) => host(Record::V6([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6])),
        (_, "half.test" | "half-data.test", AAAA) | (_, "other-half.test", A) | (_, "dead.test", _) => {
            Reply::Nothing
        }
        (_, "half-data.test" | "empty.test", _) => Reply::NoData,
        (_, "fails.test", _) => Reply::Code(2),
        (_, "refuses.test", _) => Reply::Code(5),
        _ => Reply::Code(3),
    }
}

/// Longer than glibc takes.
const MORE: Duration = Duration::from_secs(5);

#[test]
fn what_glibc_finds_is_found() {
    inside("like_glibc::what_glibc_finds_is_found", || {
        let glibc = Glibc::new();
        let _zones = ZoneServer::start("127.0.0.2", zones);
        let _dead = DeadServer::start(Ipv4Addr::new(127, 0, 0, 3));
        let _fails = ZoneServer::start("127.0.0.4", |_, _| Reply::Code(2));
        let _refuses = ZoneServer::start("127.0.0.5", |_, _| Reply::Code(5));
        let live = "nameserver 127.0.0.2\n";
        let quick = "options timeout:1 attempts:1\n";
        let mut cases: Vec<(String, &str)> = Vec::new();
        let zones =
            ["half", "other-half", "half-data", "dead", "fails", "refuses", "empty", "six", "nothing"];
        for zone in zones {
            cases.push((format!("{live}search {zone}.test lan\n{quick}"), "host"));
            cases.push((format!("{live}search {zone}.test nothing.test\n{quick}"), "host.lan"));
            cases.push((format!("{live}search {zone}.test\n{quick}options ndots:2\n"), "host.lan"));
        }
        cases.push((format!("{live}search half.test other-half.test lan\n{quick}"), "host"));
        cases.push((format!("{live}search lan half.test\n{quick}"), "host"));
        let many = "a.test b.test c.test d.test e.test f.test g.test";
        cases.push((format!("{live}search {many} lan\n{quick}"), "host"));
        cases.push((format!("{live}search lan\n{quick}"), "host."));
        cases.push((format!("{live}domain lan\n{quick}"), "host"));
        cases.push((format!("{live}{quick}"), "host"));
        for first in ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"] {
            cases.push((format!("nameserver {first}\n{live}search nothing.test lan\n{quick}"), "host"));
            cases.push((format!("nameserver {first}\n{live}search half.test lan\n{quick}"), "host"));
            cases.push((format!("nameserver {first}\nnameserver 127.0.0.3\n{live}{quick}"), "host.lan"));
        }
        for option in ["use-vc", "no-aaaa", "no-tld-query", "rotate", "single-request", "edns0", "trust-ad"] {
            cases.push((format!("{live}search lan\n{quick}options {option}\n"), "host"));
        }
        // One after the other in glibc, whose files are those of the namespace.
        let expected: Vec<_> = cases.iter().map(|(text, name)| glibc.addresses(text, name)).collect();
        std::thread::scope(|scope| {
            for ((resolv_conf, name), expected) in cases.iter().zip(&expected) {
                scope.spawn(move || compare(resolv_conf, name, expected));
            }
        });
        let found = expected.iter().filter(|(addresses, _)| !addresses.is_empty()).count();
        assert!(found > 30, "glibc has found {found}");
    });
}

fn compare(resolv_conf: &str, name: &str, (expected, took): &(Vec<String>, Duration)) {
    let begin = Instant::now();
    let ours = System::new(resolv_conf, "").addresses(name);
    let case = format!("{name} with {resolv_conf:?}: glibc {expected:?} after {took:?}, here {ours:?}");
    assert!(expected.iter().all(|address| ours.contains(address)), "{case}");
    // glibc ends the search at some zones that refuse, or answer for one family only. To find more is no fault there.
    let may_be_more =
        ["dead.test", "refuses.test", "half.test"].iter().any(|zone| resolv_conf.contains(zone));
    assert!(*expected == ours || (expected.is_empty() && may_be_more), "{case}");
    assert!(begin.elapsed() < *took + MORE, "{case} after {:?}", begin.elapsed());
}

#[test]
fn use_vc_asks_over_tcp_alone() {
    inside("like_glibc::use_vc_asks_over_tcp_alone", || {
        let server = ZoneServer::start("127.0.0.2", zones);
        let system = System::new("nameserver 127.0.0.2\noptions use-vc\n", "");
        assert_eq!(system.addresses("host.lan"), ["192.0.2.1", "2001:db8::1"]);
        let (over_udp, over_tcp) = server.asked();
        assert_eq!(over_udp, 0);
        assert!(over_tcp >= 2, "{over_tcp}");
        let system = System::new("nameserver 127.0.0.2\n", "");
        assert_eq!(system.addresses("host.lan"), ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(server.asked(), (2, over_tcp));
    });
}

/// Aliases a0 to a`number`, and then an address.
fn chain(number: usize) -> Vec<(String, Record)> {
    let alias = |at: usize| (format!("a{at}.test"), Record::Alias(format!("a{}.test", at + 1)));
    let mut records: Vec<_> = (0..number).map(alias).collect();
    records.push((format!("a{number}.test"), Record::V4([192, 0, 2, 7])));
    records
}

#[test]
fn aliases_are_followed_and_texts_say_what_happened() {
    inside("like_glibc::aliases_are_followed_and_texts_say_what_happened", || {
        let glibc = Glibc::new();
        let all_in_one = |length: usize| {
            move |_: &str, kind| match kind {
                A => Reply::Records(chain(length)),
                _ => Reply::Records(chain(length)[..length].to_vec()),
            }
        };
        for (last, length) in [(2, 1), (3, 8), (4, 12), (5, 14)] {
            let address = format!("127.0.0.{last}");
            let _server = ZoneServer::start(&address, all_in_one(length));
            let resolv_conf = format!("nameserver {address}\noptions timeout:1 attempts:1\n");
            let (expected, _) = glibc.addresses(&resolv_conf, "a0.test");
            assert_eq!(expected, ["192.0.2.7"], "{length}");
            assert_eq!(System::new(&resolv_conf, "").addresses("a0.test"), expected, "{length}");
        }
        // One alias an answer, as from a server that does not resolve them.
        let in_steps = |length: usize| {
            move |name: &str, kind| match chain(length).into_iter().find(|(owner, _)| owner == name) {
                Some((_, Record::V4(_))) if kind != A => Reply::NoData,
                Some(record) => Reply::Records(vec![record]),
                None => Reply::Code(3),
            }
        };
        for (last, length, expected) in
            [(6, 8, "addresses"), (7, 15, "addresses"), (8, 16, "endless aliases")]
        {
            let address = format!("127.0.0.{last}");
            let _server = ZoneServer::start(&address, in_steps(length));
            let system = System::new(&format!("nameserver {address}\noptions timeout:1 attempts:1\n"), "");
            assert_eq!(words(&system, "a0.test").0, expected, "{length}");
        }
        let _loop = ZoneServer::start("127.0.0.9", |_, _| {
            let alias = |from: &str, to: &str| (format!("{from}.test"), Record::Alias(format!("{to}.test")));
            Reply::Records(vec![alias("a", "b"), alias("b", "c"), alias("c", "a")])
        });
        let system = System::new("nameserver 127.0.0.9\n", "");
        assert_eq!(words(&system, "a.test"), ("endless aliases", "endless aliases"));
        // The target does not exist, or has no address.
        let _nowhere = ZoneServer::start("127.0.0.10", |name, _| match name {
            "a.test" => Reply::Records(vec![("a.test".into(), Record::Alias("b.test".into()))]),
            "c.test" => Reply::Records(vec![("c.test".into(), Record::Alias("d.test".into()))]),
            "d.test" => Reply::NoData,
            _ => Reply::Code(3),
        });
        let system = System::new("nameserver 127.0.0.10\n", "");
        assert_eq!(words(&system, "a.test"), ("no name", "no name"));
        assert_eq!(words(&system, "c.test"), ("no data", "no data"));
    });
}

#[test]
fn a_good_name_is_not_held_up_by_ten_thousand_silent_ones() {
    inside("like_glibc::a_good_name_is_not_held_up_by_ten_thousand_silent_ones", || {
        let _zones = ZoneServer::start("127.0.0.2", zones);
        let system = System::new("nameserver 127.0.0.2\n", "192.0.2.9 static.test\n");
        let started = Rc::new(Cell::new(0));
        let silent = (0..SILENT).map(|number| {
            let name = format!("h{number}.dead.test").parse().unwrap();
            let (answers, started) = (system.names.lookup(&name, false), Rc::clone(&started));
            async move {
                started.set(started.get() + 1);
                answers.collect::<Vec<_>>().await
            }
        });
        let silent: Vec<_> = silent.collect();
        let good = async {
            while started.get() < SILENT {
                tokio::task::yield_now().await;
            }
            let begin = Instant::now();
            let first = |name: &str| {
                let mut answers = system.names.lookup(&name.parse().unwrap(), false);
                async move { (answers.next().await, begin.elapsed()) }
            };
            let ((of_file, soon), (of_dns, later)) = tokio::join!(first("static.test"), first("host.lan"));
            assert!(of_file.is_some() && of_dns.is_some());
            assert!(soon < Duration::from_millis(500), "/etc/hosts needs no turn: {soon:?}");
            assert!(later < Duration::from_secs(3), "{later:?}");
        };
        let tasks = tokio::task::LocalSet::new();
        for lookup in silent {
            tasks.spawn_local(lookup);
        }
        system.runtime.block_on(tasks.run_until(good));
    });
}

/// As many as can be followed.
const SILENT: usize = 10_000;
