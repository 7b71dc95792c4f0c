//! The query of a scrape: `?name=…&target=…` selects targets, each any number of times, all without any of them;
//! `&dialect=…` selects the names of the metrics, and `&window=…` the number of requests that ping_exporter's cover.

use crate::actors::supervisor::{Filter, GetTargets, TargetRef};
use crate::measure::last_rtts::SettledWindow;
use crate::protocol::Quoted;
use crate::target::{Host, HostSelector, MAX_NAME, TargetKey, TargetKeyError};
use crate::web::metrics::dialects::Dialect;
use crate::web::respond::ask;
use actix::prelude::*;
use actix_web::web::Query;
use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt};
use futures_util::{TryFutureExt, TryStreamExt};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

/// Maximum number of names and targets in a query; each costs questions to the supervisor.
const MAX_QUERY_VALUES: usize = 100;

/// Targets that are asked for, and held in memory, at once.
const TARGETS_PAGE_SIZE: usize = 500;

/// Targets of one filter that are asked for at once. They are all held in memory anyway, and the supervisor counts all
/// matches of the filter for each page.
const FILTER_PAGE_SIZE: usize = 10_000;

/// The query of a scrape: targets that match any of the filters, each once, or all without filters; and the dialect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TargetQuery {
    filters: Vec<Filter>,
    dialect: Dialect,
    /// `None` in dialects without such values.
    window: Option<SettledWindow>,
}

/// Why a query is invalid; the client receives this text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    /// The query is not valid form encoding.
    #[error(
        "cannot read the query: {0}; allowed are name=NAME and target=ADDRESS, each any number of times, \
         dialect=DIALECT and window=N"
    )]
    Unreadable(String),
    /// An unknown parameter.
    #[error(
        "unknown parameter {0}; allowed are name=NAME and target=ADDRESS, each any number of times, \
         dialect=DIALECT and window=N"
    )]
    Unknown(Quoted),
    /// An unknown dialect.
    #[error("unknown dialect {0}; allowed are {known}; without a dialect the names are meshping's own", known = Dialect::names())]
    Dialect(Quoted),
    /// More than one dialect, or window.
    #[error("more than one {0}; allowed is one")]
    Twice(&'static str),
    /// A window that is no number, or too large.
    #[error("window={value} is invalid: it takes a whole number of settled requests from 1 to {max}")]
    Window {
        /// The value.
        value: Quoted,
        /// The largest window.
        max: SettledWindow,
    },
    /// A window in a dialect without values of a window.
    #[error("window=N is for dialect=ping_exporter only")]
    NoWindow,
    /// A target that is not an address.
    #[error("target={value} is invalid: {why}; allowed is one address, a % in it written as %25")]
    Target {
        /// The value.
        value: Quoted,
        /// What is wrong with it.
        why: TargetKeyError,
    },
    /// A name that no target can have.
    #[error("a name has {0} bytes; allowed are 1 to {MAX_NAME}")]
    NameLength(usize),
    /// Too many names and targets.
    #[error("{0} values are too many; allowed are {MAX_QUERY_VALUES} names and targets together")]
    TooMany(usize),
}

impl TargetQuery {
    /// Reads the query of a URL, with or without percent-encoding; a `+` is a space. The default window applies to
    /// queries without one.
    ///
    /// # Errors
    /// [`QueryError`], for the client.
    pub(super) fn parse(query: &str, default_window: SettledWindow) -> Result<Self, QueryError> {
        // A word without `=` is a parameter with an empty value; invalid UTF-8 becomes replacement characters.
        let pairs = Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|error| QueryError::Unreadable(error.to_string()))?
            .into_inner();
        let (dialects, values) = split(pairs, "dialect");
        let (windows, values) = split(values, "window");
        if values.len() > MAX_QUERY_VALUES {
            return Err(QueryError::TooMany(values.len()));
        }
        let mut filters = Vec::new();
        for (parameter, value) in values {
            let filter = filter(&parameter, &value)?;
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        let dialect = dialect(&dialects)?;
        Ok(Self { filters, dialect, window: window(&windows, dialect, default_window)? })
    }

    /// The dialect of the exposition.
    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Number of settled requests that its values cover; `None` in dialects without such values.
    pub(super) const fn window(&self) -> Option<SettledWindow> {
        self.window
    }

