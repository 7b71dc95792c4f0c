//! The windows of settled requests that ping_exporter's values cover.

use crate::Fixture;
use meshping::actors::pinger::{Query, QueryWindow};
use meshping::measure::{EncodedStats, LastRtts};
use meshping::probe::scripted::{reply, silence};

async fn window_at(fixture: &Fixture, millis: u64, window: &str) -> LastRtts {
    fixture.until(millis).await;
    let window = window.parse().expect("a window");
    fixture.pinger.send(QueryWindow(window)).await.expect("the pinger runs").totals.recent
}

#[actix::test]
async fn a_target_keeps_more_requests_from_the_first_scrape_that_wants_them() {
    tokio::time::pause();
    let every_tenth_is_lost = (0..10).map(|number| if number == 9 { silence() } else { reply(10) });
    let fixture = Fixture::new("1", "0.5", every_tenth_is_lost);
    // Requests are sent at 0.5 s, 1.5 s and so on; the first loss is settled at 10 s.
    let cases = [
        (30_900, "42", 10, 1.0),
        (60_900, "42", 40, 4.0),
        (60_900, "10", 10, 1.0),
        (60_900, "1", 1, 0.0),
        (100_900, "42", 42, 5.0),
        (100_900, "100", 42, 5.0),
        (200_900, "42", 42, 5.0),
        (200_900, "100", 100, 10.0),
    ];
    for (millis, window, requests, lost) in cases {
        let recent = window_at(&fixture, millis, window).await;
        assert_eq!(recent.iter().count(), requests, "{window} at {millis} ms");
        let found = recent.loss().expect("there are requests") * requests as f64;
        assert!((found - lost).abs() < 1e-9, "{window} at {millis} ms: {found} lost and not {lost}");
    }
    let saved = fixture.pinger.send(Query::<EncodedStats>::new()).await.expect("the pinger runs");
    let saved = saved.totals().expect("it can be read");
    assert_eq!(saved.recent.iter().count(), 10, "a restart begins with ten");
}
