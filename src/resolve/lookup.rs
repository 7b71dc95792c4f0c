//! One look-up in DNS: one candidate of the search list after the other, both families at once, turn by turn.

use super::search::Candidates;
use super::servers::Servers;
use super::turns::{Turn, Turns};
use super::{FamilyAnswer, has_addresses};
use crate::target::Family;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, FuturesUnordered, LocalBoxStream, StreamExt};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Time limit for the answers to one candidate.
const CANDIDATE_TIMEOUT: Duration = super::servers::CANDIDATE_TIMEOUT;

/// A name that does not exist for one family exists for none (RFC 8020). Servers that break that rule have this long to
/// answer for the other family.
const OTHER_FAMILY_TIMEOUT: Duration = Duration::from_secs(2);

type FamilyResult = (Family, FamilyAnswer);
type Asking = LocalBoxFuture<'static, FamilyResult>;

/// A look-up under way.
pub(super) struct Lookup {
    servers: Rc<Servers>,
    turns: Rc<Turns>,
    was_silent: bool,
    /// The name without its first label.
    zone: String,
    candidates: Candidates,
    families: Vec<Family>,
    /// Index of the present candidate.
    at: usize,
    /// Its answers so far.
    received: Vec<FamilyResult>,
    /// Answers to the candidates before.
    answers: Vec<FamilyResult>,
    /// Questions for its other families, while there is a turn.
    asking: FuturesUnordered<Asking>,
    /// Time left for the present candidate at the beginning of the turn.
    left: Duration,
    /// When it has been asked for too long.
    expires: Instant,
    lane: usize,
    /// The turn, and when it ends.
    turn: Option<(Turn, Instant)>,
    /// Answers of the look-up that were not taken yet.
    ready: VecDeque<FamilyResult>,
    has_ended: bool,
}

impl Lookup {
    /// A look-up of the first of the candidates that has an address. `was_silent`: the one before was not answered.
    pub(super) fn new(
        candidates: Candidates,
        families: Vec<Family>,
        (servers, turns): (Rc<Servers>, Rc<Turns>),
        was_silent: bool,
    ) -> Self {
        let zone = candidates.names.first().and_then(|name| name.split_once('.'));
        let zone = zone.map(|(_, zone)| zone.to_ascii_lowercase()).unwrap_or_default();
        Self {
            zone,
            servers,
            turns,
            was_silent,
            candidates,
            has_ended: families.is_empty(),
            families,
            at: 0,
            received: Vec::new(),
            answers: Vec::new(),
            asking: FuturesUnordered::new(),
            left: CANDIDATE_TIMEOUT,
            expires: Instant::now(),
            lane: 0,
            turn: None,
            ready: VecDeque::new(),
        }
    }

