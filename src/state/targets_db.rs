//! What was wished live, as tables: who wants what, in the order in which it was wished.

use super::database::DatabaseSchema;
use crate::actors::registry::RuntimeChange;
use crate::target::{Host, HostName, Label, Labels, OptionKey, TargetOptions, TargetSpec};
use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value};
use tracing::warn;

/// `targets.db`. Names may hold any text; `key` is the host as it is compared: DNS ignores case.
pub(super) static SCHEMA: DatabaseSchema = DatabaseSchema {
    name: "targets",
    file: "targets.db",
    synchronous: "FULL",
    // 1 GiB: a wish takes less than 1 KiB, and there are at most 256 for each target.
    most_pages: 1 << 18,
    migrations: &["
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
    "],
};

/// Keeps one change.
pub(super) fn apply(connection: &Connection, wish: &RuntimeChange) -> rusqlite::Result<()> {
    let run = |sql, parameters: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(parameters);
    match wish {
        RuntimeChange::Add(TargetSpec { name, host, options }) => {
            let (key, host, options) = (key(host), host.to_string(), text_of(options));
            run(WANT, params![&**name, key, host, options])?;
        }
        RuntimeChange::Remove { name, host } => {
            run(FORGET, params![&**name, key(host)])?;
            run(INCLUDE, params![&**name, key(host)])?;
        }
        RuntimeChange::ExcludeAddress { name, host, address } => {
            run(EXCLUDE, params![&**name, key_of_name(host), address.to_string()])?;
        }
        RuntimeChange::IncludeAddresses { name, host } => {
            run(INCLUDE, params![&**name, key_of_name(host)])?;
        }
        RuntimeChange::Suppress { name, host } => {
            run(BAN, params![&**name, key(host)])?;
        }
        RuntimeChange::Unsuppress { name, host } => {
            run(UNBAN, params![&**name, key(host)])?;
        }
    }
    Ok(())
}

const WANT: &str = "
    INSERT INTO wants (given, name, key, host, terms)
    VALUES ((SELECT ifnull(max(given), 0) + 1 FROM wants), ?1, ?2, ?3, ?4)
    ON CONFLICT (name, key) DO UPDATE SET given = excluded.given, terms = excluded.terms";
const FORGET: &str = "DELETE FROM wants WHERE name = ?1 AND key = ?2";
const EXCLUDE: &str = "INSERT OR IGNORE INTO exclusions (name, key, address) VALUES (?1, ?2, ?3)";
const INCLUDE: &str = "DELETE FROM exclusions WHERE name = ?1 AND key = ?2";
const BAN: &str = "INSERT OR IGNORE INTO bans (name, key) VALUES (?1, ?2)";
const UNBAN: &str = "DELETE FROM bans WHERE name = ?1 AND key = ?2";

/// Keeps these instead of everything that is there.
pub(super) fn replace(connection: &Connection, wishes: &[RuntimeChange]) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM wants; DELETE FROM exclusions; DELETE FROM bans;")?;
    wishes.iter().try_for_each(|wish| apply(connection, wish))
}

/// What it takes to have everything as it was: bans, which hold for what is configured, then what is wanted, first in
/// the order in which it was first wanted, then in that in which terms were given last, and at last the exclusions.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<RuntimeChange>> {
    let mut wishes = rows(connection, "SELECT name, key FROM bans", ban)?;
    wishes.extend(rows(connection, "SELECT name, host, terms FROM wants ORDER BY id", want)?);
    // Whoever wants the same address twice is rare: the first that was renewed, and all after it, are enough.
    let renewed = "SELECT name, host, terms FROM wants
        WHERE given > (SELECT min(given) FROM wants WHERE given > id) - 1 ORDER BY given";
    wishes.extend(rows(connection, renewed, want)?);
    wishes.extend(rows(connection, "SELECT name, key, address FROM exclusions", exclusion)?);
    Ok(wishes)
}

