//! The schema of `--web.config.file`: the format of Prometheus' exporter toolkit. Unknown keys and unsupported values are
//! errors.
//!
//! Written by hand, with a type for each value, so that an error has line and column and states what is allowed.

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
    /// TLS; without it plain HTTP.
    pub tls_server_config: Option<TlsSection>,
    /// Settings of HTTP.
    pub http_server_config: Option<HttpSection>,
    /// The users; without it requests need no user.
    pub basic_auth_users: Option<BTreeMap<UserName, Bcrypt>>,
    /// Rate limit of requests.
    pub rate_limit: Option<RateSection>,
}

/// Settings of TLS. Certificates and keys are set as text or as a file, not both.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSection {
    /// The server's certificate chain in PEM.
    pub cert: Option<String>,
    /// The certificate chain, in a file.
    pub cert_file: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub key: Option<String>,
    /// The key, in a file.
    pub key_file: Option<PathBuf>,
    /// The authorities that sign certificates of clients, in PEM.
    pub client_ca: Option<String>,
    /// These authorities, in a file.
    pub client_ca_file: Option<PathBuf>,
    /// Whether clients need a certificate, and how it is checked.
    pub client_auth_type: Option<ClientAuth>,
    /// A client's certificate must have one of these alternative names.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The lowest version.
    pub min_version: Option<TlsVersion>,
    /// The highest version.
    pub max_version: Option<TlsVersion>,
    /// The cipher suites, in order of preference.
    pub cipher_suites: Option<Vec<Cipher>>,
    /// Whether the server's order of cipher suites applies, or the client's.
    pub prefer_server_cipher_suites: Option<bool>,
    /// The groups of the key exchange, in order of preference.
    pub curve_preferences: Option<Vec<Curve>>,
}

/// Settings of HTTP.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// HTTP/2; only `false` is allowed.
    pub http2: Option<Http2>,
    /// Additional headers of every response.
    pub headers: Option<Headers>,
}

/// The headers that the file can set.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Headers {
    /// Replaces our own policy.
    #[serde(rename = "Content-Security-Policy")]
    pub content_security_policy: Option<HeaderText>,
    /// Whether other pages may frame ours.
    #[serde(rename = "X-Frame-Options")]
    pub x_frame_options: Option<FrameOptions>,
    /// `nosniff`, which is the default.
    #[serde(rename = "X-Content-Type-Options")]
    pub x_content_type_options: Option<ContentTypeOptions>,
    /// Filter of old browsers.
    #[serde(rename = "X-XSS-Protection")]
    pub x_xss_protection: Option<HeaderText>,
    /// Makes browsers insist on TLS.
    #[serde(rename = "Strict-Transport-Security")]
    pub strict_transport_security: Option<HeaderText>,
}

/// Rate limit: a token bucket.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateSection {
    /// Time after which one more request is allowed; 0 for no limit.
    pub interval: Option<GoDuration>,
    /// Maximum number of requests without a pause.
    pub burst: Option<u32>,
}
