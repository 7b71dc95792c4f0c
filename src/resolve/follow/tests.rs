//! The addresses of a name, and the pauses between look-ups, after a history of answers.

#![allow(
    clippy::disallowed_methods,
    reason = "instants cannot be made of numbers: each test begins at the present"
)]

use super::*;
use crate::resolve::scripted::addresses;
use proptest::prelude::*;

const TTL: Duration = Duration::from_secs(60);

fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

fn texts(follow: &Follow) -> Vec<String> {
    follow.addresses().iter().map(ToString::to_string).collect()
}

fn look_up(
    follow: &mut Follow,
    now: Instant,
    v4: FamilyAnswer,
    v6: FamilyAnswer,
) -> (LookupVerdict, Duration) {
    follow.begin();
    follow.take(now, Family::V4, v4);
    follow.take(now, Family::V6, v6);
    (follow.verdict(), follow.finish())
}

#[test]
fn a_missing_address_is_removed_by_the_third_answer_and_never_by_a_failure() {
    let (one, two) = (addresses(60, &["192.0.2.1"]), addresses(60, &["192.0.2.1", "192.0.2.2"]));
    let (none, gone) = (FamilyAnswer::NoData(TTL), FamilyAnswer::NoName(TTL));
    let (failed, silent) = (FamilyAnswer::Failed, FamilyAnswer::Silent);
    let cases = [
        ("still there", vec![&two, &two], 2),
        ("missed once, twice", vec![&two, &one, &one], 2),
        ("missed three times", vec![&two, &one, &one, &one], 1),
        ("failures do not count", vec![&two, &one, &failed, &silent, &failed, &one], 2),
        ("nor do they reset the count", vec![&two, &one, &failed, &one, &silent, &one], 1),
        ("back within the grace period", vec![&two, &one, &one, &two, &one, &one], 2),
        ("no data is an answer", vec![&two, &none, &none, &none], 0),
        ("no such name is an answer", vec![&two, &gone, &gone], 2),
        ("no such name, three times", vec![&two, &gone, &none, &gone], 0),
        ("only failures, without end", [vec![&two], vec![&failed; 50], vec![&silent; 50]].concat(), 2),
    ];
    for (case, history, left) in cases {
        let mut follow = Follow::new(&name("a.example"));
        let mut now = Instant::now();
        for answer in history {
            look_up(&mut follow, now, answer.clone(), addresses(60, &["2001:db8::1"]));
            now += MIN_PAUSE;
        }
        let texts = texts(&follow);
        assert_eq!(texts.len(), left + 1, "{case}: {texts:?}");
        assert_eq!(texts.last().map(String::as_str), Some("2001:db8::1"), "{case}");
    }
}

#[test]
fn a_family_that_fails_keeps_its_addresses_while_the_other_changes() {
    let mut follow = Follow::new(&name("a.example"));
    let mut now = Instant::now();
    look_up(&mut follow, now, addresses(60, &["192.0.2.1"]), addresses(60, &["2001:db8::1"]));
    for _ in 0..3 {
        now += TTL;
        look_up(&mut follow, now, addresses(60, &["192.0.2.2"]), FamilyAnswer::Failed);
    }
    assert_eq!(texts(&follow), ["192.0.2.2", "2001:db8::1"]);
}

#[test]
fn frequent_look_ups_do_not_use_up_the_grace_period() {
    let mut follow = Follow::new(&name("a.example"));
    let now = Instant::now();
    look_up(&mut follow, now, addresses(60, &["192.0.2.1", "192.0.2.2"]), FamilyAnswer::NoData(TTL));
    for second in 0..15 {
        let now = now + Duration::from_secs(second);
        look_up(&mut follow, now, addresses(60, &["192.0.2.1"]), FamilyAnswer::NoData(TTL));
        assert_eq!(follow.addresses().len(), 2, "after {second} s");
    }
    let now = now + Duration::from_secs(15);
    look_up(&mut follow, now, addresses(60, &["192.0.2.1"]), FamilyAnswer::NoData(TTL));
    assert_eq!(texts(&follow), ["192.0.2.1"]);
}

