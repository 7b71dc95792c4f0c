use super::*;

fn options(pairs: &[(OptionKey, &str)]) -> TargetOptions {
    let mut options = TargetOptions::default();
    for &(key, text) in pairs {
        options.set(key, text).unwrap();
    }
    options
}

fn texts(options: &TargetOptions) -> Vec<(OptionKey, String)> {
    options.iter().collect()
}

#[test]
fn every_option_is_read_and_written() {
    let cases = [
        (OptionKey::Interval, "0.5", "0.5"),
        (OptionKey::Timeout, " 2 ", "2"),
        (OptionKey::Size, "1472", "1472"),
        (OptionKey::Dscp, "EF", "46"),
        (OptionKey::Ttl, "255", "255"),
        (OptionKey::Source, "::ffff:192.0.2.1", "192.0.2.1"),
        (OptionKey::Interface, "eth0.7", "eth0.7"),
        (OptionKey::DontFragment, "true", "true"),
        (OptionKey::Family, "IPv6", "ipv6"),
    ];
    for (key, text, written) in cases {
        let one = options(&[(key, text)]);
        assert_eq!(texts(&one), [(key, written.to_owned())]);
        assert_eq!(options(&[(key, written)]), one, "{key}");
        assert_eq!(key.as_str().parse(), Ok(key));
    }
}

#[test]
fn a_bad_value_is_an_error_that_names_the_values_allowed() {
    let cases = [
        (OptionKey::Interval, "0", "interval \"0\" is not usable, it takes seconds from 0.01 to 86400"),
        (OptionKey::Timeout, "61", "from 0.05 to 60"),
        (OptionKey::Size, "15", "from 16 to 65507"),
        (OptionKey::Size, "65508", "from 16 to 65507"),
        (OptionKey::Dscp, "64", "from 0 to 63"),
        (OptionKey::Ttl, "0", "from 1 to 255"),
        (OptionKey::Ttl, "256", "from 1 to 255"),
        (OptionKey::Source, "0.0.0.0", "an IP address"),
        (OptionKey::Source, "fe80::1%eth0", "an IP address"),
        (OptionKey::Source, "host.example", "an IP address"),
        (OptionKey::Interface, "", "an interface"),
        (OptionKey::Interface, "a/b", "an interface"),
        (OptionKey::DontFragment, "yes", "true or false"),
        (OptionKey::Family, "5", "ipv4 or ipv6"),
    ];
    for (key, text, reason) in cases {
        let mut changed = options(&[(key, good(key))]);
        let before = changed.clone();
        let error = changed.set(key, text).unwrap_err().to_string();
        assert!(error.contains(reason) && error.starts_with(key.as_str()), "{key} {text}: {error}");
        assert_eq!(changed, before, "nothing is changed");
    }
}

fn good(key: OptionKey) -> &'static str {
    match key {
        OptionKey::Interval | OptionKey::Timeout | OptionKey::Dscp | OptionKey::Ttl => "1",
        OptionKey::Size => "100",
        OptionKey::Source => "192.0.2.1",
        OptionKey::Interface => "lo",
        OptionKey::DontFragment => "false",
        OptionKey::Family => "ipv4",
    }
}

#[test]
fn later_options_override_earlier_ones_one_by_one() {
    let labels = |value| Labels::new([("site", value)]).unwrap();
    let mut earlier =
        options(&[(OptionKey::Interval, "5"), (OptionKey::Ttl, "9"), (OptionKey::Timeout, "1")]);
    earlier.set_labels(labels("a"));
    let mut later = options(&[(OptionKey::Ttl, "7"), (OptionKey::Size, "100")]);
    let whole = later.merged_over(&earlier);
    let expected = [
        (OptionKey::Interval, "5"),
        (OptionKey::Timeout, "1"),
        (OptionKey::Size, "100"),
        (OptionKey::Ttl, "7"),
    ];
    assert_eq!(texts(&whole), expected.map(|(key, text)| (key, text.to_owned())));
    assert_eq!(whole.labels().collect::<Vec<_>>(), [("site", "a")]);
    later.set_labels(labels("b"));
    assert_eq!(later.merged_over(&earlier).labels().collect::<Vec<_>>(), [("site", "b")]);
    assert_eq!(TargetOptions::default().merged_over(&earlier), earlier);
}

#[test]
fn options_that_contradict_the_host_are_refused() {
    type Options = &'static [(OptionKey, &'static str)];
    let cases: [(&str, Options, &str); 7] = [
        ("192.0.2.1", &[(OptionKey::Family, "ipv6")], "192.0.2.1 is no IPv6 address"),
        ("2001:db8::1", &[(OptionKey::Source, "192.0.2.1")], "2001:db8::1 is no IPv4 address"),
        (
            "host.example",
            &[(OptionKey::Family, "ipv6"), (OptionKey::Source, "192.0.2.1")],
            "192.0.2.1 is no IPv6 address",
        ),
        ("fe80::1%eth0", &[(OptionKey::Interface, "eth1")], "not by eth1"),
        ("fe80::1%eth0", &[(OptionKey::Interface, "eth0")], ""),
        ("host.example", &[(OptionKey::Source, "192.0.2.1")], ""),
        ("192.0.2.1", &[(OptionKey::Family, "ipv4"), (OptionKey::Source, "192.0.2.9")], ""),
    ];
    for (host, pairs, reason) in cases {
        let checked = options(pairs).check(&host.parse().unwrap());
        let error = checked.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(reason) && error.is_empty() == reason.is_empty(), "{host}: {error}");
    }
}

#[test]
fn a_source_address_restricts_the_family() {
    let only =
        |pairs: &[(OptionKey, &str)]| options(pairs).overrides.and_then(|overrides| overrides.only_family());
    assert_eq!(only(&[(OptionKey::Source, "192.0.2.1")]), Some(Family::V4));
    assert_eq!(only(&[(OptionKey::Family, "ipv6")]), Some(Family::V6));
    assert_eq!(only(&[(OptionKey::Ttl, "1")]), None);
}

#[test]
fn every_field_has_a_row_in_the_table() {
    let all = OptionKey::ALL.map(|key| (key, good(key)));
    let set = options(&all);
    assert_eq!(set.iter().map(|(key, _)| key).collect::<Vec<_>>(), OptionKey::ALL);
    assert!(!format!("{set:?}").contains("None"), "{set:?}");
    assert_eq!(set.minus(&set), TargetOptions::default());
    assert_eq!(set.minus(&TargetOptions::default()), set);
    assert_eq!(TargetOptions::default().merged_over(&set), set);
}

#[test]
fn limits_in_the_table_are_those_of_the_values() {
    for key in OptionKey::ALL {
        let Expected::Range(_, min, max) = key.expected() else { continue };
        for (number, is_good) in [(min, true), (max, true), (min * 0.9, false), (max * 1.1, false)] {
            let set = TargetOptions::default().set(key, &number.to_string());
            assert_eq!(set.is_ok(), is_good, "{key} {number}");
        }
    }
}

#[test]
fn an_interval_takes_no_memory_of_its_own() {
    assert_eq!(size_of::<TargetOptions>(), 2 * size_of::<usize>());
}
