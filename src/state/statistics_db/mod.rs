//! Statistics as tables: for each target its latest books, the hour that is under way, and the hours that are over.

use super::database::DatabaseSchema;
use super::hourly::{self, HourStart, Rollover, Sample};
use crate::actors::persistence::{Hour, SavedTarget};
use crate::measure::{EncodedStats, LifetimeStats};
use crate::target::{Address, Label};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// `statistics.db`. An hour of a target takes about 100 bytes, its present books 200.
pub(super) static SCHEMA: DatabaseSchema = DatabaseSchema {
    name: "statistics",
    file: "statistics.db",
    synchronous: "NORMAL",
    most_pages: MOST_PAGES,
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
    "],
};

/// 2 GiB.
pub(super) const MOST_PAGES: u32 = 1 << 19;

/// What is to be kept of one target.
#[derive(Debug, Clone)]
pub(super) struct SavedEntry {
    pub address: Address,
    pub name: Label,
    pub saved: EncodedStats,
}

/// How hours are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct HourRules {
    /// Whether there is a history.
    pub history: bool,
    /// Whether a target without a mark is new, so that all of its books belong to this hour.
    pub unmarked_is_new: bool,
}

/// Keeps the books of targets as they are at a Unix time in milliseconds.
pub(super) fn save(
    connection: &Connection,
    entries: &[SavedEntry],
    now_ms: i64,
    rules: HourRules,
) -> rusqlite::Result<()> {
    let mut tables = PreparedTables::new(connection)?;
    for entry in entries {
        let target = tables.id(entry.address)?;
        if rules.history {
            tables.count(target, entry, now_ms.div_euclid(1_000), rules.unmarked_is_new)?;
        }
        tables.keep.execute(params![target, now_ms, entry.saved.as_bytes()])?;
    }
    Ok(())
}

/// Forgets the books of targets that are not pinged any more; their history stays.
pub(super) fn retire(connection: &Connection, addresses: &[Address]) -> rusqlite::Result<()> {
    for address in addresses {
        let Some(target) = id_of(connection, *address)? else { continue };
        let (mark, look) = (mark(connection, target)?, look(connection, target)?);
        if let (Some((mark, name)), Some(look)) = (mark, look) {
            add(connection, target, mark.hour, &name, &look.totals.since(&mark.base))?;
        }
        run(connection, "DELETE FROM books WHERE target = ?1", [target])?;
        run(connection, "DELETE FROM marks WHERE target = ?1", [target])?;
    }
    Ok(())
}

/// The books of all targets.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<HashMap<Address, SavedTarget>> {
    let sql = "SELECT address, saved, saved_at_ms FROM books JOIN targets ON targets.id = books.target";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut books = HashMap::new();
    while let Some(row) = rows.next()? {
        // What is no address was not written by us.
        if let Ok(address) = row.get_ref(0)?.as_str()?.parse() {
            let at = Duration::from_millis(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0));
            books.insert(
                address,
                SavedTarget { stats: EncodedStats::from_bytes(row.get_ref(1)?.as_blob()?), at },
            );
        }
    }
    Ok(books)
}

/// The hours of one target after that hour, in order, the present one included.
pub(super) fn history(connection: &Connection, address: Address, after: i64) -> rusqlite::Result<Vec<Hour>> {
    let Some(target) = id_of(connection, address)? else { return Ok(Vec::new()) };
    let sql = "SELECT hour, name, settled FROM history WHERE target = ?1 AND hour > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([target, after])?;
    let mut found: BTreeMap<i64, (Label, LifetimeStats)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, (label(row, 1)?, totals(row, 2)?));
    }
    let (mark, look) = (mark(connection, target)?, look(connection, target)?);
    if let (Some((mark, name)), Some(look)) = (mark.filter(|(mark, _)| mark.hour > after), look) {
        found
            .entry(mark.hour)
            .or_insert_with(|| (name, LifetimeStats::default()))
            .1
            .absorb(&look.totals.since(&mark.base));
    }
    let hour = |(hour, (name, settled))| Hour { address, name, begins: hour * hourly::SECONDS, settled };
    Ok(found.into_iter().map(hour).collect())
}

/// Forgets the hours outside of a range, of the targets in a range of numbers, and books that are older than `stale`.
pub(super) fn prune(
    connection: &Connection,
    (first, last): (i64, i64),
    keep: &Retention,
) -> rusqlite::Result<()> {
    let history = "DELETE FROM history WHERE target BETWEEN ?1 AND ?2 AND hour NOT BETWEEN ?3 AND ?4";
    run(connection, history, [first, last, keep.from, keep.to])?;
    let Some((earliest, latest)) = keep.books else { return Ok(()) };
    let stale = "SELECT address FROM books JOIN targets ON targets.id = books.target
        WHERE target BETWEEN ?1 AND ?2 AND saved_at_ms / 1000 NOT BETWEEN ?3 AND ?4";
    let mut statement = connection.prepare_cached(stale)?;
    let rows = statement.query_map([first, last, earliest, latest], |row| row.get::<_, String>(0))?;
    let addresses: Vec<Address> = rows.flatten().filter_map(|text| text.parse().ok()).collect();
    retire(connection, &addresses)?;
    let unused = "DELETE FROM targets WHERE id BETWEEN ?1 AND ?2
        AND NOT EXISTS (SELECT 1 FROM books WHERE target = id)
        AND NOT EXISTS (SELECT 1 FROM history WHERE target = id)";
    run(connection, unused, [first, last])
}

