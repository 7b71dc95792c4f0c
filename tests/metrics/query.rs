//! Scrapes of some targets: `?name=…&target=…`.

use crate::fake::{Fake, many, member, start};
use crate::http::{Response, exchange, get, request};
use crate::promtool;
use meshping::probe::scripted::ScriptedNetwork;
use meshping::web::HttpLimits;
use std::collections::BTreeSet;

/// The addresses that an exposition has series of.
fn targets(scrape: &Response) -> Vec<&str> {
    assert_eq!(scrape.status, 200, "{}", scrape.text());
    let labels = scrape.text().lines().filter_map(|line| line.split_once("target=\"")?.1.split('"').next());
    labels.collect::<BTreeSet<_>>().into_iter().collect()
}

#[actix::test]
async fn a_scrape_of_some_targets_has_their_series_and_the_daemons_own() {
    let network = ScriptedNetwork::new();
    let of = |(address, name): (&str, &str)| member(&network, address, name);
    let members = [("10.0.0.1", "a b"), ("10.0.0.2", "a b"), ("10.0.0.3", "c&\n"), ("fe80::1%eth0", "d")];
    let (server, handle) = start(Fake::new(members.map(of).to_vec()), HttpLimits::default()).await;
    let cases: [(&str, &[&str]); 9] = [
        ("", &["10.0.0.1", "10.0.0.2", "10.0.0.3", "fe80::1%eth0"]),
        ("?", &["10.0.0.1", "10.0.0.2", "10.0.0.3", "fe80::1%eth0"]),
        ("?name=a%20b", &["10.0.0.1", "10.0.0.2"]),
        ("?name=c%26%0A&name=d", &["10.0.0.3", "fe80::1%eth0"]),
        ("?target=fe80::1%25eth0", &["fe80::1%eth0"]),
        ("?target=::ffff:10.0.0.2&target=10.0.0.3&target=10.0.0.2", &["10.0.0.2", "10.0.0.3"]),
        ("?name=a+b&target=10.0.0.1", &["10.0.0.1", "10.0.0.2"]),
        ("?target=10.0.0.9&name=nobody", &[]),
        ("?name=A%20B", &[]),
    ];
    for (query, expected) in cases {
        let scrape = get(server, &format!("/metrics{query}")).await;
        assert_eq!(targets(&scrape), expected, "{query}");
        assert!(
            scrape.text().contains("\nmeshping_targets 2\n"),
            "{query}: the daemon has as many as it has"
        );
        assert!(scrape.text().contains("\nprocess_cpu_seconds_total "), "{query}");
        promtool::check(scrape.text());
    }
    handle.stop();
}

#[actix::test]
async fn a_scrape_that_can_choose_nothing_is_a_mistake_and_says_what_is_allowed() {
    let network = ScriptedNetwork::new();
    let (server, handle) =
        start(Fake::new(vec![member(&network, "10.0.0.1", "a")]), HttpLimits::default()).await;
    let many = "&name=a".repeat(101);
    let long = format!("name={}", "a".repeat(254));
    let cases = [
        ("nmae=a", "name=NAME and target=ADDRESS"),
        ("name=a&reset=true", "name=NAME and target=ADDRESS"),
        ("target=localhost", "one address"),
        ("target=10.0.0.1%2F24", "one address"),
        ("target", "one address"),
        ("name=", "1 to 253"),
        (&long, "1 to 253"),
        (&many, "allowed are 100"),
    ];
    for (query, allowed) in cases {
        let answer = get(server, &format!("/metrics?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{query}");
        assert!(answer.text().contains(allowed) && answer.text().lines().count() == 1, "{}", answer.text());
        let head = exchange(server, &request("HEAD", &format!("/metrics?{query}"), "")).await;
        assert_eq!(head.map(|head| head.status), Some(400), "{query}");
    }
    handle.stop();
}

#[actix::test]
async fn nobody_but_the_chosen_target_is_asked() {
    let network = ScriptedNetwork::new();
    let chosen = member(&network, "10.9.9.9", "one");
    let fake = Fake::new(many(&network, 100_000).into_iter().chain([chosen]).collect());
    let handed = fake.handed.subscribe();
    let (server, handle) = start(fake, HttpLimits::default()).await;
    for query in ["target=10.9.9.9", "name=one", "name=one&target=10.9.9.9"] {
        assert_eq!(targets(&get(server, &format!("/metrics?{query}")).await), ["10.9.9.9"], "{query}");
    }
    assert_eq!(*handed.borrow(), 4, "members handed over in three scrapes with four values");
    handle.stop();
}

#[actix::test]
async fn what_is_chosen_many_times_is_asked_for_once_and_page_by_page() {
    let network = ScriptedNetwork::new();
    let fake = Fake::new(many(&network, 12_000));
    let (asked, handed) = (fake.asked.subscribe(), fake.handed.subscribe());
    let (server, handle) = start(fake, HttpLimits::default()).await;
    let query = "&name=one+of+many".repeat(100);
    assert_eq!(targets(&get(server, &format!("/metrics?{query}")).await).len(), 12_000);
    assert_eq!(*handed.borrow(), 12_000, "each member is handed over once");
    assert_eq!(*asked.borrow(), 3, "two pages, and whether there is more");
    handle.stop();
}
