//! Queries the name servers of `/etc/resolv.conf` with hickory, for one full name and one family at a time.
//!
//! Each server has a pool of its own, without cache, search list and retries. A pool with several servers returns one
//! server's SERVFAIL although the next has the answer, and hickory's resolver with a search list returns only the last
//! error.

use super::FamilyAnswer;
use super::aliases::{AliasEnd, follow};
use super::scoped::{Scoped, split};
use super::search::SpecialName;
use crate::target::Family;
use futures_util::StreamExt;
use hickory_resolver::config::{NameServerConfig, ResolverOpts, ServerOrderingStrategy};
use hickory_resolver::net::xfer::DnsHandle;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use resolv_conf::ScopedIp;
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

/// Time limit for the answer to one full name; overrides resolv.conf.
pub(super) const CANDIDATE_TIMEOUT: Duration = Duration::from_secs(10);

/// For this long after a query without answer a server is asked after the others.
const SILENT_SERVER_DELAY: Duration = Duration::from_secs(30);

/// TTL of negative answers without one (RFC 2308 §5: such answers should not be cached).
const NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// Time until a special name is looked up again; it never changes.
const SPECIAL_TTL: Duration = Duration::from_secs(3600);

/// Number of name servers that count (MAXNS of resolv.h).
const MAX_SERVERS: usize = 3;

/// Maximum number of concurrent queries to one server; hickory rejects further ones. More than there are turns.
const MAX_ACTIVE_QUERIES: usize = 8_192;

/// Maximum number of questions for a name and the targets of its aliases that a server has left open.
const MAX_ALIAS_QUESTIONS: usize = 16;

/// The content of `/etc/resolv.conf`.
pub(super) struct Servers {
    in_file_order: Vec<NameServer>,
    attempts: usize,
    /// The search list.
    pub search: Vec<String>,
    /// Names with at least this many dots are tried unchanged first.
    pub ndots: usize,
    /// Whether a name without a dot is never tried unchanged.
    pub no_tld_query: bool,
    /// Whether names have no AAAA records.
    no_aaaa: bool,
}

impl Servers {
    /// Reads a `resolv.conf`. Logs and ignores invalid lines. Without a server it uses the one on this host, as in
    /// resolv.conf(5).
    pub(super) fn parse(text: &[u8]) -> Self {
        let (mut config, errors) = resolv_conf::Config::parse_with_errors(text);
        for error in errors {
            warn!(%error, "resolv.conf: line ignored");
        }
        // As in glibc, which has no limit for the search list since 2.26.
        config.nameservers.truncate(MAX_SERVERS);
        if config.nameservers.is_empty() {
            warn!("resolv.conf has no name server; using the one on this host");
        }
        let servers = config.get_nameservers_or_local();
        let attempts = config.attempts.clamp(1, 5);
        let tries = attempts * u32::try_from(servers.len()).unwrap_or(1);
        let timeout = Duration::from_secs(config.timeout.clamp(1, 30).into()).min(CANDIDATE_TIMEOUT / tries);
        Self {
            in_file_order: servers
                .into_iter()
                .filter_map(|server| NameServer::new(&server, timeout, &config))
                .collect(),
            attempts: attempts as usize,
            search: search_list(&config, rustix::system::uname().nodename().to_str().unwrap_or_default()),
            ndots: config.ndots.min(15) as usize,
            no_tld_query: config.no_tld_query,
            no_aaaa: config.no_aaaa,
        }
    }

    /// Looks up the addresses of a full name, in the order of the servers, until one of them answers. Ends by `deadline`.
    pub(super) async fn ask(&self, name: &str, family: Family, deadline: Instant) -> FamilyAnswer {
        if let Some(special) = SpecialName::of(name) {
            return special_answer(special, family);
        }
        if self.no_aaaa && family == Family::V6 {
            return FamilyAnswer::NoData(NEGATIVE_TTL);
        }
        let Some(name) = wire_name(name) else {
            debug!(?name, "not a valid DNS name");
            return FamilyAnswer::NoName(NEGATIVE_TTL);
        };
        let mut servers = self.in_order();
        let mut failed = false;
        for _ in 0..self.attempts {
            let mut silent = Vec::new();
            for server in servers {
                match server.ask(&name, family, deadline).await {
                    ServerAnswer::Answer(answer) => return answer,
                    ServerAnswer::Failed => failed = true,
                    ServerAnswer::Silent => silent.push(server),
                }
            }
            servers = silent;
        }
        if failed { FamilyAnswer::Failed } else { FamilyAnswer::Silent }
    }