    /// The selected targets, in address order; the time limit applies to each question to the supervisor.
    ///
    /// # Errors
    /// [`NoAnswer`]; no page follows it.
    pub(super) fn pages(
        self,
        targets: &Recipient<GetTargets>,
        time_limit: Duration,
    ) -> impl Stream<Item = Result<Vec<TargetRef>, NoAnswer>> {
        if self.filters.is_empty() {
            Either::Left(matching(Filter::default(), TARGETS_PAGE_SIZE, targets, time_limit))
        } else {
            Either::Right(matching_any(self.filters, targets, time_limit))
        }
    }
}

/// The supervisor has ended, or did not answer in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoAnswer;

/// The targets that match a filter, page by page, so that neither the supervisor's time nor memory grows with their
/// number.
fn matching(
    filter: Filter,
    limit: usize,
    targets: &Recipient<GetTargets>,
    time_limit: Duration,
) -> impl Stream<Item = Result<Vec<TargetRef>, NoAnswer>> {
    stream::try_unfold(None, move |after| {
        let request = GetTargets { filter: filter.clone(), after, limit: Some(limit) };
        async move {
            let page = ask(targets, request, time_limit).await.ok_or(NoAnswer)?.targets;
            Ok(page.last().map(|last| last.key.clone()).map(|last| (page, Some(last))))
        }
    })
}

/// The targets that match any of the filters. Filters are asked one after the other, so that a target that matches
/// several is held once.
fn matching_any(
    filters: Vec<Filter>,
    targets: &Recipient<GetTargets>,
    time_limit: Duration,
) -> impl Stream<Item = Result<Vec<TargetRef>, NoAnswer>> {
    let selected = async move {
        let mut selected = BTreeMap::new();
        for filter in filters {
            let mut pages = pin!(matching(filter, FILTER_PAGE_SIZE, targets, time_limit));
            while let Some(page) = pages.try_next().await? {
                selected.extend(page.into_iter().map(|target| (target.key.clone(), target)));
            }
        }
        Ok(stream::iter(selected.into_values()).chunks(TARGETS_PAGE_SIZE).map(Ok))
    };
    selected.try_flatten_stream()
}

type Parameters = Vec<(String, String)>;

/// The parameters of a name, and the others.
fn split(parameters: Parameters, name: &str) -> (Parameters, Parameters) {
    parameters.into_iter().partition(|(parameter, _)| parameter == name)
}

fn dialect(parameters: &[(String, String)]) -> Result<Dialect, QueryError> {
    match parameters {
        [] => Ok(Dialect::Own),
        [(_, name)] => name.parse().map_err(|_| QueryError::Dialect(Quoted::text(name))),
        _ => Err(QueryError::Twice("dialect")),
    }
}

/// The window of a query. Clients cannot make the targets keep more requests than the operator wants, except few.
fn window(
    parameters: &[(String, String)],
    dialect: Dialect,
    default: SettledWindow,
) -> Result<Option<SettledWindow>, QueryError> {
    let max = default.max(SettledWindow::MAX_ASKED);
    match (parameters, dialect.has_window()) {
        ([], has_window) => Ok(has_window.then_some(default)),
        (_, false) => Err(QueryError::NoWindow),
        ([(_, text)], true) => {
            let window = text.parse().ok().filter(|window| *window <= max);
            window.map(Some).ok_or_else(|| QueryError::Window { value: Quoted::text(text), max })
        }
        _ => Err(QueryError::Twice("window")),
    }
}

