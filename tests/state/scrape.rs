//! What /metrics shows, as much of it as these tests need.

use crate::daemon::Daemon;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Every sample, by its name and labels.
pub struct Scrape(HashMap<String, f64>);

impl Scrape {
    pub fn of(daemon: &Daemon) -> Self {
        let mut stream = TcpStream::connect(daemon.http()).expect("the HTTP server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let samples = text.lines().filter(|line| line.starts_with("meshping_"));
        let parsed = samples.filter_map(|line| line.rsplit_once(' '));
        let samples: HashMap<String, f64> =
            parsed.map(|(series, value)| (series.to_owned(), value.parse().expect("a number"))).collect();
        assert!(samples.len() > 10, "{text}");
        Self(samples)
    }

    /// A sample that has to be there.
    pub fn get(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("no {series} among {:?}", self.0.keys()))
    }

    /// A sample of a target.
    pub fn target(&self, family: &str, name: &str, target: &str) -> f64 {
        self.get(&format!("meshping_{family}{{name=\"{name}\",target=\"{target}\"}}"))
    }

    /// The counters of the targets.
    pub fn counters(&self) -> impl Iterator<Item = (&str, f64)> {
        let is_counter = |series: &str| {
            let family = series.split('{').next().unwrap_or_default();
            series.contains("target=")
                && ["_total", "_bucket", "_sum", "_count"].iter().any(|it| family.ends_with(it))
        };
        self.0
            .iter()
            .map(|(series, value)| (series.as_str(), *value))
            .filter(move |(series, _)| is_counter(series))
    }

    /// Nothing that was counted is not counted any more.
    pub fn assert_continues(&self, earlier: &Self) {
        assert!(earlier.counters().count() > 5);
        for (series, before) in earlier.counters() {
            let now = self.0.get(series).copied().unwrap_or(f64::NAN);
            assert!(now >= before, "{series} went from {before} to {now}");
        }
    }

    /// `requests = replies + errors + lost + void + pending`.
    pub fn assert_adds_up(&self, name: &str, target: &str) {
        let of = |family: &str| self.target(family, name, target);
        let labels = format!("name=\"{name}\",target=\"{target}\"");
        let errors = self
            .0
            .iter()
            .filter(|(series, _)| series.starts_with("meshping_errors_total") && series.contains(&labels));
        let errors: f64 = errors.map(|(_, value)| value).sum();
        let settled = of("replies_total") + errors + of("lost_total") + of("void_requests_total");
        let sum = settled + of("pending_requests");
        assert!((of("requests_total") - sum).abs() < 0.5, "{} requests, {sum} in all", of("requests_total"));
    }
}
