//! Who may change something over HTTP. Reading is for everybody whom the web config file admits; to write takes
//! more, because a browser sends what any page tells it to, to any address, with the credentials that it knows.

use super::peer::Peer;
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;
use std::net::IpAddr;

/// A request to change something.
pub(crate) struct WriteRequest<'a> {
    /// Who sends it.
    pub peer: Peer,
    /// A user with the right password.
    pub is_user: bool,
    /// What it says.
    pub headers: &'a HeaderMap,
}

/// Why nothing may be changed; who asked sees this text as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// A page of somebody else has a browser ask.
    #[error("Refused: another site has asked for this (Origin, Referer or Sec-Fetch-Site say so).")]
    CrossSite,
    /// A browser so old, or so twisted, that it does not say who has it ask.
    #[error(
        "Refused: a browser that sends neither Origin nor Sec-Fetch-Site may have been told by any page."
    )]
    SilentBrowser,
    /// Neither from here, nor with any proof.
    #[error(
        "Refused: to change something takes a user or a client certificate (--web.config.file), or has to be \
         done from this machine, over 127.0.0.1 or ::1."
    )]
    Stranger,
    /// The name in the request may have been made to point to us.
    #[error(
        "Refused: without a user or a client certificate the Host has to be localhost, 127.0.0.1 or [::1]."
    )]
    ForeignHost,
    /// It seems to come from here, but only its last hop does.
    #[error(
        "Refused: this came through a proxy; it takes a user or a client certificate (--web.config.file)."
    )]
    Proxied,
}

/// Whether it may.
///
/// # Errors
/// [`WriteError`]
pub(crate) fn check(request: &WriteRequest<'_>) -> Result<(), WriteError> {
    let host = host(request.headers);
    check_origin(request, host.as_ref())?;
    if request.is_user || request.peer.certified {
        return Ok(());
    }
    if !request.peer.is_here() {
        return Err(WriteError::Stranger);
    }
    if PROXIES.iter().any(|name| request.headers.contains_key(*name)) {
        return Err(WriteError::Proxied);
    }
    if host.is_some_and(|host| is_local(host.host())) { Ok(()) } else { Err(WriteError::ForeignHost) }
}

/// Who passes a request on says so in one of these.
const PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// No page but one of our own may have asked. Credentials prove nothing here: browsers add them.
fn check_origin(request: &WriteRequest<'_>, host: Option<&Authority>) -> Result<(), WriteError> {
    let headers = request.headers;
    let site = only(headers, &HeaderName::from_static("sec-fetch-site"));
    let origin = only(headers, &header::ORIGIN);
    let referer = only(headers, &header::REFERER);
    let is_ours = |place: &str| is_same(place, host, request.peer.encrypted);
    let says = |field: HeaderField<'_>, is_good: &dyn Fn(&str) -> bool| match field {
        HeaderField::Absent => None,
        HeaderField::Present(text) => Some(is_good(text)),
        HeaderField::Senseless => Some(false),
    };
    let own_site = says(site, &|site| matches!(site, "same-origin" | "none"));
    let own_origin = says(origin, &is_ours);
    if [own_site, own_origin, says(referer, &is_ours)].contains(&Some(false)) {
        return Err(WriteError::CrossSite);
    }
    let is_browser = matches!(only(headers, &header::USER_AGENT), HeaderField::Present(agent) if agent.starts_with("Mozilla/"));
    let is_silent = own_site.is_none() && own_origin.is_none();
    if is_browser && is_silent { Err(WriteError::SilentBrowser) } else { Ok(()) }
}

/// Whether an origin, or a place there, is where the request went. What ends TLS for us may have turned its
/// `https` into our `http`, never the other way.
fn is_same(place: &str, host: Option<&Authority>, encrypted: bool) -> bool {
    let Ok(place) = place.parse::<Uri>() else { return false };
    let (Some(scheme), Some(there), Some(here)) = (place.scheme_str(), place.authority(), host) else {
        return false;
    };
    let port = match scheme {
        "https" => 443,
        "http" if !encrypted => 80,
        _ => return false,
    };
    let port_of = |authority: &Authority| authority.port_u16().unwrap_or(port);
    there.host().eq_ignore_ascii_case(here.host()) && port_of(there) == port_of(here)
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    match only(headers, &header::HOST) {
        HeaderField::Present(host) => host.parse().ok(),
        HeaderField::Absent | HeaderField::Senseless => None,
    }
}

fn is_local(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

enum HeaderField<'a> {
    Absent,
    Present(&'a str),
    /// Twice, or no text.
    Senseless,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> HeaderField<'a> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => HeaderField::Absent,
        (Some(value), None) => value.to_str().map_or(HeaderField::Senseless, HeaderField::Present),
        (Some(_), Some(_)) => HeaderField::Senseless,
    }
}

#[cfg(test)]
mod tests;
