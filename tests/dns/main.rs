//! Look-ups with real name servers in a network namespace of the test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic")]

mod end_to_end;
mod like_glibc;
mod namespace;
mod servers;
mod zones;

use futures_util::StreamExt;
use meshping::resolve::system::SystemNames;
use meshping::resolve::{Families, FamilyAnswer, Resolve};
use meshping::target::{Family, HostName};
use namespace::inside;
use servers::{Behaviour, Dnsmasq, Rogue};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const OURS: &str = "nameserver 127.0.0.1\n";

/// A resolver with files of its own, which the test can change.
struct System {
    resolv_conf: PathBuf,
    hosts: PathBuf,
    names: SystemNames,
    runtime: tokio::runtime::Runtime,
    _directory: TempDir,
}

impl System {
    fn new(resolv_conf: &str, hosts: &str) -> Self {
        Self::with_families(resolv_conf, hosts, Families::BOTH)
    }

    fn with_families(resolv_conf: &str, hosts: &str, families: Families) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name, text| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (resolv_conf, hosts) = (path("resolv.conf", resolv_conf), path("hosts", hosts));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let names = {
            let _guard = runtime.enter();
            SystemNames::with_files(&resolv_conf, &hosts, families)
        };
        Self { resolv_conf, hosts, names, runtime, _directory: directory }
    }

    /// The answer of each family, and its time after the question.
    fn timed(&self, name: &str) -> Vec<(Family, FamilyAnswer, Duration)> {
        let name: HostName = name.parse().unwrap();
        let begin = Instant::now();
        let answers =
            self.names.lookup(&name, false).map(|(family, answer)| (family, answer, begin.elapsed()));
        let mut answers: Vec<_> = self.runtime.block_on(answers.collect());
        answers.sort_by_key(|(family, ..)| *family);
        answers
    }

    fn both(&self, name: &str) -> (FamilyAnswer, FamilyAnswer) {
        let answers: Vec<_> = self.timed(name).into_iter().map(|(_, answer, _)| answer).collect();
        let [v4, v6] = <[FamilyAnswer; 2]>::try_from(answers).expect("one answer of each family");
        (v4, v6)
    }

    /// The addresses of both families.
    fn addresses(&self, name: &str) -> Vec<String> {
        let (v4, v6) = self.both(name);
        let mut addresses = [list(v4), list(v6)].concat();
        addresses.sort();
        addresses.iter().map(ToString::to_string).collect()
    }

    /// Looks up until `test` holds for the addresses.
    fn wait_for(&self, name: &str, test: impl Fn(&[String]) -> bool) {
        let begin = Instant::now();
        loop {
            let addresses = self.addresses(name);
            if test(&addresses) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "{name} still has {addresses:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn list(answer: FamilyAnswer) -> Vec<IpAddr> {
    match answer {
        FamilyAnswer::Addresses(addresses, _) => addresses,
        _ => Vec::new(),
    }
}

/// The kind of an answer, as a word.
fn word(answer: &FamilyAnswer) -> &'static str {
    match answer {
        FamilyAnswer::Addresses(..) => "addresses",
        FamilyAnswer::NoData(_) => "no data",
        FamilyAnswer::NoName(_) => "no name",
        FamilyAnswer::Failed => "failed",
        FamilyAnswer::Silent => "silent",
        FamilyAnswer::EndlessAliases => "endless aliases",
    }
}

fn words(system: &System, name: &str) -> (&'static str, &'static str) {
    let (v4, v6) = system.both(name);
    (word(&v4), word(&v6))
}

#[test]
fn all_addresses_of_both_families_are_found_with_their_ttl() {
    inside("all_addresses_of_both_families_are_found_with_their_ttl", || {
        let _server = Dnsmasq::start(
            "",
            &[
                "--host-record=both.test,192.0.2.1,2001:db8::1,77",
                "--host-record=both.test,192.0.2.2,77",
                "--cname=alias.test,both.test,33",
            ],
        );
        let system = System::new(OURS, "");
        let expected = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
        assert_eq!(system.addresses("both.test"), expected);
        assert_eq!(system.addresses("BOTH.test."), expected);
        assert_eq!(system.addresses("alias.test"), expected);
        for (name, least) in [("both.test", 77), ("alias.test", 33)] {
            let FamilyAnswer::Addresses(_, ttl) = system.both(name).0 else { panic!("{name} has addresses") };
            assert_eq!(ttl, Duration::from_secs(least), "{name}");
        }
    });
}

