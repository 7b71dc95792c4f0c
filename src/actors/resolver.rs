//! Follows one DNS name: looks it up at once and then as its TTL says, and tells its parent what it stands for.

use crate::resolve::{Resolve, Verdict};
use crate::target::{Address, HostName};
use actix::prelude::*;
use std::rc::Rc;

/// Looks the name up now, whatever its TTL says: somebody added it again. News follow in any case.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LookUpNow;

/// Ends the actor; its name is no longer wanted. Nothing is heard of it any more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// What a name stands for after a look-up. Comes after every look-up, whether or not anything changed; and
/// once in between when one family's addresses are in while the other's servers let us wait.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct NameNews {
    /// The name that was followed.
    pub name: HostName,
    /// Which of the resolvers of that name it was.
    pub incarnation: u64,
    /// Every address that the name stands for now, those in their grace period too; sorted.
    pub addresses: Vec<Address>,
    /// What this look-up came to. `addresses` may be there, in grace, whatever it says.
    pub verdict: Verdict,
}

/// Tells that a resolver ended without having been told to.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ResolverDied {
    /// The name that it followed.
    pub name: HostName,
    /// Which of the resolvers of that name it was.
    pub incarnation: u64,
}

/// To whom a resolver reports.
#[derive(Debug, Clone)]
pub struct Parent {
    /// Hears what became of every look-up.
    pub news: Recipient<NameNews>,
    /// Hears of an unexpected end.
    pub deaths: Recipient<ResolverDied>,
}

/// Follows one DNS name.
pub struct ResolverActor {
    name: HostName,
    incarnation: u64,
    resolve: Rc<dyn Resolve>,
    parent: Parent,
}

impl ResolverActor {
    /// A resolver that looks the name up as soon as it is started.
    pub fn new(name: HostName, incarnation: u64, resolve: Rc<dyn Resolve>, parent: Parent) -> Self {
        Self { name, incarnation, resolve, parent }
    }
}

impl Actor for ResolverActor {
    type Context = Context<Self>;
}

impl Handler<LookUpNow> for ResolverActor {
    type Result = ();

    fn handle(&mut self, _: LookUpNow, _: &mut Self::Context) {}
}

impl Handler<Retire> for ResolverActor {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
