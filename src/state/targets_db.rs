//! The runtime state as tables: added hosts in the order of their addition, exclusions, and suppressed targets.

use super::database::DatabaseSchema;
use crate::actors::registry::RuntimeChange;
use crate::target::{Host, HostVariant, Label, Labels, NameVariant, OptionKey, TargetOptions, TargetSpec};
use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value};
use std::time::Duration;
use tracing::warn;

/// `targets.db`. Names may hold any text; `host` has its variant behind a `#`, and `key` is the host in lower case,
/// because DNS ignores case.
///
/// `wants` holds added hosts (`given` orders their latest changes, `terms` their options), `bans` suppressed ones.
pub(super) static SCHEMA: DatabaseSchema = DatabaseSchema {
    name: "targets",
    file: "targets.db",
    synchronous: "FULL",
    // 1 GiB: a row takes less than 1 KiB, and there are at most 256 for each target.
    max_pages: 1 << 18,
    id_lifetime: Duration::from_secs(1),
    migrations: &[
        "
        CREATE TABLE wants (
            id INTEGER PRIMARY KEY,
            given INTEGER NOT NULL,
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            host TEXT NOT NULL,
            terms TEXT,
            UNIQUE (name, key)
        ) STRICT;
        CREATE INDEX wants_given ON wants (given);
        CREATE TABLE exclusions (
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            address TEXT NOT NULL,
            PRIMARY KEY (name, key, address)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE bans (
            name TEXT NOT NULL,
            key TEXT NOT NULL,
            PRIMARY KEY (name, key)
        ) STRICT, WITHOUT ROWID;
    ",
        // Hosts can have a variant from here on; an older version would take it for a part of the name.
        "",
    ],
};

/// Saves one change.
pub(super) fn apply(connection: &Connection, change: &RuntimeChange) -> rusqlite::Result<()> {
    let run = |sql, parameters: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(parameters);
    match change {
        RuntimeChange::Add(spec) => {
            let (host, options) = (spec.host_variant(), options_text(&spec.options));
            run(ADD, params![&*spec.name, key(&host), host.to_string(), options])?;
        }
        RuntimeChange::Remove { name, host } => {
            run(REMOVE, params![&**name, key(host)])?;
            run(INCLUDE, params![&**name, key(host)])?;
        }
        RuntimeChange::ExcludeAddress { name, host, address } => {
            run(EXCLUDE, params![&**name, key_of_name(host), address.to_string()])?;
        }
        RuntimeChange::IncludeAddresses { name, host } => {
            run(INCLUDE, params![&**name, key_of_name(host)])?;
        }
        RuntimeChange::Suppress { name, host } => {
            run(SUPPRESS, params![&**name, key(host)])?;
        }
        RuntimeChange::Unsuppress { name, host } => {
            run(UNSUPPRESS, params![&**name, key(host)])?;
        }
    }
    Ok(())
}

const ADD: &str = "
    INSERT INTO wants (given, name, key, host, terms)
    VALUES ((SELECT ifnull(max(given), 0) + 1 FROM wants), ?1, ?2, ?3, ?4)
    ON CONFLICT (name, key) DO UPDATE SET given = excluded.given, terms = excluded.terms";
const REMOVE: &str = "DELETE FROM wants WHERE name = ?1 AND key = ?2";
const EXCLUDE: &str = "INSERT OR IGNORE INTO exclusions (name, key, address) VALUES (?1, ?2, ?3)";
const INCLUDE: &str = "DELETE FROM exclusions WHERE name = ?1 AND key = ?2";
const SUPPRESS: &str = "INSERT OR IGNORE INTO bans (name, key) VALUES (?1, ?2)";
const UNSUPPRESS: &str = "DELETE FROM bans WHERE name = ?1 AND key = ?2";

/// Replaces everything with these changes.
pub(super) fn replace(connection: &Connection, changes: &[RuntimeChange]) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM wants; DELETE FROM exclusions; DELETE FROM bans;")?;
    changes.iter().try_for_each(|change| apply(connection, change))
}

/// The changes that restore the runtime state: suppressions, which apply to the configuration; then additions, first in
/// the order of the first addition, then in that of the latest change of options; and at last the exclusions.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<RuntimeChange>> {
    let mut changes = rows(connection, "SELECT name, key FROM bans", suppression)?;
    changes.extend(rows(connection, "SELECT name, host, terms FROM wants ORDER BY id", addition)?);
    // Two names of one address are rare: it is enough to repeat the first host whose options changed, and all after it.
    let renewed = "SELECT name, host, terms FROM wants
        WHERE given > (SELECT min(given) FROM wants WHERE given > id) - 1 ORDER BY given";
    changes.extend(rows(connection, renewed, addition)?);
    changes.extend(rows(connection, "SELECT name, key, address FROM exclusions", exclusion)?);
    Ok(changes)
}

