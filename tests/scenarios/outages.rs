//! Outages, and the other numbers that look back: when they begin and end, and what a reset does to them.

use super::{Fixture, host};
use meshping::actors::pinger::{LifetimeReport, Query, Report, ResetPeriod, ResumePeriod};
use meshping::measure::{Cause, EndedOutage, ErrorClass, Outage};
use meshping::probe::scripted::{
    ScriptedNetwork, ScriptedOutcome, error, not_sent, refused, reply, silence, swallowed,
};
use std::time::Duration;

const ROUTER: Cause = Cause::Error(ErrorClass::HostUnreachable);

fn unreachable() -> ScriptedOutcome {
    error(5, ErrorClass::HostUnreachable)
}

async fn report_at(fixture: &Fixture, millis: u64) -> Report {
    fixture.until(millis).await;
    fixture.pinger.send(Query::<Report>::new()).await.expect("the pinger runs")
}

/// A host whose requests have these outcomes first, and are then answered.
fn host_with(outcomes: impl IntoIterator<Item = ScriptedOutcome>) -> ScriptedNetwork {
    ScriptedNetwork::new().host_then(host(), outcomes, reply(10))
}

/// Milliseconds of its beginning, requests, cause.
fn outage(outage: Option<Outage>) -> Option<(u64, u32, Cause)> {
    outage.map(|outage| (super::millis(outage.since), outage.requests, outage.cause))
}

/// Milliseconds of its beginning and its duration, requests, cause.
fn past(past: Option<EndedOutage>) -> Option<(u64, u128, u32, Cause)> {
    let (since, requests, cause) = outage(past.map(|past| past.outage))?;
    Some((since, past?.duration().as_millis(), requests, cause))
}

#[actix::test]
async fn an_outage_begins_with_its_first_request_and_ends_with_the_first_that_is_answered() {
    tokio::time::pause();
    let outcomes = [reply(10), reply(10), unreachable(), unreachable(), silence(), unreachable(), reply(10)];
    let fixture = Fixture::on(host_with(outcomes), "1", "0.5");
    assert_eq!(outage(report_at(&fixture, 2_900).await.detail.outage), None, "one is none");
    let detail = report_at(&fixture, 3_900).await.detail;
    assert_eq!(outage(detail.outage), Some((2_500, 2, ROUTER)));
    assert_eq!(past(detail.longest_outage), Some((2_500, 1_400, 2, ROUTER)), "the one under way");
    assert_eq!(
        outage(report_at(&fixture, 4_900).await.detail.outage),
        Some((2_500, 2, ROUTER)),
        "not decided yet"
    );
    assert_eq!(outage(report_at(&fixture, 5_100).await.detail.outage), Some((2_500, 3, Cause::Lost)));
    assert_eq!(outage(report_at(&fixture, 6_505).await.detail.outage), Some((2_500, 4, ROUTER)));
    let detail = report_at(&fixture, 6_510).await.detail;
    assert_eq!((outage(detail.outage), past(detail.longest_outage)), (None, Some((2_500, 4_000, 4, ROUTER))));
}

#[actix::test]
async fn an_outage_that_is_over_before_its_first_timeout_is_one_all_the_same() {
    tokio::time::pause();
    let outcomes = [reply(10), silence(), silence(), silence(), reply(10)];
    let fixture = Fixture::on(host_with(outcomes), "1", "5");
    let detail = report_at(&fixture, 6_000).await.detail;
    assert_eq!((detail.outage, detail.longest_outage), (None, None), "nothing has timed out");
    // The second of the three times out 5 s after it was sent at 2500 ms.
    let known = [(6_499, None), (7_500, Some((1_500, 3_000, 2, Cause::Lost)))];
    let known = known.into_iter().chain([(8_500, Some((1_500, 3_000, 3, Cause::Lost)))]);
    for (millis, expected) in known {
        let detail = report_at(&fixture, millis).await.detail;
        assert_eq!((detail.outage, past(detail.longest_outage)), (None, expected), "at {millis} ms");
    }
}

