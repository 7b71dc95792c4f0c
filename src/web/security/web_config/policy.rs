//! What one content of the file demands: of connections, of requests, of responses.

use super::error::ConfigError;
use super::reader::WebConfigFiles;
use super::schema::{Headers, RateSection, WebConfigSchema};
use super::tls::Tls;
use crate::web::security::rate_limit::RateLimit;
use crate::web::security::users::Users;
use actix_web::http::header::{self, HeaderName, HeaderValue};

/// What is demanded; by default nothing.
#[derive(Default)]
pub struct Policy {
    /// How connections are encrypted; plain HTTP without.
    pub tls: Option<Tls>,
    /// Who may ask; everybody without.
    pub users: Option<Users>,
    /// What responses bear beside our own headers, or instead.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How often may be asked.
    pub rate: Option<RateLimit>,
}

impl Policy {
    /// Reads the file and those that it names.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn read(files: &mut WebConfigFiles) -> Result<Self, ConfigError> {
        Self::new(files.schema()?, files)
    }

    /// What the file demands.
    ///
    /// # Errors
    /// [`ConfigError`]: files that can't be read, and what does not go together.
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

    /// What these demand that the others don't any more: it would leave open what was protected.
    pub fn protects_more_than(&self, others: &Self) -> Option<&'static str> {
        let verifies = |rules: &Self| rules.tls.as_ref().is_some_and(|tls| tls.clients.verifies());
        if self.tls.is_some() && others.tls.is_none() {
            Some("tls_server_config")
        } else if self.users.is_some() && others.users.is_none() {
            Some("basic_auth_users")
        } else if verifies(self) && !verifies(others) {
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
        return Err(files.unusable("rate_limit with burst 0 would permit no request, give at least 1"));
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
    let given = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.filter(|(_, value)| !value.is_empty()).collect()
}