/// What is not pruned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    /// The first hour that is kept.
    pub from: i64,
    /// The last one: what is further ahead comes from a clock that was wrong.
    pub to: i64,
    /// Books that were saved between these times, in Unix seconds; `None`: all of them.
    pub books: Option<(i64, i64)>,
}

/// The highest number of a target.
pub(super) fn last_target(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT ifnull(max(id), 0) FROM targets", [], |row| row.get(0))
}

/// How many pages hold something.
pub(super) fn used_pages(connection: &Connection) -> rusqlite::Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(pragma("page_count")? - pragma("freelist_count")?)
}

/// Has no hour under way: there is to be no history.
pub(super) fn drop_marks(connection: &Connection) -> rusqlite::Result<()> {
    run(connection, "DELETE FROM marks", [])
}

/// The statements that are needed for every target.
struct PreparedTables<'a> {
    connection: &'a Connection,
    find: CachedStatement<'a>,
    hour: CachedStatement<'a>,
    keep: CachedStatement<'a>,
}

impl<'a> PreparedTables<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let keep = "INSERT INTO books (target, saved_at_ms, saved) VALUES (?1, ?2, ?3)
            ON CONFLICT (target) DO UPDATE SET saved_at_ms = excluded.saved_at_ms, saved = excluded.saved";
        Ok(Self {
            connection,
            find: connection.prepare_cached(FIND)?,
            hour: connection.prepare_cached("SELECT hour FROM marks WHERE target = ?1")?,
            keep: connection.prepare_cached(keep)?,
        })
    }

    fn id(&mut self, address: Address) -> rusqlite::Result<i64> {
        let text = address.to_string();
        if let Some(id) = self.find.query_row([&text], |row| row.get(0)).optional()? {
            return Ok(id);
        }
        run(self.connection, "INSERT INTO targets (address) VALUES (?1)", [&text])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Moves on to the next hour when there is one.
    fn count(
        &mut self,
        target: i64,
        entry: &SavedEntry,
        now: i64,
        unmarked_is_new: bool,
    ) -> rusqlite::Result<()> {
        let hour: Option<i64> = self.hour.query_row([target], |row| row.get(0)).optional()?;
        if hour == Some(hourly::hour_of(now)) {
            return Ok(());
        }
        let now = Sample { at: now, totals: entry.saved.totals().unwrap_or_default() };
        let mut before = look(self.connection, target)?;
        if hour.is_none() && before.is_none() && !unmarked_is_new {
            before = Some(now.clone());
        }
        let mark = mark(self.connection, target)?;
        let (mark, name) = mark.map_or((None, None), |(mark, name)| (Some(mark), Some(name)));
        let Some(Rollover { begun, ended }) = hourly::step(mark, before, &now) else { return Ok(()) };
        if let Some((hour, settled)) = ended {
            add(self.connection, target, hour, name.as_ref().unwrap_or(&entry.name), &settled)?;
        }
        let sql = "INSERT OR REPLACE INTO marks (target, hour, name, base) VALUES (?1, ?2, ?3, ?4)";
        run(
            self.connection,
            sql,
            params![target, begun.hour, &*entry.name, EncodedStats::from(&begun.base).as_bytes()],
        )
    }
}

const FIND: &str = "SELECT id FROM targets WHERE address = ?1";

fn id_of(connection: &Connection, address: Address) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached(FIND)?.query_row([address.to_string()], |row| row.get(0)).optional()
}

fn mark(connection: &Connection, target: i64) -> rusqlite::Result<Option<(HourStart, Label)>> {
    let sql = "SELECT hour, name, base FROM marks WHERE target = ?1";
    let read = |row: &Row<'_>| Ok((HourStart { hour: row.get(0)?, base: totals(row, 2)? }, label(row, 1)?));
    connection.prepare_cached(sql)?.query_row([target], read).optional()
}

fn look(connection: &Connection, target: i64) -> rusqlite::Result<Option<Sample>> {
    let sql = "SELECT saved_at_ms / 1000, saved FROM books WHERE target = ?1";
    let read = |row: &Row<'_>| Ok(Sample { at: row.get(0)?, totals: totals(row, 1)? });
    connection.prepare_cached(sql)?.query_row([target], read).optional()
}

/// Adds to an hour of the history what was settled in it.
fn add(
    connection: &Connection,
    target: i64,
    hour: i64,
    name: &Label,
    settled: &LifetimeStats,
) -> rusqlite::Result<()> {
    if settled.is_nothing() {
        return Ok(());
    }
    let sql = "SELECT settled FROM history WHERE target = ?1 AND hour = ?2";
    let before =
        connection.prepare_cached(sql)?.query_row([target, hour], |row| totals(row, 0)).optional()?;
    let mut whole = before.unwrap_or_default();
    whole.absorb(settled);
    let sql = "INSERT OR REPLACE INTO history (target, hour, name, settled) VALUES (?1, ?2, ?3, ?4)";
    run(connection, sql, params![target, hour, &**name, EncodedStats::from(&whole).as_bytes()])
}

/// Bytes that are no books count as empty ones.
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
