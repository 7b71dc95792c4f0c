//! What is a request, and what is said to everything else.

use super::frozen;

const NOT_JSON: [&[u8]; 14] = [
    b"",
    b"\n",
    b" ",
    b"x",
    b"noop",
    b"\xff\xfe",
    b"{\"cmd\": \"noop\"",
    b"{\"cmd\": \"noop\"} x",
    b"{'cmd': 'noop'}",
    b"{\"cmd\": \"no\xffop\"}",
    b"{\"cmd\": \"\\ud800\"}",
    b"{\"cmd\": NaN}",
    b"{\"cmd\": \"noop\",}",
    b"\xef\xbb\xbf{\"cmd\": \"noop\"}",
];

const NO_COMMAND: [&[u8]; 11] = [
    b"5",
    b"-0.5e3",
    b"null",
    b"true",
    b"\"cmd\"",
    b"[]",
    b"[{\"cmd\": \"noop\"}]",
    b"{}",
    b"{\"CMD\": \"noop\"}",
    b"{\"name\": \"web\"}",
    b"{\"command\": \"noop\"}",
];

const UNKNOWN: [&str; 13] = [
    r#"{"cmd": null}"#,
    r#"{"cmd": 5}"#,
    r#"{"cmd": true}"#,
    r#"{"cmd": [1, 2]}"#,
    r#"{"cmd": {"cmd": "noop"}}"#,
    r#"{"cmd": ""}"#,
    r#"{"cmd": "NOOP"}"#,
    r#"{"cmd": " noop"}"#,
    r#"{"cmd": "lsit"}"#,
    r#"{"cmd": "quote\" back\\slash \u001b[2J line\nbreak \u202e"}"#,
    r#"{"cmd": "ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää"}"#,
    r#"{"cmd": "äääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää"}"#,
    "{\"cmd\": [\"\\u001b\", \"é\", \"\u{9b}\",\n1111111111111111111111111111111111111111111111111111111111]}",
];

const NOOP: [&str; 9] = [
    r#"{"cmd": "noop"}"#,
    r#"{"cmd":"noop"}"#,
    "{\"cmd\": \"noop\"}\n",
    " \t{ \"cmd\" : \"noop\" }\r\n\n",
    r#"{"cmd": "no\u006fp"}"#,
    r#"{"cmd": "lsit", "cmd": "noop"}"#,
    r#"{"cmd": "noop", "name": 5, "itv": "never", "unknown": [[[{"deep": 1e999}]]]}"#,
    r#"{"status": "ok", "cmd": "noop"}"#,
    r#"{"cmd": "noop", "a": 123456789012345678901234567890123456789012345678901234567890}"#,
];

#[test]
fn what_is_no_request_is_told_so() {
    frozen(
        "control::requests::what_is_no_request_is_told_so",
        "control/requests.txt",
        &[],
        |daemon, transcript| {
            transcript.title("not JSON, empty, not UTF-8");
            for request in NOT_JSON {
                transcript.send(daemon, request);
            }
            transcript.title("JSON, but no object with cmd");
            for request in NO_COMMAND {
                transcript.send(daemon, request);
            }
            transcript.title("a reply, which is never answered");
            transcript.send(daemon, br#"{"status": "ok"}"#);
            transcript.send(daemon, br#"{"status": "error", "errmessage": "x", "name": "y"}"#);
            transcript.title("unknown commands");
            for request in UNKNOWN {
                transcript.ask(daemon, request);
            }
            transcript.title("noop");
            for request in NOOP {
                transcript.ask(daemon, request);
            }
        },
    );
}
