//! A Prometheus of the test's own, and its HTTP API.

use crate::sim::sys;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A running Prometheus; dropping it kills it, and its data go.
pub struct Prometheus {
    child: Child,
    directory: TempDir,
}

/// Half of what the namespace allows a test; on a busy machine everything takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

const LISTEN: &str = "127.0.0.1:9090";

/// The example that comes with meshping, scraped more often, with more jobs and the rules of a file beside it.
fn configuration(jobs: &str) -> String {
    let example = std::fs::read_to_string(contrib("prometheus/prometheus.yml")).expect("there is an example");
    let rules = contrib("prometheus/meshping.rules.yml");
    let often = example
        .replace("scrape_interval: 30s", "scrape_interval: 1s\n  scrape_timeout: 1s")
        .replace("evaluation_interval: 30s", "evaluation_interval: 1s")
        .replace("localhost:9922", "127.0.0.1:9922")
        .replace("meshping.rules.yml", &format!("{}\n  - more.rules.yml", rules.display()));
    assert!(!often.contains("30s") && !often.contains("localhost"), "{often}");
    often + jobs
}

/// Something below `contrib`.
pub fn contrib(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(path)
}

impl Prometheus {
    /// Starts it, and waits until it answers.
    pub fn start() -> Self {
        Self::start_with("", "groups: []")
    }

    /// Starts it with more jobs and rules, in YAML, and waits until it answers.
    pub fn start_with(jobs: &str, rules: &str) -> Self {
        let program = std::env::var("PROMETHEUS").unwrap_or_else(|_| "prometheus".into());
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("prometheus.yml");
        std::fs::write(&file, configuration(jobs)).expect("it can be written");
        std::fs::write(directory.path().join("more.rules.yml"), rules).expect("it can be written");
        let log = File::create(directory.path().join("log")).expect("a place for the log");
        let mut command = Command::new(&program);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={LISTEN}"))
            .arg("--log.level=warn")
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = sys::die_with_us(&mut command).spawn().unwrap_or_else(|error| {
            panic!(
                "{program}: {error}. Run scripts/test, which unpacks Debian's prometheus, or set PROMETHEUS"
            )
        });
        let mut prometheus = Self { child, directory };
        prometheus.wait_until_it_answers();
        prometheus
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while get("/-/ready").is_none() {
            let ended = self.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "prometheus ended at once: {}", self.log());
            assert!(Instant::now() < deadline, "prometheus is not ready: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Asks its API.
    pub fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let pairs: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let path = format!("/api/v1/{path}?{}", pairs.join("&"));
        let body = get(&path).unwrap_or_else(|| panic!("no answer to {parameters:?}: {}", self.log()));
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        answer["data"].clone()
    }

    /// The series that a query gives now, or at a moment.
    pub fn query(&self, query: &str, time: Option<f64>) -> Vec<Value> {
        let time = time.map(|time| time.to_string());
        let mut parameters = vec![("query", query)];
        parameters.extend(time.as_deref().map(|time| ("time", time)));
        let data = self.api("query", &parameters);
        data["result"].as_array().unwrap_or_else(|| panic!("{query}: {data}")).clone()
    }

    /// The value of the one series that a query gives, or will give: a scrape may have been too slow.
    pub fn value(&self, query: &str) -> f64 {
        self.wait_for("a value", query);
        self.value_at(query, None)
    }

    /// The same, at a moment of [`Self::now`].
    pub fn value_at(&self, query: &str, time: Option<f64>) -> f64 {
        let series = self.query(query, time);
        let [one] = &series[..] else { panic!("{} series: {query}: {series:?}", series.len()) };
        value(one)
    }

    /// The values of a label in what a query gives, in order, each once.
    pub fn labels(&self, query: &str, label: &str) -> Vec<String> {
        let series = self.query(query, None);
        let mut values: Vec<String> =
            series.iter().filter_map(|one| one["metric"][label].as_str().map(str::to_owned)).collect();
        values.sort();
        values.dedup();
        values
    }

    /// Waits until a query gives anything.
    pub fn wait_for(&self, what: &str, query: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.query(query, None).is_empty() {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}: {query}: {}", self.log());
            sleep(Duration::from_millis(100));
        }
    }

    /// The present, as Prometheus counts it.
    #[expect(clippy::unused_self, reason = "its clock is that of the machine")]
    pub fn now(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a series of an instant query.
pub fn value(series: &Value) -> f64 {
    let text = series["value"][1].as_str().unwrap_or_else(|| panic!("no value: {series}"));
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

/// The body of an answer with status 200, or 400 and the like that say what is wrong; `None` without any.
fn get(path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(LISTEN).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    // HTTP/1.0, so that the answer ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let unavailable = head.lines().next()?.contains(" 503 ");
    (!unavailable).then(|| body.to_owned())
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