#[actix::test]
async fn what_says_nothing_neither_begins_nor_ends_an_outage() {
    tokio::time::pause();
    let outcomes =
        [unreachable(), swallowed(5), not_sent(), unreachable(), silence().and(reply(700)), reply(10)];
    let fixture = Fixture::on(host_with(outcomes), "1", "0.5");
    let report = report_at(&fixture, 3_400).await;
    assert_eq!(
        (report.summary.void, report.detail.outage),
        (1, None),
        "one unanswered request, a void, one unsent"
    );
    assert_eq!(outage(report_at(&fixture, 3_900).await.detail.outage), Some((500, 2, ROUTER)));
    let late = report_at(&fixture, 5_300).await;
    assert_eq!(outage(late.detail.outage), Some((500, 3, Cause::Lost)), "a late reply is no answer");
    assert_eq!(late.detail.averages[0].loss(), Some(1.0), "a void request is no loss, and no answer");
    assert_eq!(
        past(report_at(&fixture, 5_600).await.detail.longest_outage),
        Some((500, 5_000, 3, Cause::Lost))
    );
}

#[actix::test]
async fn no_route_is_a_cause() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [refused()]);
    let send = Cause::Error(ErrorClass::Send);
    assert_eq!(outage(report_at(&fixture, 3_000).await.detail.outage), Some((500, 3, send)));
    assert_eq!(send.as_str(), "send");
}

#[actix::test]
async fn a_reset_during_an_outage_ends_a_period_and_not_the_outage() {
    tokio::time::pause();
    let outcomes = "xxx..xxxx.".chars().map(|outcome| if outcome == 'x' { silence() } else { reply(10) });
    let fixture = Fixture::on(host_with(outcomes), "1", "0.5");
    fixture.until(7_900).await;
    let (period, report) = fixture.pinger.send(ResetPeriod::<Report>::new()).await.expect("the pinger runs");
    assert_eq!(past(report.detail.longest_outage), Some((500, 3_000, 3, Cause::Lost)));
    assert_eq!(outage(report.detail.outage), Some((5_500, 2, Cause::Lost)));
    assert_eq!(past(period.longest_outage()), Some((500, 3_000, 3, Cause::Lost)));
    let detail = report_at(&fixture, 7_900).await.detail;
    assert_eq!(outage(detail.outage), Some((5_500, 2, Cause::Lost)), "it goes on");
    assert_eq!(past(detail.longest_outage), Some((5_500, 2_400, 2, Cause::Lost)), "of the new period");
    assert_eq!((detail.stddev, detail.quantiles), (None, None));
    assert_eq!(detail.jitter, Some(Duration::ZERO));
    assert!(detail.averages[1].loss().is_some_and(|loss| (loss - 5.0 / 7.0).abs() < 1e-6), "{detail:?}");
    let ended = report_at(&fixture, 10_000).await;
    assert_eq!(past(ended.detail.longest_outage), Some((5_500, 4_000, 4, Cause::Lost)), "the whole of it");
    let LifetimeReport { totals, .. } =
        fixture.pinger.send(Query::<LifetimeReport>::new()).await.expect("the pinger runs");
    assert_eq!(past(totals.outages.longest().get()), Some((5_500, 4_000, 4, Cause::Lost)));
    fixture.pinger.send(ResumePeriod(period)).await.expect("the pinger runs");
    assert_eq!(
        past(report_at(&fixture, 10_000).await.detail.longest_outage),
        past(ended.detail.longest_outage)
    );
}

#[actix::test]
async fn round_trip_times_are_summed_up_in_every_way() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "0.5", [reply(10), reply(30), silence()]);
    let Report { summary, detail, .. } = report_at(&fixture, 59_900).await;
    assert_eq!((summary.replies, summary.lost), (40, 19));
    assert_eq!((detail.stddev, summary.rtt.sum), (Some(Duration::from_millis(10)), 800_000));
    let [p50, p90, p99] = detail.quantiles.expect("there are replies").map(|rtt| rtt.as_secs_f64() * 1e3);
    assert!(
        (p50 / 10.0 - 1.0).abs() < 0.091 && (p90 / 30.0 - 1.0).abs() < 0.091 && p90 <= p99,
        "{p50} {p90} {p99}"
    );
    assert!(detail.jitter.is_some_and(|jitter| jitter > Duration::from_millis(18)), "{:?}", detail.jitter);
    for window in detail.averages {
        let (rtt, loss) = (window.rtt().expect("known"), window.loss().expect("known"));
        assert!(rtt.abs_diff(Duration::from_millis(20)) < Duration::from_millis(1), "{rtt:?}");
        assert!((loss - 19.0 / 59.0).abs() < 0.01, "{loss}");
    }
}
