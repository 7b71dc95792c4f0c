//! The name servers of `/etc/resolv.conf`, asked with hickory: one question, one full name, one family.
//!
//! Each server has its own hickory resolver, with no cache, no search list and no retries. Left to itself,
//! hickory takes one server's SERVFAIL for the answer although the next would know, and with a search list
//! it keeps only the last error.

use super::FamilyAnswer;
use super::scoped::{Scoped, split};
use crate::target::Family;
use hickory_resolver::Resolver;
use hickory_resolver::config::{
    NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use resolv_conf::ScopedIp;
use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

/// A look-up takes no longer than this, whatever resolv.conf says.
pub(super) const TOTAL: Duration = Duration::from_secs(10);

/// So long a server that was silent is asked after the others.
const SULK: Duration = Duration::from_secs(30);

/// How long a negative answer holds that does not say so (RFC 2308 §5 wants none of them kept for long).
const NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// More questions than this at once to one server are refused by hickory.
const MAX_ACTIVE: usize = 1024;

/// What `/etc/resolv.conf` says.
pub(super) struct Servers {
    in_file_order: Vec<NameServer>,
    attempts: usize,
    /// The domains in which names are searched for.
    pub search: Vec<String>,
    /// Names with so many dots are tried as they are first.
    pub ndots: usize,
}

impl Servers {
    /// Reads a `resolv.conf`. What makes no sense in it is logged and left out; without any server it is the one
    /// on this host, as resolv.conf(5) says.
    pub(super) fn parse(text: &[u8]) -> Self {
        let (mut config, errors) = resolv_conf::Config::parse_with_errors(text);
        for error in errors {
            warn!(%error, "resolv.conf: this is passed over");
        }
        config.glibc_normalize();
        if config.nameservers.is_empty() {
            warn!("resolv.conf names no name server, so the one on this host is asked");
        }
        let servers = config.get_nameservers_or_local();
        let attempts = config.attempts.clamp(1, 5);
        let tries = attempts * u32::try_from(servers.len()).unwrap_or(1);
        let timeout = Duration::from_secs(config.timeout.clamp(1, 30).into()).min(TOTAL / tries);
        Self {
            in_file_order: servers
                .into_iter()
                .filter_map(|server| NameServer::new(&server, timeout, config.edns0))
                .collect(),
            attempts: attempts as usize,
            search: config.get_last_search_or_domain().filter_map(|domain| search_domain(domain)).collect(),
            ndots: config.ndots.min(15) as usize,
        }
    }

    /// Asks for the addresses of a full name, in the servers' order, until one of them knows. Ends by `deadline`.
    pub(super) async fn ask(&self, name: &str, family: Family, deadline: Instant) -> FamilyAnswer {
        let Some(name) = wire_name(name) else {
            debug!(?name, "no such name can be asked for");
            return FamilyAnswer::NoName(NEGATIVE_TTL);
        };
        let mut waiting = self.in_order();
        let mut failed = false;
        for _ in 0..self.attempts {
            let mut silent = Vec::new();
            for server in waiting {
                match server.ask(&name, family, deadline).await {
                    ServerAnswer::Answer(answer) => return answer,
                    ServerAnswer::Fails => failed = true,
                    ServerAnswer::Nothing => silent.push(server),
                }
            }
            waiting = silent;
        }
        if failed { FamilyAnswer::Failed } else { FamilyAnswer::Silent }
    }

    fn in_order(&self) -> Vec<&NameServer> {
        let now = Instant::now();
        let mut servers: Vec<&NameServer> = self.in_file_order.iter().collect();
        servers.sort_by_key(|server| server.sulks_until.get().is_some_and(|until| now < until));
        servers
    }
}

/// One name server.
struct NameServer {
    ip: IpAddr,
    resolver: Resolver<Scoped>,
    sulks_until: Cell<Option<Instant>>,
}

impl NameServer {
    fn new(server: &ScopedIp, timeout: Duration, edns0: bool) -> Option<Self> {
        let (ip, zone) = split(server);
        let build = || -> Result<Resolver<Scoped>, NetError> {
            let config = ResolverConfig::from_name_servers(vec![NameServerConfig::udp_and_tcp(ip)]);
            let mut builder = Resolver::builder_with_config(config, Scoped::to(zone)?);
            set(builder.options_mut(), timeout, edns0);
            builder.build()
        };
        match build() {
            Ok(resolver) => Some(Self { ip, resolver, sulks_until: Cell::new(None) }),
            Err(error) => {
                warn!(%server, %error, "this name server can't be used");
                None
            }
        }
    }

    async fn ask(&self, name: &Name, family: Family, deadline: Instant) -> ServerAnswer {
        let record_type = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        let lookup = self.resolver.lookup(name.clone(), record_type);
        let said = match timeout_at(deadline, lookup).await {
            Ok(Ok(lookup)) => addresses(&lookup, record_type),
            Ok(Err(error)) => {
                debug!(server = %self.ip, %name, %record_type, %error, "no addresses");
                failure(&error)
            }
            Err(_) => ServerAnswer::Nothing,
        };
        self.sulks_until.set(matches!(said, ServerAnswer::Nothing).then(|| Instant::now() + SULK));
        said
    }
}

/// What one server said to one question.
enum ServerAnswer {
    /// An answer that holds.
    Answer(FamilyAnswer),
    /// That it fails: another may know.
    Fails,
    /// Nothing, or nothing that makes sense.
    Nothing,
}

fn set(options: &mut ResolverOpts, timeout: Duration, edns0: bool) {
    options.timeout = timeout;
    options.attempts = 0;
    options.edns0 = edns0;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = MAX_ACTIVE;
}

fn addresses(lookup: &Lookup, record_type: RecordType) -> ServerAnswer {
    let of_type = lookup.answers().iter().filter(|record| record.record_type() == record_type);
    let addresses: Vec<IpAddr> = of_type.filter_map(|record| record.data.ip_addr()).collect();
    // The aliases on the way count too: any of them may change first.
    let ttl = lookup.answers().iter().map(|record| record.ttl).min();
    match ttl {
        Some(ttl) if !addresses.is_empty() => {
            ServerAnswer::Answer(FamilyAnswer::Addresses(addresses, Duration::from_secs(ttl.into())))
        }
        _ => ServerAnswer::Nothing,
    }
}

fn failure(error: &NetError) -> ServerAnswer {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => no_records(none),
        NetError::Dns(DnsError::ResponseCode(_)) => ServerAnswer::Fails,
        _ => ServerAnswer::Nothing,
    }
}

