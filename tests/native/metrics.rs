//! Reads the text exposition format, as far as our own metrics need it.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// A scrape.
#[derive(Debug, Default)]
pub struct Metrics {
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Reads a scrape. The labels of the simulation hold no characters that would have to be escaped.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { samples: lines.map(Sample::parse).collect() }
    }

    /// The sum of the samples with that name and, at least, these labels; 0 when there are none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).map(|sample| sample.value).sum()
    }

    /// The value of the label of the first sample with that name.
    pub fn label(&self, name: &str, label: &str) -> Option<&str> {
        let sample = self.samples.iter().find(|sample| sample.name == name)?;
        sample.labels.get(label).map(String::as_str)
    }

    /// A family's value for one target, added up over its other labels.
    pub fn of(&self, host: IpAddr, name: &str) -> f64 {
        self.sum(name, &[("target", &host.to_string())])
    }

    /// The errors of one target, by class, those that are not 0.
    pub fn errors(&self, host: IpAddr) -> Vec<(String, f64)> {
        let of_host = [("target", host.to_string())];
        let labels: Vec<(&str, &str)> = of_host.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let errors = self.matching("meshping_errors_total", &labels).filter(|sample| sample.value > 0.0);
        errors.map(|sample| (sample.labels["class"].clone(), sample.value)).collect()
    }

    /// What holds in every scrape: requests = replies + errors + lost + void + pending.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&self, host: IpAddr) {
        let parts =
            ["replies_total", "errors_total", "lost_total", "void_requests_total", "pending_requests"];
        let sum: f64 = parts.iter().map(|part| self.of(host, &format!("meshping_{part}"))).sum();
        assert!(equal(self.of(host, "meshping_requests_total"), sum), "{host}: requests are not {sum}");
    }

    fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| {
            let fits = |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|v| v == value);
            sample.name == name && labels.iter().all(fits)
        })
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a series and its value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let pairs = labels.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty());
        let labels = pairs.map(|pair| {
            let (label, value) = pair.split_once("=\"").expect("a label and its value");
            (label.to_owned(), value.trim_end_matches('"').to_owned())
        });
        Self { name: name.into(), labels: labels.collect(), value: value.parse().expect("a number") }
    }
}

/// Whether two counts are the same; they are whole numbers.
pub fn equal(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.5
}
