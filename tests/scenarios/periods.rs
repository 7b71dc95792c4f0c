//! Resets: nothing is counted twice or lost between two periods, and the two books do not disturb each other.

use super::Fixture;
use meshping::actors::pinger::{Query, ResetHistogram, ResetPeriod, ResumePeriod};
use meshping::measure::{EndedPeriod, ErrorClass, Histogram, PeriodStats, RttStats};
use meshping::probe::scripted::{ScriptedOutcome, error, reply, silence, swallowed};

/// Outcomes of requests that are in flight for anything between 10 ms and past their timeout of 1 s.
fn all_kinds() -> [ScriptedOutcome; 8] {
    let quick_error = error(150, ErrorClass::AdminProhibited);
    let twice = reply(30).and(reply(700));
    [reply(10), silence(), reply(900), quick_error, twice, swallowed(400), reply(1_500), reply(990)]
}

async fn begin_period(fixture: &Fixture) -> EndedPeriod {
    fixture.pinger.send(ResetPeriod::<()>::new()).await.expect("the pinger runs").0
}

async fn histogram(fixture: &Fixture, reset: bool) -> Histogram {
    if reset {
        return fixture.pinger.send(ResetHistogram).await.expect("the pinger runs");
    }
    fixture.pinger.send(Query::<Histogram>::new()).await.expect("the pinger runs")
}

fn plus(sum: PeriodStats, next: PeriodStats) -> PeriodStats {
    PeriodStats {
        replies: sum.replies + next.replies,
        errors: sum.errors + next.errors,
        lost: sum.lost + next.lost,
        void: sum.void + next.void,
        out_of_date: sum.out_of_date + next.out_of_date,
        duplicates: sum.duplicates + next.duplicates,
        in_flight: next.in_flight,
        rtt: if next.replies == 0 { sum.rtt } else { rtt_plus(sum.rtt, next.rtt) },
    }
}

fn rtt_plus(sum: RttStats, next: RttStats) -> RttStats {
    let min = if sum.min == 0 { next.min } else { sum.min.min(next.min) };
    let squares = sum.squares.plus(next.squares);
    RttStats { sum: sum.sum + next.sum, min, max: sum.max.max(next.max), last: next.last, squares }
}

#[actix::test]
async fn the_sums_over_many_periods_are_those_of_one() {
    tokio::time::pause();
    let unbroken = Fixture::new("0.1", "1", all_kinds());
    let (expected, expected_totals) = (unbroken.summary_at(20_033).await, unbroken.totals_at(20_033).await);
    assert!(expected.settled() > 150 && expected.in_flight > 5, "{expected:?}");
    let fixture = Fixture::new("0.1", "1", all_kinds());
    let mut sum = PeriodStats::default();
    for reset in 1..200 {
        fixture.until(reset * 100 + reset % 37).await;
        let period = begin_period(&fixture).await.summary;
        assert_eq!(period.in_flight, 0, "a period that ended reports settled requests only");
        sum = plus(sum, period);
    }
    sum = plus(sum, fixture.summary_at(20_033).await);
    assert_eq!(sum, expected);
    assert_eq!(fixture.totals_at(20_033).await, expected_totals, "resets are not the other book's");
}

#[actix::test]
async fn a_request_in_flight_belongs_to_the_period_in_which_it_is_settled() {
    tokio::time::pause();
    let fixture = Fixture::new("10", "5", [reply(3_000)]);
    for moment in [1_500, 2_500] {
        fixture.until(moment).await;
        assert_eq!(begin_period(&fixture).await.summary, PeriodStats::default());
        let summary = fixture.summary_at(moment).await;
        assert_eq!((summary.sent(), summary.in_flight), (1, 1));
    }
    fixture.until(4_000).await;
    let period = begin_period(&fixture).await.summary;
    assert_eq!((period.sent(), period.replies, period.rtt.sum), (1, 1, 3_000_000));
    assert_eq!(fixture.summary_at(4_000).await, PeriodStats::default());
}

#[actix::test]
async fn a_period_that_is_resumed_never_ended() {
    tokio::time::pause();
    let untouched = Fixture::new("0.1", "1", all_kinds());
    let fixture = Fixture::new("0.1", "1", all_kinds());
    for moment in [50, 333, 1_777, 2_950, 2_951] {
        fixture.until(moment).await;
        let period = begin_period(&fixture).await;
        // Requests are settled meanwhile, in the period that is about to be undone.
        fixture.until(moment + if moment == 1_777 { 900 } else { 0 }).await;
        fixture.pinger.send(ResumePeriod(period)).await.expect("the pinger runs");
    }
    assert_eq!(fixture.summary_at(4_000).await, untouched.summary_at(4_000).await);
    assert_eq!(histogram(&fixture, false).await, histogram(&untouched, false).await);
}

#[actix::test]
async fn the_histogram_is_reset_alone() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(10), reply(20)]);
    fixture.until(3_900).await;
    assert_eq!(histogram(&fixture, true).await.count(), 4);
    assert_eq!(histogram(&fixture, false).await.count(), 0);
    let summary = fixture.summary_at(5_900).await;
    assert_eq!((summary.replies, histogram(&fixture, false).await.count()), (6, 2));
    assert_eq!(fixture.totals_at(5_900).await.histogram.count(), 6);
}

#[actix::test]
async fn a_reset_zeroes_the_histogram_too() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [reply(10), reply(20)]);
    fixture.until(1_900).await;
    begin_period(&fixture).await;
    fixture.until(2_900).await;
    let bins: Vec<u64> = histogram(&fixture, false).await.iter().map(|(_, count)| count).collect();
    assert_eq!(bins, [1]);
}