fn no_records(none: &NoRecords) -> ServerAnswer {
    let ttl = none.negative_ttl.map_or(NEGATIVE_TTL, |ttl| Duration::from_secs(ttl.into()));
    match none.response_code {
        ResponseCode::NXDomain => ServerAnswer::Answer(FamilyAnswer::NoName(ttl)),
        // "Ask those over there": a server that does not resolve for us (RFC 2308 §2.2 tells the two apart).
        ResponseCode::NoError if none.soa.is_none() && none.ns.is_some() => ServerAnswer::Nothing,
        ResponseCode::NoError => ServerAnswer::Answer(FamilyAnswer::NoData(ttl)),
        _ => ServerAnswer::Fails,
    }
}

/// A full name as it goes over the wire; none for one that does not fit there.
fn wire_name(name: &str) -> Option<Name> {
    let mut wire =
        Name::from_utf8(name).or_else(|_| Name::from_ascii(name)).or_else(|_| raw_name(name)).ok()?;
    wire.set_fqdn(true);
    Some(wire)
}

/// What is no name by the rules of internationalised names may still be in somebody's zone.
fn raw_name(name: &str) -> Result<Name, hickory_resolver::proto::ProtoError> {
    Name::from_labels(name.split('.').map(str::as_bytes))
}

/// A search domain without its dots; `.` and `--` stand for none.
fn search_domain(domain: &str) -> Option<String> {
    let bare = domain.trim_matches('.');
    (!bare.is_empty() && bare != "--").then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_resolv_conf_is_read_as_far_as_it_makes_sense() {
        let text = b"nameserver 192.0.2.1\nnameserver here\n\xff\xff\nnameserver 2001:db8::1\n\
            search -- lan. . example.org\noptions ndots:99 timeout:60 attempts:9 edns0 unheard-of\n";
        let servers = Servers::parse(text);
        let ips: Vec<String> = servers.in_file_order.iter().map(|server| server.ip.to_string()).collect();
        assert_eq!(ips, ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(servers.search, ["lan", "example.org"]);
        assert_eq!((servers.ndots, servers.attempts), (15, 5));
        let options = servers.in_file_order[0].resolver.options();
        assert_eq!((options.timeout, options.edns0), (Duration::from_secs(1), true));
    }

    #[tokio::test]
    async fn without_a_resolv_conf_the_server_on_this_host_is_asked() {
        let servers = Servers::parse(b"");
        let ips: Vec<String> = servers.in_file_order.iter().map(|server| server.ip.to_string()).collect();
        assert_eq!(ips, ["127.0.0.1", "::1"]);
    }

    #[test]
    fn names_that_hickory_dislikes_can_still_be_asked_for() {
        for (name, wire) in [
            ("router", "router."),
            ("my_host.lan", "my_host.lan."),
            ("b\u{fc}cher.example", "xn--bcher-kva.example."),
            ("a*b", "a\\*b."), // shown escaped
        ] {
            assert_eq!(wire_name(name).map(|name| name.to_ascii()).as_deref(), Some(wire));
        }
        assert_eq!(wire_name(&vec!["a".repeat(63); 5].join(".")), None);
    }
}
