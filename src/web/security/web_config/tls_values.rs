//! Values of `tls_server_config`. Each is parsed during deserialization, so that an error has line and column.

use rustls::SupportedCipherSuite;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, kx_group};
use serde::Deserialize;
use strum::{EnumString, VariantNames};

from_text!(Cipher, ClientAuth, Curve, TlsVersion);

/// Whether clients need a certificate, and how it is checked. The texts are Go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, EnumString, VariantNames)]
#[serde(try_from = "String")]
pub enum ClientAuth {
    /// No certificate.
    #[default]
    #[strum(to_string = "NoClientCert", serialize = "")]
    No,
    /// Requests a certificate, and accepts any or none.
    #[strum(to_string = "RequestClientCert")]
    Request,
    /// Requires a certificate, and accepts any.
    #[strum(to_string = "RequireAnyClientCert", serialize = "RequireClientCert")]
    RequireAny,
    /// Verifies a certificate if the client has one.
    #[strum(to_string = "VerifyClientCertIfGiven")]
    VerifyIfGiven,
    /// Requires a certificate and verifies it.
    #[strum(to_string = "RequireAndVerifyClientCert")]
    RequireAndVerify,
}

impl ClientAuth {
    fn parse(text: &str) -> Result<Self, String> {
        let error =
            |_| format!("client_auth_type {text:?} is unknown; allowed are {}", Self::VARIANTS.join(", "));
        text.parse().map_err(error)
    }

    /// Whether an accepted certificate identifies the client.
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    /// Whether connections without a certificate are rejected.
    pub fn is_mandatory(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, EnumString, VariantNames)]
#[serde(try_from = "String")]
#[strum(serialize_all = "UPPERCASE")]
pub enum TlsVersion {
    /// 1.2
    Tls12,
    /// 1.3
    Tls13,
}

impl TlsVersion {
    fn parse(text: &str) -> Result<Self, String> {
        let problem =
            if matches!(text, "TLS10" | "TLS11") { "is not supported" } else { "is not a version of TLS" };
        text.parse().map_err(|_| format!("{text:?} {problem}; allowed are {}", Self::VARIANTS.join(", ")))
    }
}

/// A supported cipher suite.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Cipher(pub SupportedCipherSuite);

impl Cipher {
    fn parse(text: &str) -> Result<Self, String> {
        let suite = ALL_CIPHER_SUITES.iter().find(|suite| name_of(suite) == text);
        suite.copied().map(Self).ok_or_else(|| {
            let names: Vec<String> = ALL_CIPHER_SUITES.iter().map(name_of).collect();
            format!("cipher suite {text:?} is not supported; allowed are {}", names.join(", "))
        })
    }
}

/// Its name in Go.
fn name_of(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// A supported group of the key exchange.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Curve(pub &'static dyn SupportedKxGroup);

impl Curve {
    fn parse(text: &str) -> Result<Self, String> {
        let curve = CURVES.iter().find(|(name, _)| *name == text);
        curve.map(|(_, group)| Self(*group)).ok_or_else(|| {
            let names = CURVES.map(|(name, _)| name).join(", ");
            format!("curve {text:?} is not supported; allowed are {names}")
        })
    }
}

/// The supported groups, by their names in Go.
static CURVES: [(&str, &dyn SupportedKxGroup); 3] =
    [("X25519", kx_group::X25519), ("CurveP256", kx_group::SECP256R1), ("CurveP384", kx_group::SECP384R1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_about_unsupported_values_list_the_supported_ones() {
        let message = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (message(Cipher::parse("TLS_RSA_WITH_AES_128_CBC_SHA").err()), "TLS_ECDHE_RSA_WITH_AES_128_GCM"),
            (message(Curve::parse("CurveP521").err()), "X25519, CurveP256, CurveP384"),
            (message(TlsVersion::parse("TLS10").err()), "TLS12, TLS13"),
            (message(ClientAuth::parse("Always").err()), "RequireAndVerifyClientCert"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert_eq!(ClientAuth::parse(""), Ok(ClientAuth::No));
        assert_eq!(ClientAuth::parse("RequireClientCert"), Ok(ClientAuth::RequireAny));
        assert!(Cipher::parse("TLS_AES_128_GCM_SHA256").is_ok());
        assert!(Cipher::parse("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256").is_ok());
    }
}
