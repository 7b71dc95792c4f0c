//! `list`: how it is asked for, the bytes of its reply, and how many targets fit into one.

mod detail;

use super::RequestError;
use super::json::{MAX_REPLY, close, put, separate, write_seconds, write_string};
use super::members::Members;
use super::selector::{Selector, selection};
use crate::measure::{DetailedStats, PeriodStats, WallMapping};
use crate::target::{Address, Interval, OptionOverrides};
use detail::{write_detail, write_options};

/// A request for the books of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// Of which targets.
    pub selection: Selector,
    /// One page of them; `None`: all of them, or a refusal.
    pub page: Option<PageRequest>,
    /// What was listed starts again.
    pub reset: bool,
    /// With everything that there is to tell.
    pub detail: bool,
}

/// Which part of a list that is too long for one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// Only targets after this address.
    pub after: Option<Address>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl ListRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        let page = PageRequest { after: members.after()?, limit: members.limit()? };
        let paged = members.json("after").is_some() || page.limit.is_some();
        Ok(Self {
            selection: selection(members)?,
            page: paged.then_some(page),
            reset: members.is_truthy("reset"),
            detail: members.is_truthy("detail"),
        })
    }
}

/// No target takes fewer bytes in a list, with the comma before it; nor with detail, of which all may be unknown.
pub const MIN_TARGET: usize = 134;

/// One target of a list.
#[derive(Debug, Clone, Copy)]
pub struct ListedTarget<'a> {
    /// Whom it pings.
    pub address: Address,
    /// Its first name.
    pub name: &'a str,
    /// Its interval.
    pub interval: Interval,
    /// Its books.
    pub summary: PeriodStats,
    /// What else there is to tell, and the wall-clock time of the moments in it.
    pub detail: Option<(&'a DetailedStats, WallMapping)>,
    /// Its other options, written with the detail only.
    pub overrides: Option<&'a OptionOverrides>,
}

impl ListedTarget<'_> {
    fn write(&self, text: &mut String) {
        let (address, summary) = (self.address, &self.summary);
        put(text, format_args!("\"{address}\":{{\"name\":"));
        write_string(text, self.name);
        put(text, format_args!(",\"addr\":\"{address}\",\"af\":{}", address.family().number()));
        put(text, format_args!(",\"itv\":"));
        write_seconds(text, self.interval.get().as_micros());
        if text.ends_with(".0") {
            text.truncate(text.len() - 2);
        }
        write_counts(text, summary);
        let times = &summary.rtt;
        for (member, micros) in
            [("sum", times.sum), ("min", times.min), ("max", times.max), ("last", times.last)]
        {
            put(text, format_args!(",\"{member}\":"));
            write_seconds(text, micros.into());
        }
        if let Some((detail, wall)) = self.detail {
            write_detail(text, detail, wall);
            self.overrides.iter().for_each(|overrides| write_options(text, overrides));
        }
        text.push('}');
    }
}

fn write_counts(text: &mut String, summary: &PeriodStats) {
    put(text, format_args!(",\"sent\":{},\"recv\":{}", summary.sent(), summary.recv));
    put(text, format_args!(",\"errs\":{},\"lost\":{}", summary.errs, summary.lost));
    if summary.void > 0 {
        put(text, format_args!(",\"void\":{}", summary.void));
    }
    put(text, format_args!(",\"outd\":{}", summary.outd));
    if summary.dups > 0 {
        put(text, format_args!(",\"dups\":{}", summary.dups));
    }
}

/// The targets of a reply: as many whole ones, from the first on, as fit.
#[derive(Debug)]
pub struct ListReply {
    text: String,
    /// Targets that were to be listed, fitting or not, and the bytes that all of them need.
    targets: usize,
    needed: usize,
    fitting: usize,
}

impl Default for ListReply {
    fn default() -> Self {
        Self { text: "{".into(), targets: 0, needed: 2, fitting: 0 }
    }
}

impl ListReply {
    /// Takes in one more target. False if it does not fit, or one before it did not.
    pub fn push(&mut self, target: &ListedTarget<'_>) -> bool {
        let before = self.text.len();
        separate(&mut self.text);
        target.write(&mut self.text);
        self.targets += 1;
        self.needed += self.text.len() - before;
        let fits = self.needed <= MAX_REPLY;
        if fits {
            self.fitting += 1;
        } else {
            self.text.truncate(before);
        }
        fits
    }

    /// How many of the targets fit.
    pub const fn fitting(&self) -> usize {
        self.fitting
    }

    /// A page: the targets that fit.
    pub fn into_page(self) -> Vec<u8> {
        close(self.text)
    }

    /// All targets.
    ///
    /// # Errors
    /// [`TooLarge`] if not all of them fit.
    pub fn into_whole(self) -> Result<Vec<u8>, TooLarge> {
        if self.fitting < self.targets {
            return Err(TooLarge { targets: self.targets, bytes: self.needed });
        }
        Ok(self.into_page())
    }
}

/// A list that does not fit into one reply; the operator sees this text as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{targets} targets need at least {bytes} bytes, one reply holds {max}: ask for pages with \
     {{\"cmd\": \"list\", \"limit\": 100}} and then \"after\": the last address of the page before, \
     until a page is empty; or for one \"name\" or \"addr\"",
    max = MAX_REPLY
)]
pub struct TooLarge {
    targets: usize,
    bytes: usize,
}

impl TooLarge {
    /// So many targets can't fit, whatever they are called and whatever their books say.
    ///
    /// # Errors
    /// [`TooLarge`], naming the least number of bytes that they need.
    pub const fn check(targets: usize) -> Result<(), Self> {
        let bytes = targets.saturating_mul(MIN_TARGET);
        if bytes > MAX_REPLY { Err(Self { targets, bytes }) } else { Ok(()) }
    }

    /// More targets than this never fit.
    pub const MOST: usize = MAX_REPLY / MIN_TARGET;
}

#[cfg(test)]
mod tests;
