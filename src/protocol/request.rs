//! What can be asked of the daemon, and how it is read from a datagram.

use super::members::Members;
use super::{History, Quoted, Refusal};
use crate::target::{Address, Host, Label, MAX_NAME, Terms};

/// A request that can be carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Does nothing; tells whether the daemon listens.
    Noop,
    /// Asks for the books of targets.
    List(List),
    /// Asks for a host to be measured.
    Add {
        /// How to call it.
        name: Label,
        /// What to ping.
        host: Host,
        /// How, as far as that is to be changed.
        terms: Terms,
    },
    /// Asks to forget hosts. Never [`Selection::All`].
    Remove(Selection),
    /// Starts new periods.
    Reset(Selection),
    /// Asks how targets were doing hour by hour.
    History(History),
    /// Asks how often which round-trip time was seen.
    Histogram {
        /// Of which target; `None` if what was given is no address, so that nothing is known of it.
        address: Option<Address>,
        /// Start the histogram again afterwards.
        reset: bool,
    },
}

/// A request for the books of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Of which targets.
    pub selection: Selection,
    /// One page of them; `None`: all of them, or a refusal.
    pub page: Option<Page>,
    /// What was listed starts again.
    pub reset: bool,
    /// With everything that there is to tell.
    pub detail: bool,
}

/// Which part of a list that is too long for one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page {
    /// Only targets after this address.
    pub after: Option<Address>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Which targets are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one.
    All,
    /// Those that are called `name`, and those that are `host`: both given, both apply.
    ///
    /// Neither is left when only an `addr` was given that nothing can have: then nothing matches.
    Matching {
        /// Any of the target's names.
        name: Option<Label>,
        /// Its address, or a DNS name.
        host: Option<Host>,
    },
}

impl Request {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`Refusal`], which is the reply.
    pub fn parse(datagram: &[u8]) -> Result<Self, Refusal> {
        let members = Members::split(datagram)?;
        if !members.has("cmd") {
            return Err(if members.has("status") { Refusal::IsReply } else { Refusal::NeedCmd });
        }
        match command(&members)?.as_str() {
            "noop" => Ok(Self::Noop),
            "list" => list(&members),
            "add" => add(&members),
            "remove" => match selection(&members)? {
                Selection::All => Err(Refusal::NeedNameOrAddr),
                matching @ Selection::Matching { .. } => Ok(Self::Remove(matching)),
            },
            "reset" => Ok(Self::Reset(selection(&members)?)),
            "histogram" => histogram(&members),
            "history" => History::parse(selection(&members)?, &members).map(Self::History),
            unknown => Err(Refusal::UnknownCommand(Quoted::text(unknown))),
        }
    }
}

fn command(members: &Members<'_>) -> Result<String, Refusal> {
    let json = members.json("cmd").unwrap_or("null");
    if !json.starts_with('"') {
        return Err(Refusal::UnknownCommand(Quoted::json(json)));
    }
    Ok(members.text("cmd")?.unwrap_or_default())
}

fn list(members: &Members<'_>) -> Result<Request, Refusal> {
    let page = Page { after: members.after()?, limit: members.limit()? };
    let paged = members.json("after").is_some() || page.limit.is_some();
    Ok(Request::List(List {
        selection: selection(members)?,
        page: paged.then_some(page),
        reset: members.is_truthy("reset"),
        detail: members.is_truthy("detail"),
    }))
}

fn add(members: &Members<'_>) -> Result<Request, Refusal> {
    let (name, addr) = (members.text("name")?, members.text("addr")?);
    let name_or_addr = name.as_ref().or(addr.as_ref()).ok_or(Refusal::NeedNameOrAddr)?;
    let text = addr.as_ref().unwrap_or(name_or_addr);
    if name_or_addr.len() > MAX_NAME {
        return Err(Refusal::LongName(name_or_addr.len()));
    }
    let host = text.parse().map_err(|why| Refusal::Host { given: Quoted::text(text), why })?;
    let terms = members.terms()?;
    terms.check(&host)?;
    Ok(Request::Add { name: name_or_addr.as_str().into(), host, terms })
}

fn histogram(members: &Members<'_>) -> Result<Request, Refusal> {
    let addr = members.text("addr")?.ok_or(Refusal::NeedAddr)?;
    Ok(Request::Histogram { address: addr.parse().ok(), reset: members.is_truthy("reset") })
}

/// What can't be a host was never added, so it matches nothing, as does any other text that nobody has added.
fn selection(members: &Members<'_>) -> Result<Selection, Refusal> {
    let (name, addr) = (members.text("name")?, members.text("addr")?);
    if name.is_none() && addr.is_none() {
        return Ok(Selection::All);
    }
    let host = addr.and_then(|addr| addr.parse().ok());
    Ok(Selection::Matching { name: name.map(Label::from), host })
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
