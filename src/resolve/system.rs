//! Names as the system resolves them: `/etc/hosts`, then DNS with the search list of `/etc/resolv.conf`.

use super::hosts::Hosts;
use super::search::Candidates;
use super::servers::{Servers, TOTAL};
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

/// So many names are looked up at once.
const CONCURRENCY: usize = 64;

/// What `/etc/hosts` says is looked up this often: it has no TTL, and looking costs next to nothing.
const HOSTS_TTL: Duration = Duration::from_secs(5);

type Answers = LocalBoxStream<'static, (Family, FamilyAnswer)>;
type Asking = LocalBoxFuture<'static, (Family, FamilyAnswer)>;

/// Names as the system resolves them. Changes of its two files are noticed at the next look-up.
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
    /// With `/etc/resolv.conf` and `/etc/hosts`.
    pub fn new(families: Families) -> Self {
        Self::with_files(Path::new("/etc/resolv.conf"), Path::new("/etc/hosts"), families)
    }

    /// With other files in their place.
    pub fn with_files(resolv_conf: &Path, hosts: &Path, families: Families) -> Self {
        let resolv_conf = RefCell::new(WatchedFile::open(resolv_conf, Servers::parse));
        let hosts = RefCell::new(WatchedFile::open(hosts, Hosts::parse));
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
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
            let _until_the_last_answer = &permit;
            answer
        };
        answers.map(hold).boxed_local()
    }

    /// What `/etc/hosts` says, if it knows an address of a wanted family: then DNS is not asked for the other.
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
        let answers: Vec<_> = self.families.wanted().map(answer).collect();
        answers.iter().any(|(_, answer)| has_addresses(answer)).then_some(answers)
    }

    /// Asks for one candidate after the other, both families of it at a time: the first that has an address of
    /// either is the one that is meant, so that both families are of the same host.
    async fn search(&self, name: &str) -> Answers {
        let servers = self.files.resolv_conf.borrow_mut().get();
        let candidates = Candidates::of(name, &servers.search, servers.ndots);
        let deadline = Instant::now() + TOTAL;
        let mut story: Vec<(Family, FamilyAnswer)> = Vec::new();
        for candidate in &candidates.names {
            let mut asking = self.ask(&servers, candidate, deadline);
            let mut heard = Vec::new();
            while let Some((family, answer)) = asking.next().await {
                let found = has_addresses(&answer);
                heard.push((family, answer));
                if found {
                    return stream::iter(heard).chain(asking).boxed_local();
                }
            }
            let silent = heard.iter().any(|(_, answer)| *answer == FamilyAnswer::Silent);
            story.append(&mut heard);
            // Whoever was silent once will be silent for the next candidate too.
            if silent && candidates.names.last() != Some(candidate) {
                return stream::iter(self.cut_short(&story)).boxed_local();
            }
        }
        stream::iter(self.told(&candidates, &story)).boxed_local()
    }

    fn ask(&self, servers: &Rc<Servers>, name: &str, deadline: Instant) -> FuturesUnordered<Asking> {
        let ask = |family| -> Asking {
            let (servers, name) = (Rc::clone(servers), name.to_owned());
            Box::pin(async move { (family, servers.ask(&name, family, deadline).await) })
        };
        self.families.wanted().map(ask).collect()
    }

    fn told(&self, candidates: &Candidates, story: &[(Family, FamilyAnswer)]) -> Vec<(Family, FamilyAnswer)> {
        let of = |family| candidates.verdict(&answers_of(story, family));
        self.families.wanted().map(|family| (family, of(family))).collect()
    }

    /// The candidates that were not asked for any more might have had addresses, so nothing is certain but
    /// that servers fail.
    fn cut_short(&self, story: &[(Family, FamilyAnswer)]) -> Vec<(Family, FamilyAnswer)> {
        let of = |family| match answers_of(story, family).last() {
            Some(FamilyAnswer::Failed) => FamilyAnswer::Failed,
            _ => FamilyAnswer::Silent,
        };
        self.families.wanted().map(|family| (family, of(family))).collect()
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

fn answers_of(story: &[(Family, FamilyAnswer)], family: Family) -> Vec<FamilyAnswer> {
    story.iter().filter(|(of, _)| *of == family).map(|(_, answer)| answer.clone()).collect()
}
