//! Command lines, and the requests that they become.

use super::*;

/// The request of a command line, with its members in the order of their names.
fn request(line: &[&str]) -> Result<String, String> {
    fn json(subcommand: &impl Subcommand) -> Result<String, CtlError> {
        let request = protocol::Command::to_json(&subcommand.request()?);
        Ok(serde_json::from_str::<serde_json::Value>(&request).expect("JSON").to_string())
    }
    let words = std::iter::once(&PROGRAM).chain(line).map(OsString::from);
    let ctl = parse(words).map_err(|exit| match exit {
        EarlyExit::Usage(text) | EarlyExit::Asked(text) => text,
        EarlyExit::Problems(lines) => lines.concat(),
        EarlyExit::State(..) => String::new(),
    })?;
    let request = match &ctl.command {
        CtlCommand::Add(add) => json(&**add),
        CtlCommand::Remove(remove) => json(remove),
        CtlCommand::Reset(reset) => json(reset),
        CtlCommand::Show(show) => json(show),
        CtlCommand::History(history) => json(history),
        CtlCommand::List(list) => json(list),
        CtlCommand::Export(export) => json(export),
        CtlCommand::Reload(reload) => json(reload),
        CtlCommand::Names(names) => json(names),
        CtlCommand::Backup(_) => return Ok(String::new()),
    };
    request.map_err(|error| error.to_string())
}

