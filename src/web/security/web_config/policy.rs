//! The settings of one content of the file: for connections, requests and responses.

use super::error::ConfigError;
use super::reader::WebConfigFiles;
use super::schema::{Headers, RateSection, WebConfigSchema};
use super::tls_offer::Tls;
use crate::web::security::rate_limit::RateLimit;
use crate::web::security::users::Users;
use actix_web::http::header::{self, HeaderName, HeaderValue};

/// How the server is protected; by default not at all.
#[derive(Default)]
pub struct Policy {
    /// TLS; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// The users; `None` if requests need no user.
    pub users: Option<Users>,
    /// Headers of responses, in addition to our own or in their place.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Rate limit of requests.
    pub rate: Option<RateLimit>,
}

impl Policy {
    /// Reads the file and the files that it names.
    ///
    /// # Errors
    /// [`ConfigError`]: a file cannot be read, or is invalid.
    pub fn read(files: &mut WebConfigFiles) -> Result<Self, ConfigError> {
        Self::new(files.schema()?, files)
    }

    /// Builds the policy from the parsed file.
    ///
    /// # Errors
    /// [`ConfigError`]: a file that it names cannot be read, or settings contradict each other.
    pub fn new(schema: WebConfigSchema, files: &mut WebConfigFiles) -> Result<Self, ConfigError> {
        let users = schema.basic_auth_users.unwrap_or_default();
        let http = schema.http_server_config.unwrap_or_default();
        Ok(Self {
            rate: schema.rate_limit.and_then(|section| rate(&section, files).transpose()).transpose()?,
            tls: schema.tls_server_config.map(|section| Tls::new(section, files)).transpose()?,
            users: Users::new(users),
            headers: headers(http.headers.unwrap_or_default()),
        })
    }

    /// The first setting that protects here and not in the other policy.
    pub fn protects_more_than(&self, other: &Self) -> Option<&'static str> {
        let verifies = |policy: &Self| policy.tls.as_ref().is_some_and(|tls| tls.clients.verifies());
        if self.tls.is_some() && other.tls.is_none() {
            Some("tls_server_config")
        } else if self.users.is_some() && other.users.is_none() {
            Some("basic_auth_users")
        } else if verifies(self) && !verifies(other) {
            Some("a client_auth_type that verifies")
        } else {
            None
        }
    }
}

fn rate(section: &RateSection, files: &WebConfigFiles) -> Result<Option<RateLimit>, ConfigError> {
    let interval = section.interval.as_ref().map(|interval| interval.0).unwrap_or_default();
    let burst = section.burst.unwrap_or_default();
    if interval.is_zero() {
        return Ok(None);
    }
    if burst == 0 {
        return Err(files.invalid("rate_limit with burst 0 permits no requests; set burst to at least 1"));
    }
    Ok(Some(RateLimit { interval, burst }))
}

fn headers(section: Headers) -> Vec<(HeaderName, HeaderValue)> {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, section.content_security_policy.map(|text| text.0)),
        (header::X_FRAME_OPTIONS, section.x_frame_options.map(|text| text.0)),
        (header::X_CONTENT_TYPE_OPTIONS, section.x_content_type_options.map(|text| text.0)),
        (header::X_XSS_PROTECTION, section.x_xss_protection.map(|text| text.0)),
        (header::STRICT_TRANSPORT_SECURITY, section.strict_transport_security.map(|text| text.0)),
    ];
    let set = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
    set.filter(|(_, value)| !value.is_empty()).collect()
}
