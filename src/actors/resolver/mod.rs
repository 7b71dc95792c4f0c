//! Follows one DNS name: looks it up at once and then as its TTL says, and tells its parent what it stands for.

use crate::resolve::follow::Follow;
use crate::resolve::{FamilyAnswer, LookupVerdict, Resolve};
use crate::target::{Address, Family, HostName};
use actix::prelude::*;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// After this the parent is told of one family's addresses, although the other's servers have not answered.
///
/// Shorter than the 300 ms after which a user is answered, and long enough for an ordinary second answer.
const PATIENCE: Duration = Duration::from_millis(200);

/// Looks the name up now, whatever its TTL says: somebody added it again. News follow in any case.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LookUpNow;

/// Ends the actor; its name is no longer wanted. Nothing is heard of it any more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopResolver;

/// What a name stands for after a look-up. Comes after every look-up, whether or not anything changed; and
/// before its end when one family's addresses are in while the other's servers let us wait.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct LookupResult {
    /// The name that was followed.
    pub name: HostName,
    /// Which of the resolvers of that name it was.
    pub generation: u64,
    /// Every address that the name stands for now, those in their grace period too; sorted.
    pub addresses: Vec<Address>,
    /// What this look-up came to. `addresses` may be there, in grace, whatever it says.
    pub verdict: LookupVerdict,
}

/// Tells that a resolver ended without having been told to.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ResolverDied {
    /// The name that it followed.
    pub name: HostName,
    /// Which of the resolvers of that name it was.
    pub generation: u64,
}

/// To whom a resolver reports.
#[derive(Debug, Clone)]
pub struct Parent {
    /// Hears what became of every look-up.
    pub news: Recipient<LookupResult>,
    /// Hears of an unexpected end.
    pub deaths: Recipient<ResolverDied>,
}

/// Follows one DNS name.
pub struct ResolverActor {
    name: HostName,
    generation: u64,
    resolve: Rc<dyn Resolve>,
    parent: Parent,
    follow: Follow,
    /// The next look-up, while none is under way.
    timer: Option<SpawnHandle>,
    /// When the look-up that is under way began.
    asking_since: Option<Instant>,
    /// What was last logged of the name.
    logged: LookupVerdict,
    retired: bool,
}

impl ResolverActor {
    /// A resolver that looks the name up as soon as it is started.
    pub fn new(name: HostName, generation: u64, resolve: Rc<dyn Resolve>, parent: Parent) -> Self {
        let follow = Follow::new(&name);
        let (timer, asking_since) = (None, None);
        let logged = LookupVerdict::Addresses;
        Self { name, generation, resolve, parent, follow, timer, asking_since, logged, retired: false }
    }

    fn look_up(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.asking_since = Some(Instant::now());
        self.follow.begin();
        ctx.add_stream(self.resolve.lookup(&self.name));
        // Its own timer, so that slow answers are told of although nothing further comes in.
        ctx.run_later(PATIENCE, |resolver, _| resolver.tell_early());
    }

    /// Tells what is there, when it is worth telling before the look-up has ended.
    fn tell_early(&self) {
        let late = self.asking_since.is_some_and(|since| since.elapsed() >= PATIENCE);
        if late && self.follow.verdict() == LookupVerdict::Addresses {
            self.tell();
        }
    }

    fn tell(&self) {
        let (name, generation) = (self.name.clone(), self.generation);
        let (addresses, verdict) = (self.follow.addresses(), self.follow.verdict());
        self.parent.news.do_send(LookupResult { name, generation, addresses, verdict });
    }

    /// The look-up has ended: tells, logs, and sets out for the next.
    fn conclude(&mut self, ctx: &mut Context<Self>) {
        self.asking_since = None;
        let pause = self.follow.finish();
        self.tell();
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
        if !self.retired {
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
        self.tell_early();
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.conclude(ctx);
    }
}

impl Handler<LookUpNow> for ResolverActor {
    type Result = ();

    fn handle(&mut self, _: LookUpNow, ctx: &mut Self::Context) {
        match self.asking_since {
            // What is under way is as fresh as what a further look-up would say.
            Some(_) => self.tell_early(),
            None => self.look_up(ctx),
        }
    }
}

impl Handler<StopResolver> for ResolverActor {
    type Result = ();

    fn handle(&mut self, _: StopResolver, ctx: &mut Self::Context) {
        self.retired = true;
        ctx.stop();
    }
}

#[cfg(test)]
mod tests;
