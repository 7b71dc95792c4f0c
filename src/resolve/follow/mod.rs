//! Derives the addresses of a name from the history of its answers, and when to look it up again. Pure: time is an argument.

use super::{FamilyAnswer, LookupVerdict};
use crate::target::{Address, AddressError, Family, HostName};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Maximum number of addresses of one name; further ones are ignored.
pub const MAX_ADDRESSES: usize = 256;

/// Minimum time between two look-ups, except for those that a user requests.
pub const MIN_PAUSE: Duration = Duration::from_secs(5);

/// Maximum time between two look-ups.
pub const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// Maximum time between two look-ups of a name without an answer or without an address.
pub const MAX_RETRY: Duration = Duration::from_secs(60);

/// The first retry follows after 50 to 100 % of this.
const FIRST_RETRY: Duration = Duration::from_secs(2);

/// Number of consecutive answers without an address after which it is removed: the first one without it, and two more as a
/// grace period.
const MISSES: u8 = 3;

/// Fraction of the pause by which names are spread.
const SPREAD: f64 = 0.1;

/// Maximum number of unusable addresses of a name that are reported.
const MAX_REPORTED: usize = 64;

/// Follows the addresses of one name.
#[derive(Debug)]
pub struct Follow {
    v4: FamilyState,
    v6: FamilyState,
    /// Consecutive look-ups with a family that failed or without any address.
    failures: u32,
    /// Position of the name in every spread, `0.0..1.0`, derived from its hash.
    position: f64,
    /// Unusable addresses that were reported.
    reported: HashSet<IpAddr>,
    /// Whether it was reported that the name has too many addresses.
    reported_too_many: bool,
}

/// Why an address of a name is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// It cannot belong to one host.
    #[error(transparent)]
    Unusable(#[from] AddressError),
    /// The name has too many addresses.
    #[error("the name has more than {MAX_ADDRESSES} addresses; the rest is ignored")]
    TooMany,
}

impl Follow {
    /// A name without answers.
    pub fn new(name: &HostName) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        #[expect(clippy::cast_possible_truncation, reason = "32 of its bits are enough")]
        let position = f64::from(hasher.finish() as u32) / f64::from(u32::MAX);
        let (v4, v6) = Default::default();
        Self { v4, v6, failures: 0, position, reported: HashSet::new(), reported_too_many: false }
    }

    /// Begins a look-up, in which no family has answered.
    pub fn begin(&mut self) {
        self.v4.outcome = None;
        self.v6.outcome = None;
    }

    /// Records the answer of one family. Returns the addresses that it ignores and has not reported before.
    pub fn take(&mut self, now: Instant, family: Family, answer: FamilyAnswer) -> Vec<Ignored> {
        let (addresses, ttl) = match answer {
            FamilyAnswer::Addresses(addresses, ttl) => (addresses, ttl),
            FamilyAnswer::NoData(ttl) => return self.take_none(now, family, FamilyOutcome::NoData(ttl)),
            // NXDOMAIN is an authoritative answer, not a failure: addresses of a deleted name must not be pinged without
            // end. A resolver that denies the name for a short time (a VPN that is down, a captive portal) does no harm,
            // because the grace period of two more answers applies.
            FamilyAnswer::NoName(ttl) => return self.take_none(now, family, FamilyOutcome::NoName(ttl)),
            FamilyAnswer::Failed => return self.take_failure(family, FamilyOutcome::Failed),
            FamilyAnswer::Silent => return self.take_failure(family, FamilyOutcome::Silent),
            FamilyAnswer::EndlessAliases => {
                return self.take_failure(family, FamilyOutcome::EndlessAliases);
            }
        };
        let mut ignored = Vec::new();
        let usable = self.usable(&addresses, &mut ignored);
        let outcome =
            if usable.is_empty() { FamilyOutcome::NoData(ttl) } else { FamilyOutcome::Addresses(ttl) };
        let state = self.family(family);
        state.outcome = Some(outcome);
        let all_fit =
            state.update(now, &usable) && self.v4.known.len() + self.v6.known.len() <= MAX_ADDRESSES;
        if !all_fit && !std::mem::replace(&mut self.reported_too_many, true) {
            ignored.push(Ignored::TooMany);
        }
        ignored
    }

    fn take_none(&mut self, now: Instant, family: Family, outcome: FamilyOutcome) -> Vec<Ignored> {
        let state = self.family(family);
        state.outcome = Some(outcome);
        state.update(now, &[]);
        Vec::new()
    }

    /// A failure does not change the addresses.
    fn take_failure(&mut self, family: Family, outcome: FamilyOutcome) -> Vec<Ignored> {
        self.family(family).outcome = Some(outcome);
        Vec::new()
    }

    /// Ends the look-up. Returns the pause before the next.
    pub fn finish(&mut self) -> Duration {
        let pauses = || self.outcomes().filter_map(FamilyOutcome::ttl);
        let failed = self.outcomes().any(FamilyOutcome::is_failure);
        let settled = match self.outcomes().any(FamilyOutcome::has_addresses) {
            true => {
                self.outcomes().filter(|outcome| outcome.has_addresses()).filter_map(FamilyOutcome::ttl).min()
            }
            // The known addresses may be about to go, so the next look-up comes soon, regardless of the negative TTL.
            false if self.is_known() => pauses().min().map(|ttl| ttl.min(MAX_RETRY)),
            false => None,
        };
        self.failures = if failed || settled.is_none() { self.failures.saturating_add(1) } else { 0 };
        let retry = (self.failures > 0).then(|| self.backoff());
        let settled = settled.map(|ttl| self.spread(ttl));
        settled.into_iter().chain(retry).min().unwrap_or(MAX_RETRY)
    }

    /// The result of the look-up so far.
    pub fn verdict(&self) -> LookupVerdict {
        let any = |test: fn(FamilyOutcome) -> bool| self.outcomes().any(test);
        if any(FamilyOutcome::has_addresses) {
            LookupVerdict::Addresses
        } else if any(|outcome| matches!(outcome, FamilyOutcome::Failed)) {
            LookupVerdict::ServersFail
        } else if any(|outcome| matches!(outcome, FamilyOutcome::EndlessAliases)) {
            LookupVerdict::EndlessAliases
        } else if any(|outcome| matches!(outcome, FamilyOutcome::Silent)) || self.outcomes().next().is_none()
        {
            // One family's answer proves neither that the name does not exist nor that it has no address.
            LookupVerdict::Silent
        } else if any(|outcome| matches!(outcome, FamilyOutcome::NoData(_))) {
            LookupVerdict::NoAddress
        } else {
            LookupVerdict::NoName
        }
    }

    /// The current addresses of the name, including those in their grace period; sorted, so that of too many the IPv4
    /// addresses remain.
    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses: Vec<Address> =
            self.v4.known.iter().chain(&self.v6.known).map(|known| known.address).collect();
        addresses.sort_unstable();
        addresses.truncate(MAX_ADDRESSES);
        addresses
    }

    fn is_known(&self) -> bool {
        !(self.v4.known.is_empty() && self.v6.known.is_empty())
    }

    fn family(&mut self, family: Family) -> &mut FamilyState {
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
        // Sorted, so that of too many always the same ones are used.
        usable.sort_unstable();
        usable.dedup();
        usable
    }

    /// The pause for a TTL: longer by 0 to 10 %, so that many names are not looked up at once.
    fn spread(&self, ttl: Duration) -> Duration {
        ttl.clamp(MIN_PAUSE, MAX_PAUSE.div_f64(1.0 + SPREAD)).mul_f64(1.0 + SPREAD * self.position)
    }

    /// The pause before the next attempt: doubles up to [`MAX_RETRY`], shortened by 0 to 50 %.
    fn backoff(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        (FIRST_RETRY * (1 << doublings)).min(MAX_RETRY).mul_f64(0.5 + 0.5 * self.position)
    }
}

