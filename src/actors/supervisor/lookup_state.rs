//! What is known of the look-ups of a DNS name.

use super::LookupState;
use crate::actors::resolver::LookupResult;
use crate::resolve::LookupVerdict;
use std::time::SystemTime;

impl LookupState {
    /// The first look-up begins.
    pub(super) fn begun() -> Self {
        let now = SystemTime::now();
        Self { verdict: None, since: now, next: now, succeeded: None }
    }

    /// The result of the latest look-up in a word.
    pub const fn word(&self) -> &'static str {
        match self.verdict {
            None => "waiting",
            Some(LookupVerdict::Addresses) => "resolved",
            Some(LookupVerdict::NoName) => "no_such_name",
            Some(LookupVerdict::NoAddress | LookupVerdict::EndlessAliases) => "no_address",
            Some(LookupVerdict::ServersFail | LookupVerdict::Silent) => "no_answer",
        }
    }

    /// Takes the result of a look-up, also while it goes on.
    pub(super) fn take(&mut self, result: &LookupResult, now: SystemTime) {
        if result.verdict == LookupVerdict::Addresses {
            self.succeeded = Some(now);
        } else if result.pause.is_none() {
            // Only the end of a look-up shows that it has failed.
            return;
        }
        if self.verdict.replace(result.verdict) != Some(result.verdict) {
            self.since = now;
        }
        if let Some(pause) = result.pause {
            self.next = now + pause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_state_lasts_while_results_are_the_same() {
        let begin = SystemTime::UNIX_EPOCH;
        let at = |second| begin + Duration::from_secs(second);
        let mut state = LookupState { verdict: None, since: begin, next: begin, succeeded: None };
        let mut take = |second, verdict, pause: Option<u64>| {
            let pause = pause.map(Duration::from_secs);
            let (name, addresses) = ("a.test".parse().expect("a name"), Vec::new());
            state.take(&LookupResult { name, generation: 1, addresses, verdict, pause }, at(second));
            (state.word(), state.since, state.next, state.succeeded)
        };
        let (none, silent, found) = (LookupVerdict::NoName, LookupVerdict::Silent, LookupVerdict::Addresses);
        assert_eq!(take(1, silent, None), ("waiting", at(0), at(0), None));
        assert_eq!(take(2, none, Some(10)), ("no_such_name", at(2), at(12), None));
        assert_eq!(take(12, none, Some(20)), ("no_such_name", at(2), at(32), None));
        assert_eq!(take(32, found, None), ("resolved", at(32), at(32), Some(at(32))));
        assert_eq!(take(33, found, Some(60)), ("resolved", at(32), at(93), Some(at(33))));
        assert_eq!(take(93, silent, Some(2)), ("no_answer", at(93), at(95), Some(at(33))));
    }
}
