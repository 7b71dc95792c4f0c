//! What every request must satisfy beyond the syntax that hyper has checked: method, target, Host and transfer coding (RFC
//! 9110, RFC 9112).

use actix_web::dev::RequestHead;
use actix_web::http::header::{HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, StatusCode, Uri, Version};

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestDefect {
    /// A method that no path of this server has.
    Method,
    /// A target of no known form, or of a form that its method does not take.
    Target,
    /// Not exactly one Host, or an invalid one.
    Host,
    /// A transfer coding other than `chunked`.
    Coding,
    /// A body that ends too early, or whose chunks are invalid.
    Body,
    /// A body that does not arrive.
    Timeout,
}

impl RequestDefect {
    /// Status and text of the response.
    pub(super) fn response(self) -> (StatusCode, &'static str) {
        match self {
            Self::Method => (StatusCode::NOT_IMPLEMENTED, "This server does not have this method.\n"),
            Self::Target => (StatusCode::BAD_REQUEST, "The request target is invalid for this method.\n"),
            Self::Host => (StatusCode::BAD_REQUEST, "The request needs exactly one valid Host.\n"),
            Self::Coding => {
                (StatusCode::NOT_IMPLEMENTED, "This server has no transfer coding other than chunked.\n")
            }
            Self::Body => (StatusCode::BAD_REQUEST, "The request body is invalid or incomplete.\n"),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "The request body did not arrive in time.\n"),
        }
    }
}

/// Checks a request. Returns the Host that its target names, if it names one: it replaces that of the header.
///
/// # Errors
/// [`RequestDefect`].
pub(super) fn check(head: &RequestHead) -> Result<Option<HeaderValue>, RequestDefect> {
    if !METHODS.contains(&head.method) {
        return Err(RequestDefect::Method);
    }
    check_host(head)?;
    // More than one field could hide a coding of a part of the body.
    let mut codings = head.headers.get_all(TRANSFER_ENCODING);
    if let Some(coding) = codings.next()
        && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(RequestDefect::Coding);
    }
    named_host(&head.method, &head.uri)
}

/// The methods of RFC 9110 without CONNECT, which is for proxies, and PATCH (RFC 5789). A path refuses those that it does
/// not have with 405.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

fn check_host(head: &RequestHead) -> Result<(), RequestDefect> {
    let mut hosts = head.headers.get_all(&HOST as &HeaderName);
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version == Version::HTTP_10 => Ok(()),
        (Some(host), None) if is_valid_host(host.as_bytes()) => Ok(()),
        _ => Err(RequestDefect::Host),
    }
}

/// An empty Host is valid: a client sends it if its URI has none.
fn is_valid_host(host: &[u8]) -> bool {
    let is_authority = |host| Authority::try_from(host).is_ok_and(|host| !host.as_str().contains(['@', ',']));
    host.is_empty() || is_authority(host)
}

/// The Host in a target of the absolute form; none in a path and in `*`.
fn named_host(method: &Method, target: &Uri) -> Result<Option<HeaderValue>, RequestDefect> {
    match (target.scheme_str(), target.authority()) {
        (None, None) if target.path().starts_with('/') => Ok(None),
        (None, None) if target.path() == "*" && *method == Method::OPTIONS => Ok(None),
        (Some("http" | "https"), Some(host)) if is_valid_host(host.as_str().as_bytes()) => {
            HeaderValue::from_str(host.as_str()).map(Some).map_err(|_| RequestDefect::Target)
        }
        _ => Err(RequestDefect::Target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(
        method: &str,
        target: &str,
        version: Version,
        fields: &[(HeaderName, &'static str)],
    ) -> RequestHead {
        let mut head = RequestHead::default();
        head.method = method.parse().unwrap();
        head.uri = target.parse().unwrap();
        head.version = version;
        for (name, value) in fields {
            head.headers.append(name.clone(), HeaderValue::from_static(value));
        }
        head
    }

    #[test]
    fn targets_and_methods() {
        let cases = [
            ("GET", "/metrics?name=a", Ok(None)),
            ("GET", "//x", Ok(None)),
            ("GET", "http://other:80/metrics", Ok(Some("other:80"))),
            ("GET", "HTTP://[::1]/metrics", Ok(Some("[::1]"))),
            ("OPTIONS", "http://other", Ok(Some("other"))),
            ("GET", "ftp://other/x", Err(RequestDefect::Target)),
            ("GET", "http://user@other/x", Err(RequestDefect::Target)),
            ("GET", "other:80", Err(RequestDefect::Target)),
            ("GET", "metrics", Err(RequestDefect::Target)),
            ("GET", "*", Err(RequestDefect::Target)),
            ("OPTIONS", "*", Ok(None)),
            ("PATCH", "/", Ok(None)),
            ("CONNECT", "other:80", Err(RequestDefect::Method)),
            ("FOO", "/", Err(RequestDefect::Method)),
            ("get", "/", Err(RequestDefect::Method)),
        ];
        for (method, target, expected) in cases {
            let checked = check(&head(method, target, Version::HTTP_11, &[(HOST, "x")]));
            let host = checked.as_ref().map(|host| host.as_ref().map(|host| host.to_str().unwrap()));
            assert_eq!(host, expected.as_ref().map(|host| *host), "{method} {target}");
        }
    }

    #[test]
    fn hosts() {
        let cases: [(&[&'static str], bool, bool); 14] = [
            (&[], false, true),
            (&["x"], true, true),
            (&[""], true, true),
            (&["127.0.0.1:9922"], true, true),
            (&["[::1]:9922"], true, true),
            (&["x", "x"], false, false),
            (&["x", "y"], false, false),
            (&["a b"], false, false),
            (&["a, b"], false, false),
            (&["a,b"], false, false),
            (&["a/b"], false, false),
            (&["user@a"], false, false),
            (&["http://a"], false, false),
            (&["[::1"], false, false),
        ];
        for (hosts, in_11, in_10) in cases {
            let fields: Vec<_> = hosts.iter().map(|host| (HOST, *host)).collect();
            for (version, expected) in [(Version::HTTP_11, in_11), (Version::HTTP_10, in_10)] {
                let expected = if expected { Ok(None) } else { Err(RequestDefect::Host) };
                assert_eq!(check(&head("GET", "/", version, &fields)), expected, "{hosts:?} {version:?}");
            }
        }
    }

    #[test]
    fn transfer_codings() {
        let cases: [(&[&'static str], bool); 6] = [
            (&["chunked"], true),
            (&["Chunked"], true),
            (&["gzip, chunked"], false),
            (&["chunked, chunked"], false),
            (&["identity"], false),
            (&["gzip", "chunked"], false),
        ];
        for (codings, expected) in cases {
            let fields: Vec<_> = codings.iter().map(|coding| (TRANSFER_ENCODING, *coding)).collect();
            let fields = [vec![(HOST, "x")], fields].concat();
            let checked = check(&head("POST", "/", Version::HTTP_11, &fields));
            assert_eq!(checked, if expected { Ok(None) } else { Err(RequestDefect::Coding) }, "{codings:?}");
        }
    }
}
