//! Checks an exposition with promtool.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

/// Fails unless `promtool check metrics` accepts the exposition, including its style.
pub fn check(exposition: &str) {
    check_but(exposition, &[]);
}

/// Fails unless `promtool check metrics` objects to the style of these families, one line each, and to nothing else.
pub fn check_but(exposition: &str, unusual: &[&str]) {
    let promtool = env::var("PROMTOOL").unwrap_or_else(|_| "promtool".into());
    let mut child = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{promtool}: {error}. Run scripts/test, which unpacks Debian's promtool, or set PROMTOOL")
        });
    child.stdin.take().expect("piped").write_all(exposition.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let output_text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&output_text);
    let families: Vec<&str> =
        output_text.lines().map(|line| line.split(' ').next().unwrap_or(line)).collect();
    assert!(families == unusual, "promtool: {output_text}");
    // Exit status 3 means objections to the style.
    assert_eq!(output.status.code(), Some(if unusual.is_empty() { 0 } else { 3 }), "promtool: {output_text}");
}

/// The sum of a family's samples, whole numbers, whose line contains all of `labels`.
pub fn sum(exposition: &str, family: &str, labels: &[&str]) -> u64 {
    let samples = exposition.lines().filter(|line| {
        line.starts_with(&format!("{family}{{")) && labels.iter().all(|label| line.contains(label))
    });
    samples.map(|line| line.rsplit_once(' ').expect("a value").1.parse::<u64>().expect("a count")).sum()
}