#[test]
fn a_change_of_records_is_seen_by_the_next_look_up() {
    inside("a_change_of_records_is_seen_by_the_next_look_up", || {
        let server = Dnsmasq::start("192.0.2.1 host.test\n", &[]);
        let system = System::new(OURS, "");
        assert_eq!(system.addresses("host.test"), ["192.0.2.1"]);
        server.change("192.0.2.2 host.test\n2001:db8::2 host.test\n");
        system.wait_for("host.test", |addresses| addresses == ["192.0.2.2", "2001:db8::2"]);
        server.change("");
        system.wait_for("host.test", <[String]>::is_empty);
        assert_eq!(words(&system, "host.test"), ("no name", "no name"));
    });
}

#[test]
fn reasons_for_a_missing_address_are_distinguished() {
    inside("reasons_for_a_missing_address_are_distinguished", || {
        let _server = Dnsmasq::start(
            "192.0.2.1 four.test\n2001:db8::1 six.test\n",
            &[
                "--txt-record=text.test,hello",
                "--server=/fails.test/127.0.0.2",
                "--server=/silent.test/127.0.0.3",
            ],
        );
        let _fails = Rogue::start("127.0.0.2", Behaviour::Code(2));
        let _silent = Rogue::start("127.0.0.3", Behaviour::Nothing);
        let _refuses = Rogue::start("127.0.0.4", Behaviour::Code(5));
        let _refers = Rogue::start("127.0.0.5", Behaviour::Referral);
        let quick = "options timeout:1 attempts:1\n";
        let system = System::new(&format!("{OURS}{quick}"), "");
        let cases = [
            ("nobody.test", ("no name", "no name")),
            ("text.test", ("no data", "no data")),
            ("four.test", ("addresses", "no data")),
            ("six.test", ("no data", "addresses")),
            ("a.fails.test", ("failed", "failed")),
            ("a.silent.test", ("silent", "silent")),
            // This dnsmasq has no upstream server for it, so it answers REFUSED.
            ("elsewhere.example", ("failed", "failed")),
        ];
        for (name, expected) in cases {
            assert_eq!(words(&system, name), expected, "{name}");
        }
        for (server, expected) in [
            ("127.0.0.2", "failed"),
            ("127.0.0.3", "silent"),
            ("127.0.0.4", "failed"),
            ("127.0.0.5", "silent"),
            ("127.0.0.6", "silent"),
        ] {
            let system = System::new(&format!("nameserver {server}\n{quick}"), "");
            assert_eq!(words(&system, "a.example"), (expected, expected), "{server}");
        }
    });
}

#[test]
fn names_are_searched_for_in_the_domains_of_resolv_conf() {
    inside("names_are_searched_for_in_the_domains_of_resolv_conf", || {
        let _server = Dnsmasq::start(
            "192.0.2.1 four.a.test\n2001:db8::2 four.b.test\n192.0.2.3 second.b.test\n192.0.2.4 bare.test\n\
                192.0.2.5 bare.test.b.test\n",
            &["--txt-record=text.a.test,hello", "--local=/text/", "--server=/fails.test/127.0.0.2"],
        );
        let _fails = Rogue::start("127.0.0.2", Behaviour::Code(2));
        let system = System::new(&format!("{OURS}search a.test b.test\n"), "");
        // The AAAA record in the second domain belongs to another host.
        assert_eq!(system.addresses("four"), ["192.0.2.1"]);
        assert_eq!(words(&system, "four"), ("addresses", "no data"));
        assert_eq!(system.addresses("second"), ["192.0.2.3"]);
        assert_eq!(system.addresses("bare.test"), ["192.0.2.4"]);
        // An existing name overrides others that do not exist.
        assert_eq!(words(&system, "text"), ("no data", "no data"));
        assert_eq!(words(&system, "text."), ("no name", "no name"));
        // The name itself does not exist; failing search domains do not matter.
        let system = System::new(&format!("{OURS}search fails.test\n"), "");
        assert_eq!(words(&system, "nobody.test"), ("no name", "no name"));
        assert_eq!(words(&system, "nobody"), ("failed", "failed"));
        let system = System::new(&format!("{OURS}search b.test\noptions ndots:2\n"), "");
        assert_eq!(system.addresses("bare.test"), ["192.0.2.5"]);
    });
}

