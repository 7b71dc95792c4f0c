//! The history of targets hour by hour: what is written, and when.
//!
//! The table `marks` holds the start of the current hour of each target, `history` the counts of its past hours.

use super::{PreparedTables, SavedEntry, id_of, label, run, totals};
use crate::actors::persistence::Hour;
use crate::measure::{EncodedStats, LifetimeStats};
use crate::state::hour_rollover::{self, HourStart, Rollover, Sample};
use crate::target::{Label, TargetKey};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

/// The hours of one target after the hour `after`, in order, the current one included.
pub(in crate::state) fn history(
    connection: &Connection,
    key: &TargetKey,
    after: i64,
) -> rusqlite::Result<Vec<Hour>> {
    let Some(target) = id_of(connection, key)? else { return Ok(Vec::new()) };
    let sql = "SELECT hour, name, settled FROM history WHERE target = ?1 AND hour > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([target, after])?;
    let mut found: BTreeMap<i64, (Label, LifetimeStats)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, (label(row, 1)?, totals(row, 2)?));
    }
    let (start, sample) = (start(connection, target)?, sample(connection, target)?);
    if let (Some((start, name)), Some(sample)) = (start.filter(|(start, _)| start.hour > after), sample) {
        found
            .entry(start.hour)
            .or_insert_with(|| (name, LifetimeStats::default()))
            .1
            .absorb(&sample.totals.since(&start.base));
    }
    let hour = |(hour, (name, settled))| Hour {
        key: key.clone(),
        name,
        begins: hour * hour_rollover::SECONDS,
        settled,
    };
    Ok(found.into_iter().map(hour).collect())
}

/// Adds the current hour of a target to its history, before its statistics are removed.
pub(super) fn end(connection: &Connection, target: i64) -> rusqlite::Result<()> {
    let (start, sample) = (start(connection, target)?, sample(connection, target)?);
    if let (Some((start, name)), Some(sample)) = (start, sample) {
        add(connection, target, start.hour, &name, &sample.totals.since(&start.base))?;
    }
    Ok(())
}

impl PreparedTables<'_> {
    /// Starts the next hour of a target if the current one is over.
    pub(super) fn count(
        &mut self,
        target: i64,
        entry: &SavedEntry,
        now: i64,
        unknown_is_new: bool,
    ) -> rusqlite::Result<()> {
        let hour: Option<i64> = self.hour.query_row([target], |row| row.get(0)).optional()?;
        if hour == Some(hour_rollover::hour_of(now)) {
            return Ok(());
        }
        let now = Sample { at: now, totals: entry.saved.totals().unwrap_or_default() };
        let mut before = sample(self.connection, target)?;
        if hour.is_none() && before.is_none() && !unknown_is_new {
            before = Some(now.clone());
        }
        let start = start(self.connection, target)?;
        let (start, name) = start.map_or((None, None), |(start, name)| (Some(start), Some(name)));
        let Some(Rollover { started, ended }) = hour_rollover::step(start, before, &now) else {
            return Ok(());
        };
        if let Some((hour, settled)) = ended {
            add(self.connection, target, hour, name.as_ref().unwrap_or(&entry.name), &settled)?;
        }
        let sql = "INSERT OR REPLACE INTO marks (target, hour, name, base) VALUES (?1, ?2, ?3, ?4)";
        run(
            self.connection,
            sql,
            params![target, started.hour, &*entry.name, EncodedStats::from(&started.base).as_bytes()],
        )
    }
}

/// Notes that an hour of the clock is recorded from now on. An hour that the clock shows again is a recent one again.
pub(super) fn number_hour(connection: &Connection, hour: i64) -> rusqlite::Result<()> {
    let sql = "SELECT hour FROM hours ORDER BY number DESC LIMIT 1";
    let latest: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    if latest == Some(hour) {
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO hours (number, hour)
        VALUES ((SELECT ifnull(max(number), 0) + 1 FROM hours), ?1)";
    run(connection, sql, [hour])
}

fn start(connection: &Connection, target: i64) -> rusqlite::Result<Option<(HourStart, Label)>> {
    let sql = "SELECT hour, name, base FROM marks WHERE target = ?1";
    let read = |row: &Row<'_>| Ok((HourStart { hour: row.get(0)?, base: totals(row, 2)? }, label(row, 1)?));
    connection.prepare_cached(sql)?.query_row([target], read).optional()
}

fn sample(connection: &Connection, target: i64) -> rusqlite::Result<Option<Sample>> {
    let sql = "SELECT saved_at_ms / 1000, saved FROM books WHERE target = ?1";
    let read = |row: &Row<'_>| Ok(Sample { at: row.get(0)?, totals: totals(row, 1)? });
    connection.prepare_cached(sql)?.query_row([target], read).optional()
}

/// Adds counts to an hour of the history.
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
