//! What can be asked of the daemon, and how it is read from a datagram.

use super::add::AddRequest;
use super::histogram::HistogramRequest;
use super::history::History;
use super::list::List;
use super::members::Members;
use super::selector::{Selection, selection};
use super::{Quoted, Refusal};

/// A request that can be carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Does nothing; tells whether the daemon listens.
    Noop,
    /// Asks for the books of targets.
    List(List),
    /// Asks for a host to be measured.
    Add(AddRequest),
    /// Asks to forget hosts. Never [`Selection::All`].
    Remove(Selection),
    /// Starts new periods.
    Reset(Selection),
    /// Asks how targets were doing hour by hour.
    History(History),
    /// Asks how often which round-trip time was seen.
    Histogram(HistogramRequest),
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
            "list" => List::parse(&members).map(Self::List),
            "add" => AddRequest::parse(&members).map(Self::Add),
            "remove" => match selection(&members)? {
                Selection::All => Err(Refusal::NeedNameOrAddr),
                matching @ Selection::Matching { .. } => Ok(Self::Remove(matching)),
            },
            "reset" => Ok(Self::Reset(selection(&members)?)),
            "histogram" => HistogramRequest::parse(&members).map(Self::Histogram),
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

#[cfg(test)]
mod tests;