/// The rows of a query; a row that can't be parsed is left out, it was not written by this program.
fn rows(
    connection: &Connection,
    sql: &str,
    parse: impl Fn(&Row<'_>) -> rusqlite::Result<Option<RuntimeChange>>,
) -> rusqlite::Result<Vec<RuntimeChange>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let change = parse(row)?;
        if change.is_none() {
            warn!(row = ?row, "a row of the state is not understood and left out");
        }
        changes.extend(change);
    }
    Ok(changes)
}

fn suppression(row: &Row<'_>) -> rusqlite::Result<Option<RuntimeChange>> {
    let (name, host) = (name(row)?, row.get::<_, String>(1)?);
    Ok(host.parse().ok().map(|host| RuntimeChange::Suppress { name, host }))
}

fn addition(row: &Row<'_>) -> rusqlite::Result<Option<RuntimeChange>> {
    let (name, host, options) = (name(row)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?);
    let options = options.map_or_else(|| Some(TargetOptions::default()), |text| parse_options(&text));
    let addition = |(HostVariant { host, variant }, options)| {
        RuntimeChange::Add(TargetSpec { name, host, variant, options })
    };
    Ok(host.parse().ok().zip(options).map(addition))
}

fn exclusion(row: &Row<'_>) -> rusqlite::Result<Option<RuntimeChange>> {
    let (name, host, address) = (name(row)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?);
    let parsed = host.parse().ok().zip(address.parse().ok());
    Ok(parsed.map(|(host, address)| RuntimeChange::ExcludeAddress { name, host, address }))
}

fn name(row: &Row<'_>) -> rusqlite::Result<Label> {
    row.get::<_, String>(0).map(Label::from)
}

fn key(host: &HostVariant) -> String {
    let HostVariant { host: Host::Name(name), variant } = host else { return host.to_string() };
    let name = name.as_str().to_ascii_lowercase();
    if variant.is_empty() { name } else { format!("{name}#{}", variant.as_str()) }
}

fn key_of_name(host: &NameVariant) -> String {
    key(&host.clone().into())
}

/// Options as JSON, an object of texts; `None` if none is set.
fn options_text(options: &TargetOptions) -> Option<String> {
    let mut members: Map<String, Value> =
        options.iter().map(|(key, text)| (key.as_str().to_owned(), text.into())).collect();
    let labels: Map<String, Value> =
        options.labels().map(|(name, value)| (name.to_owned(), value.into())).collect();
    if !labels.is_empty() {
        members.insert(LABELS.into(), labels.into());
    }
    (!members.is_empty()).then(|| Value::from(members).to_string())
}

/// Parses what [`options_text`] wrote. An option that is unknown, or whose value is no longer valid, is left out.
fn parse_options(text: &str) -> Option<TargetOptions> {
    let members: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut options = TargetOptions::default();
    for (member, value) in &members {
        let known = match (member.parse::<OptionKey>(), value) {
            (Ok(key), Value::String(text)) => options.set(key, text).is_ok(),
            (Err(_), Value::Object(labels)) if member == LABELS => set_labels(&mut options, labels),
            _ => false,
        };
        if !known {
            warn!(option = ?member, value = ?value.to_string(), "an option in the state is not understood and left out");
        }
    }
    Some(options)
}

fn set_labels(options: &mut TargetOptions, labels: &Map<String, Value>) -> bool {
    let pairs = labels.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Labels::new(pairs).map(|labels| options.set_labels(labels)).is_ok()
}