fn filter(parameter: &str, value: &str) -> Result<Filter, QueryError> {
    match parameter {
        "name" if (1..=MAX_NAME).contains(&value.len()) => {
            Ok(Filter { name: Some(value.into()), host: None })
        }
        "name" => Err(QueryError::NameLength(value.len())),
        "target" => {
            let key: Result<TargetKey, _> = value.parse();
            let key = key.map_err(|why| QueryError::Target { value: Quoted::text(value), why })?;
            let host = if key.variant().is_empty() {
                HostSelector::from(Host::Address(key.address()))
            } else {
                HostSelector::from(key)
            };
            Ok(Filter { name: None, host: Some(host) })
        }
        unknown => Err(QueryError::Unknown(Quoted::text(unknown))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Filter {
        Filter { name: Some(name.into()), host: None }
    }

    fn target(address: &str) -> Filter {
        Filter { name: None, host: Some(address.parse().unwrap()) }
    }

    fn parse(query: &str) -> Result<TargetQuery, QueryError> {
        TargetQuery::parse(query, SettledWindow::DEFAULT)
    }

    #[test]
    fn a_window_is_a_number_up_to_a_hundred_or_to_the_default() {
        let cases = [
            ("", "10", Ok("10")),
            ("&window=1", "10", Ok("1")),
            ("&window=%34%32&name=a", "10", Ok("42")),
            ("&window=100", "10", Ok("100")),
            ("&window=101", "10", Err("from 1 to 100")),
            ("&window=300", "300", Ok("300")),
            ("", "300", Ok("300")),
            (
                "&window=301",
                "300",
                Err("window=\"301\" is invalid: it takes a whole number of settled requests from 1 to 300"),
            ),
            ("&window=0", "10", Err("from 1 to 100")),
            ("&window=-1", "10", Err("from 1 to 100")),
            ("&window=", "10", Err("from 1 to 100")),
            ("&window", "10", Err("from 1 to 100")),
            ("&window=4.2", "10", Err("from 1 to 100")),
            ("&window=99999999999999999999", "10", Err("from 1 to 100")),
            ("&window=5&window=5", "10", Err("more than one window")),
        ];
        for (query, default, expected) in cases {
            let parsed =
                TargetQuery::parse(&format!("dialect=ping_exporter{query}"), default.parse().unwrap());
            match expected {
                Ok(window) => assert_eq!(parsed.unwrap().window(), window.parse().ok(), "{query}"),
                Err(text) => {
                    let error = parsed.unwrap_err().to_string();
                    assert!(error.contains(text), "{query}: {error}");
                }
            }
        }
        for dialect in ["", "&dialect=meshping2017", "&dialect=smokeping_prober"] {
            assert_eq!(parse(&format!("window=42{dialect}")), Err(QueryError::NoWindow), "{dialect}");
        }
    }

    #[test]
    fn values_are_decoded_and_addresses_normalised() {
        let cases = [
            ("", vec![]),
            ("&", vec![]),
            ("name=a&target=::1&name=b", vec![name("a"), target("::1"), name("b")]),
            ("name=a%26b%3Dc%0a%00+%2B", vec![name("a&b=c\n\0 +")]),
            (
                "target=fe80::1%25eth0&target=%5B2001:DB8::1%5D",
                vec![target("fe80::1%eth0"), target("2001:db8::1")],
            ),
            ("target=::ffff:192.0.2.1", vec![target("192.0.2.1")]),
            ("name=%ff", vec![name("\u{fffd}")]),
            ("name=a&name=b&target=::1&name=%61&target=0::1", vec![name("a"), name("b"), target("::1")]),
        ];
        for (query, filters) in cases {
            let expected = TargetQuery { filters, dialect: Dialect::Own, window: None };
            assert_eq!(parse(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_dialect_goes_with_every_selection_of_targets() {
        let cases = [
            ("dialect=meshping2017", Dialect::Meshping2017, 0),
            ("name=a&dialect=smokeping%5Fprober&target=::1", Dialect::SmokepingProber, 2),
            (
                &format!("dialect=ping_exporter{}", "&name=a".repeat(MAX_QUERY_VALUES)),
                Dialect::PingExporter,
                1,
            ),
        ];
        for (query, dialect, filters) in cases {
            let parsed = parse(query).unwrap();
            assert_eq!((parsed.dialect(), parsed.filters.len()), (dialect, filters), "{query}");
        }
    }

    #[test]
    fn invalid_queries_are_errors_that_state_what_is_allowed() {
        let long = format!("name={}", "a".repeat(MAX_NAME + 1));
        let many = "name=a&".repeat(MAX_QUERY_VALUES + 1);
        let cases = [
            ("names=a", "unknown parameter \"names\"; allowed are name=NAME and target=ADDRESS"),
            ("a%00", "unknown parameter"),
            ("target=localhost", "target=\"localhost\" is invalid: not an IP address"),
            ("target=", "not an IP address"),
            ("target=224.0.0.1", "multicast"),
            ("name=", "a name has 0 bytes"),
            (&long, "a name has 254 bytes; allowed are 1 to 253"),
            (&many, "101 values are too many; allowed are 100"),
            (
                "dialect=ping",
                "unknown dialect \"ping\"; allowed are meshping2017, smokeping_prober, ping_exporter",
            ),
            ("dialect=", "unknown dialect \"\"; allowed are meshping2017"),
            ("dialect", "allowed are meshping2017"),
            ("dialect=Ping_Exporter", "allowed are meshping2017"),
            ("dialect=ping_exporter&dialect=ping_exporter", "more than one dialect"),
        ];
        for (query, text) in cases {
            let error = parse(query).unwrap_err().to_string();
            assert!(error.contains(text), "{query}: {error}");
        }
    }
}