#[test]
fn a_verdict_states_only_what_is_certain() {
    let some = || addresses(60, &["192.0.2.1"]);
    let unusable = || addresses(60, &["0.0.0.0", "224.0.0.1"]);
    let (none, gone) = (|| FamilyAnswer::NoData(TTL), || FamilyAnswer::NoName(TTL));
    let (failed, silent) = (|| FamilyAnswer::Failed, || FamilyAnswer::Silent);
    let cases = [
        (some(), some(), LookupVerdict::Addresses),
        (some(), silent(), LookupVerdict::Addresses),
        (some(), failed(), LookupVerdict::Addresses),
        (some(), gone(), LookupVerdict::Addresses),
        (gone(), gone(), LookupVerdict::NoName),
        (gone(), none(), LookupVerdict::NoAddress),
        (none(), none(), LookupVerdict::NoAddress),
        (unusable(), none(), LookupVerdict::NoAddress),
        (failed(), failed(), LookupVerdict::ServersFail),
        (failed(), none(), LookupVerdict::ServersFail),
        (failed(), gone(), LookupVerdict::ServersFail),
        (failed(), silent(), LookupVerdict::ServersFail),
        (silent(), silent(), LookupVerdict::Silent),
        (silent(), none(), LookupVerdict::Silent),
        (silent(), gone(), LookupVerdict::Silent),
    ];
    for (one, other, verdict) in cases {
        let case = format!("{one:?} {other:?}");
        let mut follow = Follow::new(&name("a.example"));
        assert_eq!(look_up(&mut follow, Instant::now(), one.clone(), other.clone()).0, verdict, "{case}");
        assert_eq!(
            look_up(&mut follow, Instant::now(), other, one).0,
            verdict,
            "{case}, the other way round"
        );
    }
    assert_eq!(Follow::new(&name("a.example")).verdict(), LookupVerdict::Silent);
}

#[test]
fn the_pause_is_the_ttl_within_limits() {
    let cases = [
        (0, 5.0, 5.5),
        (1, 5.0, 5.5),
        (60, 60.0, 66.0),
        (7200, 3272.0, 3600.0),
        (u64::MAX >> 16, 3272.0, 3600.0),
    ];
    for (ttl, min, max) in cases {
        for host in ["a.example", "b.example", "c.example"] {
            let mut follow = Follow::new(&name(host));
            let none = FamilyAnswer::NoData(Duration::from_secs(1));
            let (_, pause) = look_up(&mut follow, Instant::now(), addresses(ttl, &["192.0.2.1"]), none);
            assert!((min..=max).contains(&pause.as_secs_f64()), "{ttl} {host}: {pause:?}");
        }
    }
    let mut follow = Follow::new(&name("a.example"));
    let (v4, v6) = (addresses(300, &["192.0.2.1"]), addresses(20, &["2001:db8::1"]));
    assert!(look_up(&mut follow, Instant::now(), v4, v6).1 <= Duration::from_secs(22));
}

#[test]
fn failed_look_ups_are_repeated_with_growing_pauses() {
    let failures = [
        (FamilyAnswer::Failed, FamilyAnswer::Silent),
        (FamilyAnswer::NoName(Duration::from_secs(86_400)), FamilyAnswer::NoName(TTL)),
        (addresses(3600, &["192.0.2.1"]), FamilyAnswer::Failed),
    ];
    for (v4, v6) in failures {
        let mut follow = Follow::new(&name("a.example"));
        for longest in [2, 4, 8, 16, 32, 60, 60, 60] {
            let longest = Duration::from_secs(longest);
            let (_, pause) = look_up(&mut follow, Instant::now(), v4.clone(), v6.clone());
            assert!(
                longest / 2 <= pause && pause <= longest,
                "{v4:?} {v6:?}: {pause:?}, at most {longest:?}"
            );
        }
    }
}

