//! Options of a target that change while requests are in flight: its timeout, and the size and marks of its requests.

use super::{Fixture, host, seconds, timeout};
use meshping::actors::pinger::Adjust;
use meshping::measure::LifetimeStats;
use meshping::probe::scripted::reply;
use meshping::target::{OptionKey, PacketOptions, PingSettings, TargetOptions};

fn ping_settings(after: &str, packet: PacketOptions) -> Adjust {
    Adjust(PingSettings { interval: seconds("1"), timeout: timeout(after), packet })
}

fn packet(pairs: &[(OptionKey, &str)]) -> PacketOptions {
    let mut options = TargetOptions::default();
    for (key, text) in pairs {
        options.set(*key, text).expect("a good value");
    }
    options.overrides.expect("there are some").packet
}

/// Replies, lost, late, pending.
fn counts(totals: &LifetimeStats) -> [u64; 4] {
    assert_eq!(totals.requests(), totals.replies + totals.lost + totals.pending);
    [totals.replies, totals.lost, totals.late, totals.pending]
}

#[actix::test]
async fn a_shorter_timeout_gives_up_what_is_in_flight_for_longer() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(3_000)]);
    assert_eq!(counts(&fixture.totals_at(2_900).await), [0, 0, 0, 3]);
    fixture.pinger.send(ping_settings("1", PacketOptions::default())).await.expect("it runs");
    // Those of 0.5 and 1.5 s are lost at once, that of 2.5 s when it is a second old.
    assert_eq!(counts(&fixture.totals_at(2_901).await), [0, 2, 0, 1]);
    assert_eq!(counts(&fixture.totals_at(3_499).await), [0, 2, 0, 1]);
    assert_eq!(counts(&fixture.totals_at(10_000).await), [0, 9, 7, 1], "their replies come late");
}

#[actix::test]
async fn a_longer_timeout_waits_for_what_is_in_flight_and_gives_back_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "1", [reply(3_000)]);
    assert_eq!(counts(&fixture.totals_at(1_600).await), [0, 1, 0, 1]);
    fixture.pinger.send(ping_settings("5", PacketOptions::default())).await.expect("it runs");
    assert_eq!(counts(&fixture.totals_at(3_501).await), [0, 1, 1, 3], "the first was lost, and is late");
    assert_eq!(counts(&fixture.totals_at(6_000).await), [2, 1, 1, 3]);
}

#[actix::test]
async fn a_timeout_that_changes_all_the_time_settles_every_request_once() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(300), reply(900), reply(2_000)]);
    for step in 1_u64..400 {
        let totals = fixture.totals_at(step * 73).await;
        counts(&totals);
        let after = ["0.05", "60", "0.5", "1", "2.5"][usize::try_from(step % 5).expect("a digit")];
        fixture.pinger.send(ping_settings(after, PacketOptions::default())).await.expect("it runs");
    }
    fixture.pinger.send(ping_settings("0.05", PacketOptions::default())).await.expect("it runs");
    let totals = fixture.totals_at(29_990).await;
    assert_eq!((totals.pending, totals.requests()), (0, 30));
    assert!(totals.replies > 0 && totals.lost > 0, "{totals:?}");
}

#[actix::test]
async fn another_look_takes_effect_with_the_next_request() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(2_000)]);
    let (first, second) =
        (packet(&[(OptionKey::Size, "1000"), (OptionKey::Ttl, "9")]), packet(&[(OptionKey::Dscp, "EF")]));
    let mut expected = vec![PacketOptions::default(); 2];
    for (step, packet) in (1..).zip([first, second, PacketOptions::default()]) {
        fixture.until(step * 2_000).await;
        fixture.pinger.send(ping_settings("5", packet)).await.expect("it runs");
        expected.extend([packet; 2]);
    }
    let totals = fixture.totals_at(8_000).await;
    let seen: Vec<PacketOptions> =
        fixture.network.sightings(host()).iter().map(|sighting| sighting.packet).collect();
    assert_eq!((seen, totals.lost), (expected, 0));
}