#[test]
fn commands_become_requests() {
    let cases: [(&[&str], &str); 31] = [
        (&["list", "--json"], r#"{"cmd":"list"}"#),
        (&["list", "--reset"], r#"{"cmd":"list","reset":true}"#),
        (&["export"], r#"{"cmd":"entries"}"#),
        (&["names", "--json"], r#"{"cmd":"names"}"#),
        (
            &["add", "a.test", "--exclude", "10.0.0.1", "--exclude=::1"],
            r#"{"cmd":"add","exclude":["10.0.0.1","::1"],"name":"a.test"}"#,
        ),
        (&["history", "10.0.0.1", "--json"], r#"{"addr":"10.0.0.1","cmd":"history"}"#),
        (&["history", "--name", "a"], r#"{"cmd":"history","name":"a"}"#),
        (&["add", "google.de/60"], r#"{"cmd":"add","itv":60,"name":"google.de"}"#),
        (&["add", "[2001:db8::1]/0.2"], r#"{"cmd":"add","itv":0.2,"name":"2001:db8::1"}"#),
        (&["add", "10.0.0.1", "--name", "r"], r#"{"addr":"10.0.0.1","cmd":"add","name":"r"}"#),
        (&["add", "web", "--addr", "10.0.0.1"], r#"{"addr":"10.0.0.1","cmd":"add","name":"web"}"#),
        (
            &["-q", "add", "--addr", "10.0.0.5", "--name=-weird", "-i", "30"],
            r#"{"addr":"10.0.0.5","cmd":"add","itv":30,"name":"-weird"}"#,
        ),
        (&["add", "--addr", "10.0.0.5", "--name", "-i"], r#"{"addr":"10.0.0.5","cmd":"add","name":"-i"}"#),
        (&["add", "--addr", "10.0.0.5", "--name=", "-q"], r#"{"addr":"10.0.0.5","cmd":"add"}"#),
        (&["add", "--addr=", "--name=web"], r#"{"cmd":"add","name":"web"}"#),
        (&["add", "--addr", "10.0.0.5", "--name=a\nb"], r#"{"addr":"10.0.0.5","cmd":"add","name":"a\nb"}"#),
        (&["-q", "--no-wait", "remove", "--addr", "10.0.0.5"], r#"{"addr":"10.0.0.5","cmd":"remove"}"#),
        (
            &["add", "::1", "--timeout=2", "--size", "1472", "--dscp=EF", "--ttl=9", "--dont-fragment"],
            r#"{"cmd":"add","dont_fragment":true,"dscp":46,"name":"::1","size":1472,"timeout":2,"ttl":9}"#,
        ),
        (
            &["add", "web", "--source=::1", "--interface=7", "--dont-fragment=false", "--label=a=b=c"],
            r#"{"cmd":"add","dont_fragment":false,"interface":"7","labels":{"a":"b=c"},"name":"web","source":"::1"}"#,
        ),
        (&["remove", "google.de"], r#"{"cmd":"remove","name":"google.de"}"#),
        (&["remove", "10.0.0.1"], r#"{"addr":"10.0.0.1","cmd":"remove"}"#),
        (&["remove", "fe80::1%eth0"], r#"{"addr":"fe80::1%eth0","cmd":"remove"}"#),
        (&["remove", "--name", "10.0.0.1"], r#"{"cmd":"remove","name":"10.0.0.1"}"#),
        (&["remove", "--addr=web.example"], r#"{"addr":"web.example","cmd":"remove"}"#),
        (&["remove", "--name=", "--addr", "10.0.0.1"], r#"{"addr":"10.0.0.1","cmd":"remove"}"#),
        (&["remove", "--", "-weird"], r#"{"cmd":"remove","name":"-weird"}"#),
        (&["reset"], r#"{"cmd":"reset"}"#),
        (&["show", "web"], r#"{"cmd":"list","detail":true,"name":"web"}"#),
        (&["show", "--json", "::1"], r#"{"addr":"::1","cmd":"list","detail":true}"#),
        (&["show", "--name=10.0.0.1"], r#"{"cmd":"list","detail":true,"name":"10.0.0.1"}"#),
        (&["reset", "--name=-weird"], r#"{"cmd":"reset","name":"-weird"}"#),
    ];
    for (line, expected) in cases {
        assert_eq!(request(line), Ok(expected.to_owned()), "{line:?}");
    }
}

#[test]
fn a_bad_command_line_says_what_is_wrong() {
    let cases: [(&[&str], &str); 23] = [
        (&[], "requires a subcommand"),
        (&["lsit"], "lsit"),
        (&["add"], "give HOST, --name or --addr"),
        (&["add", "--name="], "give HOST, --name or --addr"),
        (&["add", "web", "--name", "web", "--addr", "10.0.0.1"], "HOST can't be combined"),
        (&["add", "web/5", "-i", "5"], "HOST/INTERVAL and -i both set the interval"),
        (&["add", "0.0.0.0"], "unspecified"),
        (&["add", "web/0"], "0.01 to 86400"),
        (&["add", "web", "-i", "-1"], "0.01 to 86400"),
        (&["add", "web", "-i"], "a value is required"),
        (&["add", "web", "--size", "15"], "16 to 65507"),
        (&["add", "web", "--timeout", "-1"], "0.05 to 60"),
        (&["add", "web", "--dscp", "EG"], "AF11 to AF43"),
        (&["add", "web", "--dont-fragment=yes"], "true or false"),
        (&["add", "web", "--label", "site"], "site=berlin"),
        (&["add", "web", "--label=a=1", "--label=a=2"], "occurs twice"),
        (&["remove"], "give NAME_OR_ADDR, --name or --addr"),
        (&["remove", "--name="], "give NAME_OR_ADDR, --name or --addr"),
        (&["show"], "give NAME_OR_ADDR, --name or --addr"),
        (&["reset", ""], "empty"),
        (&["reset", "--name=", "--addr="], "empty"),
        (&["remove", "web", "--name", "web"], "cannot be used with"),
        (&["--control", "nowhere", "list"], "127.0.0.1:55432"),
    ];
    for (line, reason) in cases {
        let error = request(line).expect_err("a refusal");
        assert!(error.contains(reason) && !error.contains('\n'), "{line:?}: {error}");
    }
}

#[test]
fn only_changes_can_be_sent_without_waiting() {
    let lines: [(&[&str], bool); 7] = [
        (&["list"], false),
        (&["show", "a"], false),
        (&["export"], false),
        (&["history", "a"], false),
        (&["add", "a"], true),
        (&["remove", "a"], true),
        (&["reset"], true),
    ];
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let control = silent.local_addr().expect("it is bound").to_string();
    for (line, allowed) in lines {
        let options = [PROGRAM, "--no-wait", "--control", &control];
        let ctl = parse(options.iter().chain(line).map(OsString::from)).expect("a command line");
        let error = ctl.run().err().map(|error| error.to_string());
        let expected = "--no-wait works only with add, remove and reset (see meshpingctl --help)";
        assert_eq!(error, (!allowed).then(|| expected.to_owned()), "{line:?}");
    }
}

#[test]
fn the_socket_may_be_written_in_many_ways() {
    for (text, address) in [
        ("127.0.0.1:7", "127.0.0.1:7"),
        ("127.0.0.2", "127.0.0.2:55432"),
        (":7", "127.0.0.1:7"),
        ("[::1]:7", "[::1]:7"),
        ("::1", "[::1]:55432"),
        ("localhost:7", "127.0.0.1:7"),
    ] {
        assert_eq!(server(text), Ok(address.parse().expect("an address")), "{text}");
    }
    assert!(server("off").is_err());
}

#[test]
fn help_is_no_error() {
    let cases: [(&[&str], &str); 4] = [
        (&["--help"], "Exit status"),
        (&["add", "--help"], "HOST[/INTERVAL]"),
        (&["help"], "unrecognized"),
        (&["-V"], env!("CARGO_PKG_VERSION")),
    ];
    for (line, expected) in cases {
        let text = request(line).expect_err("no request");
        assert!(text.contains(expected), "{line:?}: {text}");
    }
}
