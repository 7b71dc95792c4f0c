//! The dashboards for Grafana: whether they are what Grafana reads, and every query in them.

use crate::server::{Prometheus, contrib, value};
use serde_json::Value;
use std::collections::HashSet;

/// A dashboard.
pub struct Dashboard {
    file: &'static str,
    json: Value,
}

/// What Grafana puts in place of its own variables, and of those of which one is chosen.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "10s"), ("$__range", "30s"), ("$name", "lossy"), ("$target", "10.10.30.1")];

impl Dashboard {
    /// All that there are.
    pub fn all() -> [Self; 3] {
        ["overview.json", "target.json", "daemon.json"].map(|file| {
            let text = std::fs::read_to_string(contrib("grafana").join(file)).expect(file);
            Self { file, json: serde_json::from_str(&text).expect(file) }
        })
    }

    fn panels(&self) -> &[Value] {
        self.json["panels"].as_array().expect("a list of panels")
    }

    fn variables(&self) -> &[Value] {
        self.json["templating"]["list"].as_array().expect("a list of variables")
    }

    /// Every query of every panel, with its panel's title.
    fn queries(&self) -> Vec<(String, String)> {
        let texts = |panel: &Value| -> Vec<(String, String)> {
            let title = format!("{}: {}", self.file, panel["title"].as_str().expect("a title"));
            let targets = panel["targets"].as_array().into_iter().flatten();
            targets
                .map(|target| (title.clone(), target["expr"].as_str().expect("a query").to_owned()))
                .collect()
        };
        self.panels().iter().flat_map(texts).collect()
    }

    /// A query as Grafana writes it when of all variables that allow it everything is chosen.
    fn substituted(&self, query: &str) -> String {
        let mut query = query.to_owned();
        for variable in self.variables() {
            if let Some(all) = variable["allValue"].as_str() {
                let name = format!("${}", variable["name"].as_str().expect("a name"));
                query = query.replace(&name, all);
            }
        }
        VARIABLES.iter().fold(query, |query, (name, value)| query.replace(name, value))
    }

    /// Runs every query, as Grafana would, and that of every variable.
    pub fn every_query_has_an_answer(&self, prometheus: &Prometheus) {
        let queries = self.queries();
        assert!(queries.len() > 10, "{}: {} queries", self.file, queries.len());
        for (title, query) in queries {
            let query = self.substituted(&query);
            prometheus.wait_for(&title, &query);
            let series = prometheus.query(&query, None);
            assert!(series.iter().any(|series| value(series).is_finite()), "{title}: {query}: {series:?}");
        }
        for variable in self.variables() {
            let Some(query) = variable["query"]["query"].as_str() else { continue };
            let query = self.substituted(query);
            let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (series, label) = inner.and_then(|inner| inner.rsplit_once(", ")).expect("label_values");
            assert!(!prometheus.labels(series, label).is_empty(), "{}: {query}", self.file);
        }
    }
}

/// Column, line, width and height of a panel.
fn place(panel: &Value) -> [u64; 4] {
    ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a whole number"))
}

#[test]
fn dashboards_are_what_grafana_reads() {
    let mut uids = HashSet::new();
    for Dashboard { file, json } in &Dashboard::all() {
        assert!(uids.insert(json["uid"].as_str().expect("a uid").to_owned()), "{file}: its uid is another's");
        assert!(json["title"].as_str().is_some_and(|title| title.starts_with("meshping: ")), "{file}");
        // 39 is Grafana 10.4 and 11.
        assert_eq!(json["schemaVersion"], 39, "{file}");
        assert!(json.get("id").is_none_or(Value::is_null), "{file}: Grafana gives it a number");
        let text = json.to_string();
        for host in ["localhost", "127.0.0.1", "9922", "http:"] {
            assert!(!text.contains(host), "{file}: {host} is somebody's own");
        }
    }
}

#[test]
fn every_panel_has_its_place_its_unit_and_the_chosen_data_source() {
    for dashboard in &Dashboard::all() {
        let file = dashboard.file;
        let (mut ids, mut taken) = (HashSet::new(), HashSet::new());
        for panel in dashboard.panels() {
            let title = panel["title"].as_str().filter(|title| !title.is_empty()).expect(file);
            assert!(
                ids.insert(panel["id"].as_u64().expect("a number")),
                "{file}: {title}: its id is another's"
            );
            let [x, y, w, h] = place(panel);
            assert!(x + w <= 24 && w > 0 && h > 0, "{file}: {title}");
            let cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
            cells.for_each(|cell| assert!(taken.insert(cell), "{file}: {title} covers another"));
            if panel["type"] != "row" {
                let defaults = &panel["fieldConfig"]["defaults"];
                assert!(defaults["unit"].is_string(), "{file}: {title} has no unit");
                assert!(defaults["thresholds"]["steps"].is_array(), "{file}: {title}");
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file}: {title}");
                check_targets(file, title, panel);
            }
        }
    }
}

fn check_targets(file: &str, title: &str, panel: &Value) {
    let mut ids = HashSet::new();
    for target in panel["targets"].as_array().expect("a list of queries") {
        assert!(ids.insert(target["refId"].as_str().expect("a letter")), "{file}: {title}");
        assert_eq!(target["datasource"]["uid"], "${datasource}", "{file}: {title}");
        let query = target["expr"].as_str().expect("a query");
        assert!(query.contains("job=~\"$job\", instance=~\"$instance\""), "{file}: {title}: {query}");
    }
    assert!(!ids.is_empty(), "{file}: {title}");
}

#[test]
fn every_variable_of_a_query_is_one_of_the_dashboard() {
    for dashboard in &Dashboard::all() {
        let names: HashSet<&str> =
            dashboard.variables().iter().filter_map(|it| it["name"].as_str()).collect();
        assert!(names.contains("datasource"), "{}", dashboard.file);
        for (title, query) in dashboard.queries() {
            for (at, _) in query.match_indices('$') {
                let rest = &query[at + 1..];
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let known =
                    names.contains(&rest[..end]) || ["__rate_interval", "__range"].contains(&&rest[..end]);
                assert!(known, "{title}: ${}", &rest[..end]);
            }
        }
    }
}
