//! Commands that the documents show are run as they stand, or are on the list of those that cannot.

use crate::markdown::{Document, document, documents, root};
use crate::not_run::NOT_RUN;
use crate::own_network::{inside, start_meshping};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

/// The hosts that the examples name.
const HOSTS: &str = "ip addr add 9.9.9.9/32 dev lo && ip addr add 192.168.178.1/32 dev lo";

/// A code span that begins with one of these and a space is a command.
const PROGRAMS: &str = "apparmor_parser apt apt-get cargo curl dpkg echo getcap git htpasswd install kill make meshping
    meshpingctl npm pip promtool rustup scripts/ setcap sh socat sqlite3 sudo sysctl systemctl systemd-analyze";

/// Languages of blocks: shell commands, a session, and those that `examples` and other tests check.
const LANGUAGES: [&str; 7] = ["sh", "console", "toml", "json", "yaml", "promql", "text"];

/// A line without the comment behind it.
fn without_comment(line: &str) -> &str {
    line.split_once(" #").map_or(line, |(command, _)| command).trim()
}

/// The commands in blocks of a document: all lines of `sh`, those behind a prompt of `console`.
fn commands(document: &Document) -> Vec<String> {
    let mut commands = Vec::new();
    for block in document.blocks() {
        let lines = block.lines.iter().map(String::as_str);
        match block.language.as_str() {
            "sh" => commands.extend(lines.map(without_comment).map(str::to_owned)),
            "console" => commands.extend(lines.filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned)),
            _ => {}
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// The commands of all documents that begin so.
pub fn beginning(start: &str) -> Vec<String> {
    let all = documents();
    all.iter().flat_map(commands).filter(|command| command.starts_with(start)).collect()
}

/// Standard output of a command line that must succeed.
pub fn shell(line: &str, directory: &Path) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_meshpingctl")).parent().expect("a directory").display();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh").args(["-c", line]).current_dir(directory).env("PATH", path).output();
    let output = output.expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{line}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Whether one of the tests below runs the command, or checks what can be checked of it.
fn is_run(command: &str) -> bool {
    let starts = ["echo '{", "meshpingctl ", "meshping --config ", "curl http://", "install -"];
    starts.iter().any(|start| command.starts_with(start))
        || (command.starts_with("meshping ") && command.ends_with(" &"))
}

#[test]
fn every_command_is_run_or_is_an_exception_with_a_reason() {
    let exceptions: BTreeSet<&str> = NOT_RUN.iter().map(|(command, _)| *command).collect();
    let is_command = |span: &&str| {
        let starts = |program: &str| span.starts_with(program) && span.contains(' ');
        PROGRAMS.split_whitespace().any(|program| {
            if program.ends_with('/') { starts(program) } else { starts(&format!("{program} ")) }
        })
    };
    let (mut unknown, mut seen) = (Vec::new(), BTreeSet::new());
    for document in documents() {
        let spans = document.spans().into_iter().filter(is_command).map(str::to_owned);
        // The names of our programs in spans: the test below has them.
        let spans = spans.filter(|span| !span.starts_with("meshping"));
        for command in commands(&document).into_iter().chain(spans) {
            if !is_run(&command) && !exceptions.contains(command.as_str()) {
                unknown.push(format!("{}: {command}", document.path));
            }
            seen.insert(command);
        }
    }
    assert!(unknown.is_empty(), "neither run nor in tests/documents/not_run.rs: {unknown:#?}");
    let stale: Vec<&&str> = exceptions.iter().filter(|command| !seen.contains(**command)).collect();
    assert!(stale.is_empty(), "no document has: {stale:#?}");
}

#[test]
fn commands_stand_in_fences_whose_language_says_how_they_are_checked() {
    for document in documents() {
        for block in document.blocks() {
            let language = block.language.as_str();
            assert!(LANGUAGES.contains(&language), "{}: a block in {language:?}", document.path);
        }
        let indented = document.prose().into_iter().find(|(_, line)| line.starts_with("    "));
        assert_eq!(indented, None, "{}: a block without fences is not checked", document.path);
    }
}

#[test]
fn our_programs_have_the_commands_and_options_that_prose_names() {
    let all = documents();
    let spans: BTreeSet<&str> = all.iter().flat_map(Document::spans).collect();
    let ours = spans.iter().filter(|span| span.starts_with("meshping ") || span.starts_with("meshpingctl "));
    let ours: Vec<_> = ours.collect();
    assert!(ours.len() > 2, "{ours:?}");
    for span in ours {
        shell(&format!("{span} --help"), root());
    }
}

#[test]
fn requests_are_answered_and_none_is_refused() {
    inside("commands::requests_are_answered_and_none_is_refused", HOSTS, || {
        let state = tempfile::tempdir().expect("a directory");
        let _meshping = start_meshping(&["--state-dir", state.path().to_str().expect("UTF-8")]);
        let lines = beginning("echo '{");
        assert!(lines.len() > 10, "{lines:?}");
        for line in lines {
            let reply: serde_json::Value = serde_json::from_str(&shell(&line, Path::new("/"))).expect(&line);
            assert_ne!(reply["status"], "error", "{line}: {reply}");
        }
    });
}

#[test]
fn commands_of_the_client_succeed() {
    inside("commands::commands_of_the_client_succeed", HOSTS, || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let state = directory.path().join("state");
        let _meshping = start_meshping(&["--state-dir", state.to_str().expect("UTF-8")]);
        let lines = beginning("meshpingctl ");
        assert!(lines.len() > 10, "{lines:?}");
        for line in lines {
            shell(&line, directory.path());
        }
        shell("sh targets.sh", directory.path());
    });
}

