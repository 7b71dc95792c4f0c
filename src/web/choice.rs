//! Which targets a scrape is about: `?name=…&target=…`, each as often as wanted. Without any: all of them.

use crate::actors::supervisor::{Filter, GetRoster, Member};
use crate::protocol::Quoted;
use crate::target::{Address, AddressError, Host, MAX_NAME};
use actix::prelude::*;
use actix_web::web::Query;
use futures_util::TryFutureExt;
use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt};
use std::collections::BTreeMap;

/// So many values one scrape may name: each is a question to the supervisor.
const MOST_VALUES: usize = 100;

/// So many targets are asked for, and held, at once.
const PAGE: usize = 500;

/// Which targets a scrape is about: those that any of the filters means, or all if there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice(Vec<Filter>);

/// Why a query chooses nothing; the operator sees this text as it stands.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Neither `name` nor `target`.
    #[error("unknown parameter {0}; allowed are name=NAME and target=ADDRESS, each any number of times")]
    Unknown(Quoted),
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

impl Choice {
    /// Reads the query of a URL, with or without percent-encoding; a `+` is a space.
    ///
    /// # Errors
    /// [`ChoiceError`], for the client.
    pub fn parse(query: &str) -> Result<Self, ChoiceError> {
        // What is no pair is a name without a value, and what is no UTF-8 becomes replacement characters.
        let pairs =
            Query::<Vec<(String, String)>>::from_query(query).map_or_else(|_| Vec::new(), Query::into_inner);
        if pairs.len() > MOST_VALUES {
            return Err(ChoiceError::TooMany(pairs.len()));
        }
        pairs
            .into_iter()
            .map(|(parameter, value)| filter(&parameter, &value))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The targets that it means, in address order.
    ///
    /// # Errors
    /// When the supervisor has ended.
    pub fn pages(
        self,
        roster: &Recipient<GetRoster>,
    ) -> impl Stream<Item = Result<Vec<Member>, MailboxError>> {
        if self.0.is_empty() { Either::Left(all(roster)) } else { Either::Right(chosen(self.0, roster)) }
    }
}

/// Everything, page by page: neither the supervisor nor anybody's memory is kept busy by a long roster.
fn all(roster: &Recipient<GetRoster>) -> impl Stream<Item = Result<Vec<Member>, MailboxError>> {
    stream::try_unfold(None, move |after| async move {
        let question = GetRoster { after, limit: Some(PAGE), ..GetRoster::default() };
        let page = roster.send(question).await?.members;
        Ok(page.last().map(|last| last.address).map(|last| (page, Some(last))))
    })
}

/// One filter after the other, so that a target that all of them mean is held once.
fn chosen(
    filters: Vec<Filter>,
    roster: &Recipient<GetRoster>,
) -> impl Stream<Item = Result<Vec<Member>, MailboxError>> {
    let members = async move {
        let mut members = BTreeMap::new();
        for filter in filters {
            let chosen = roster.send(GetRoster { filter, ..GetRoster::default() }).await?.members;
            members.extend(chosen.into_iter().map(|member| (member.address, member)));
        }
        Ok(stream::iter(members.into_values()).chunks(PAGE).map(Ok))
    };
    members.try_flatten_stream()
}

fn filter(parameter: &str, value: &str) -> Result<Filter, ChoiceError> {
    match parameter {
        "name" if (1..=MAX_NAME).contains(&value.len()) => {
            Ok(Filter { name: Some(value.into()), host: None })
        }
        "name" => Err(ChoiceError::NameLength(value.len())),
        "target" => {
            let address: Result<Address, _> = value.parse();
            let address = address.map_err(|why| ChoiceError::Target { given: Quoted::text(value), why })?;
            Ok(Filter { name: None, host: Some(Host::Address(address)) })
        }
        unknown => Err(ChoiceError::Unknown(Quoted::text(unknown))),
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
        ];
        for (query, filters) in cases {
            assert_eq!(Choice::parse(query), Ok(Choice(filters)), "{query}");
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
        ];
        for (query, text) in cases {
            let error = Choice::parse(query).unwrap_err().to_string();
            assert!(error.contains(text), "{query}: {error}");
        }
    }
}