#[test]
fn the_hosts_file_comes_first_and_its_changes_are_seen() {
    inside("the_hosts_file_comes_first_and_its_changes_are_seen", || {
        let _server = Dnsmasq::start("192.0.2.1 host.test\n2001:db8::1 host.test\n", &[]);
        let hosts = "192.0.2.9 host.test other\n";
        let system = System::new(OURS, hosts);
        assert_eq!(system.addresses("host.test"), ["192.0.2.9"]);
        assert_eq!(words(&system, "HOST.test."), ("addresses", "no data"));
        std::fs::write(&system.hosts, "192.0.2.9 host.test other\n2001:db8::9 other\n").unwrap();
        assert_eq!(system.addresses("other"), ["192.0.2.9", "2001:db8::9"]);
        std::fs::remove_file(&system.hosts).unwrap();
        assert_eq!(system.addresses("host.test"), ["192.0.2.1", "2001:db8::1"]);
        // With IPv6 only, IPv4 entries are ignored.
        let six = System::with_families(OURS, hosts, Families { v4: false, v6: true });
        let answers: Vec<_> =
            six.timed("host.test").into_iter().map(|(family, answer, _)| (family, list(answer))).collect();
        assert_eq!(answers, [(Family::V6, vec!["2001:db8::1".parse().unwrap()])]);
    });
}

