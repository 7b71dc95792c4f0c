//! What a name stands for, from the history of its answers, and when to ask again. Pure: time is an argument.

use super::{FamilyAnswer, LookupVerdict};
use crate::target::{Address, AddressError, Family, HostName};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// At most so many addresses stand for one name; the rest is ignored.
pub const MAX_ADDRESSES: usize = 256;

/// Nothing is asked for more often than this, except when a user asks.
pub const MIN_PAUSE: Duration = Duration::from_secs(5);

/// Nothing is asked for less often than this.
pub const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// A name without an answer, or without an address, is asked for at least this often.
pub const MAX_RETRY: Duration = Duration::from_secs(60);

/// The first retry comes after half of this to all of it.
const FIRST_RETRY: Duration = Duration::from_secs(2);

/// An address is retired by the answer that makes it so many in a row without it: the one that showed that it
/// vanished, and two further ones.
const MISSES: u8 = 3;

/// Part of the pause that is spread by name.
const SPREAD: f64 = 0.1;

/// So many strange addresses of a name are remembered as reported.
const MAX_REPORTED: usize = 64;

/// Follows what one name stands for.
#[derive(Debug)]
pub struct Follow {
    v4: FamilyState,
    v6: FamilyState,
    /// Look-ups in a row that left something to ask for.
    failures: u32,
    /// The name's own place in every spread, `0.0..1.0`.
    place: f64,
    reported: HashSet<IpAddr>,
    crowded: bool,
}

/// Why an address that a name resolves to is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// It can't be one host.
    #[error(transparent)]
    Unusable(#[from] AddressError),
    /// The name has too many.
    #[error("the name has more than {MAX_ADDRESSES} addresses, the rest is ignored")]
    TooMany,
}

impl Follow {
    /// Nothing is known of the name yet.
    pub fn new(name: &HostName) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        #[expect(clippy::cast_possible_truncation, reason = "32 of its bits are enough")]
        let place = f64::from(hasher.finish() as u32) / f64::from(u32::MAX);
        let (v4, v6) = Default::default();
        Self { v4, v6, failures: 0, place, reported: HashSet::new(), crowded: false }
    }

    /// A look-up begins: no family has answered.
    pub fn begin(&mut self) {
        self.v4.outcome = None;
        self.v6.outcome = None;
    }

    /// Takes in what is known of one family; the reply is what is ignored of it and was not reported before.
    pub fn take(&mut self, now: Instant, family: Family, answer: FamilyAnswer) -> Vec<Ignored> {
        let (addresses, ttl) = match answer {
            FamilyAnswer::Addresses(addresses, ttl) => (addresses, ttl),
            FamilyAnswer::NoData(ttl) => return self.take_none(now, family, FamilyOutcome::NoData(ttl)),
            // NXDOMAIN is an authoritative answer about the name, no failure: a name that was given up must not
            // be pinged for ever. A resolver that denies it for a moment (a VPN that is down, a captive portal)
            // does not harm: the grace of two further answers holds for it as for any other answer.
            FamilyAnswer::NoName(ttl) => return self.take_none(now, family, FamilyOutcome::NoName(ttl)),
            FamilyAnswer::Failed => return self.take_failure(family, FamilyOutcome::Failed),
            FamilyAnswer::Silent => return self.take_failure(family, FamilyOutcome::Silent),
        };
        let mut ignored = Vec::new();
        let usable = self.usable(&addresses, &mut ignored);
        let outcome =
            if usable.is_empty() { FamilyOutcome::NoData(ttl) } else { FamilyOutcome::Addresses(ttl) };
        let half = self.half(family);
        half.outcome = Some(outcome);
        let all_fit = half.update(now, &usable) && self.v4.seen.len() + self.v6.seen.len() <= MAX_ADDRESSES;
        if !all_fit && !std::mem::replace(&mut self.crowded, true) {
            ignored.push(Ignored::TooMany);
        }
        ignored
    }

    fn take_none(&mut self, now: Instant, family: Family, outcome: FamilyOutcome) -> Vec<Ignored> {
        let half = self.half(family);
        half.outcome = Some(outcome);
        half.update(now, &[]);
        Vec::new()
    }

    /// We know nothing new, so nothing changes.
    fn take_failure(&mut self, family: Family, outcome: FamilyOutcome) -> Vec<Ignored> {
        self.half(family).outcome = Some(outcome);
        Vec::new()
    }

    /// The look-up has ended; the reply is how long to wait before the next.
    pub fn finish(&mut self) -> Duration {
        let pauses = || self.outcomes().filter_map(FamilyOutcome::ttl);
        let failed = self.outcomes().any(FamilyOutcome::is_failure);
        let settled = match self.outcomes().any(FamilyOutcome::has_addresses) {
            true => {
                self.outcomes().filter(|outcome| outcome.has_addresses()).filter_map(FamilyOutcome::ttl).min()
            }
            // What it stood for may be about to go: look again soon, whatever the negative TTL says.
            false if self.is_known() => pauses().min().map(|ttl| ttl.min(MAX_RETRY)),
            false => None,
        };
        self.failures = if failed || settled.is_none() { self.failures.saturating_add(1) } else { 0 };
        let retry = (self.failures > 0).then(|| self.backoff());
        let settled = settled.map(|ttl| self.spread(ttl));
        settled.into_iter().chain(retry).min().unwrap_or(MAX_RETRY)
    }

    /// What the look-up came to, as far as it is known.
    pub fn verdict(&self) -> LookupVerdict {
        let any = |test: fn(FamilyOutcome) -> bool| self.outcomes().any(test);
        if any(FamilyOutcome::has_addresses) {
            LookupVerdict::Addresses
        } else if any(|outcome| matches!(outcome, FamilyOutcome::Failed)) {
            LookupVerdict::ServersFail
        } else if any(|outcome| matches!(outcome, FamilyOutcome::Silent)) || self.outcomes().next().is_none()
        {
            // An answer about one family alone proves neither that there is no name nor that it has no address.
            LookupVerdict::Silent
        } else if any(|outcome| matches!(outcome, FamilyOutcome::NoData(_))) {
            LookupVerdict::NoAddress
        } else {
            LookupVerdict::NoName
        }
    }

    /// Everything the name stands for now, what is in its grace period too; sorted, so that of too many it is IPv4
    /// that stays.
    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses: Vec<Address> =
            self.v4.seen.iter().chain(&self.v6.seen).map(|seen| seen.address).collect();
        addresses.sort_unstable();
        addresses.truncate(MAX_ADDRESSES);
        addresses
    }

    fn is_known(&self) -> bool {
        !(self.v4.seen.is_empty() && self.v6.seen.is_empty())
    }

    fn half(&mut self, family: Family) -> &mut FamilyState {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }

    fn outcomes(&self) -> impl Iterator<Item = FamilyOutcome> {
        self.v4.outcome.into_iter().chain(self.v6.outcome)
    }

    fn usable(&mut self, addresses: &[IpAddr], ignored: &mut Vec<Ignored>) -> Vec<Address> {
        let mut usable = Vec::with_capacity(addresses.len());
        for &ip in addresses {
            match Address::try_from(ip) {
                Ok(address) => usable.push(address),
                Err(error) if self.reported.len() < MAX_REPORTED && self.reported.insert(ip) => {
                    ignored.push(error.into());
                }
                Err(_) => {}
            }
        }
        // Sorted, so that of too many it is always the same ones that count.
        usable.sort_unstable();
        usable.dedup();
        usable
    }

    /// The pause for a TTL: never shorter, and a tenth longer at most, so that many names do not come at once.
    fn spread(&self, ttl: Duration) -> Duration {
        ttl.clamp(MIN_PAUSE, MAX_PAUSE.div_f64(1.0 + SPREAD)).mul_f64(1.0 + SPREAD * self.place)
    }

    /// The pause before the next attempt: doubles up to [`MAX_RETRY`], less up to half of it.
    fn backoff(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        (FIRST_RETRY * (1 << doublings)).min(MAX_RETRY).mul_f64(0.5 + 0.5 * self.place)
    }
}

