//! Statistics as tables: for each target its latest statistics, its current hour, and its past hours.

mod history;

use super::database::DatabaseSchema;
use crate::actors::persistence::SavedTarget;
use crate::measure::{EncodedStats, LifetimeStats};
use crate::state::hour_rollover;
use crate::target::{Label, TargetKey};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};
use std::collections::HashMap;
use std::time::Duration;

pub(super) use history::history;

/// `statistics.db`. An hour of a target takes about 100 bytes, its latest statistics (`books`) 200. `marks` holds the
/// start of the current hour.
pub(super) static SCHEMA: DatabaseSchema = DatabaseSchema {
    name: "statistics",
    file: "statistics.db",
    synchronous: "NORMAL",
    max_pages: MAX_PAGES,
    id_lifetime: Duration::from_secs(60),
    migrations: &["
        CREATE TABLE targets (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE books (target INTEGER PRIMARY KEY, saved_at_ms INTEGER NOT NULL, saved BLOB NOT NULL) STRICT;
        CREATE TABLE marks (
            target INTEGER PRIMARY KEY,
            hour INTEGER NOT NULL,
            name TEXT NOT NULL,
            base BLOB NOT NULL
        ) STRICT;
        CREATE TABLE history (
            target INTEGER NOT NULL,
            hour INTEGER NOT NULL,
            name TEXT NOT NULL,
            settled BLOB NOT NULL,
            PRIMARY KEY (target, hour)
        ) STRICT, WITHOUT ROWID;
    ",
    // The hours of the clock, numbered in the order in which they were recorded: the clock may be wrong.
    "
        CREATE TABLE hours (number INTEGER PRIMARY KEY, hour INTEGER NOT NULL UNIQUE) STRICT;
        INSERT INTO hours (hour) SELECT DISTINCT hour FROM history ORDER BY hour;
    "],
};

/// 2 GiB.
pub(super) const MAX_PAGES: u32 = 1 << 19;

/// Statistics of one target to be saved.
#[derive(Debug, Clone)]
pub(super) struct SavedEntry {
    pub key: TargetKey,
    pub name: Label,
    pub saved: EncodedStats,
}

/// How hours are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct HourRules {
    /// Whether there is a history.
    pub history: bool,
    /// Whether a target without a current hour is new, so that all of its counts belong to this hour.
    pub unknown_is_new: bool,
}

/// Saves the statistics of targets at a Unix time in milliseconds.
pub(super) fn save(
    connection: &Connection,
    entries: &[SavedEntry],
    now_ms: i64,
    rules: HourRules,
) -> rusqlite::Result<()> {
    if rules.history {
        history::number_hour(connection, hour_rollover::hour_of(now_ms.div_euclid(1_000)))?;
    }
    let mut tables = PreparedTables::new(connection)?;
    for entry in entries {
        let target = tables.id(&entry.key)?;
        if rules.history {
            tables.count(target, entry, now_ms.div_euclid(1_000), rules.unknown_is_new)?;
        }
        tables.save.execute(params![target, now_ms, entry.saved.as_bytes()])?;
    }
    Ok(())
}

/// Removes the latest statistics of targets that have ended; their history stays.
pub(super) fn retire(connection: &Connection, keys: &[TargetKey]) -> rusqlite::Result<()> {
    for key in keys {
        let Some(target) = id_of(connection, key)? else { continue };
        history::end(connection, target)?;
        run(connection, "DELETE FROM books WHERE target = ?1", [target])?;
        run(connection, "DELETE FROM marks WHERE target = ?1", [target])?;
    }
    Ok(())
}

/// The latest statistics of all targets.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<HashMap<TargetKey, SavedTarget>> {
    let sql = "SELECT address, saved, saved_at_ms FROM books JOIN targets ON targets.id = books.target";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut saved = HashMap::new();
    while let Some(row) = rows.next()? {
        // An invalid key was not written by this program.
        if let Ok(key) = row.get_ref(0)?.as_str()?.parse() {
            let at = Duration::from_millis(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0));
            saved
                .insert(key, SavedTarget { stats: EncodedStats::from_bytes(row.get_ref(1)?.as_blob()?), at });
        }
    }
    Ok(saved)
}

