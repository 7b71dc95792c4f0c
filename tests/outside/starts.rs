//! Starts that fail: the line that says what to do, and the exit status.

use crate::daemon::Daemon;
use crate::golden;
use crate::network::known;
use crate::transcript::Transcript;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

/// What is said to the user; the log has times in it.
fn without_log(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| line.starts_with("meshping: ")).collect()
}

#[test]
fn what_cant_start_says_why() {
    known("starts::what_cant_start_says_why", || {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().to_str().expect("UTF-8");
        let _control = UdpSocket::bind("127.0.0.1:55432").expect("the network is ours");
        let _web = TcpListener::bind("127.0.0.1:9922").expect("the network is ours");
        let _other = Daemon::start(&["--state-dir", state]);
        let mut transcript = Transcript::default();
        for words in [
            &["--web.listen-address", "off"][..],
            &["--control", "off", "--web.listen-address", "127.0.0.1:9922"],
            &["--control", "192.0.2.9:55432", "--control-allow", "192.0.2.0/24"],
            &["--control", "off", "--web.listen-address", "192.0.2.9:9922"],
            &["--control", "off", "--web.listen-address", "off", "--state-dir", state],
        ] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
            command.env_clear().arg("-q").args(words);
            let shown = format!("meshping -q {}", words.join(" ").replace(state, "DIRECTORY"));
            transcript.run(&mut command, &shown, |text| without_log(text).replace(state, "DIRECTORY"));
        }
        golden::check("starts.txt", transcript.text());
    });
}