#[test]
fn a_resolv_conf_that_appears_later_is_used() {
    inside("a_resolv_conf_that_appears_later_is_used", || {
        let _silent = Rogue::start("127.0.0.3", Behaviour::Nothing);
        let system = System::new("nonsense\nnameserver 127.0.0.3\noptions timeout:1 attempts:1\n", "");
        assert_eq!(words(&system, "host.test"), ("silent", "silent"));
        std::fs::remove_file(&system.resolv_conf).unwrap();
        // No server listens on this host.
        let begin = Instant::now();
        assert_eq!(words(&system, "host.test"), ("silent", "silent"));
        assert!(begin.elapsed() < Duration::from_secs(11), "took {:?}", begin.elapsed());
        let _server = Dnsmasq::start("192.0.2.1 host.test\n", &[]);
        std::fs::write(&system.resolv_conf, OURS).unwrap();
        assert_eq!(system.addresses("host.test"), ["192.0.2.1"]);
    });
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_comes_whole() {
    inside("an_answer_that_does_not_fit_a_datagram_comes_whole", || {
        let lines: Vec<String> = (1..=200).map(|host| format!("192.0.2.{host} many.test\n")).collect();
        let _server = Dnsmasq::start(&lines.concat(), &[]);
        let system = System::new(OURS, "");
        assert_eq!(system.addresses("many.test").len(), 200);
    });
}

#[test]
fn a_bad_name_server_does_not_hide_a_good_one() {
    inside("a_bad_name_server_does_not_hide_a_good_one", || {
        let _server = Dnsmasq::start("192.0.2.1 host.test\n", &[]);
        let silent = Rogue::start("127.0.0.3", Behaviour::Nothing);
        let cases = [
            ("127.0.0.2", Behaviour::Code(2)),
            ("127.0.0.4", Behaviour::Code(5)),
            ("127.0.0.5", Behaviour::Referral),
        ];
        for (bad, behaviour) in cases {
            let _bad = Rogue::start(bad, behaviour);
            let system = System::new(&format!("nameserver {bad}\n{OURS}"), "");
            assert_eq!(system.addresses("host.test"), ["192.0.2.1"], "{behaviour:?}");
        }
        let system = System::new(&format!("nameserver 127.0.0.3\n{OURS}options timeout:1\n"), "");
        assert_eq!(system.addresses("host.test"), ["192.0.2.1"]);
        // A silent server is asked last for some time, so that not every look-up waits for it.
        let asked = silent.asked();
        let begin = Instant::now();
        assert_eq!(words(&system, "nobody.test"), ("no name", "no name"));
        assert!(begin.elapsed() < Duration::from_millis(900), "took {:?}", begin.elapsed());
        assert_eq!(silent.asked(), asked);
    });
}

#[test]
fn a_family_without_an_answer_does_not_hold_up_the_other() {
    inside("a_family_without_an_answer_does_not_hold_up_the_other", || {
        let _half = Rogue::start("127.0.0.2", Behaviour::OnlyA([192, 0, 2, 1]));
        let system = System::new("nameserver 127.0.0.2\n", "");
        let answers = system.timed("host.test");
        let [(_, v4, v4_after), (_, v6, v6_after)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((word(v4), word(v6)), ("addresses", "silent"));
        assert!(*v4_after < Duration::from_secs(1), "{v4_after:?}");
        // Two attempts of five seconds, the defaults of resolv.conf(5).
        assert!(*v6_after > Duration::from_secs(5) && *v6_after < Duration::from_secs(11), "{v6_after:?}");
    });
}

#[test]
fn a_name_server_at_a_link_local_address_is_asked() {
    inside("a_name_server_at_a_link_local_address_is_asked", || {
        namespace::run("ip", &["address", "add", "fe80::53/64", "dev", "lo", "nodad"]);
        namespace::run("ip", &["link", "add", "lan0", "type", "veth", "peer", "lan1"]);
        namespace::run("ip", &["link", "set", "lan0", "up"]);
        let _server = Rogue::start("fe80::53%lo", Behaviour::Code(3));
        // The server is on one of the two links; the third does not exist.
        for (link, expected) in [("lo", "no name"), ("lan0", "silent"), ("lan9", "silent")] {
            let text = format!("nameserver fe80::53%{link}\noptions timeout:1 attempts:1\n");
            assert_eq!(words(&System::new(&text, ""), "host.test"), (expected, expected), "{link}");
        }
    });
}

#[test]
fn special_names_are_never_looked_up() {
    inside("special_names_are_never_looked_up", || {
        let server = Rogue::start("127.0.0.2", Behaviour::Code(3));
        let system = System::new("nameserver 127.0.0.2\nsearch a.test\n", "");
        assert_eq!(system.addresses("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(system.addresses("my.localhost."), ["127.0.0.1", "::1"]);
        assert_eq!(words(&system, "a.invalid"), ("no name", "no name"));
        assert_eq!(words(&system, "a.onion"), ("no name", "no name"));
        assert_eq!(server.asked(), 0);
        assert_eq!(words(&system, "a.test"), ("no name", "no name"));
        assert_eq!(server.asked(), 4);
    });
}

#[test]
fn a_thousand_names_at_once_are_all_answered() {
    inside("a_thousand_names_at_once_are_all_answered", || {
        let lines: Vec<String> =
            (0..1000).map(|host| format!("10.0.{}.{} h{host}.test\n", host / 250, host % 250 + 1)).collect();
        let _server = Dnsmasq::start(&lines.concat(), &["--dns-forward-max=2000"]);
        let system = System::new(OURS, "");
        let ask = |host: u32| {
            let name: HostName = format!("h{host}.test").parse().unwrap();
            system.names.lookup(&name, false).collect::<Vec<_>>()
        };
        let answers = system.runtime.block_on(futures_util::future::join_all((0..1000).map(ask)));
        for (host, answers) in answers.iter().enumerate() {
            assert!(answers.iter().any(|(_, answer)| word(answer) == "addresses"), "h{host}: {answers:?}");
        }
    });
}
