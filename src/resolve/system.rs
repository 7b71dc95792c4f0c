//! Resolves names like the system: `/etc/hosts`, then DNS with the search list of `/etc/resolv.conf`.

use super::hosts::Hosts;
use super::search::Candidates;
use super::servers::{LOOKUP_TIMEOUT, Servers};
use super::watched::WatchedFile;
use super::{Families, FamilyAnswer, Resolve};
use crate::target::{Family, HostName};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, FuturesUnordered, LocalBoxStream, StreamExt};
use std::cell::RefCell;
use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Maximum number of names that are looked up at once.
const MAX_CONCURRENT_LOOKUPS: usize = 64;

/// TTL of addresses in `/etc/hosts`, which has none; another look-up costs almost nothing.
const HOSTS_TTL: Duration = Duration::from_secs(5);

type Answers = LocalBoxStream<'static, (Family, FamilyAnswer)>;
type Asking = LocalBoxFuture<'static, (Family, FamilyAnswer)>;

/// Resolves names like the system. Each look-up checks both files for changes.
#[derive(Clone)]
pub struct SystemNames {
    files: Rc<SystemFiles>,
    families: Families,
    permits: Arc<Semaphore>,
}

struct SystemFiles {
    resolv_conf: RefCell<WatchedFile<Servers>>,
    hosts: RefCell<WatchedFile<Hosts>>,
}

impl SystemNames {
    /// Uses `/etc/resolv.conf` and `/etc/hosts`.
    pub fn new(families: Families) -> Self {
        Self::with_files(Path::new("/etc/resolv.conf"), Path::new("/etc/hosts"), families)
    }

    /// Uses other files in their place.
    pub fn with_files(resolv_conf: &Path, hosts: &Path, families: Families) -> Self {
        let resolv_conf = RefCell::new(WatchedFile::open(resolv_conf, Servers::parse));
        let hosts = RefCell::new(WatchedFile::open(hosts, Hosts::parse));
        let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_LOOKUPS));
        Self { files: Rc::new(SystemFiles { resolv_conf, hosts }), families, permits }
    }

    async fn answers(self, name: HostName) -> Answers {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let hosts = self.files.hosts.borrow_mut().get();
        let answers = match self.static_answers(hosts.get(name.as_str())) {
            Some(answers) => stream::iter(answers).boxed_local(),
            None => self.search(name.as_str()).await,
        };
        let hold = move |answer| {
            let _held_until_the_last_answer = &permit;
            answer
        };
        answers.map(hold).boxed_local()
    }

    /// The answers of `/etc/hosts`, if it has an address of a selected family; DNS is then not queried for the other.
    fn static_answers(&self, known: &[IpAddr]) -> Option<Vec<(Family, FamilyAnswer)>> {
        let answer = |family| {
            let is_v4 = family == Family::V4;
            let of_family: Vec<IpAddr> = known.iter().copied().filter(|ip| ip.is_ipv4() == is_v4).collect();
            let none = of_family.is_empty();
            let answer = if none {
                FamilyAnswer::NoData(HOSTS_TTL)
            } else {
                FamilyAnswer::Addresses(of_family, HOSTS_TTL)
            };
            (family, answer)
        };
        let answers: Vec<_> = self.families.selected().map(answer).collect();
        answers.iter().any(|(_, answer)| has_addresses(answer)).then_some(answers)
    }

    /// Looks up one candidate after the other, both families at once. The first candidate with an address of either
    /// family provides both, so that they belong to the same host.
    async fn search(&self, name: &str) -> Answers {
        let servers = self.files.resolv_conf.borrow_mut().get();
        let candidates = Candidates::of(name, &servers.search, servers.ndots);
        let deadline = Instant::now() + LOOKUP_TIMEOUT;
        let mut answers: Vec<(Family, FamilyAnswer)> = Vec::new();
        for candidate in &candidates.names {
            let mut asking = self.ask(&servers, candidate, deadline);
            let mut received = Vec::new();
            while let Some((family, answer)) = asking.next().await {
                let found = has_addresses(&answer);
                received.push((family, answer));
                if found {
                    return stream::iter(received).chain(asking).boxed_local();
                }
            }
            let silent = received.iter().any(|(_, answer)| *answer == FamilyAnswer::Silent);
            answers.append(&mut received);
            // Servers that did not answer for this candidate will not answer for the next.
            if silent && candidates.names.last() != Some(candidate) {
                return stream::iter(self.incomplete(&answers)).boxed_local();
            }
        }
        stream::iter(self.verdicts(&candidates, &answers)).boxed_local()
    }

    fn ask(&self, servers: &Rc<Servers>, name: &str, deadline: Instant) -> FuturesUnordered<Asking> {
        let ask = |family| -> Asking {
            let (servers, name) = (Rc::clone(servers), name.to_owned());
            Box::pin(async move { (family, servers.ask(&name, family, deadline).await) })
        };
        self.families.selected().map(ask).collect()
    }

    fn verdicts(
        &self,
        candidates: &Candidates,
        answers: &[(Family, FamilyAnswer)],
    ) -> Vec<(Family, FamilyAnswer)> {
        let of = |family| candidates.verdict(&answers_of(answers, family));
        self.families.selected().map(|family| (family, of(family))).collect()
    }

    /// The verdict when candidates remain that were not looked up: they may have addresses, so only failures are certain.
    fn incomplete(&self, answers: &[(Family, FamilyAnswer)]) -> Vec<(Family, FamilyAnswer)> {
        let of = |family| match answers_of(answers, family).last() {
            Some(FamilyAnswer::Failed) => FamilyAnswer::Failed,
            _ => FamilyAnswer::Silent,
        };
        self.families.selected().map(|family| (family, of(family))).collect()
    }
}

impl Resolve for SystemNames {
    fn lookup(&self, name: &HostName) -> LocalBoxStream<'static, (Family, FamilyAnswer)> {
        stream::once(self.clone().answers(name.clone())).flatten().boxed_local()
    }
}

fn has_addresses(answer: &FamilyAnswer) -> bool {
    matches!(answer, FamilyAnswer::Addresses(..))
}

fn answers_of(answers: &[(Family, FamilyAnswer)], family: Family) -> Vec<FamilyAnswer> {
    answers.iter().filter(|(of, _)| *of == family).map(|(_, answer)| answer.clone()).collect()
}
