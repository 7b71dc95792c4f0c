use super::*;
use crate::config::early_exit::EarlyExit;
use crate::config::{Config, EngineKind, StateConfig};
use tracing::level_filters::LevelFilter;

fn config(line: &str) -> Result<Config, EarlyExit> {
    let line = CommandLine::parse_from_arguments(line.split_whitespace().map(OsString::from))?;
    let CommandLine { options, targets, .. } = line;
    options.into_config(targets).map_err(|error| EarlyExit::Usage(error.to_string()))
}

#[test]
fn an_empty_command_line_means_the_defaults() {
    let (parsed, default) = (config("").unwrap(), Config::default());
    assert_eq!(format!("{parsed:?}"), format!("{default:?}"));
}

#[test]
fn no_line_of_the_long_help_is_broken() {
    let long: Vec<&str> = MORE.lines().filter(|line| line.len() > 100).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_option_ends_up_where_it_belongs() {
    type Check = fn(&Config) -> bool;
    let cases: [(&str, Check); 22] = [
        ("google.de/60 192.168.178.1 -i 0.5", |c| {
            c.targets.len() == 2 && c.interval.get().as_millis() == 500
        }),
        ("--interval=10", |c| c.interval.get().as_secs() == 10),
        ("-t 0.05", |c| c.timeout.get().as_millis() == 50),
        ("--control off", |c| c.control.is_none()),
        ("--control [::1]:1", |c| c.control == Some("[::1]:1".parse().unwrap())),
        ("--control 127.0.0.2", |c| c.control == Some("127.0.0.2:55432".parse().unwrap())),
        ("--control :7 --control-allow 10.0.0.0/8 --control-allow ::1", |c| {
            c.control == Some("[::]:7".parse().unwrap()) && c.control_allow.len() == 2
        }),
        ("--web.listen-address off", |c| c.web.is_empty()),
        ("--web.listen-address :80", |c| c.web == ["[::]:80".parse().unwrap()]),
        ("--web.listen-address 127.0.0.1:0", |c| c.web == ["127.0.0.1:0".parse().unwrap()]),
        ("--web.listen-address 127.0.0.1:1 --web.listen-address [::1]", |c| {
            c.web == ["127.0.0.1:1", "[::1]:9922"].map(|address| address.parse().unwrap())
        }),
        ("--web.config.file web.yml", |c| c.web_config == Some("web.yml".into())),
        ("--max-targets 5 127.0.0.1 127.0.0.1", |c| c.max_targets == 5),
        ("--history-days 9", |c| c.state.is_none()),
        ("--state-dir /x", |c| c.state.as_ref().is_some_and(|state| state.history_days == 3)),
        ("--state-dir /x --history-days 0", |c| {
            let directory = "/x".into();
            c.state == Some(StateConfig { directory, history_days: 0 })
        }),
        ("-4 -q", |c| c.families == Families { v4: true, v6: false } && c.quiet),
        ("-6 --quiet", |c| c.families == Families { v4: false, v6: true } && c.quiet),
        ("--engine portable", |c| c.engine == EngineKind::Portable),
        ("--engine native", |c| c.engine == EngineKind::Native),
        ("--log-level DEBUG", |c| c.log_level == LevelFilter::DEBUG),
        ("--log-level off", |c| c.log_level == LevelFilter::OFF),
    ];
    for (line, check) in cases {
        let config = config(line).unwrap();
        assert!(check(&config), "{line}: {config:?}");
    }
}

#[test]
fn a_bad_command_line_is_one_line_that_says_what_to_do() {
    let cases = [
        ("--frobnicate", "unexpected argument '--frobnicate'"),
        ("-i 0", "takes seconds from 0.01 to 86400"),
        ("-i -1", "takes seconds from 0.01 to 86400"),
        ("-i soon", "takes seconds from 0.01 to 86400"),
        ("-t 61", "takes seconds from 0.05 to 60"),
        ("-i", "a value is required"),
        ("-4 -6", "cannot be used with"),
        ("--history-days 367", "from 0 to 366"),
        ("--engine warp", "native, portable, auto"),
        ("--log-level loud", "off, error, warn, info, debug, trace"),
        ("--control nowhere", "127.0.0.1:55432"),
        ("--control 0.0.0.0:55432", "--control-allow"),
        ("--control [::]:55432", "--control-allow"),
        ("--control-allow 10.0.0.0/33", "10.1.0.0/16"),
        ("--web.listen-address localhost:http", "127.0.0.1:9922"),
        ("--web.listen-address off --web.listen-address :1", "can't be combined"),
        ("--max-targets 0", "from 1 to"),
        ("--max-targets 1 127.0.0.1 127.0.0.2", "raise --max-targets"),
        ("0.0.0.0", "unspecified"),
        ("host/5s", "0.01 to 86400"),
        ("a..b", "a target is a host name or an address"),
        ("\u{1b}[31mred", "\\u{1b}[31mred"),
    ];
    for (line, reason) in cases {
        let Err(EarlyExit::Usage(text)) = config(line) else { panic!("{line:?} was accepted") };
        assert!(text.contains(reason), "{line:?}: {text}");
        assert!(!text.contains(char::is_control), "{line:?}: {text:?}");
    }
}

#[test]
fn a_line_break_in_a_word_is_shown() {
    let arguments = ["two\nlines\nUsage: x"].map(OsString::from);
    let parsed = CommandLine::parse_from_arguments(arguments).map_err(EarlyExit::from);
    let Err(EarlyExit::Usage(text)) = parsed else { panic!("accepted") };
    assert!(text.contains("two\\nlines\\nUsage: x") && !text.contains('\n'), "{text}");
}

#[test]
fn help_and_version_are_no_errors() {
    for (line, expected) in [
        ("--help", "Exit status"),
        ("-h", "--targets"),
        ("--version", concat!("meshping ", env!("CARGO_PKG_VERSION"))),
    ] {
        let Err(EarlyExit::Asked(text)) = config(line) else { panic!("{line} is an error") };
        assert!(text.contains(expected), "{text}");
    }
}
