//! Which targets a scrape is about: `?name=…&target=…`, each as often as wanted. Without any: all of them. And under
//! whose names: `&dialect=…`.

use crate::actors::supervisor::{Filter, GetTargets, TargetRef};
use crate::protocol::Quoted;
use crate::target::{Address, AddressError, Host, MAX_NAME};
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

/// So many values one scrape may name: each is a question to the supervisor.
const MOST_VALUES: usize = 100;

/// So many targets are asked for, and held, at once.
const PAGE: usize = 500;

/// So many targets of one filter are asked for at once: they are held anyway, and for each page the supervisor
/// counts all that the filter means.
const LARGE_PAGE: usize = 10_000;

/// Which targets a scrape is about: those that any of the filters means, each of them once, or all
/// if there is none; and the dialect in which to tell of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TargetQuery {
    filters: Vec<Filter>,
    dialect: Dialect,
}

/// Why a query chooses nothing; the operator sees this text as it stands.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    /// Not how parameters are written.
    #[error(
        "the query can't be read: {0}; allowed are name=NAME and target=ADDRESS, each any number of times, and \
         dialect=DIALECT"
    )]
    Unreadable(String),
    /// None of the parameters that there are.
    #[error(
        "unknown parameter {0}; allowed are name=NAME and target=ADDRESS, each any number of times, and \
         dialect=DIALECT"
    )]
    Unknown(Quoted),
    /// Nobody's names that we know.
    #[error("unknown dialect {0}; known are {known}; without any, meshping's own names are served", known = Dialect::names())]
    Dialect(Quoted),
    /// A scrape has one dialect.
    #[error("more than one dialect; allowed is one")]
    TwoDialects,
    /// Not how an address is written.
    #[error("target={given} chooses nothing: {why}; allowed is one address, a % in it written as %25")]
    Target {
        /// What was given.
        given: Quoted,
        /// What is wrong with it.
        why: AddressError,
    },
    /// No target can be called so.
    #[error("a name of {0} bytes chooses nothing; allowed are 1 to {MAX_NAME}")]
    NameLength(usize),
    /// More than anybody writes.
    #[error("{0} values are too many; allowed are {MOST_VALUES} names and targets together")]
    TooMany(usize),
}

impl TargetQuery {
    /// Reads the query of a URL, with or without percent-encoding; a `+` is a space.
    ///
    /// # Errors
    /// [`QueryError`], for the client.
    pub(super) fn parse(query: &str) -> Result<Self, QueryError> {
        // What is no pair is a name without a value, and what is no UTF-8 becomes replacement characters.
        let pairs = Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|error| QueryError::Unreadable(error.to_string()))?
            .into_inner();
        let (dialects, values): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(parameter, _)| parameter == "dialect");
        if values.len() > MOST_VALUES {
            return Err(QueryError::TooMany(values.len()));
        }
        let mut filters = Vec::new();
        for (parameter, value) in values {
            let filter = filter(&parameter, &value)?;
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        Ok(Self { filters, dialect: dialect(&dialects)? })
    }

    /// The dialect in which to tell of them.
    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The targets that it means, in address order; each question to the supervisor is given that time.
    ///
    /// # Errors
    /// [`NoAnswer`], and no page after it.
    pub(super) fn pages(
        self,
        roster: &Recipient<GetTargets>,
        patience: Duration,
    ) -> impl Stream<Item = Result<Vec<TargetRef>, NoAnswer>> {
        if self.filters.is_empty() {
            Either::Left(meant(Filter::default(), PAGE, roster, patience))
        } else {
            Either::Right(chosen(self.filters, roster, patience))
        }
    }
}

/// The supervisor has ended, or did not answer in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoAnswer;

/// What a filter means, page by page: neither the supervisor nor anybody's memory is kept busy by a long roster.
fn meant(
    filter: Filter,
    limit: usize,
    roster: &Recipient<GetTargets>,
    patience: Duration,
) -> impl Stream<Item = Result<Vec<TargetRef>, NoAnswer>> {
    stream::try_unfold(None, move |after| {
        let question = GetTargets { filter: filter.clone(), after, limit: Some(limit) };
        async move {
            let page = ask(roster, question, patience).await.ok_or(NoAnswer)?.targets;
            Ok(page.last().map(|last| last.address).map(|last| (page, Some(last))))
        }
    })
}

