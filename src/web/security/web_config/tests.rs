use super::*;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::fs;
use tempfile::TempDir;

const HASH: &str = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

/// A directory with two certificates and their keys.
fn directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    for name in ["server", "other"] {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(directory.path().join(format!("{name}.crt")), cert.pem()).unwrap();
        fs::write(directory.path().join(format!("{name}.key")), signing_key.serialize_pem()).unwrap();
    }
    directory
}

/// Reads a file with this content; an error omits the directory.
fn read(directory: &TempDir, content: &str) -> Result<Protection, String> {
    let path = directory.path().join("web.yml");
    fs::write(&path, content).unwrap();
    let error = |error: ConfigError| error.to_string();
    Protection::read(&path)
        .map_err(error)
        .map_err(|text| text.replace(&directory.path().display().to_string(), ""))
}

/// A `tls_server_config` with these further lines.
fn tls(lines: &str) -> String {
    format!("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  {lines}\n")
}

#[test]
fn settings_of_the_exporter_toolkit_are_accepted() {
    let directory = directory();
    let inline =
        |name: &str| fs::read_to_string(directory.path().join(name)).unwrap().replace('\n', "\n    ");
    let cases = [
        String::new(),
        "# nothing\n".into(),
        "---\nbasic_auth_users:\nhttp_server_config:\ntls_server_config:\n".into(),
        format!("basic_auth_users:\n  ada: {HASH}\n  \"bob\": '{HASH}'\n  1234: {HASH}\n"),
        "rate_limit:\n  interval: \"1s\" # a comment\n  burst: 20\n".into(),
        "rate_limit: {interval: 0}\n".into(),
        "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: ''\n".into(),
        tls(""),
        tls("min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: false"),
        tls("cipher_suites:\n  - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n  curve_preferences: [X25519]"),
        tls("client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: other.crt\n  client_allowed_sans: [a]"),
        tls("client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: other.crt"),
        tls("client_auth_type: RequireAnyClientCert"),
        tls("client_auth_type: RequestClientCert\n  cert: ''"),
        format!("tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n", inline("server.crt"), inline("server.key")),
    ];
    for content in cases {
        assert_eq!(read(&directory, &content).err(), None, "{content}");
    }
}

#[test]
fn other_content_is_an_error_with_its_place_and_what_is_allowed() {
    let directory = directory();
    let cases = [
        (
            "tls_server_conf:\n".to_owned(),
            "/web.yml:1:1: unknown field `tls_server_conf`, expected one of tls_server_config",
        ),
        (tls("cert_fil: a"), "/web.yml:4:3: unknown field `cert_fil`, expected one of cert, cert_file"),
        (tls("min_version: TLS11"), "/web.yml:4:16: \"TLS11\" is not supported"),
        (tls("min_version: TLS13\n  max_version: TLS12"), "min_version is above max_version"),
        (
            tls("min_version: TLS12\n  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]"),
            "none of the cipher",
        ),
        (tls("cipher_suites:\n  - TLS_RSA_WITH_RC4_128_SHA"), "/web.yml:5:5: cipher suite"),
        (tls("curve_preferences: [CurveP521]"), "allowed are X25519"),
        (tls("client_auth_type: Sometimes"), "RequireAndVerifyClientCert"),
        (tls("client_auth_type: RequireAndVerifyClientCert"), "needs client_ca_file"),
        (tls("client_ca_file: other.crt"), "client_auth_type does not request"),
        (tls("client_allowed_sans: [a]"), "client_allowed_sans needs"),
        (tls("client_auth_type: RequestClientCert\n  client_allowed_sans: [a]"), "client_allowed_sans needs"),
        (tls("cert: x"), "set cert or cert_file, not both"),
        (tls("prefer_server_cipher_suites: maybe"), "/web.yml:4:32: invalid boolean"),
        ("tls_server_config: {}\n".into(), "needs cert_file"),
        ("tls_server_config: {cert_file: server.crt}\n".into(), "needs key_file"),
        (
            "tls_server_config: {cert_file: none.crt, key_file: server.key}\n".into(),
            "/none.crt: No such file",
        ),
        ("tls_server_config: {cert_file: ., key_file: server.key}\n".into(), "/.: not a regular file"),
        (
            "tls_server_config: {cert_file: server.crt, key_file: other.key}\n".into(),
            "cannot use cert with key",
        ),
        (
            "tls_server_config: {cert_file: server.key, key_file: server.key}\n".into(),
            "cert is not a certificate",
        ),
        (
            "tls_server_config: {cert_file: server.crt, key_file: server.crt}\n".into(),
            "key is not an unencrypted private key",
        ),
        ("http_server_config:\n  http2: true\n".into(), "/web.yml:2:10: meshping speaks HTTP/1.1 only"),
        ("http_server_config:\n  headers:\n    X-Foo: bar\n".into(), "/web.yml:3:5: unknown field `X-Foo`"),
        ("http_server_config: {headers: {X-Frame-Options: allow}}\n".into(), "deny, sameorigin"),
        ("basic_auth_users:\n  ada: secret\n".into(), "/web.yml:2:8: write a password as its bcrypt hash"),
        (format!("basic_auth_users:\n  a:\n  b: {HASH}\n"), "/web.yml:2:4: the value is missing"),
        (format!("basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n"), "/web.yml:3:3: duplicate"),
        ("rate_limit: {interval: 5}\n".into(), "write it like 1s"),
        ("rate_limit: {interval: 1s}\n".into(), "burst 0 permits no requests"),
        ("- a list\n".into(), "/web.yml:1:1: expected mapping"),
        ("\u{1b}[31m: x\n".into(), "/web.yml:1:1: unexpected character: `\\u{1b}'"),
        ("a: [\n".into(), "/web.yml:1:1:"),
    ];
    for (content, expected) in cases {
        let error = read(&directory, &content).err().unwrap_or_default();
        assert!(error.contains(expected), "{content}\nexpected {expected}\nbut got {error}");
        assert!(!error.contains(char::is_control), "{error:?}");
        assert!(!error.contains("secret") && !error.contains(HASH), "{error}");
    }
    fs::write(directory.path().join("web.yml"), [0xff, 0xfe, 0x80]).unwrap();
    assert!(Protection::read(&directory.path().join("web.yml")).is_err());
    fs::write(directory.path().join("web.yml"), " ".repeat(2 << 20)).unwrap();
    assert!(Protection::read(&directory.path().join("web.yml")).is_err());
}

#[test]
fn nothing_is_protected_without_a_file() {
    let (protection, policy) = (Protection::default(), Protection::default().current());
    assert!(
        policy.tls.is_none() && policy.users.is_none() && policy.rate.is_none() && policy.headers.is_empty()
    );
    assert!(protection.state().is_none());
}

#[test]
fn removed_protection_is_detected() {
    let directory = directory();
    let policy = |content: &str| read(&directory, content).unwrap().current();
    let users = format!("basic_auth_users: {{ada: {HASH}}}\n");
    let certified = tls("client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: other.crt");
    let cases = [
        (users.clone(), tls(""), Some("basic_auth_users")),
        (tls(""), users.clone(), Some("tls_server_config")),
        (
            certified.clone(),
            tls("client_auth_type: RequireAnyClientCert"),
            Some("a client_auth_type that verifies"),
        ),
        (
            certified.clone(),
            tls("client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: other.crt"),
            None,
        ),
        (tls(""), certified, None),
        (tls(""), tls("") + &users, None),
        (String::new(), users, None),
    ];
    for (before, after, expected) in cases {
        assert_eq!(policy(&before).protects_more_than(&policy(&after)), expected, "{before}\n->\n{after}");
    }
}