    fn in_order(&self) -> Vec<&NameServer> {
        let now = Instant::now();
        let mut servers: Vec<&NameServer> = self.in_file_order.iter().collect();
        servers.sort_by_key(|server| server.delayed_until.get().is_some_and(|until| now < until));
        servers
    }
}

/// One name server.
struct NameServer {
    ip: IpAddr,
    pool: NameServerPool<Scoped>,
    options: ResolverOpts,
    delayed_until: Cell<Option<Instant>>,
}

impl NameServer {
    fn new(server: &ScopedIp, timeout: Duration, config: &resolv_conf::Config) -> Option<Self> {
        let (ip, zone) = split(server);
        let options = options(timeout, config.edns0);
        let pool = || -> Result<NameServerPool<Scoped>, NetError> {
            // `use-vc` of resolv.conf(5): over TCP only.
            let transports =
                if config.use_vc { NameServerConfig::tcp(ip) } else { NameServerConfig::udp_and_tcp(ip) };
            let context = Arc::new(PoolContext::new(options.clone(), TlsConfig::new()?));
            Ok(NameServerPool::from_config([transports], context, Scoped::to(zone)?))
        };
        match pool() {
            Ok(pool) => Some(Self { ip, pool, options, delayed_until: Cell::new(None) }),
            Err(error) => {
                warn!(%server, %error, "cannot use this name server");
                None
            }
        }
    }

    async fn ask(&self, name: &Name, family: Family, deadline: Instant) -> ServerAnswer {
        let record_type = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        let answer =
            timeout_at(deadline, self.follow(name, record_type)).await.unwrap_or(ServerAnswer::Silent);
        let is_silent = matches!(answer, ServerAnswer::Silent);
        self.delayed_until.set(is_silent.then(|| Instant::now() + SILENT_SERVER_DELAY));
        answer
    }

    /// Asks for a name, and then for the target of each alias that the server has left open.
    async fn follow(&self, name: &Name, record_type: RecordType) -> ServerAnswer {
        let (mut name, mut ttl) = (name.clone(), Duration::MAX);
        for _ in 0..MAX_ALIAS_QUESTIONS {
            let response = match self.query(&name, record_type).await {
                Ok(response) => response,
                Err(error) => {
                    debug!(server = %self.ip, %name, %record_type, %error, "no addresses");
                    return failure(&error);
                }
            };
            match follow(&name, record_type, &response.answers) {
                AliasEnd::Addresses(addresses, of_answer) => {
                    return ServerAnswer::Answer(FamilyAnswer::Addresses(addresses, ttl.min(of_answer)));
                }
                AliasEnd::Loop => break,
                AliasEnd::Name(target) if target == name => return ServerAnswer::Silent,
                AliasEnd::Name(target) => {
                    if let Some(answer) = negative(&response) {
                        return ServerAnswer::Answer(answer);
                    }
                    let ttls = response.answers.iter().map(|record| Duration::from_secs(record.ttl.into()));
                    (name, ttl) = (target, ttls.fold(ttl, Duration::min));
                }
            }
        }
        debug!(server = %self.ip, %name, %record_type, "the aliases lead nowhere");
        ServerAnswer::Answer(FamilyAnswer::EndlessAliases)
    }

    async fn query(&self, name: &Name, record_type: RecordType) -> Result<DnsResponse, NetError> {
        let mut request = DnsRequestOptions::default();
        request.recursion_desired = true;
        request.use_edns = self.options.edns0;
        request.edns_payload_len = self.options.edns_payload_len;
        let mut responses = self.pool.lookup(Query::query(name.clone(), record_type), request);
        match responses.next().await {
            Some(response) => DnsError::from_response(response?).map_err(NetError::from),
            None => Err(NetError::Timeout),
        }
    }
}

/// The answer of one server to one query.
enum ServerAnswer {
    /// An authoritative answer about the name.
    Answer(FamilyAnswer),
    /// A failure; another server may have the answer.
    Failed,
    /// No answer, or no valid one.
    Silent,
}

fn options(timeout: Duration, edns0: bool) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 0;
    options.edns0 = edns0;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = MAX_ACTIVE_QUERIES;
    options
}

fn special_answer(special: SpecialName, family: Family) -> FamilyAnswer {
    let loopback: IpAddr = match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    };
    match special {
        SpecialName::Localhost => FamilyAnswer::Addresses(vec![loopback], SPECIAL_TTL),
        SpecialName::Nonexistent => FamilyAnswer::NoName(SPECIAL_TTL),
    }
}

