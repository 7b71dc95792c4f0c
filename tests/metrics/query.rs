//! Scrapes of selected targets: `?name=…&target=…`.

use crate::fake::{Fake, many, start, target};
use crate::http::{Response, exchange, get, request};
use crate::promtool;
use meshping::probe::scripted::ScriptedNetwork;
use meshping::web::HttpLimits;
use std::collections::BTreeSet;

/// The addresses with series in an exposition.
fn targets(scrape: &Response) -> Vec<&str> {
    assert_eq!(scrape.status, 200, "{}", scrape.text());
    let labels = scrape.text().lines().filter_map(|line| line.split_once("target=\"")?.1.split('"').next());
    labels.collect::<BTreeSet<_>>().into_iter().collect()
}

#[actix::test]
async fn a_scrape_of_selected_targets_has_their_series_and_those_of_the_daemon() {
    let network = ScriptedNetwork::new();
    let of = |(address, name): (&str, &str)| target(&network, address, name);
    let hosts = [("10.0.0.1", "a b"), ("10.0.0.2", "a b"), ("10.0.0.3", "c&\n"), ("fe80::1%eth0", "d")];
    let (server, handle) = start(Fake::new(hosts.map(of).to_vec()), HttpLimits::default()).await;
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
        assert!(scrape.text().contains("\nmeshping_targets 2\n"), "{query}: the number of all targets");
        assert!(scrape.text().contains("\nprocess_cpu_seconds_total "), "{query}");
        promtool::check(scrape.text());
    }
    handle.stop();
}

#[actix::test]
async fn an_invalid_query_is_an_error_that_states_what_is_allowed() {
    let network = ScriptedNetwork::new();
    let (server, handle) =
        start(Fake::new(vec![target(&network, "10.0.0.1", "a")]), HttpLimits::default()).await;
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
async fn only_selected_targets_are_asked() {
    let network = ScriptedNetwork::new();
    let chosen = target(&network, "10.9.9.9", "one");
    let fake = Fake::new(many(&network, 100_000).into_iter().chain([chosen]).collect());
    let delivered = fake.delivered.subscribe();
    let (server, handle) = start(fake, HttpLimits::default()).await;
    for query in ["target=10.9.9.9", "name=one", "name=one&target=10.9.9.9"] {
        assert_eq!(targets(&get(server, &format!("/metrics?{query}")).await), ["10.9.9.9"], "{query}");
    }
    assert_eq!(*delivered.borrow(), 4, "targets delivered in three scrapes with four values");
    handle.stop();
}

#[actix::test]
async fn targets_selected_many_times_are_asked_once_and_page_by_page() {
    let network = ScriptedNetwork::new();
    let fake = Fake::new(many(&network, 12_000));
    let (asked, delivered) = (fake.asked.subscribe(), fake.delivered.subscribe());
    let (server, handle) = start(fake, HttpLimits::default()).await;
    let query = "&name=one+of+many".repeat(100);
    assert_eq!(targets(&get(server, &format!("/metrics?{query}")).await).len(), 12_000);
    assert_eq!(*delivered.borrow(), 12_000, "each target is delivered once");
    assert_eq!(*asked.borrow(), 3, "two pages, and a third request that finds no more");
    handle.stop();
}
