//! The file of `--web.config.file` as it is written: the format of Prometheus' exporter toolkit. What is not in
//! here is an error, and so is every value that can't be done.

use super::go_duration::GoDuration;
use super::tls_values::{Cipher, ClientAuth, Curve, TlsVersion};
use super::values::{ContentTypeOptions, FrameOptions, HeaderText, Http2};
use crate::web::security::users::{Bcrypt, UserName};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfigSchema {
    /// TLS; plain HTTP without it.
    pub tls_server_config: Option<TlsSection>,
    /// What is said in HTTP.
    pub http_server_config: Option<HttpSection>,
    /// Who may use it; everybody without it.
    pub basic_auth_users: Option<BTreeMap<UserName, Bcrypt>>,
    /// How often it may be used.
    pub rate_limit: Option<RateSection>,
}

/// How to speak TLS. What is given as text may be given as a file, but not both.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSection {
    /// Our certificate, in PEM, with those that lead to its authority.
    pub cert: Option<String>,
    /// Likewise, in a file.
    pub cert_file: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub key: Option<String>,
    /// Likewise, in a file.
    pub key_file: Option<PathBuf>,
    /// The authorities that vouch for clients, in PEM.
    pub client_ca: Option<String>,
    /// Likewise, in a file.
    pub client_ca_file: Option<PathBuf>,
    /// What is asked of clients.
    pub client_auth_type: Option<ClientAuth>,
    /// A client's certificate must be for one of these.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The oldest version.
    pub min_version: Option<TlsVersion>,
    /// The latest version.
    pub max_version: Option<TlsVersion>,
    /// The cipher suites, the best one first.
    pub cipher_suites: Option<Vec<Cipher>>,
    /// Whether our order counts, rather than the client's.
    pub prefer_server_cipher_suites: Option<bool>,
    /// The groups of the key exchange, the best one first.
    pub curve_preferences: Option<Vec<Curve>>,
}

/// What is said in HTTP.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// Can only be turned off.
    pub http2: Option<Http2>,
    /// Further headers of every response.
    pub headers: Option<Headers>,
}

/// The headers that can be set.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Headers {
    /// Instead of our own.
    #[serde(rename = "Content-Security-Policy")]
    pub content_security_policy: Option<HeaderText>,
    /// Who may frame us.
    #[serde(rename = "X-Frame-Options")]
    pub x_frame_options: Option<FrameOptions>,
    /// We say that anyway.
    #[serde(rename = "X-Content-Type-Options")]
    pub x_content_type_options: Option<ContentTypeOptions>,
    /// For old browsers.
    #[serde(rename = "X-XSS-Protection")]
    pub x_xss_protection: Option<HeaderText>,
    /// Has browsers insist on TLS.
    #[serde(rename = "Strict-Transport-Security")]
    pub strict_transport_security: Option<HeaderText>,
}

/// How often requests may come: a bucket of tokens.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateSection {
    /// One more request is permitted after each of these; no limit with 0.
    pub interval: Option<GoDuration>,
    /// So many are permitted at once.
    pub burst: Option<u32>,
}
