use super::*;

fn terms(pairs: &[(Key, &str)]) -> Terms {
    let mut terms = Terms::default();
    for &(key, text) in pairs {
        terms.set(key, text).unwrap();
    }
    terms
}

fn texts(terms: &Terms) -> Vec<(Key, String)> {
    terms.iter().collect()
}

#[test]
fn every_option_is_read_and_written() {
    let cases = [
        (Key::Interval, "0.5", "0.5"),
        (Key::Timeout, " 2 ", "2"),
        (Key::Size, "1472", "1472"),
        (Key::Dscp, "EF", "46"),
        (Key::Ttl, "255", "255"),
        (Key::Source, "::ffff:192.0.2.1", "192.0.2.1"),
        (Key::Interface, "eth0.7", "eth0.7"),
        (Key::DontFragment, "true", "true"),
        (Key::Family, "IPv6", "ipv6"),
    ];
    for (key, text, written) in cases {
        let one = terms(&[(key, text)]);
        assert_eq!(texts(&one), [(key, written.to_owned())]);
        assert_eq!(terms(&[(key, written)]), one, "{key}");
        assert_eq!(key.as_str().parse(), Ok(key));
    }
}

#[test]
fn a_bad_value_is_an_error_that_says_what_is_taken() {
    let cases = [
        (Key::Interval, "0", "interval \"0\" is not usable, it takes seconds from 0.01 to 86400"),
        (Key::Timeout, "61", "from 0.05 to 60"),
        (Key::Size, "15", "from 16 to 65507"),
        (Key::Size, "65508", "from 16 to 65507"),
        (Key::Dscp, "64", "from 0 to 63"),
        (Key::Ttl, "0", "from 1 to 255"),
        (Key::Ttl, "256", "from 1 to 255"),
        (Key::Source, "0.0.0.0", "an IP address"),
        (Key::Source, "fe80::1%eth0", "an IP address"),
        (Key::Source, "host.example", "an IP address"),
        (Key::Interface, "", "an interface"),
        (Key::Interface, "a/b", "an interface"),
        (Key::DontFragment, "yes", "true or false"),
        (Key::Family, "5", "ipv4 or ipv6"),
    ];
    for (key, text, reason) in cases {
        let mut terms = terms(&[(key, good(key))]);
        let before = terms.clone();
        let error = terms.set(key, text).unwrap_err().to_string();
        assert!(error.contains(reason) && error.starts_with(key.as_str()), "{key} {text}: {error}");
        assert_eq!(terms, before, "nothing is changed");
    }
}

fn good(key: Key) -> &'static str {
    match key {
        Key::Interval | Key::Timeout | Key::Dscp | Key::Ttl => "1",
        Key::Size => "100",
        Key::Source => "192.0.2.1",
        Key::Interface => "lo",
        Key::DontFragment => "false",
        Key::Family => "ipv4",
    }
}

#[test]
fn later_terms_hide_earlier_ones_option_by_option() {
    let labels = |value| Labels::new([("site", value)]).unwrap();
    let mut earlier = terms(&[(Key::Interval, "5"), (Key::Ttl, "9"), (Key::Timeout, "1")]);
    earlier.set_labels(labels("a"));
    let mut later = terms(&[(Key::Ttl, "7"), (Key::Size, "100")]);
    let whole = later.over(&earlier);
    let expected = [(Key::Interval, "5"), (Key::Timeout, "1"), (Key::Size, "100"), (Key::Ttl, "7")];
    assert_eq!(texts(&whole), expected.map(|(key, text)| (key, text.to_owned())));
    assert_eq!(whole.labels().collect::<Vec<_>>(), [("site", "a")]);
    later.set_labels(labels("b"));
    assert_eq!(later.over(&earlier).labels().collect::<Vec<_>>(), [("site", "b")]);
    assert_eq!(Terms::default().over(&earlier), earlier);
}

#[test]
fn terms_that_contradict_the_host_are_refused() {
    type Given = &'static [(Key, &'static str)];
    let cases: [(&str, Given, &str); 7] = [
        ("192.0.2.1", &[(Key::Family, "ipv6")], "192.0.2.1 is no IPv6 address"),
        ("2001:db8::1", &[(Key::Source, "192.0.2.1")], "2001:db8::1 is no IPv4 address"),
        (
            "host.example",
            &[(Key::Family, "ipv6"), (Key::Source, "192.0.2.1")],
            "192.0.2.1 is no IPv6 address",
        ),
        ("fe80::1%eth0", &[(Key::Interface, "eth1")], "not by eth1"),
        ("fe80::1%eth0", &[(Key::Interface, "eth0")], ""),
        ("host.example", &[(Key::Source, "192.0.2.1")], ""),
        ("192.0.2.1", &[(Key::Family, "ipv4"), (Key::Source, "192.0.2.9")], ""),
    ];
    for (host, pairs, reason) in cases {
        let checked = terms(pairs).check(&host.parse().unwrap());
        let error = checked.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(reason) && error.is_empty() == reason.is_empty(), "{host}: {error}");
    }
}

#[test]
fn a_source_leaves_only_its_family() {
    let only = |pairs: &[(Key, &str)]| terms(pairs).options.and_then(|options| options.only_family());
    assert_eq!(only(&[(Key::Source, "192.0.2.1")]), Some(Family::V4));
    assert_eq!(only(&[(Key::Family, "ipv6")]), Some(Family::V6));
    assert_eq!(only(&[(Key::Ttl, "1")]), None);
}