/// What an answer with aliases, but without an address, says of the last of them; `None` if it says nothing.
fn negative(response: &DnsResponse) -> Option<FamilyAnswer> {
    let ttl = response.negative_ttl().map_or(NEGATIVE_TTL, |ttl| Duration::from_secs(ttl.into()));
    match response.response_code {
        ResponseCode::NXDomain => Some(FamilyAnswer::NoName(ttl)),
        _ if response.soa().is_some() => Some(FamilyAnswer::NoData(ttl)),
        _ => None,
    }
}

fn failure(error: &NetError) -> ServerAnswer {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => no_records(none),
        NetError::Dns(DnsError::ResponseCode(_)) => ServerAnswer::Failed,
        _ => ServerAnswer::Silent,
    }
}

fn no_records(none: &NoRecords) -> ServerAnswer {
    let ttl = none.negative_ttl.map_or(NEGATIVE_TTL, |ttl| Duration::from_secs(ttl.into()));
    match none.response_code {
        ResponseCode::NXDomain => ServerAnswer::Answer(FamilyAnswer::NoName(ttl)),
        // A referral from a server that does not resolve recursively (RFC 2308 §2.2 distinguishes it from NODATA).
        ResponseCode::NoError if none.soa.is_none() && none.ns.is_some() => ServerAnswer::Silent,
        ResponseCode::NoError => ServerAnswer::Answer(FamilyAnswer::NoData(ttl)),
        _ => ServerAnswer::Failed,
    }
}

/// A full name in wire format; `None` if it does not fit.
fn wire_name(name: &str) -> Option<Name> {
    let mut wire =
        Name::from_utf8(name).or_else(|_| Name::from_ascii(name)).or_else(|_| raw_name(name)).ok()?;
    wire.set_fqdn(true);
    Some(wire)
}

/// Names that violate the rules of internationalised names may still exist in a zone.
fn raw_name(name: &str) -> Result<Name, hickory_resolver::proto::ProtoError> {
    Name::from_labels(name.split('.').map(str::as_bytes))
}

/// The search list; without one the domain of this host, as in resolv.conf(5).
fn search_list(config: &resolv_conf::Config, host: &str) -> Vec<String> {
    let list: Vec<String> =
        config.get_last_search_or_domain().filter_map(|domain| search_domain(domain)).collect();
    if !list.is_empty() || config.get_search().is_some() || config.get_domain().is_some() {
        return list;
    }
    host.split_once('.').and_then(|(_, domain)| search_domain(domain)).into_iter().collect()
}

/// A search domain without its dots; `None` for `.` and `--`.
fn search_domain(domain: &str) -> Option<String> {
    let bare = domain.trim_matches('.');
    (!bare.is_empty() && bare != "--").then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn invalid_lines_of_a_resolv_conf_are_ignored() {
        let text = b"nameserver 192.0.2.1\nnameserver here\n\xff\xff\nnameserver 2001:db8::1\n\
            search -- lan. . example.org\noptions ndots:99 timeout:60 attempts:9 edns0 unheard-of\n";
        let servers = Servers::parse(text);
        let ips: Vec<String> = servers.in_file_order.iter().map(|server| server.ip.to_string()).collect();
        assert_eq!(ips, ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(servers.search, ["lan", "example.org"]);
        assert_eq!((servers.ndots, servers.attempts), (15, 5));
        let options = &servers.in_file_order[0].options;
        assert_eq!((options.timeout, options.edns0), (Duration::from_secs(1), true));
    }

    #[tokio::test]
    async fn without_a_resolv_conf_the_server_on_this_host_is_asked() {
        let servers = Servers::parse(b"");
        let ips: Vec<String> = servers.in_file_order.iter().map(|server| server.ip.to_string()).collect();
        assert_eq!(ips, ["127.0.0.1", "::1"]);
    }

    #[test]
    fn the_domain_of_this_host_is_searched_without_another_list() {
        let cases: [(&str, &str, &[&str]); 6] = [
            ("", "host.site.example", &["site.example"]),
            ("", "host", &[]),
            ("search lan", "host.site.example", &["lan"]),
            ("domain lan", "host.site.example", &["lan"]),
            ("search .", "host.site.example", &[]),
            ("options ndots:2", "host.", &[]),
        ];
        for (text, host, expected) in cases {
            let config = resolv_conf::Config::parse(text).expect("a resolv.conf");
            assert_eq!(search_list(&config, host), expected, "{text:?} {host}");
        }
    }

    #[test]
    fn names_that_hickory_rejects_can_still_be_looked_up() {
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
