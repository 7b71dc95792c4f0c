use super::WriteError::{CrossSite, ForeignHost, Proxied, Unauthenticated, UnnamedSite};
use super::*;
use actix_web::http::header::HeaderValue;

/// Whether a request from this address, with this proof and these headers, may change something.
fn ask(from: &str, proof: Proof, fields: &[(&'static str, &str)]) -> Result<(), WriteError> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let address = format!("{from}:5").parse().unwrap();
    let (encrypted, certified) = (proof != Proof::Nothing, proof == Proof::Certificate);
    let peer = Peer { address, encrypted, certified };
    check(&WriteRequest { peer, is_user: proof == Proof::Password, headers: &headers })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Nothing,
    /// Over TLS.
    Password,
    /// Over TLS.
    Certificate,
}
use Proof::{Certificate, Nothing, Password};

#[test]
fn without_proof_only_requests_from_and_to_this_machine_may_write() {
    let cases = [
        ("127.0.0.1", "localhost", Ok(())),
        ("127.0.0.1", "LocalHost:9922", Ok(())),
        ("127.0.0.1", "127.0.0.1:9922", Ok(())),
        ("127.8.9.1", "127.8.9.1", Ok(())),
        ("[::1]", "[::1]:9922", Ok(())),
        ("[::ffff:127.0.0.1]", "127.0.0.1:9922", Ok(())),
        ("127.0.0.1", "rebound.example:9922", Err(ForeignHost)),
        ("127.0.0.1", "localhost.example", Err(ForeignHost)),
        ("127.0.0.1", "127.0.0.1.example", Err(ForeignHost)),
        ("127.0.0.1", "192.0.2.1:9922", Err(ForeignHost)),
        ("127.0.0.1", "0.0.0.0:9922", Err(ForeignHost)),
        ("127.0.0.1", "", Err(ForeignHost)),
        ("192.0.2.1", "localhost", Err(Unauthenticated)),
        ("10.0.0.1", "10.0.0.1:9922", Err(Unauthenticated)),
        ("[2001:db8::1]", "[::1]:9922", Err(Unauthenticated)),
    ];
    for (from, host, expected) in cases {
        assert_eq!(ask(from, Nothing, &[("host", host)]), expected, "{from} to {host:?}");
    }
    assert_eq!(ask("127.0.0.1", Nothing, &[]), Err(ForeignHost));
    assert_eq!(ask("127.0.0.1", Nothing, &[("host", "localhost"), ("host", "localhost")]), Err(ForeignHost));
}

#[test]
fn requests_through_a_proxy_do_not_count_as_local() {
    for field in ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"] {
        let fields = [("host", "127.0.0.1:9922"), (field, "anything")];
        assert_eq!(ask("127.0.0.1", Nothing, &fields), Err(Proxied), "{field}");
        assert_eq!(ask("127.0.0.1", Password, &fields), Ok(()), "{field}");
    }
}

#[test]
fn requests_with_proof_may_come_from_any_address() {
    for proof in [Password, Certificate] {
        assert_eq!(ask("192.0.2.1", proof, &[("host", "meshping.example")]), Ok(()));
        assert_eq!(ask("192.0.2.1", proof, &[]), Ok(()));
    }
}

#[test]
fn no_other_site_may_write_even_with_proof() {
    let cases = [
        (&[("origin", "http://localhost:9922")][..], Ok(())),
        (&[("origin", "http://localhost:9922"), ("sec-fetch-site", "same-origin")], Ok(())),
        (&[("sec-fetch-site", "none")], Ok(())),
        (&[("referer", "http://localhost:9922/page?query")], Ok(())),
        (&[("user-agent", "curl/8.0")], Ok(())),
        (&[("user-agent", "Mozilla/5.0 (X11)"), ("origin", "http://localhost:9922")], Ok(())),
        (&[("user-agent", "Mozilla/5.0 (X11)")], Err(UnnamedSite)),
        (&[("user-agent", "Mozilla/5.0"), ("referer", "http://localhost:9922/")], Err(UnnamedSite)),
        (&[("origin", "http://evil.example")], Err(CrossSite)),
        (&[("origin", "http://localhost:3000")], Err(CrossSite)),
        (&[("origin", "http://localhost")], Err(CrossSite)),
        (&[("origin", "null")], Err(CrossSite)),
        (&[("origin", "")], Err(CrossSite)),
        (&[("origin", "file://")], Err(CrossSite)),
        (&[("origin", "http://localhost:9922"), ("origin", "http://evil.example")], Err(CrossSite)),
        (&[("sec-fetch-site", "cross-site")], Err(CrossSite)),
        (&[("sec-fetch-site", "same-site"), ("origin", "http://localhost:9922")], Err(CrossSite)),
        (&[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")], Err(CrossSite)),
        (&[("referer", "http://evil.example/http://localhost:9922")], Err(CrossSite)),
    ];
    for (fields, expected) in cases {
        let all = [fields, &[("host", "localhost:9922")]].concat();
        assert_eq!(ask("127.0.0.1", Nothing, &all), expected, "{fields:?}");
        let encrypted: Vec<_> =
            all.iter().map(|(name, value)| (*name, value.replace("http:", "https:"))).collect();
        let encrypted: Vec<_> = encrypted.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for proof in [Password, Certificate] {
            assert_eq!(ask("192.0.2.1", proof, &encrypted), expected, "{proof:?} {fields:?}");
        }
    }
}

#[test]
fn origins_differ_by_scheme_and_ports_have_defaults() {
    let ask = |proof, host, origin| ask("127.0.0.1", proof, &[("host", host), ("origin", origin)]);
    assert_eq!(ask(Nothing, "localhost", "http://localhost:80"), Ok(()));
    assert_eq!(ask(Password, "mesh.example", "https://mesh.example:443"), Ok(()));
    assert_eq!(ask(Password, "mesh.example", "http://mesh.example"), Err(CrossSite));
    assert_eq!(ask(Nothing, "localhost", "https://localhost"), Ok(()), "TLS may end before us");
}
