//! Reads requests from datagrams.

use super::add::{self, AddRequest};
use super::entries::EntriesRequest;
use super::histogram::HistogramRequest;
use super::history::HistoryRequest;
use super::list::ListRequest;
use super::members::Members;
use super::names::NamesRequest;
use super::noop::NoopRequest;
use super::reload::ReloadRequest;
use super::remove::RemoveRequest;
use super::reset::ResetRequest;
use super::{Command, Quoted, RequestError};
use crate::target::NewEntry;

/// A request as the daemon reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Shows that the daemon answers.
    Noop(NoopRequest),
    /// Asks for the statistics of targets.
    List(ListRequest),
    /// Starts measuring a host.
    Add(NewEntry),
    /// Ends the measuring of targets.
    Remove(RemoveRequest),
    /// Starts a new measurement period.
    Reset(ResetRequest),
    /// Asks for statistics hour by hour.
    History(HistoryRequest),
    /// Asks for a histogram of round-trip times.
    Histogram(HistogramRequest),
    /// Asks for the followed DNS names.
    Names(NamesRequest),
    /// Asks for the entries.
    Entries(EntriesRequest),
    /// Reads the configuration again.
    Reload(ReloadRequest),
}

impl Request {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`RequestError`]; [`RequestError::reply`] is the reply.
    pub fn parse(datagram: &[u8]) -> Result<Self, RequestError> {
        let members = Members::split(datagram)?;
        if !members.has("cmd") {
            return Err(if members.has("status") { RequestError::IsReply } else { RequestError::NeedCmd });
        }
        match command(&members)?.as_str() {
            NoopRequest::NAME => Ok(Self::Noop(NoopRequest {})),
            ListRequest::NAME => ListRequest::parse(&members).map(Self::List),
            AddRequest::NAME => add::parse(&members).map(Self::Add),
            RemoveRequest::NAME => RemoveRequest::parse(&members).map(Self::Remove),
            ResetRequest::NAME => ResetRequest::parse(&members).map(Self::Reset),
            HistogramRequest::NAME => HistogramRequest::parse(&members).map(Self::Histogram),
            ReloadRequest::NAME => Ok(Self::Reload(ReloadRequest {})),
            HistoryRequest::NAME => HistoryRequest::parse(&members).map(Self::History),
            NamesRequest::NAME => NamesRequest::parse(&members).map(Self::Names),
            EntriesRequest::NAME => EntriesRequest::parse(&members).map(Self::Entries),
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