/// The rows of a query; one that can't be is left out, as somebody else must have written it.
fn rows(
    connection: &Connection,
    sql: &str,
    parse: impl Fn(&Row<'_>) -> rusqlite::Result<Option<RuntimeChange>>,
) -> rusqlite::Result<Vec<RuntimeChange>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut wishes = Vec::new();
    while let Some(row) = rows.next()? {
        let wish = parse(row)?;
        if wish.is_none() {
            warn!(row = ?row, "a row of the state is not understood and left out");
        }
        wishes.extend(wish);
    }
    Ok(wishes)
}

fn ban(row: &Row<'_>) -> rusqlite::Result<Option<RuntimeChange>> {
    let (name, host) = (name(row)?, row.get::<_, String>(1)?);
    Ok(host.parse().ok().map(|host| RuntimeChange::Suppress { name, host }))
}

fn want(row: &Row<'_>) -> rusqlite::Result<Option<RuntimeChange>> {
    let (name, host, terms) = (name(row)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?);
    let terms = terms.map_or_else(|| Some(TargetOptions::default()), |text| terms_of(&text));
    let target = host.parse().ok().zip(terms);
    Ok(target.map(|(host, options)| RuntimeChange::Add(TargetSpec { name, host, options })))
}

fn exclusion(row: &Row<'_>) -> rusqlite::Result<Option<RuntimeChange>> {
    let (name, host, address) = (name(row)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?);
    let parsed = host.parse().ok().zip(address.parse().ok());
    Ok(parsed.map(|(host, address)| RuntimeChange::ExcludeAddress { name, host, address }))
}

fn name(row: &Row<'_>) -> rusqlite::Result<Label> {
    row.get::<_, String>(0).map(Label::from)
}

fn key(host: &Host) -> String {
    match host {
        Host::Address(address) => address.to_string(),
        Host::Name(name) => key_of_name(name),
    }
}

fn key_of_name(name: &HostName) -> String {
    name.as_str().to_ascii_lowercase()
}

/// Terms as JSON, an object of texts; `None` if nothing is said.
fn text_of(terms: &TargetOptions) -> Option<String> {
    let mut members: Map<String, Value> =
        terms.iter().map(|(key, text)| (key.as_str().to_owned(), text.into())).collect();
    let labels: Map<String, Value> =
        terms.labels().map(|(name, value)| (name.to_owned(), value.into())).collect();
    if !labels.is_empty() {
        members.insert(LABELS.into(), labels.into());
    }
    (!members.is_empty()).then(|| Value::from(members).to_string())
}

/// What [`text_of`] wrote. An option that is not known, or takes something else by now, is left out.
fn terms_of(text: &str) -> Option<TargetOptions> {
    let members: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut terms = TargetOptions::default();
    for (member, value) in &members {
        let known = match (member.parse::<OptionKey>(), value) {
            (Ok(key), Value::String(text)) => terms.set(key, text).is_ok(),
            (Err(_), Value::Object(labels)) if member == LABELS => set_labels(&mut terms, labels),
            _ => false,
        };
        if !known {
            warn!(option = ?member, value = ?value.to_string(), "an option in the state is not understood and left out");
        }
    }
    Some(terms)
}

