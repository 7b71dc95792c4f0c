//! What each outcome of a request is counted as.

use super::{Fixture, host, seconds, seed, timeout};
use actix::prelude::*;
use meshping::actors::pinger::{PingActor, Query};
use meshping::measure::{ErrorClass, PeriodStats, Timestamp};
use meshping::probe::scripted::{
    ScriptedNetwork, ScriptedOutcome, error, not_sent, refused, reply, reply_micros, silence, stale,
    swallowed,
};
use meshping::probe::{Engine, RejectReason};
use meshping::target::Address;

const UNREACHABLE: ErrorClass = ErrorClass::HostUnreachable;

#[actix::test]
async fn a_silent_probe_is_lost_at_its_timeout() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [reply(12), silence(), reply(14)]);
    let summary = fixture.summary_at(2_800).await;
    assert_eq!((summary.sent(), summary.replies, summary.lost), (3, 2, 1));
    assert_eq!(
        (summary.rtt.sum, summary.rtt.min, summary.rtt.max, summary.rtt.last),
        (26_000, 12_000, 14_000, 14_000)
    );
}

#[actix::test]
async fn a_request_is_open_until_its_deadline_and_settled_at_it() {
    tokio::time::pause();
    for interval in ["1", "60"] {
        let fixture = Fixture::new(interval, "5", [silence()]);
        let before = fixture.summary_at(5_499).await;
        assert_eq!((before.lost, before.in_flight), (0, before.sent()), "every {interval} s");
        let after = fixture.summary_at(5_500).await;
        assert_eq!((after.lost, after.settled()), (1, 1), "every {interval} s");
    }
}

#[actix::test]
async fn a_reply_at_the_very_deadline_is_in_time_and_a_microsecond_later_is_not() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [reply(500), reply_micros(500_001)]);
    let totals = fixture.totals_at(2_400).await;
    assert_eq!((totals.replies, totals.rtt.sum), (1, 500_000));
    assert_eq!((totals.lost, totals.late), (1, 1));
}

#[actix::test]
async fn a_late_reply_is_late_and_not_received() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [reply(700)]);
    let totals = fixture.totals_at(1_300).await;
    assert_eq!((totals.lost, totals.late, totals.replies, totals.out_of_date), (1, 1, 0, 0));
    assert_eq!((totals.rtt.last, totals.reply_ttl), (0, Some(ScriptedOutcome::TTL)));
}

#[actix::test]
async fn a_reply_after_a_newer_request_is_out_of_date_in_time_or_not() {
    tokio::time::pause();
    let in_time = Fixture::new("0.2", "5", [reply(250)]).summary_at(1_000).await;
    // Sent at 100, 300, 500, 700, 900 ms.
    assert_eq!((in_time.sent(), in_time.replies, in_time.out_of_date), (5, 4, 4));
    let late = Fixture::new("1", "0.5", [reply(1_200)]).summary_at(1_800).await;
    assert_eq!((late.lost, late.replies, late.out_of_date), (1, 0, 1));
}

#[actix::test]
async fn further_replies_are_duplicates_as_long_as_we_remember() {
    tokio::time::pause();
    let outcome = reply(12).and(reply(15)).and(reply(9_999)).and(reply(10_001));
    let fixture = Fixture::on(ScriptedNetwork::new().host_then(host(), [outcome], reply(12)), "1", "0.5");
    let totals = fixture.totals_at(12_000).await;
    assert_eq!((totals.replies, totals.duplicates), (12, 2));
    assert_eq!(foreign(&fixture, RejectReason::Stale), 1, "more than 10 s after sending it is nobody's");
}

#[actix::test]
async fn an_error_settles_its_request_and_a_reply_after_it_is_late() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [error(5, UNREACHABLE).and(reply(40))]);
    let totals = fixture.totals_at(900).await;
    assert_eq!((totals.requests(), totals.errors[UNREACHABLE as usize]), (1, 1));
    assert_eq!((totals.late, totals.replies, totals.lost, totals.pending), (1, 0, 0, 0));
    let summary = fixture.summary_at(900).await;
    assert_eq!((summary.errors, summary.replies, summary.duplicates, summary.out_of_date), (1, 0, 0, 0));
}

