//! The values of `tls_server_config`, each parsed where it stands, so that an error has a line.

use rustls::SupportedCipherSuite;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, kx_group};
use serde::Deserialize;

from_text!(Cipher, ClientAuth, Curve, TlsVersion);

/// What is asked of clients; the names are Go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum ClientAuth {
    /// Nothing.
    #[default]
    No,
    /// A certificate, if they have one, whichever.
    Request,
    /// A certificate, whichever.
    RequireAny,
    /// If they have a certificate it must be good.
    VerifyIfGiven,
    /// A good certificate.
    RequireAndVerify,
}

impl ClientAuth {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" | "NoClientCert" => Ok(Self::No),
            "RequestClientCert" => Ok(Self::Request),
            "RequireAnyClientCert" | "RequireClientCert" => Ok(Self::RequireAny),
            "VerifyClientCertIfGiven" => Ok(Self::VerifyIfGiven),
            "RequireAndVerifyClientCert" => Ok(Self::RequireAndVerify),
            _ => Err(format!(
                "client_auth_type {text:?} is none of NoClientCert, RequestClientCert, RequireAnyClientCert, \
                 VerifyClientCertIfGiven, RequireAndVerifyClientCert"
            )),
        }
    }

    /// Whether a certificate that was accepted says who the client is.
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    /// Whether there is no connection without a certificate.
    pub fn is_mandatory(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum TlsVersion {
    /// 1.2
    Tls12,
    /// 1.3
    Tls13,
}

impl TlsVersion {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "TLS12" => Ok(Self::Tls12),
            "TLS13" => Ok(Self::Tls13),
            "TLS10" | "TLS11" => Err(format!("{text} is too old to be offered, choose one of TLS12, TLS13")),
            _ => Err(format!("{text:?} is no version of TLS, choose one of TLS12, TLS13")),
        }
    }
}

/// A cipher suite that we have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Cipher(pub SupportedCipherSuite);

impl Cipher {
    fn parse(text: &str) -> Result<Self, String> {
        let suite = ALL_CIPHER_SUITES.iter().find(|suite| name_of(suite) == text);
        suite.copied().map(Self).ok_or_else(|| {
            let names: Vec<String> = ALL_CIPHER_SUITES.iter().map(name_of).collect();
            format!("cipher suite {text:?} is not offered, choose from {}", names.join(", "))
        })
    }
}

/// What Go calls it.
fn name_of(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// A group of the key exchange that we have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Curve(pub &'static dyn SupportedKxGroup);

impl Curve {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "X25519" => Ok(Self(kx_group::X25519)),
            "CurveP256" => Ok(Self(kx_group::SECP256R1)),
            "CurveP384" => Ok(Self(kx_group::SECP384R1)),
            _ => Err(format!("curve {text:?} is not offered, choose from X25519, CurveP256, CurveP384")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_has_and_we_have_not_is_told_with_what_we_have() {
        let told = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (told(Cipher::parse("TLS_RSA_WITH_AES_128_CBC_SHA").err()), "TLS_ECDHE_RSA_WITH_AES_128_GCM"),
            (told(Curve::parse("CurveP521").err()), "X25519, CurveP256, CurveP384"),
            (told(TlsVersion::parse("TLS10").err()), "TLS12, TLS13"),
            (told(ClientAuth::parse("Always").err()), "RequireAndVerifyClientCert"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(Cipher::parse("TLS_AES_128_GCM_SHA256").is_ok());
        assert!(Cipher::parse("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256").is_ok());
    }
}