    /// The answers of all families, each as soon as it is known.
    pub(super) fn answers(self) -> LocalBoxStream<'static, FamilyResult> {
        let next = |mut lookup: Self| async move { lookup.next().await.map(|answer| (answer, lookup)) };
        stream::unfold(self, next).boxed_local()
    }

    async fn next(&mut self) -> Option<FamilyResult> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Some(answer);
            }
            if self.has_ended {
                // The turn is for others, also while the caller still holds the stream.
                self.turn = None;
                return None;
            }
            self.go_on().await;
        }
    }

    /// Waits for a turn, an answer, or the end of the turn.
    async fn go_on(&mut self) {
        let Some((_, turn_ends)) = self.turn else {
            self.turn = self.turns.take(self.lane, &self.zone, self.was_silent).await;
            return if self.turn.is_some() { self.ask() } else { self.give_up() };
        };
        let expires = self.expires;
        match timeout_at(turn_ends.min(expires), self.asking.next()).await {
            Ok(Some((family, answer))) => self.take(family, answer),
            // Every family has answered.
            Ok(None) => self.finish_candidate(),
            Err(_) if expires <= turn_ends => self.finish_candidate(),
            Err(_) => self.end_turn(),
        }
    }

    /// Asks for the families of the present candidate that have not answered.
    fn ask(&mut self) {
        self.expires = Instant::now() + self.left;
        self.expect_other_family();
        let deadline = self.expires;
        let Some(name) = self.candidates.names.get(self.at) else { return };
        let waiting = self.families.iter().filter(|&family| self.received.iter().all(|(of, _)| of != family));
        self.asking = waiting
            .map(|&family| -> Asking {
                let (servers, name) = (Rc::clone(&self.servers), name.clone());
                Box::pin(async move { (family, servers.ask(&name, family, deadline).await) })
            })
            .collect();
    }

    fn take(&mut self, family: Family, answer: FamilyAnswer) {
        let had_found = self.has_found();
        self.received.push((family, answer));
        if had_found {
            self.ready.extend(self.received.last().cloned());
        } else if self.has_found() {
            // The first candidate with an address of either family provides both, so that they belong to one host.
            self.ready.extend(self.received.iter().cloned());
        }
        self.expect_other_family();
    }

    fn expect_other_family(&mut self) {
        if self.received.iter().any(|(_, answer)| matches!(answer, FamilyAnswer::NoName(_)))
            && !self.has_found()
        {
            self.expires = self.expires.min(Instant::now() + OTHER_FAMILY_TIMEOUT);
        }
    }

    fn has_found(&self) -> bool {
        self.received.iter().any(|(_, answer)| has_addresses(answer))
    }

    /// Goes on with the next candidate, if this one has no address.
    fn finish_candidate(&mut self) {
        self.fill_up();
        if self.has_found() {
            self.has_ended = true;
            return;
        }
        self.answers.append(&mut self.received);
        (self.at, self.left) = (self.at + 1, CANDIDATE_TIMEOUT);
        if self.at < self.candidates.names.len() {
            return self.ask();
        }
        let of = |family| self.candidates.verdict(&answers_of(&self.answers, family));
        self.ready = self.families.iter().map(|&family| (family, of(family))).collect();
        self.has_ended = true;
    }

    /// Gives every family of the present candidate an answer.
    fn fill_up(&mut self) {
        self.asking.clear();
        let no_name = self.received.iter().find(|(_, answer)| matches!(answer, FamilyAnswer::NoName(_)));
        let missing = no_name.map_or(FamilyAnswer::Silent, |(_, answer)| answer.clone());
        let found = self.has_found();
        for &family in &self.families {
            match self.received.iter_mut().find(|(of, _)| *of == family) {
                Some((_, answer)) if *answer == FamilyAnswer::Silent => *answer = missing.clone(),
                Some(_) => {}
                None => {
                    // While another family has addresses, only an answer of its own says that this one has none.
                    let answer = if found { FamilyAnswer::Silent } else { missing.clone() };
                    self.received.push((family, answer.clone()));
                    if found {
                        self.ready.push_back((family, answer));
                    }
                }
            }
        }
    }

    /// Goes on in the next lane; after the last one the look-up ends.
    fn end_turn(&mut self) {
        self.asking.clear();
        self.turn = None;
        self.left = self.expires.saturating_duration_since(Instant::now());
        self.lane += 1;
        if self.lane >= Turns::LANES {
            self.give_up();
        }
    }

    /// Ends the look-up. Candidates that were not asked for may have addresses, so only failures are certain.
    fn give_up(&mut self) {
        self.has_ended = true;
        let found = self.has_found();
        self.fill_up();
        if found {
            return;
        }
        self.answers.append(&mut self.received);
        let of = |family| match answers_of(&self.answers, family).last() {
            Some(FamilyAnswer::Failed) => FamilyAnswer::Failed,
            _ => FamilyAnswer::Silent,
        };
        self.ready = self.families.iter().map(|&family| (family, of(family))).collect();
    }
}

fn answers_of(answers: &[FamilyResult], family: Family) -> Vec<FamilyAnswer> {
    answers.iter().filter(|(of, _)| *of == family).map(|(_, answer)| answer.clone()).collect()
}
