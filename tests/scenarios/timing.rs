//! When requests are sent: the first one, the grid, changes of the interval, stalls.

use super::{Fixture, host, millis, seconds, timeout};
use actix::prelude::*;
use meshping::actors::pinger::{Adjust, PingActor, Seed};
use meshping::probe::scripted::{ScriptedNetwork, reply};
use meshping::target::{PacketOptions, PingSettings};
use std::time::Duration;

fn every(interval: &str) -> Adjust {
    Adjust(PingSettings {
        interval: seconds(interval),
        timeout: timeout("5"),
        packet: PacketOptions::default(),
    })
}

#[actix::test]
async fn the_first_request_comes_within_a_second_or_an_interval() {
    tokio::time::pause();
    for (interval, at_most) in [("0.01", 10), ("0.2", 200), ("1", 1_000), ("7.5", 1_000), ("86400", 1_000)] {
        for phase in [0, 1, 1 << 20, 1 << 31, u32::MAX] {
            let network = ScriptedNetwork::new().host(host(), [reply(1)]);
            let seed = Seed { phase, first_number: 0 };
            let pinger =
                PingActor::new(host().into(), seconds(interval), timeout("5"), seed, network.engine())
                    .start();
            tokio::time::sleep(Duration::from_millis(1_001)).await;
            let first = network.sightings(host())[0].at;
            assert!(millis(first) <= at_most, "every {interval} s at phase {phase}: {first:?}");
            drop(pinger);
        }
    }
}

#[actix::test]
async fn requests_keep_to_their_grid() {
    tokio::time::pause();
    let fixture = Fixture::new("0.25", "5", [reply(3)]);
    fixture.until(60_000).await;
    let expected: Vec<u64> = (0..240).map(|point| 125 + 250 * point).collect();
    assert_eq!(fixture.sent_at(), expected);
}

#[actix::test]
async fn numbers_go_up_by_one_and_wrap_around() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(3)]);
    let summary = fixture.summary_at(4_000).await;
    let numbers: Vec<u32> =
        fixture.network.sightings(host()).iter().map(|sighting| sighting.number).collect();
    assert_eq!((numbers, summary.replies), (vec![u32::MAX - 1, u32::MAX, 0, 1], 4));
}

#[actix::test]
async fn a_new_interval_takes_effect_at_once_and_keeps_the_statistics() {
    tokio::time::pause();
    let fixture = Fixture::new("60", "5", [reply(10), reply(20)]);
    assert_eq!(fixture.summary_at(3_000).await.replies, 1);
    fixture.pinger.send(every("2")).await.expect("it runs");
    let summary = fixture.summary_at(7_900).await;
    assert_eq!(fixture.sent_at(), [500, 3_000, 5_000, 7_000]);
    assert_eq!((summary.replies, summary.rtt.sum), (4, 60_000));
    fixture.pinger.send(every("60")).await.expect("it runs");
    fixture.until(100_000).await;
    assert_eq!(fixture.sent_at()[4..], [90_000], "30 s is less than half an interval after 7 s");
}

#[actix::test]
async fn changing_the_interval_every_moment_sends_neither_faster_nor_nothing() {
    tokio::time::pause();
    for (short, long) in [("1", "1.1"), ("60", "61")] {
        let fixture = Fixture::new(long, "5", [reply(10)]);
        for step in 0..1_000 {
            fixture.until(step * 10).await;
            let interval = if step % 2 == 0 { long } else { short };
            fixture.pinger.send(every(interval)).await.expect("it runs");
        }
        let sent = fixture.sent_at();
        assert!(sent[0] <= 1_000, "{sent:?}");
        assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{sent:?}");
    }
}

#[actix::test]
async fn a_stall_makes_no_volley_and_no_false_loss() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(700)]);
    fixture.until(2_600).await;
    assert_eq!(fixture.sent_at(), [500, 1_500, 2_500]);
    // Nobody runs for ten seconds: the reply of the third comes in time, long before we look.
    tokio::time::advance(Duration::from_secs(10)).await;
    let totals = fixture.totals_at(12_700).await;
    assert_eq!(fixture.sent_at(), [500, 1_500, 2_500, 12_600]);
    assert_eq!((totals.replies, totals.lost, totals.pending, totals.skipped), (3, 0, 1, 9));
    let totals = fixture.totals_at(16_000).await;
    assert_eq!(fixture.sent_at()[4..], [13_500, 14_500, 15_500]);
    assert_eq!((totals.replies, totals.lost, totals.skipped), (6, 0, 9));
}

#[actix::test]
async fn an_alarm_that_is_late_by_more_than_a_quarter_second_sends_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(7)]);
    fixture.until(1_400).await;
    tokio::time::advance(Duration::from_millis(400)).await;
    let totals = fixture.totals_at(2_400).await;
    assert_eq!((fixture.sent_at(), totals.skipped), (vec![500], 1));
}

#[actix::test]
async fn looking_changes_nothing() {
    tokio::time::pause();
    let watched = Fixture::new("0.2", "0.5", [reply(30), reply(400), reply(600), reply(5).and(reply(450))]);
    for moment in 1_u64..5_000 {
        watched.until(moment).await;
        let before = watched.network.requests();
        let sent = watched.summary_at(moment).await.sent();
        assert!((before..=watched.network.requests()).contains(&sent), "{sent} at {moment} ms");
    }
    let (totals, summary) = (watched.totals_at(5_000).await, watched.summary_at(5_000).await);
    let unwatched = Fixture::new("0.2", "0.5", [reply(30), reply(400), reply(600), reply(5).and(reply(450))]);
    assert_eq!((totals, summary), (unwatched.totals_at(5_000).await, unwatched.summary_at(5_000).await));
}