fn set_labels(terms: &mut TargetOptions, labels: &Map<String, Value>) -> bool {
    let pairs = labels.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Labels::new(pairs).map(|labels| terms.set_labels(labels)).is_ok()
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

    fn wanted(name: &str, host: &str, interval: Option<&str>) -> RuntimeChange {
        let mut terms = TargetOptions::default();
        if let Some(text) = interval {
            terms.set(OptionKey::Interval, text).unwrap();
        }
        let (name, host) = (name.into(), host.parse().unwrap());
        RuntimeChange::Add(TargetSpec { name, host, options: terms })
    }

    fn forgotten(name: &str, host: &str) -> RuntimeChange {
        RuntimeChange::Remove { name: name.into(), host: host.parse().unwrap() }
    }

    fn banned(name: &str, host: &str) -> RuntimeChange {
        RuntimeChange::Suppress { name: name.into(), host: host.parse().unwrap() }
    }

    fn excluded(name: &str, host: &str, address: &str) -> RuntimeChange {
        RuntimeChange::ExcludeAddress {
            name: name.into(),
            host: host.parse().unwrap(),
            address: address.parse().unwrap(),
        }
    }

    fn after(wishes: &[RuntimeChange]) -> Vec<RuntimeChange> {
        let connection = open();
        for wish in wishes {
            apply(&connection, wish).unwrap();
        }
        load(&connection).unwrap()
    }

    #[test]
    fn what_was_wished_is_read_in_an_order_that_makes_it_as_it_was() {
        let (a, b) = (wanted("a", "10.0.0.1", None), wanted("b", "Example.org", Some("0.5")));
        let renewed = wanted("a", "10.0.0.1", Some("2"));
        let include =
            RuntimeChange::IncludeAddresses { name: "b".into(), host: "eXample.org".parse().unwrap() };
        let unban = RuntimeChange::Unsuppress { name: "x".into(), host: "10.0.0.7".parse().unwrap() };
        let exclusion = excluded("b", "example.org", "::1");
        let cases: [(&str, Vec<RuntimeChange>, Vec<RuntimeChange>); 8] = [
            ("nothing", vec![], vec![]),
            ("two", vec![a.clone(), b.clone()], vec![a.clone(), b.clone()]),
            ("one again", vec![a.clone(), forgotten("a", "10.0.0.1")], vec![]),
            ("a stranger's removal", vec![a.clone(), forgotten("b", "10.0.0.1")], vec![a.clone()]),
            (
                "the first is renewed last",
                vec![a.clone(), b.clone(), renewed.clone()],
                vec![renewed.clone(), b.clone(), renewed.clone()],
            ),
            (
                "exclusions come last, bans first",
                vec![exclusion.clone(), b.clone(), banned("x", "10.0.0.7")],
                vec![banned("x", "10.0.0.7"), b.clone(), exclusion.clone()],
            ),
            ("an exclusion is taken back", vec![b.clone(), exclusion.clone(), include], vec![b.clone()]),
            ("and a ban", vec![banned("x", "10.0.0.7"), unban], vec![]),
        ];
        for (case, wishes, expected) in cases {
            assert_eq!(after(&wishes), expected, "{case}");
        }
    }

    #[test]
    fn whatever_is_called_whatever_comes_back_byte_for_byte() {
        let names =
            ["a\"b'c; DROP TABLE wants", "line\nbreak", "nul\0nul", "nul\0", "\u{1b}[2J", "ünï", "A", "a"];
        let wishes: Vec<RuntimeChange> =
            names.iter().map(|name| wanted(name, "fe80::1%eth0", None)).collect();
        assert_eq!(after(&wishes), wishes);
    }

    #[test]
    fn all_terms_come_back() {
        let mut terms = TargetOptions::default();
        let texts = ["0.05", "0.25", "1400", "EF", "7", "127.0.0.1", "lo", "true", "ipv4"];
        for (key, text) in OptionKey::ALL.into_iter().zip(texts) {
            terms.set(key, text).unwrap();
        }
        terms.set_labels(Labels::new([("site", "a \"b\"\n"), ("rack", "7")]).unwrap());
        assert_eq!(terms_of(&text_of(&terms).unwrap()), Some(terms.clone()));
        assert_eq!(text_of(&TargetOptions::default()), None);
        assert_eq!(terms_of(r#"{"warp":"9","ttl":"70000"}"#), Some(TargetOptions::default()));
    }

    #[test]
    fn everything_can_be_replaced() {
        let connection = open();
        let before =
            [wanted("a", "10.0.0.1", None), banned("x", "y.example"), excluded("a", "b.example", "::1")];
        for wish in &before {
            apply(&connection, wish).unwrap();
        }
        let wishes = [wanted("b", "10.0.0.2", None)];
        replace(&connection, &wishes).unwrap();
        assert_eq!(load(&connection).unwrap(), wishes);
    }
}
