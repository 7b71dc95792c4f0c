//! What can be asked of the daemon, and how it is read from a datagram.

use super::histogram::HistogramRequest;
use super::history::HistoryRequest;
use super::list::ListRequest;
use super::members::Members;
use super::selector::{Selector, selection};
use super::{Quoted, RequestError, add};
use crate::target::TargetSpec;

/// A request that can be carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Does nothing; tells whether the daemon listens.
    Noop,
    /// Asks for the books of targets.
    ListRequest(ListRequest),
    /// Adds a target.
    Add(TargetSpec),
    /// Asks to forget hosts. Never [`Selector::All`].
    Remove(Selector),
    /// Starts new periods.
    Reset(Selector),
    /// Asks how targets were doing hour by hour.
    HistoryRequest(HistoryRequest),
    /// Asks how often which round-trip time was seen.
    Histogram(HistogramRequest),
}

impl Request {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`RequestError`], which is the reply.
    pub fn parse(datagram: &[u8]) -> Result<Self, RequestError> {
        let members = Members::split(datagram)?;
        if !members.has("cmd") {
            return Err(if members.has("status") { RequestError::IsReply } else { RequestError::NeedCmd });
        }
        match command(&members)?.as_str() {
            "noop" => Ok(Self::Noop),
            "list" => ListRequest::parse(&members).map(Self::ListRequest),
            "add" => add::parse(&members).map(Self::Add),
            "remove" => match selection(&members)? {
                Selector::All => Err(RequestError::NeedNameOrAddr),
                matching @ Selector::Matching { .. } => Ok(Self::Remove(matching)),
            },
            "reset" => Ok(Self::Reset(selection(&members)?)),
            "histogram" => HistogramRequest::parse(&members).map(Self::Histogram),
            "history" => HistoryRequest::parse(selection(&members)?, &members).map(Self::HistoryRequest),
            unknown => Err(RequestError::UnknownCommand(Quoted::text(unknown))),
        }
    }
}

fn command(members: &Members<'_>) -> Result<String, RequestError> {
    let json = members.json("cmd").unwrap_or("null");
    if !json.starts_with('"') {
        return Err(RequestError::UnknownCommand(Quoted::json(json)));
    }
    Ok(members.text("cmd")?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
