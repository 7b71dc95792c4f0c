use super::*;
use crate::state::hour_rollover::{self, tests::replies};

const NOON: i64 = 490_000 * hour_rollover::SECONDS;
const RULES: HourRules = HourRules { history: true, unknown_is_new: true };

fn open() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for statements in SCHEMA.migrations {
        connection.execute_batch(statements).unwrap();
    }
    connection
}

/// Saves statistics at a time in seconds.
fn save(connection: &Connection, entries: &[SavedEntry], now: i64, rules: HourRules) -> rusqlite::Result<()> {
    super::save(connection, entries, 1_000 * now, rules)
}

fn entry(address: &str, count: u64) -> SavedEntry {
    SavedEntry {
        key: address.parse().unwrap(),
        name: "host".into(),
        saved: EncodedStats::from(&replies(count)),
    }
}

/// When each hour began, and its replies.
fn hours_of(connection: &Connection, address: &str) -> Vec<(i64, u64)> {
    let hours = history(connection, &address.parse().unwrap(), i64::MIN).unwrap();
    hours.iter().map(|hour| (hour.begins, hour.settled.replies)).collect()
}

#[test]
fn statistics_are_loaded_as_saved_last() {
    let connection = open();
    save(&connection, &[entry("10.0.0.1", 3), entry("::1", 4)], NOON, RULES).unwrap();
    save(&connection, &[entry("10.0.0.1", 5)], NOON + 8, RULES).unwrap();
    retire(&connection, &["::1".parse().unwrap(), "::2".parse().unwrap()]).unwrap();
    let saved = load(&connection).unwrap();
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[&"10.0.0.1".parse().unwrap()].stats.totals(), Some(replies(5)));
}

#[test]
fn hours_survive_restarts_removals_and_steps_of_the_clock() {
    let connection = open();
    let sample = |at, count| save(&connection, &[entry("10.0.0.1", count)], at, RULES).unwrap();
    sample(NOON, 3);
    sample(NOON + 3_595, 9);
    sample(NOON + 3_600, 10);
    assert_eq!(hours_of(&connection, "10.0.0.1"), [(NOON, 10), (NOON + 3_600, 0)]);
    sample(NOON + 3_608, 18);
    // An hour back, and forward again: counts are added to the existing hours.
    sample(NOON + 16, 26);
    sample(NOON + 3_616, 34);
    sample(NOON + 7_200, 40);
    sample(NOON + 7_208, 48);
    assert_eq!(hours_of(&connection, "10.0.0.1"), [(NOON, 18), (NOON + 3_600, 16), (NOON + 7_200, 14)]);
    retire(&connection, &["10.0.0.1".parse().unwrap()]).unwrap();
    sample(NOON + 7_300, 2);
    assert_eq!(hours_of(&connection, "10.0.0.1"), [(NOON, 18), (NOON + 3_600, 16), (NOON + 7_200, 16)]);
}

#[test]
fn without_history_only_the_latest_statistics_are_saved() {
    let connection = open();
    let off = HourRules { history: false, ..RULES };
    save(&connection, &[entry("10.0.0.1", 100)], NOON, off).unwrap();
    save(&connection, &[entry("10.0.0.1", 200)], NOON + 3_600, off).unwrap();
    assert_eq!(hours_of(&connection, "10.0.0.1"), []);
    // A history that is switched on later begins then.
    save(&connection, &[entry("10.0.0.1", 201)], NOON + 3_608, RULES).unwrap();
    assert_eq!(hours_of(&connection, "10.0.0.1"), [(NOON + 3_600, 1)]);
}

#[test]
fn counts_of_before_a_lost_database_are_in_no_hour() {
    let connection = open();
    let lost = HourRules { unknown_is_new: false, ..RULES };
    save(&connection, &[entry("10.0.0.1", 100)], NOON, lost).unwrap();
    save(&connection, &[entry("10.0.0.1", 103)], NOON + 8, lost).unwrap();
    assert_eq!(hours_of(&connection, "10.0.0.1"), [(NOON, 3)]);
}

#[test]
fn old_hours_and_rows_of_ended_targets_are_pruned() {
    let connection = open();
    save(&connection, &[entry("10.0.0.2", 7)], NOON, RULES).unwrap();
    for hour in 0..5 {
        save(&connection, &[entry("10.0.0.1", 10 * (hour + 1))], NOON + 3_600 * hour.cast_signed(), RULES)
            .unwrap();
    }
    let noon = hour_rollover::hour_of(NOON);
    let retention = Retention { hours: 3, latest: Some((NOON + 1, NOON + 99_999)) };
    prune(&connection, (2, 2), &retention).unwrap();
    let left: Vec<i64> = hours_of(&connection, "10.0.0.1")
        .iter()
        .map(|(begins, _)| hour_rollover::hour_of(*begins) - noon)
        .collect();
    assert_eq!(left, [2, 3, 4]);
    assert_eq!(hours_of(&connection, "10.0.0.2").len(), 1, "it was not its turn");
    prune(&connection, (1, 1), &retention).unwrap();
    assert_eq!(load(&connection).unwrap().len(), 1);
    // Its last hour was added at its end; the next step removes it, and its number.
    prune(&connection, (1, 1), &retention).unwrap();
    assert_eq!((hours_of(&connection, "10.0.0.2"), last_target(&connection).unwrap()), (vec![], 2));
}
