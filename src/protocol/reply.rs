//! Replies: their exact bytes, and how many targets fit into one.

use super::detail::{write_detail, write_options};
use crate::measure::{Detail, Histogram, Summary, Wall};
use crate::target::{Address, Interval, Options};
use std::fmt::Write;

/// The largest reply, in bytes: what a UDP datagram over IPv4 holds.
pub const MAX_REPLY: usize = 65_507;

/// No target takes fewer bytes in a list, with the comma before it; nor with detail, of which all may be unknown.
pub const MIN_TARGET: usize = 134;

/// It worked, and there is nothing to tell.
pub fn ok() -> Vec<u8> {
    status("ok")
}

/// A reply that consists of a status.
pub fn status(status: &str) -> Vec<u8> {
    let mut text = String::from(r#"{"status": "#);
    write_string(&mut text, status);
    close(text)
}

/// It did not work, and why.
pub fn error(message: &str) -> Vec<u8> {
    let mut text = String::from(r#"{"status": "error", "errmessage": "#);
    write_string(&mut text, message);
    close(text)
}

/// The answered requests of one target by RTT.
pub fn histogram(histogram: &Histogram) -> Vec<u8> {
    let mut text = String::from("{");
    for (bin, count) in histogram.iter() {
        separate(&mut text);
        put(&mut text, format_args!("\"{bin}\":{count}"));
    }
    close(text)
}

/// One target of a list.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Whom it pings.
    pub address: Address,
    /// Its first name.
    pub name: &'a str,
    /// Its interval.
    pub interval: Interval,
    /// Its books.
    pub summary: Summary,
    /// What else there is to tell, and the wall-clock time of the moments in it.
    pub detail: Option<(&'a Detail, Wall)>,
    /// In what it differs from others, to be told with the detail only.
    pub options: Option<&'a Options>,
}

impl Target<'_> {
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
            self.options.iter().for_each(|options| write_options(text, options));
        }
        text.push('}');
    }
}

fn write_counts(text: &mut String, summary: &Summary) {
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
pub struct TargetList {
    text: String,
    /// Targets that were to be listed, fitting or not, and the bytes that all of them need.
    targets: usize,
    needed: usize,
    fitting: usize,
}

impl Default for TargetList {
    fn default() -> Self {
        Self { text: "{".into(), targets: 0, needed: 2, fitting: 0 }
    }
}

impl TargetList {
    /// Takes in one more target. False if it does not fit, or one before it did not.
    pub fn push(&mut self, target: &Target<'_>) -> bool {
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

pub(super) fn write_seconds(text: &mut String, micros: u128) {
    write_fixed::<6>(text, micros);
}

/// So many 10^-DIGITS with a decimal point, exact, without trailing zeros.
pub(super) fn write_fixed<const DIGITS: u32>(text: &mut String, number: u128) {
    let (one, width) = (const { 10_u128.pow(DIGITS) }, DIGITS as usize);
    put(text, format_args!("{}.{:0width$}", number / one, number % one));
    while text.ends_with('0') && !text.ends_with(".0") {
        text.pop();
    }
}

pub(super) fn write_string(text: &mut String, string: &str) {
    // A string always has a JSON form.
    text.push_str(&serde_json::to_string(string).unwrap_or_default());
}

pub(super) fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = text.write_fmt(arguments);
}

pub(super) fn separate(text: &mut String) {
    if text.len() > 1 {
        text.push(',');
    }
}

fn close(mut text: String) -> Vec<u8> {
    text.push('}');
    text.into_bytes()
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
