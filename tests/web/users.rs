//! Basic authentication.

use crate::client::{basic, get, plain, request};
use crate::daemon::Daemon;
use crate::server::{Files, tls, until, user};

#[test]
fn every_page_needs_a_user_and_the_right_password() {
    let files = Files::new();
    let daemon = files.start(&user("ada", "pass:wörd"));
    let wrong = [
        basic("ada", "password"),
        basic("ada", ""),
        basic("eve", "pass:wörd"),
        "Authorization: Basic".into(),
    ];
    for path in ["/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/nothing"] {
        let mut answers = vec![get(daemon.http(), path)];
        answers.extend(wrong.iter().map(|line| plain(daemon.http(), &request("GET", path, &[line]))));
        for answer in answers {
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Basic realm=\"meshping\", charset=\"UTF-8\"")
            );
            assert!(answer.header("content-security-policy").is_some(), "{path}");
            assert!(!answer.body.contains("meshping_"), "{path}");
        }
        let right = plain(daemon.http(), &request("GET", path, &[&basic("ada", "pass:wörd")]));
        let expected = match path {
            "/nothing" => 404,
            "/-/reload" => 405,
            _ => 200,
        };
        assert_eq!(right.status, expected, "{path}");
    }
    let metrics = plain(daemon.http(), &request("GET", "/metrics", &[&basic("ada", "pass:wörd")]));
    assert!(
        metrics.body.contains("meshping_http_refusals_total{reason=\"credentials\"} 30\n"),
        "{}",
        metrics.body
    );
}

/// Processor time of the daemon in milliseconds.
fn processor(daemon: &Daemon) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().expect("a number");
    (ticks(11) + ticks(12)) * 10
}

#[test]
fn a_password_is_checked_once_and_unknown_users_cost_as_much_as_wrong_passwords() {
    let files = Files::new();
    let hash = bcrypt::hash("secret", 9).expect("it can be hashed");
    let daemon = files.start(&format!("basic_auth_users: {{ada: {hash}}}\n"));
    let cost_of = |times: u32, line: &str, status: u16| {
        let before = processor(&daemon);
        for _ in 0..times {
            assert_eq!(plain(daemon.http(), &request("GET", "/-/healthy", &[line])).status, status);
        }
        processor(&daemon) - before
    };
    let wrong = cost_of(5, &basic("ada", "guess"), 401);
    let unknown = cost_of(5, &basic("eve", "guess"), 401);
    let first = cost_of(1, &basic("ada", "secret"), 200);
    let known = cost_of(5, &basic("ada", "secret"), 200);
    println!("ms of processor: {wrong} wrong, {unknown} unknown, {first} first, {known} known");
    assert!(wrong >= 50, "too little to compare: {wrong}");
    assert!(unknown * 10 > wrong * 6 && wrong * 10 > unknown * 6, "{unknown} unknown, {wrong} wrong");
    assert!(known * 3 < wrong, "{known} known, {wrong} wrong");
}

#[test]
fn others_are_answered_while_passwords_are_checked() {
    let files = Files::new();
    let hash = bcrypt::hash("secret", 10).expect("it can be hashed");
    let daemon = files.start(&format!("basic_auth_users: {{ada: {hash}}}\n"));
    let (server, known) = (daemon.http(), basic("ada", "secret"));
    assert_eq!(plain(server, &request("GET", "/-/healthy", &[&known])).status, 200);
    let guesses: Vec<_> = (0..4)
        .map(|guess| {
            let line = basic("ada", &format!("guess {guess}"));
            std::thread::spawn(move || plain(server, &request("GET", "/-/healthy", &[&line])).status)
        })
        .collect();
    let mut answered = 0;
    while guesses.iter().any(|guess| !guess.is_finished()) {
        assert_eq!(plain(server, &request("GET", "/-/healthy", &[&known])).status, 200);
        answered += 1;
    }
    assert!(answered > 4, "only {answered} answers beside four guesses");
    for guess in guesses {
        // A guess that waited too long is answered with 503.
        assert!([401, 503].contains(&guess.join().expect("no panic")));
    }
}

#[test]
fn users_and_tls_go_together() {
    let files = Files::new();
    let daemon = files.start(&(tls(&[]) + &user("ada", "secret")));
    let client = crate::client::Tls::new(&files.authority.pem(), None);
    let status = |fields: &[&str]| {
        let answer = client.ask(daemon.http(), &request("GET", "/metrics", fields));
        answer.expect("a whole response").status
    };
    assert_eq!(status(&[]), 401);
    assert_eq!(status(&[&basic("ada", "secret")]), 200);
}

/// Number of context switches of the daemon's threads so far.
fn switches(daemon: &Daemon) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("it runs");
    let statuses = threads.flatten().filter_map(|it| std::fs::read_to_string(it.path().join("status")).ok());
    let lines: Vec<String> =
        statuses.flat_map(|it| it.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let counts = lines.iter().filter(|line| line.contains("voluntary_ctxt_switches"));
    counts.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
}

#[test]
fn the_daemon_is_idle_again_after_a_scrape_with_tls_and_a_password() {
    let files = Files::new();
    let daemon = files.start(&(tls(&[]) + &user("ada", "secret")));
    let client = crate::client::Tls::new(&files.authority.pem(), None);
    let scrape = client.ask(daemon.http(), &request("GET", "/metrics", &[&basic("ada", "secret")]));
    assert_eq!(scrape.expect("a whole response").status, 200);
    until("rest", || {
        let before = switches(&daemon);
        std::thread::sleep(std::time::Duration::from_secs(3));
        switches(&daemon) == before
    });
}