/// Removes hours beyond the retention, and latest statistics that are too old, of targets whose numbers are in a range.
pub(super) fn prune(
    connection: &Connection,
    (first, last): (i64, i64),
    retention: &Retention,
) -> rusqlite::Result<()> {
    let history = "DELETE FROM history WHERE target BETWEEN ?1 AND ?2
        AND hour NOT IN (SELECT hour FROM hours ORDER BY number DESC LIMIT ?3)";
    run(connection, history, [first, last, retention.hours])?;
    let Some((earliest, latest)) = retention.latest else { return Ok(()) };
    let stale = "SELECT address FROM books JOIN targets ON targets.id = books.target
        WHERE target BETWEEN ?1 AND ?2 AND saved_at_ms / 1000 NOT BETWEEN ?3 AND ?4";
    let mut statement = connection.prepare_cached(stale)?;
    let rows = statement.query_map([first, last, earliest, latest], |row| row.get::<_, String>(0))?;
    let keys: Vec<TargetKey> = rows.flatten().filter_map(|text| text.parse().ok()).collect();
    retire(connection, &keys)?;
    let unused = "DELETE FROM targets WHERE id BETWEEN ?1 AND ?2
        AND NOT EXISTS (SELECT 1 FROM books WHERE target = id)
        AND NOT EXISTS (SELECT 1 FROM history WHERE target = id)";
    run(connection, unused, [first, last])
}

/// Rows that are not pruned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    /// Number of hours that were recorded last, whatever the clock showed.
    pub hours: i64,
    /// Latest statistics that were saved between these times, in Unix seconds; `None`: all of them.
    pub latest: Option<(i64, i64)>,
}

/// The highest number of a target.
pub(super) fn last_target(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT ifnull(max(id), 0) FROM targets", [], |row| row.get(0))
}

/// Number of used pages.
pub(super) fn used_pages(connection: &Connection) -> rusqlite::Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(pragma("page_count")? - pragma("freelist_count")?)
}

/// Removes all current hours, for a daemon without history.
pub(super) fn drop_hour_starts(connection: &Connection) -> rusqlite::Result<()> {
    run(connection, "DELETE FROM marks", [])
}

/// Statements that are executed for every target.
struct PreparedTables<'a> {
    connection: &'a Connection,
    find: CachedStatement<'a>,
    hour: CachedStatement<'a>,
    save: CachedStatement<'a>,
}

impl<'a> PreparedTables<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let save = "INSERT INTO books (target, saved_at_ms, saved) VALUES (?1, ?2, ?3)
            ON CONFLICT (target) DO UPDATE SET saved_at_ms = excluded.saved_at_ms, saved = excluded.saved";
        Ok(Self {
            connection,
            find: connection.prepare_cached(FIND)?,
            hour: connection.prepare_cached("SELECT hour FROM marks WHERE target = ?1")?,
            save: connection.prepare_cached(save)?,
        })
    }

    fn id(&mut self, key: &TargetKey) -> rusqlite::Result<i64> {
        let text = key.to_string();
        if let Some(id) = self.find.query_row([&text], |row| row.get(0)).optional()? {
            return Ok(id);
        }
        run(self.connection, "INSERT INTO targets (address) VALUES (?1)", [&text])?;
        Ok(self.connection.last_insert_rowid())
    }
}

const FIND: &str = "SELECT id FROM targets WHERE address = ?1";

fn id_of(connection: &Connection, key: &TargetKey) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached(FIND)?.query_row([key.to_string()], |row| row.get(0)).optional()
}

/// Reads statistics; bytes that can't be decoded count as empty ones.
fn totals(row: &Row<'_>, column: usize) -> rusqlite::Result<LifetimeStats> {
    Ok(EncodedStats::from_bytes(row.get_ref(column)?.as_blob()?).totals().unwrap_or_default())
}

fn label(row: &Row<'_>, column: usize) -> rusqlite::Result<Label> {
    row.get::<_, String>(column).map(Label::from)
}

fn run(connection: &Connection, sql: &str, parameters: impl Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(parameters).map(drop)
}

#[cfg(test)]
mod tests;