/// The addresses of one family of a name.
#[derive(Debug, Default)]
struct FamilyState {
    known: Vec<KnownAddress>,
    /// Time of the latest answer that counted for missing addresses.
    counted: Option<Instant>,
    /// Answer in the current look-up, or the latest one.
    outcome: Option<FamilyOutcome>,
}

impl FamilyState {
    /// Applies an authoritative answer. Returns whether all addresses fit.
    fn update(&mut self, now: Instant, answer: &[Address]) -> bool {
        // Users can request any number of look-ups, which must not use up the grace period.
        let counts = self.counted.is_none_or(|then| now.saturating_duration_since(then) >= MIN_PAUSE);
        if counts {
            self.counted = Some(now);
        }
        for known in &mut self.known {
            let is_present = answer.binary_search(&known.address).is_ok();
            known.misses = if is_present { 0 } else { known.misses + u8::from(counts) };
        }
        self.known.retain(|known| known.misses < MISSES);
        let known: HashSet<Address> = self.known.iter().map(|known| known.address).collect();
        let mut new = answer.iter().filter(|address| !known.contains(address));
        let room = MAX_ADDRESSES.saturating_sub(self.known.len());
        self.known.extend(new.by_ref().take(room).map(|&address| KnownAddress { address, misses: 0 }));
        new.next().is_none()
    }
}

/// An address of the name.
#[derive(Debug)]
struct KnownAddress {
    address: Address,
    /// Consecutive answers without it.
    misses: u8,
}

/// The answer of one family in a look-up.
#[derive(Debug, Clone, Copy)]
enum FamilyOutcome {
    /// Usable addresses.
    Addresses(Duration),
    NoData(Duration),
    NoName(Duration),
    Failed,
    Silent,
    EndlessAliases,
}

impl FamilyOutcome {
    fn has_addresses(self) -> bool {
        matches!(self, Self::Addresses(_))
    }

    fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Silent | Self::EndlessAliases)
    }

    fn ttl(self) -> Option<Duration> {
        match self {
            Self::Addresses(ttl) | Self::NoData(ttl) | Self::NoName(ttl) => Some(ttl),
            Self::Failed | Self::Silent | Self::EndlessAliases => None,
        }
    }
}

#[cfg(test)]
mod tests;