const LABELS: &str = "labels";

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for statements in SCHEMA.migrations {
            connection.execute_batch(statements).unwrap();
        }
        connection
    }

    fn added(name: &str, host: &str, interval: Option<&str>) -> RuntimeChange {
        let mut options = TargetOptions::default();
        if let Some(text) = interval {
            options.set(OptionKey::Interval, text).unwrap();
        }
        let HostVariant { host, variant } = host.parse().unwrap();
        RuntimeChange::Add(TargetSpec { name: name.into(), host, variant, options })
    }

    fn removed(name: &str, host: &str) -> RuntimeChange {
        RuntimeChange::Remove { name: name.into(), host: host.parse().unwrap() }
    }

    fn suppressed(name: &str, host: &str) -> RuntimeChange {
        RuntimeChange::Suppress { name: name.into(), host: host.parse().unwrap() }
    }

    fn excluded(name: &str, host: &str, address: &str) -> RuntimeChange {
        RuntimeChange::ExcludeAddress {
            name: name.into(),
            host: host.parse().unwrap(),
            address: address.parse().unwrap(),
        }
    }

    fn after(changes: &[RuntimeChange]) -> Vec<RuntimeChange> {
        let connection = open();
        for change in changes {
            apply(&connection, change).unwrap();
        }
        load(&connection).unwrap()
    }

    #[test]
    fn changes_are_loaded_in_an_order_that_restores_the_state() {
        let (a, b) = (added("a", "10.0.0.1", None), added("b", "Example.org", Some("0.5")));
        let renewed = added("a", "10.0.0.1", Some("2"));
        let include =
            RuntimeChange::IncludeAddresses { name: "b".into(), host: "eXample.org".parse().unwrap() };
        let unsuppressed = RuntimeChange::Unsuppress { name: "x".into(), host: "10.0.0.7".parse().unwrap() };
        let exclusion = excluded("b", "example.org", "::1");
        let cases: [(&str, Vec<RuntimeChange>, Vec<RuntimeChange>); 10] = [
            ("nothing", vec![], vec![]),
            ("two", vec![a.clone(), b.clone()], vec![a.clone(), b.clone()]),
            (
                "variants",
                vec![
                    a.clone(),
                    added("a", "10.0.0.1#w", None),
                    added("a", "10.0.0.1#W", None),
                    removed("a", "10.0.0.1#w"),
                ],
                vec![a.clone(), added("a", "10.0.0.1#W", None)],
            ),
            (
                "variants of a name",
                vec![
                    added("b", "Example.org#w", None),
                    excluded("b", "example.org#w", "::1"),
                    removed("b", "example.org"),
                ],
                vec![added("b", "Example.org#w", None), excluded("b", "example.org#w", "::1")],
            ),
            ("one again", vec![a.clone(), removed("a", "10.0.0.1")], vec![]),
            ("a stranger's removal", vec![a.clone(), removed("b", "10.0.0.1")], vec![a.clone()]),
            (
                "the first is renewed last",
                vec![a.clone(), b.clone(), renewed.clone()],
                vec![renewed.clone(), b.clone(), renewed.clone()],
            ),
            (
                "exclusions come last, suppressions first",
                vec![exclusion.clone(), b.clone(), suppressed("x", "10.0.0.7")],
                vec![suppressed("x", "10.0.0.7"), b.clone(), exclusion.clone()],
            ),
            ("an exclusion is taken back", vec![b.clone(), exclusion.clone(), include], vec![b.clone()]),
            ("and a suppression", vec![suppressed("x", "10.0.0.7"), unsuppressed], vec![]),
        ];
        for (case, changes, expected) in cases {
            assert_eq!(after(&changes), expected, "{case}");
        }
    }

    #[test]
    fn names_are_saved_byte_for_byte() {
        let names =
            ["a\"b'c; DROP TABLE wants", "line\nbreak", "nul\0nul", "nul\0", "\u{1b}[2J", "ünï", "A", "a"];
        let changes: Vec<RuntimeChange> =
            names.iter().map(|name| added(name, "fe80::1%eth0", None)).collect();
        assert_eq!(after(&changes), changes);
    }

    #[test]
    fn all_options_are_saved() {
        let mut options = TargetOptions::default();
        let texts = ["0.05", "0.25", "1400", "EF", "7", "127.0.0.1", "lo", "true", "ipv4"];
        for (key, text) in OptionKey::ALL.into_iter().zip(texts) {
            options.set(key, text).unwrap();
        }
        options.set_labels(Labels::new([("site", "a \"b\"\n"), ("rack", "7")]).unwrap());
        assert_eq!(parse_options(&options_text(&options).unwrap()), Some(options.clone()));
        assert_eq!(options_text(&TargetOptions::default()), None);
        assert_eq!(parse_options(r#"{"warp":"9","ttl":"70000"}"#), Some(TargetOptions::default()));
    }

    #[test]
    fn everything_can_be_replaced() {
        let connection = open();
        let before =
            [added("a", "10.0.0.1", None), suppressed("x", "y.example"), excluded("a", "b.example", "::1")];
        for change in &before {
            apply(&connection, change).unwrap();
        }
        let changes = [added("b", "10.0.0.2", None)];
        replace(&connection, &changes).unwrap();
        assert_eq!(load(&connection).unwrap(), changes);
    }
}
