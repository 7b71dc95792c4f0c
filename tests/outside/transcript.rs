//! A transcript: what was asked and what came back, line by line, as it stands in a golden file.

use crate::daemon::Daemon;
use std::process::{Command, Output, Stdio};

/// What was asked and what came back so far.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    /// Says what comes next.
    pub fn title(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.push("");
        }
        self.push(&format!("# {title}"));
    }

    /// Asks the control socket.
    pub fn ask(&mut self, daemon: &Daemon, request: &str) {
        self.ask_masked(daemon, request, str::to_owned);
    }

    /// Asks the control socket, and masks what is different every time.
    pub fn ask_masked(&mut self, daemon: &Daemon, request: &str, mask: impl Fn(&str) -> String) {
        let mut reply = daemon.ask_text(request);
        // Independent of the load of the machine: these requests may be repeated.
        while reply.contains(BUSY) {
            reply = daemon.ask_text(request);
        }
        self.push(&format!("> {}\n< {}", visible(request.as_bytes()), mask(&visible(reply.as_bytes()))));
    }

    /// Sends bytes to the control socket.
    pub fn send(&mut self, daemon: &Daemon, request: &[u8]) {
        let reply = daemon.ask_raw(request);
        let reply = reply.map_or_else(|| "(no reply)".to_owned(), |reply| visible(&reply));
        self.push(&format!("> {}\n< {reply}", visible(request)));
    }

    /// Runs a program, and masks what is different every time.
    pub fn run(&mut self, command: &mut Command, shown: &str, mask: impl Fn(&str) -> String) {
        let mut run = || command.stdin(Stdio::null()).output().expect("it can be run");
        let mut output = run();
        while String::from_utf8_lossy(&output.stderr).contains(BUSY) {
            output = run();
        }
        let Output { status, stdout, stderr } = output;
        let status = status.code().expect("it ended by itself");
        self.push(&format!("$ {}", visible(shown.as_bytes())));
        for (mark, bytes) in [("", stdout), ("! ", stderr)] {
            let text = mask(&String::from_utf8(bytes).expect("UTF-8"));
            for line in text.lines() {
                self.push(&format!("{mark}{}", visible(line.as_bytes())));
            }
            if !text.is_empty() && !text.ends_with('\n') {
                self.push("(no end of line)");
            }
        }
        self.push(&format!("exit status {status}"));
    }

    /// Adds a line as it is.
    pub fn line(&mut self, line: &str) {
        self.push(&visible(line.as_bytes()));
    }

    fn push(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    /// Everything.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Said when something took longer than a client waits.
const BUSY: &str = "the daemon is busy; the command may still take effect";

/// What is no UTF-8, control characters and what turns the direction of writing are escaped, all else stays.
fn visible(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return format!("b\"{}\"", bytes.escape_ascii()) };
    let is_hidden = |c: char| c.is_control() || matches!(c, '\u{feff}' | '\u{202a}'..='\u{202e}');
    text.chars().map(|c| if is_hidden(c) { c.escape_default().to_string() } else { c.into() }).collect()
}

/// Replaces the version.
pub fn without_version(text: &str) -> String {
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Replaces the numbers that stand behind these texts, each up to the first character of no number: floats become
/// `<float>`, whole numbers `<int>`, and 0.0, which says that nothing was measured, stays.
pub fn masked(text: &str, before: &[&str]) -> String {
    let mut masked = text.to_owned();
    for before in before {
        let mut parts = masked.split(before);
        let mut next = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            next = format!("{next}{before}{}{rest}", kind(number));
        }
        masked = next;
    }
    masked
}

fn kind(number: &str) -> &str {
    match number.split_once('.') {
        _ if number == "0.0" || number.is_empty() => number,
        None => "<int>",
        Some((whole, fraction)) if !whole.is_empty() && !fraction.is_empty() => "<float>",
        Some(_) => number,
    }
}
