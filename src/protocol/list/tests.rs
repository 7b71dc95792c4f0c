//! The bytes of replies, and how many targets fit.

use super::*;
use crate::measure::{RttStats, Timestamp};
use proptest::prelude::*;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

fn key(text: &str) -> TargetKey {
    text.parse().expect("a key")
}

fn target<'a>(key: &'a TargetKey, name: &'a str, summary: PeriodStats) -> ListedTarget<'a> {
    ListedTarget {
        key,
        name,
        names: &[],
        interval: Interval::DEFAULT,
        summary,
        detail: None,
        answered_by: None,
        overrides: None,
    }
}

fn busy() -> PeriodStats {
    let rtt = RttStats { sum: 12_345_678_901, min: 10_101, max: 99_999, last: 12_345, ..RttStats::default() };
    PeriodStats { replies: 999_999, in_flight: 0, rtt, ..PeriodStats::default() }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_target_has_the_members_of_the_contract() {
    let rtt = RttStats { sum: 3_000_000, min: 1, max: 2_500_000, last: 20_100, ..RttStats::default() };
    let summary = PeriodStats {
        replies: 3,
        errors: 2,
        lost: 1,
        void: 4,
        out_of_date: 5,
        duplicates: 6,
        in_flight: 7,
        rtt,
    };
    let mut list = ListReply::default();
    let interval = Interval::from_seconds(0.25).expect("an interval");
    assert!(list.push(&ListedTarget { interval, ..target(&key("fe80::1%eth0"), "a \"b\"", summary) }));
    assert!(list.push(&target(&key("127.0.0.1"), "é", PeriodStats::default())));
    let expected = concat!(
        r#"{"fe80::1%eth0":{"name":"a \"b\"","addr":"fe80::1%eth0","af":10,"itv":0.25,"sent":17,"recv":3,"#,
        r#""errs":2,"lost":1,"void":4,"outd":5,"dups":6,"sum":3.0,"min":0.000001,"max":2.5,"last":0.0201},"#,
        r#""127.0.0.1":{"name":"é","addr":"127.0.0.1","af":2,"itv":1,"sent":0,"recv":0,"#,
        r#""errs":0,"lost":0,"outd":0,"sum":0.0,"min":0.0,"max":0.0,"last":0.0}}"#,
    );
    assert_eq!(text(list.into_whole().expect("it fits")), expected);
    assert_eq!(text(ListReply::default().into_whole().expect("it fits")), "{}");
}

#[test]
fn a_variant_is_in_the_key_and_beside_the_address() {
    let mut list = ListReply::default();
    list.push(&target(&key("127.0.0.1#wan2"), "x", PeriodStats::default()));
    let page = text(list.into_page());
    let beginning = r#"{"127.0.0.1#wan2":{"name":"x","addr":"127.0.0.1","variant":"wan2","af":2,"#;
    assert!(page.starts_with(beginning), "{page}");
    let rows: <ListRequest as Command>::Reply = serde_json::from_str(&page).expect("JSON");
    assert_eq!(rows["127.0.0.1#wan2"].key(), key("127.0.0.1#wan2"));
}

#[test]
fn the_name_of_an_interface_is_escaped() {
    let mut list = ListReply::default();
    list.push(&target(&key("fe80::1%a\"b"), "x", PeriodStats::default()));
    let rows: <ListRequest as Command>::Reply = serde_json::from_slice(&list.into_page()).expect("JSON");
    assert_eq!(rows["fe80::1%a\"b"].key(), key("fe80::1%a\"b"));
}

#[test]
fn old_clients_can_read_eighty_busy_targets() {
    let names: Vec<String> = (100..180).map(|host| format!("10.123.123.{host}")).collect();
    let mut list = ListReply::default();
    for name in &names {
        assert!(list.push(&target(&key(name), name, busy())));
    }
    let bytes = list.into_whole().expect("it fits").len();
    assert!(bytes <= 16_384, "{bytes} bytes");
}

#[test]
fn no_target_is_smaller_than_the_bound_says() {
    let mut list = ListReply::default();
    list.push(&target(&key("1::"), "x", PeriodStats::default()));
    let first = list.needed;
    list.push(&target(&key("1::"), "x", PeriodStats::default()));
    assert_eq!(list.needed - first, MIN_TARGET);
    assert!(TooLarge::check(TooLarge::MAX_TARGETS).is_ok());
    let refusal = TooLarge::check(200_000).expect_err("too many").to_string();
    for part in ["200000 targets", "bytes", "65507", r#""limit""#, r#""after""#] {
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn a_list_holds_whole_targets_from_the_first_on() {
    let name = "n".repeat(253);
    let mut list = ListReply::default();
    let fitted = (1..=1_000_u32)
        .map(|host| IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host)))
        .map(|ip| {
            list.push(&target(&crate::target::Address::try_from(ip).expect("a host").into(), &name, busy()))
        })
        .collect::<Vec<bool>>();
    let fitting = list.fitting();
    assert!(fitted[..fitting].iter().all(|&fits| fits) && !fitted[fitting..].contains(&true));
    let TooLarge { targets, bytes } = list.into_whole().expect_err("no");
    assert_eq!(targets, 1_000);
    assert!(bytes > 400_000);
}

#[test]
fn a_page_with_detail_is_json_and_fits() {
    let rtts = Some(Duration::from_nanos(12_345_678));
    let detail = DetailedStats {
        stddev: rtts,
        jitter: rtts,
        quantiles: rtts.map(|rtt| [rtt; 3]),
        ..DetailedStats::default()
    };
    let wall = WallMapping::new(Timestamp::EPOCH, Duration::from_secs(1_700_000_000));
    let mut list = ListReply::default();
    let key = key("10.0.0.1");
    let one = target(&key, "a", busy());
    while list.push(&ListedTarget { detail: Some((&detail, wall)), ..one }) {}
    let fitting = list.fitting();
    let page = text(list.into_page());
    assert!(
        page.len() <= MAX_REPLY && page.len() > MAX_REPLY - 400 && page.ends_with(r#","p99":0.012345678}}"#)
    );
    assert_eq!(page.matches("\"stddev\":").count(), fitting);
    let mut bare = ListReply::default();
    bare.push(&one);
    let bare = text(bare.into_page());
    assert!(page.starts_with(&bare[..bare.len() - 2]), "the same members come first");
}

#[test]
fn a_page_is_json_and_fits() {
    let mut list = ListReply::default();
    while list.push(&target(&key("10.0.0.1"), "\u{1}\"\u{1f}", busy())) {}
    let fitting = list.fitting();
    let page = list.into_page();
    assert!(page.len() <= MAX_REPLY && page.len() > MAX_REPLY - 300);
    assert_eq!(text(page).matches("\"sent\":").count(), fitting);
}

proptest! {
    #[test]
    fn every_name_comes_back_as_it_was(name: String, recv: u64) {
        let mut list = ListReply::default();
        prop_assume!(name.len() <= 253);
        list.push(&target(&key("::1"), &name, PeriodStats { replies: recv, ..PeriodStats::default() }));
        let reply: Value = serde_json::from_slice(&list.into_page()).expect("a reply is JSON");
        prop_assert_eq!(reply["::1"]["name"].as_str(), Some(name.as_str()));
        prop_assert_eq!(reply["::1"]["recv"].as_u64(), Some(recv));
    }
}