/// One filter after the other, so that a target that all of them mean is held once.
fn chosen(
    filters: Vec<Filter>,
    roster: &Recipient<GetTargets>,
    patience: Duration,
) -> impl Stream<Item = Result<Vec<TargetRef>, NoAnswer>> {
    let members = async move {
        let mut members = BTreeMap::new();
        for filter in filters {
            let mut pages = pin!(meant(filter, LARGE_PAGE, roster, patience));
            while let Some(page) = pages.try_next().await? {
                members.extend(page.into_iter().map(|member| (member.address, member)));
            }
        }
        Ok(stream::iter(members.into_values()).chunks(PAGE).map(Ok))
    };
    members.try_flatten_stream()
}

fn dialect(given: &[(String, String)]) -> Result<Dialect, QueryError> {
    match given {
        [] => Ok(Dialect::Own),
        [(_, name)] => Dialect::named(name).ok_or_else(|| QueryError::Dialect(Quoted::text(name))),
        _ => Err(QueryError::TwoDialects),
    }
}

fn filter(parameter: &str, value: &str) -> Result<Filter, QueryError> {
    match parameter {
        "name" if (1..=MAX_NAME).contains(&value.len()) => {
            Ok(Filter { name: Some(value.into()), host: None })
        }
        "name" => Err(QueryError::NameLength(value.len())),
        "target" => {
            let address: Result<Address, _> = value.parse();
            let address = address.map_err(|why| QueryError::Target { given: Quoted::text(value), why })?;
            Ok(Filter { name: None, host: Some(Host::Address(address)) })
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
        Filter { name: None, host: Some(Host::Address(address.parse().unwrap())) }
    }

    #[test]
    fn values_are_decoded_and_addresses_are_read_as_everywhere() {
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
            assert_eq!(
                TargetQuery::parse(query),
                Ok(TargetQuery { filters, dialect: Dialect::Own }),
                "{query}"
            );
        }
    }

    #[test]
    fn a_dialect_goes_with_every_choice_of_targets() {
        let cases = [
            ("dialect=meshping2017", Dialect::Meshping2017, 0),
            ("name=a&dialect=smokeping%5Fprober&target=::1", Dialect::SmokepingProber, 2),
            (&format!("dialect=ping_exporter{}", "&name=a".repeat(MOST_VALUES)), Dialect::PingExporter, 1),
        ];
        for (query, dialect, filters) in cases {
            let choice = TargetQuery::parse(query).unwrap();
            assert_eq!((choice.dialect(), choice.filters.len()), (dialect, filters), "{query}");
        }
    }

    #[test]
    fn what_chooses_nothing_is_refused_with_what_is_allowed() {
        let long = format!("name={}", "a".repeat(MAX_NAME + 1));
        let many = "name=a&".repeat(MOST_VALUES + 1);
        let cases = [
            ("names=a", "unknown parameter \"names\"; allowed are name=NAME and target=ADDRESS"),
            ("a%00", "unknown parameter"),
            ("target=localhost", "target=\"localhost\" chooses nothing: not an IP address"),
            ("target=", "not an IP address"),
            ("target=224.0.0.1", "multicast"),
            ("name=", "a name of 0 bytes"),
            (&long, "a name of 254 bytes chooses nothing; allowed are 1 to 253"),
            (&many, "101 values are too many; allowed are 100"),
            (
                "dialect=ping",
                "unknown dialect \"ping\"; known are meshping2017, smokeping_prober, ping_exporter",
            ),
            ("dialect=", "unknown dialect \"\"; known are meshping2017"),
            ("dialect", "known are meshping2017"),
            ("dialect=Ping_Exporter", "known are meshping2017"),
            ("dialect=ping_exporter&dialect=ping_exporter", "more than one dialect"),
        ];
        for (query, text) in cases {
            let error = TargetQuery::parse(query).unwrap_err().to_string();
            assert!(error.contains(text), "{query}: {error}");
        }
    }
}