#[test]
fn a_name_that_may_have_been_deleted_is_looked_up_soon() {
    let mut follow = Follow::new(&name("a.example"));
    look_up(&mut follow, Instant::now(), addresses(3600, &["192.0.2.1"]), FamilyAnswer::NoData(TTL));
    let gone = || FamilyAnswer::NoName(Duration::from_secs(86_400));
    assert!(look_up(&mut follow, Instant::now(), gone(), gone()).1 <= MAX_RETRY.mul_f64(1.1));
}

#[test]
fn many_names_are_not_looked_up_at_once() {
    let pause = |number: u32| {
        let mut follow = Follow::new(&name(&format!("host-{number}.example")));
        look_up(&mut follow, Instant::now(), addresses(300, &["192.0.2.1"]), FamilyAnswer::NoData(TTL)).1
    };
    let mut seconds = [0; 31];
    for number in 0..10_000 {
        let second = pause(number).as_secs() - 300;
        seconds[usize::try_from(second).unwrap()] += 1;
    }
    assert!(seconds[..30].iter().all(|&names| (200..=470).contains(&names)), "{seconds:?}");
    assert_eq!(pause(7), pause(7));
}

#[test]
fn unusable_addresses_are_reported_once() {
    let mut follow = Follow::new(&name("a.example"));
    let odd = || addresses(60, &["0.0.0.0", "192.0.2.1", "255.255.255.255"]);
    let ignored = follow.take(Instant::now(), Family::V4, odd());
    assert_eq!(ignored.len(), 2, "{ignored:?}");
    assert_eq!(follow.take(Instant::now(), Family::V4, odd()), []);
    assert_eq!(texts(&follow), ["192.0.2.1"]);
}

#[test]
fn a_name_has_at_most_256_addresses() {
    let v4 = |first: u32, count: u32| {
        let ips = (first..first + count).map(|number| IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
        FamilyAnswer::Addresses(ips.collect(), TTL)
    };
    let mut follow = Follow::new(&name("a.example"));
    let now = Instant::now();
    assert_eq!(follow.take(now, Family::V4, v4(1, 250)), []);
    assert_eq!(follow.take(now, Family::V6, addresses(60, &["2001:db8::1"; 9])), []);
    assert_eq!(follow.take(now, Family::V4, v4(1, 1000)), [Ignored::TooMany]);
    assert_eq!(follow.take(now, Family::V4, v4(1, 1000)), []);
    let texts = texts(&follow);
    assert_eq!((texts.len(), texts[254].as_str(), texts[255].as_str()), (256, "10.0.0.255", "10.0.1.0"));
}

fn any_answer() -> impl Strategy<Value = FamilyAnswer> {
    let ttl = (0u64..100_000).prop_map(Duration::from_secs);
    let ips = prop::collection::vec(any::<u32>().prop_map(|ip| IpAddr::from(ip.to_be_bytes())), 1..300);
    prop_oneof![
        (ips, ttl.clone()).prop_map(|(ips, ttl)| FamilyAnswer::Addresses(ips, ttl)),
        ttl.clone().prop_map(FamilyAnswer::NoData),
        ttl.prop_map(FamilyAnswer::NoName),
        Just(FamilyAnswer::Failed),
        Just(FamilyAnswer::Silent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn limits_hold_for_all_answers(history in prop::collection::vec((any_answer(), any_answer()), 1..20)) {
        let mut follow = Follow::new(&name("a.example"));
        let mut now = Instant::now();
        for (v4, v6) in history {
            let (verdict, pause) = look_up(&mut follow, now, v4, v6);
            prop_assert!(pause >= Duration::from_secs(1) && pause <= MAX_PAUSE, "{pause:?}");
            let addresses = follow.addresses();
            prop_assert!(addresses.len() <= MAX_ADDRESSES && addresses.is_sorted());
            prop_assert!(verdict != LookupVerdict::Addresses || !addresses.is_empty());
            now += pause;
        }
    }
}
