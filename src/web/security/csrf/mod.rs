//! Decides which requests may change something. They need more than those that only read, because any page can make a
//! browser send requests to any address, with the credentials that the browser has stored.

use super::peer::Peer;
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;
use std::net::IpAddr;

/// A request to change something.
pub(crate) struct WriteRequest<'a> {
    /// The client.
    pub peer: Peer,
    /// Whether it has a user and the right password.
    pub is_user: bool,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// Why the request may not change anything; the client receives this text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// A page of another site made a browser send it.
    #[error("Refused: the request comes from another site, according to Origin, Referer or Sec-Fetch-Site.")]
    CrossSite,
    /// A browser sent it without naming the site that made it do so.
    #[error(
        "Refused: a browser that sends neither Origin nor Sec-Fetch-Site may act for any site; use curl."
    )]
    UnnamedSite,
    /// From another machine, without a user or a certificate.
    #[error(
        "Refused: changes need a user or a client certificate (--web.config.file), or must come from this machine, \
         over 127.0.0.1 or ::1."
    )]
    Unauthenticated,
    /// The name in the request may be another site's that resolves to our address (DNS rebinding).
    #[error(
        "Refused: without a user or a client certificate the Host must be localhost, 127.0.0.1 or [::1]."
    )]
    ForeignHost,
    /// Only the last hop is on this machine.
    #[error("Refused: requests through a proxy need a user or a client certificate (--web.config.file).")]
    Proxied,
}

/// Checks whether a request may change something.
///
/// # Errors
/// [`WriteError`]: it may not.
pub(crate) fn check(request: &WriteRequest<'_>) -> Result<(), WriteError> {
    let host = host(request.headers);
    check_origin(request, host.as_ref())?;
    if request.is_user || request.peer.certified {
        return Ok(());
    }
    if !request.peer.is_local() {
        return Err(WriteError::Unauthenticated);
    }
    if PROXIES.iter().any(|name| request.headers.contains_key(*name)) {
        return Err(WriteError::Proxied);
    }
    if host.is_some_and(|host| is_loopback_host(host.host())) { Ok(()) } else { Err(WriteError::ForeignHost) }
}

/// Headers that proxies add.
const PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Checks that no page of another site sent the request. Credentials prove nothing here: browsers add them.
fn check_origin(request: &WriteRequest<'_>, host: Option<&Authority>) -> Result<(), WriteError> {
    let headers = request.headers;
    let site = single(headers, &HeaderName::from_static("sec-fetch-site"));
    let origin = single(headers, &header::ORIGIN);
    let referer = single(headers, &header::REFERER);
    let is_ours = |url: &str| has_same_origin(url, host, request.peer.encrypted);
    let test = |field: HeaderField<'_>, is_good: &dyn Fn(&str) -> bool| match field {
        HeaderField::Absent => None,
        HeaderField::Present(text) => Some(is_good(text)),
        HeaderField::Invalid => Some(false),
    };
    let own_site = test(site, &|site| matches!(site, "same-origin" | "none"));
    let own_origin = test(origin, &is_ours);
    if [own_site, own_origin, test(referer, &is_ours)].contains(&Some(false)) {
        return Err(WriteError::CrossSite);
    }
    let is_browser = matches!(single(headers, &header::USER_AGENT), HeaderField::Present(agent) if agent.starts_with("Mozilla/"));
    let is_unnamed = own_site.is_none() && own_origin.is_none();
    if is_browser && is_unnamed { Err(WriteError::UnnamedSite) } else { Ok(()) }
}

/// Whether a URL has the origin that the request was sent to. A proxy that ends TLS may turn `https` into `http`, never
/// the reverse.
fn has_same_origin(url: &str, host: Option<&Authority>, encrypted: bool) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let (Some(scheme), Some(theirs), Some(ours)) = (url.scheme_str(), url.authority(), host) else {
        return false;
    };
    let port = match scheme {
        "https" => 443,
        "http" if !encrypted => 80,
        _ => return false,
    };
    let port_of = |authority: &Authority| authority.port_u16().unwrap_or(port);
    theirs.host().eq_ignore_ascii_case(ours.host()) && port_of(theirs) == port_of(ours)
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    match single(headers, &header::HOST) {
        HeaderField::Present(host) => host.parse().ok(),
        HeaderField::Absent | HeaderField::Invalid => None,
    }
}

fn is_loopback_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

enum HeaderField<'a> {
    Absent,
    Present(&'a str),
    /// Present more than once, or not text.
    Invalid,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> HeaderField<'a> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => HeaderField::Absent,
        (Some(value), None) => value.to_str().map_or(HeaderField::Invalid, HeaderField::Present),
        (Some(_), Some(_)) => HeaderField::Invalid,
    }
}

#[cfg(test)]
mod tests;