#[test]
fn pages_that_curl_asks_for_are_served() {
    inside("commands::pages_that_curl_asks_for_are_served", HOSTS, || {
        let _meshping = start_meshping(&[]);
        let lines = beginning("curl ");
        assert!(!lines.is_empty());
        for line in lines {
            // Without curl, which a minimal Debian does not have.
            let url = line.strip_prefix("curl http://").expect(&line);
            let (host, path) = url.split_once('/').expect(&line);
            let mut stream = TcpStream::connect(host).expect(&line);
            write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect(&line);
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect(&line);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{line}: {answer}");
        }
    });
}

#[test]
fn the_session_in_the_readme_goes_as_shown() {
    inside("commands::the_session_in_the_readme_goes_as_shown", HOSTS, || {
        let blocks = document("README.md").blocks();
        let session = blocks.iter().find(|block| block.language == "console").expect("README.md has one");
        let text = session.text();
        let (start, rest) = text.split_once(" &\n").expect("it starts a daemon");
        let targets: Vec<&str> = start.split_whitespace().skip(2).collect();
        let _meshping = start_meshping(&targets);
        for step in rest.split("$ ").skip(1) {
            let (command, shown) = step.split_once('\n').expect("a command is a line");
            let output = shell(command, Path::new("/"));
            assert_eq!(shape(&output), shape(shown), "{command}");
        }
    });
}

/// What does not change from run to run: of a table the heading and the first column, else the text.
fn shape(output: &str) -> Vec<&str> {
    let lines = output.trim_end().lines();
    let is_row = |line: &str| line.contains('%');
    lines.map(|line| if is_row(line) { line.split(' ').next().unwrap_or(line) } else { line }).collect()
}

#[test]
fn files_that_are_installed_by_hand_are_there() {
    let mut lines = beginning("install ");
    lines.retain(|line| !line.starts_with("install -d"));
    assert!(lines.len() > 3, "{lines:?}");
    for line in lines {
        let words = line.split_whitespace().skip(1);
        let ours = words.filter(|word| word.contains(['.', '/']) && !word.starts_with('/'));
        // What a build makes is not in the repository.
        let sources: Vec<&str> = ours.filter(|word| !word.starts_with("target/release/")).collect();
        assert!(!sources.is_empty() || line.contains("target/release/"), "{line}");
        for source in sources {
            assert!(root().join(source).is_file(), "{line}: {source}");
        }
    }
}