/// One family of a name.
#[derive(Debug, Default)]
struct FamilyState {
    seen: Vec<KnownAddress>,
    /// When a vanished address was last counted as missing.
    counted: Option<Instant>,
    /// What the look-up under way, or the last one, said.
    outcome: Option<FamilyOutcome>,
}

impl FamilyState {
    /// Takes in an authoritative answer; false if not all of it found room.
    fn update(&mut self, now: Instant, answer: &[Address]) -> bool {
        // Look-ups that users ask for come in any number; they must not use up the grace period.
        let counts = self.counted.is_none_or(|then| now.saturating_duration_since(then) >= MIN_PAUSE);
        if counts {
            self.counted = Some(now);
        }
        for seen in &mut self.seen {
            let there = answer.binary_search(&seen.address).is_ok();
            seen.misses = if there { 0 } else { seen.misses + u8::from(counts) };
        }
        self.seen.retain(|seen| seen.misses < MISSES);
        let known: HashSet<Address> = self.seen.iter().map(|seen| seen.address).collect();
        let mut new = answer.iter().filter(|address| !known.contains(address));
        let room = MAX_ADDRESSES.saturating_sub(self.seen.len());
        self.seen.extend(new.by_ref().take(room).map(|&address| KnownAddress { address, misses: 0 }));
        new.next().is_none()
    }
}

/// An address that the name stands for.
#[derive(Debug)]
struct KnownAddress {
    address: Address,
    /// Answers in a row that did not contain it.
    misses: u8,
}

/// What a look-up said of one family.
#[derive(Debug, Clone, Copy)]
enum FamilyOutcome {
    /// Usable addresses.
    Addresses(Duration),
    NoData(Duration),
    NoName(Duration),
    Failed,
    Silent,
}

impl FamilyOutcome {
    fn has_addresses(self) -> bool {
        matches!(self, Self::Addresses(_))
    }

    fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Silent)
    }

    fn ttl(self) -> Option<Duration> {
        match self {
            Self::Addresses(ttl) | Self::NoData(ttl) | Self::NoName(ttl) => Some(ttl),
            Self::Failed | Self::Silent => None,
        }
    }
}

#[cfg(test)]
mod tests;
