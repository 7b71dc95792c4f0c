//! Protection of the server: TLS, users, limits, and checks against requests that other sites make a browser send.

/// Deserializes from text with `parse`, whose error states the allowed values.
macro_rules! from_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
    )+};
}

pub(super) mod auth;
pub(super) mod csrf;
pub(super) mod peer;
#[deny(clippy::disallowed_methods)]
pub(super) mod rate_limit;
pub(super) mod rejections;
mod users;
pub(super) mod web_config;