#[actix::test]
async fn an_error_after_a_reply_counts_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(5).and(error(40, UNREACHABLE))]);
    let summary = fixture.summary_at(900).await;
    assert_eq!(summary, PeriodStats { replies: 1, rtt: summary.rtt, ..PeriodStats::default() });
    assert_eq!(fixture.network.stats().foreign.iter().sum::<u64>(), 0);
}

#[actix::test]
async fn an_error_after_the_timeout_leaves_the_request_lost() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [error(700, UNREACHABLE)]);
    let summary = fixture.summary_at(1_300).await;
    assert_eq!((summary.lost, summary.errors), (1, 0));
}

#[actix::test]
async fn what_our_own_buffer_dropped_is_void_for_everyone_who_heard_nothing_in_that_family() {
    tokio::time::pause();
    let [second, third]: [Address; 2] =
        ["192.0.2.2", "2001:db8::3"].map(|text| text.parse().expect("a literal"));
    let network = ScriptedNetwork::new().host(host(), [swallowed(100)]);
    let network = network.host(second, [silence()]).host(third, [silence()]);
    let fixture = Fixture::on(network, "10", "1");
    let others = [second, third].map(|address| {
        PingActor::new(address.into(), seconds("10"), timeout("1"), seed(), fixture.network.engine()).start()
    });
    let summary = fixture.summary_at(1_600).await;
    assert_eq!((summary.void, summary.lost), (1, 0));
    let mut heard = Vec::new();
    for other in others {
        let summary = other.send(Query::<PeriodStats>::new()).await.expect("it runs");
        heard.push((summary.void, summary.lost));
    }
    assert_eq!(heard, [(1, 0), (0, 1)], "IPv4 shares our buffer, IPv6 has its own");
}

#[actix::test]
async fn a_drop_before_sending_or_after_the_timeout_excuses_no_loss() {
    tokio::time::pause();
    let outcomes = [swallowed(600), silence(), silence()];
    let fixture = Fixture::new("1", "0.5", outcomes);
    let summary = fixture.summary_at(3_400).await;
    assert_eq!((summary.void, summary.lost), (0, 3), "the drop was 100 ms after the first timeout");
}

#[actix::test]
async fn what_we_could_not_send_is_skipped_and_no_request() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [not_sent(), reply(10), not_sent()]);
    let totals = fixture.totals_at(2_900).await;
    assert_eq!((totals.requests(), totals.replies, totals.skipped, totals.pending), (1, 1, 2, 0));
    assert_eq!(fixture.sent_at(), [1_500]);
}

#[actix::test]
async fn what_our_kernel_refuses_is_an_error_of_class_send() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [refused(), reply(10)]);
    let totals = fixture.totals_at(1_900).await;
    assert_eq!((totals.requests(), totals.errors[ErrorClass::Send as usize], totals.replies), (2, 1, 1));
    let summary = fixture.summary_at(1_900).await;
    assert_eq!((summary.sent(), summary.errors, summary.replies), (2, 1, 1));
}

#[actix::test]
async fn a_reply_that_nobody_asked_for_is_foreign() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [stale(10)]);
    let summary = fixture.summary_at(1_100).await;
    assert_eq!(summary, PeriodStats { lost: 1, ..PeriodStats::default() });
    assert_eq!(foreign(&fixture, RejectReason::Stale), 1);
}

#[actix::test]
async fn a_host_that_answers_a_hundred_times_is_heard_a_hundred_times() {
    tokio::time::pause();
    let storm =
        (0..100).map(|copy| reply(10 + copy)).reduce(ScriptedOutcome::and).expect("a hundred of them");
    let fixture = Fixture::new("60", "5", [storm]);
    let summary = fixture.summary_at(620).await;
    assert_eq!((summary.replies, summary.duplicates, summary.rtt.sum), (1, 99, 10_000));
}

#[actix::test]
async fn the_time_of_receipt_decides_not_when_we_got_to_hear() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [reply_micros(12_345)]);
    let summary = fixture.summary_at(900).await;
    assert_eq!((summary.replies, summary.rtt.last), (1, 12_345));
    assert_eq!(fixture.network.sightings(host())[0].at, Timestamp::from_nanos(500_000_000));
}

fn foreign(fixture: &Fixture, reason: RejectReason) -> u64 {
    fixture.network.stats().foreign[reason as usize]
}
