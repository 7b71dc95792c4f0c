//! Follows one DNS name: looks it up at once and then whenever its TTL ends, and reports its addresses to the parent.

use crate::resolve::follow::Follow;
use crate::resolve::{FamilyAnswer, LookupVerdict, Resolve};
use crate::target::{Address, Family, HostName};
use actix::prelude::*;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// Time limit for the answer of the second address family, after which the addresses of the first are reported alone.
///
/// Shorter than the 300 ms after which an add is answered, and long enough for an ordinary second answer.
const FAMILY_TIMEOUT: Duration = Duration::from_millis(200);

/// Looks the name up now, before its TTL ends, because it was added again. A [`LookupResult`] follows in any case.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LookUpNow;

/// Ends the actor, which then sends no more messages.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopResolver;

/// Result of a look-up. Sent after every look-up, also without a change; and before its end if the answer of one family
/// is late.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct LookupResult {
    /// The name.
    pub name: HostName,
    /// Number of the resolver: successive resolvers of one name have different ones.
    pub generation: u64,
    /// All addresses of the name, including those in their grace period; sorted.
    pub addresses: Vec<Address>,
    /// Verdict of this look-up. After a failed one `addresses` holds those in their grace period.
    pub verdict: LookupVerdict,
    /// Time until the next look-up; `None` while this one goes on.
    pub pause: Option<Duration>,
}

/// Reports that a resolver ended without [`StopResolver`].
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ResolverDied {
    /// The name.
    pub name: HostName,
    /// Number of the resolver: successive resolvers of one name have different ones.
    pub generation: u64,
}

/// Where a resolver sends its reports.
#[derive(Debug, Clone)]
pub struct Parent {
    /// Receives the results of look-ups.
    pub lookups: Recipient<LookupResult>,
    /// Receives the report of an unexpected end.
    pub deaths: Recipient<ResolverDied>,
}

/// Follows one DNS name.
pub struct ResolverActor {
    name: HostName,
    generation: u64,
    resolve: Rc<dyn Resolve>,
    parent: Parent,
    follow: Follow,
    /// Timer of the next look-up; `None` during one.
    timer: Option<SpawnHandle>,
    /// Start of the current look-up.
    lookup_started: Option<Instant>,
    /// Whether the latest look-up was not answered.
    was_silent: bool,
    /// The verdict that was logged last.
    logged: LookupVerdict,
    is_stopped: bool,
}

impl ResolverActor {
    /// A resolver that looks the name up as soon as it is started.
    pub fn new(name: HostName, generation: u64, resolve: Rc<dyn Resolve>, parent: Parent) -> Self {
        let follow = Follow::new(&name);
        let (timer, lookup_started) = (None, None);
        let logged = LookupVerdict::Addresses;
        let (was_silent, is_stopped) = (false, false);
        Self {
            name,
            generation,
            resolve,
            parent,
            follow,
            timer,
            lookup_started,
            was_silent,
            logged,
            is_stopped,
        }
    }

    fn look_up(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.lookup_started = Some(Instant::now());
        self.follow.begin();
        ctx.add_stream(self.resolve.lookup(&self.name, self.was_silent));
        // A timer, so that the addresses of one family are reported even if no more answers come.
        ctx.run_later(FAMILY_TIMEOUT, |resolver, _| resolver.report_early());
    }

    /// Reports the addresses so far, if the look-up takes longer than [`FAMILY_TIMEOUT`].
    fn report_early(&self) {
        let late = self.lookup_started.is_some_and(|since| since.elapsed() >= FAMILY_TIMEOUT);
        if late && self.follow.verdict() == LookupVerdict::Addresses {
            self.report(None);
        }
    }

    fn report(&self, pause: Option<Duration>) {
        let (name, generation) = (self.name.clone(), self.generation);
        let (addresses, verdict) = (self.follow.addresses(), self.follow.verdict());
        self.parent.lookups.do_send(LookupResult { name, generation, addresses, verdict, pause });
    }

    /// Reports and logs the end of a look-up, and sets the timer of the next.
    fn finish_lookup(&mut self, ctx: &mut Context<Self>) {
        self.lookup_started = None;
        let pause = self.follow.finish();
        self.was_silent = self.follow.verdict() == LookupVerdict::Silent;
        self.report(Some(pause));
        self.log(pause);
        self.timer = Some(ctx.run_later(pause, Self::look_up));
    }

    fn log(&mut self, pause: Duration) {
        let verdict = self.follow.verdict();
        let before = std::mem::replace(&mut self.logged, verdict);
        let name = self.name.as_str();
        debug!(?name, ?verdict, ?pause, "name looked up");
        if verdict == before {
            return;
        }
        match verdict {
            LookupVerdict::Addresses => info!(?name, "the name resolves again"),
            LookupVerdict::NoName => warn!(?name, "the name does not exist"),
            LookupVerdict::NoAddress => warn!(?name, "the name exists, but has no address to ping"),
            LookupVerdict::ServersFail => warn!(?name, "the name servers fail to resolve the name"),
            LookupVerdict::EndlessAliases => {
                warn!(?name, "the aliases (CNAME) of the name form a loop, or are too many");
            }
            LookupVerdict::Silent => warn!(?name, "no name server answers for the name"),
        }
    }
}

impl Actor for ResolverActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look_up(ctx);
    }
}

impl Drop for ResolverActor {
    fn drop(&mut self) {
        if !self.is_stopped {
            let (name, generation) = (self.name.clone(), self.generation);
            self.parent.deaths.do_send(ResolverDied { name, generation });
        }
    }
}

impl StreamHandler<(Family, FamilyAnswer)> for ResolverActor {
    fn handle(&mut self, (family, answer): (Family, FamilyAnswer), _: &mut Self::Context) {
        for ignored in self.follow.take(Instant::now().into_std(), family, answer) {
            warn!(name = ?self.name.as_str(), reason = %ignored, "an address of the name is not pinged");
        }
        self.report_early();
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.finish_lookup(ctx);
    }
}

impl Handler<LookUpNow> for ResolverActor {
    type Result = ();

    fn handle(&mut self, _: LookUpNow, ctx: &mut Self::Context) {
        match self.lookup_started {
            // The current look-up is as recent as a new one would be.
            Some(_) => self.report_early(),
            None => self.look_up(ctx),
        }
    }
}

impl Handler<StopResolver> for ResolverActor {
    type Result = ();

    fn handle(&mut self, _: StopResolver, ctx: &mut Self::Context) {
        self.is_stopped = true;
        ctx.stop();
    }
}

#[cfg(test)]
mod tests;
