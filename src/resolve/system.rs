//! Resolves names like the system: `/etc/hosts`, then DNS with the search list of `/etc/resolv.conf`.

use super::hosts::Hosts;
use super::lookup::Lookup;
use super::search::Candidates;
use super::servers::Servers;
use super::turns::Turns;
use super::watched::WatchedFile;
use super::{Families, FamilyAnswer, Resolve, has_addresses};
use crate::target::{Family, HostName};
use futures_util::stream::{self, LocalBoxStream, StreamExt};
use std::cell::RefCell;
use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// TTL of addresses in `/etc/hosts`, which has none; another look-up costs almost nothing.
const HOSTS_TTL: Duration = Duration::from_secs(5);

/// Resolves names like the system. Each look-up checks both files for changes.
#[derive(Clone)]
pub struct SystemNames {
    files: Rc<SystemFiles>,
    families: Families,
    turns: Rc<Turns>,
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
        let turns = Rc::new(Turns::new(descriptors()));
        Self { files: Rc::new(SystemFiles { resolv_conf, hosts }), families, turns }
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
}

impl Resolve for SystemNames {
    fn lookup(&self, name: &HostName, was_silent: bool) -> LocalBoxStream<'static, (Family, FamilyAnswer)> {
        let hosts = self.files.hosts.borrow_mut().get();
        if let Some(answers) = self.static_answers(hosts.get(name.as_str())) {
            return stream::iter(answers).boxed_local();
        }
        let servers = self.files.resolv_conf.borrow_mut().get();
        let candidates = Candidates::of(name.as_str(), &servers.search, servers.ndots, servers.no_tld_query);
        let families = self.families.selected().collect();
        Lookup::new(candidates, families, (servers, Rc::clone(&self.turns)), was_silent).answers()
    }
}

/// Maximum number of descriptors that the process may have open.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}
