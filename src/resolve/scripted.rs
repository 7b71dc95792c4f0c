//! Names that answer as they are told, for tests in virtual time.

use super::{FamilyAnswer, Resolve};
use crate::target::{Family, HostName};
use futures_util::stream::{self, LocalBoxStream, StreamExt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// A resolver that answers what it was told, in the order it was told; the last answer stays. A name that it
/// was told nothing of does not exist.
#[derive(Debug, Default)]
pub struct ScriptedNames {
    names: RefCell<HashMap<HostName, VecDeque<LookupScript>>>,
    asked: RefCell<Vec<(HostName, Instant)>>,
}

/// One answer to a look-up: what each family says, and how long after the question.
#[derive(Debug, Clone)]
pub struct LookupScript(Vec<(Duration, Family, FamilyAnswer)>);

impl LookupScript {
    /// Both families answer after a millisecond.
    pub fn new(v4: FamilyAnswer, v6: FamilyAnswer) -> Self {
        let soon = Duration::from_millis(1);
        Self(vec![(soon, Family::V4, v4), (soon, Family::V6, v6)])
    }

    /// Only one family is asked for.
    pub fn only(family: Family, answer: FamilyAnswer) -> Self {
        Self(vec![(Duration::from_millis(1), family, answer)])
    }

    /// One family takes so long.
    #[must_use]
    pub fn after(mut self, delay: Duration, slow: Family) -> Self {
        for (when, family, _) in &mut self.0 {
            if *family == slow {
                *when = delay;
            }
        }
        self.0.sort_by_key(|&(when, ..)| when);
        self
    }
}

/// An answer with these addresses, texts of either family.
///
/// # Panics
/// If a text is no address.
pub fn addresses(ttl_seconds: u64, texts: &[&str]) -> FamilyAnswer {
    let parse = |text: &&str| text.parse::<IpAddr>().expect("a test's own text is an address");
    FamilyAnswer::Addresses(texts.iter().map(parse).collect(), Duration::from_secs(ttl_seconds))
}

impl ScriptedNames {
    /// No name exists.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on the name answers so: each script once, the last one for ever.
    pub fn set(&self, name: &HostName, scripts: impl IntoIterator<Item = LookupScript>) {
        self.names.borrow_mut().insert(name.clone(), scripts.into_iter().collect());
    }

    /// When the name was asked for.
    pub fn asked(&self, name: &HostName) -> Vec<Instant> {
        self.asked.borrow().iter().filter(|(asked, _)| asked == name).map(|&(_, when)| when).collect()
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
    fn lookup(&self, name: &HostName) -> LocalBoxStream<'static, (Family, FamilyAnswer)> {
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
