//! A resolver with scripted answers, for tests in virtual time.

use super::{FamilyAnswer, Resolve};
use crate::target::{Family, HostName};
use futures_util::stream::{self, LocalBoxStream, StreamExt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// A resolver with scripted answers for each name, in order; the last answer repeats. Names without a script do not
/// exist.
#[derive(Debug, Default)]
pub struct ScriptedNames {
    names: RefCell<HashMap<HostName, VecDeque<LookupScript>>>,
    asked: RefCell<Vec<(HostName, Instant)>>,
}

/// The answers of each family to a look-up, with their delays.
#[derive(Debug, Clone)]
pub struct LookupScript(Vec<(Duration, Family, FamilyAnswer)>);

impl LookupScript {
    /// Both families answer after a millisecond.
    pub fn new(v4: FamilyAnswer, v6: FamilyAnswer) -> Self {
        let soon = Duration::from_millis(1);
        Self(vec![(soon, Family::V4, v4), (soon, Family::V6, v6)])
    }

    /// Only one family answers, after a millisecond.
    pub fn only(family: Family, answer: FamilyAnswer) -> Self {
        Self(vec![(Duration::from_millis(1), family, answer)])
    }

    /// Sets the delay of one family.
    #[must_use]
    pub fn after(mut self, delay: Duration, delayed: Family) -> Self {
        for (after, family, _) in &mut self.0 {
            if *family == delayed {
                *after = delay;
            }
        }
        self.0.sort_by_key(|&(after, ..)| after);
        self
    }
}

/// An answer with these addresses.
///
/// # Panics
/// If a text is not an address.
pub fn addresses(ttl_seconds: u64, texts: &[&str]) -> FamilyAnswer {
    let parse = |text: &&str| text.parse::<IpAddr>().expect("a test's own text is an address");
    FamilyAnswer::Addresses(texts.iter().map(parse).collect(), Duration::from_secs(ttl_seconds))
}

impl ScriptedNames {
    /// A resolver for which no name exists.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the answers of a name: each script once, the last one repeatedly.
    pub fn set(&self, name: &HostName, scripts: impl IntoIterator<Item = LookupScript>) {
        self.names.borrow_mut().insert(name.clone(), scripts.into_iter().collect());
    }

    /// The times of all look-ups of a name.
    pub fn asked(&self, name: &HostName) -> Vec<Instant> {
        self.asked.borrow().iter().filter(|(asked, _)| asked == name).map(|&(_, at)| at).collect()
    }

    fn next(&self, name: &HostName) -> LookupScript {
        let mut names = self.names.borrow_mut();
        let scripts = names.get_mut(name);
        let next = scripts.and_then(|scripts| match scripts.len() {
            0 | 1 => scripts.front().cloned(),
            _ => scripts.pop_front(),
        });
        let nothing = FamilyAnswer::NoName(Duration::from_secs(5));
        next.unwrap_or_else(|| LookupScript::new(nothing.clone(), nothing))
    }
}

impl Resolve for ScriptedNames {
    fn lookup(&self, name: &HostName, _: bool) -> LocalBoxStream<'static, (Family, FamilyAnswer)> {
        let begin = Instant::now();
        self.asked.borrow_mut().push((name.clone(), begin));
        let answers = stream::iter(self.next(name).0);
        answers
            .then(move |(delay, family, answer)| async move {
                tokio::time::sleep_until(begin + delay).await;
                (family, answer)
            })
            .boxed_local()
    }
}
