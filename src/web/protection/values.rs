//! The values in the file of `--web.config.file`, each parsed where it stands, so that an error has a line.

use actix_web::http::header::HeaderValue;
use bcrypt::HashParts;
use rustls::SupportedCipherSuite;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, kx_group};
use serde::Deserialize;
use std::time::Duration;

/// Parses what stands in the file, or says what could stand there.
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

from_text!(
    Bcrypt,
    Cipher,
    ClientAuth,
    ContentTypeOptions,
    Curve,
    FrameOptions,
    HeaderText,
    Pause,
    TlsVersion,
    UserName
);

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

/// HTTP/2, turned off: we speak HTTP/1.1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "bool")]
pub struct Http2;

impl TryFrom<bool> for Http2 {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Self, Self::Error> {
        if on { Err("meshping speaks HTTP/1.1 only: leave http2 out, or say false") } else { Ok(Self) }
    }
}

/// A header's text; not set if blank.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct HeaderText(pub HeaderValue);

impl HeaderText {
    fn parse(text: &str) -> Result<Self, String> {
        let value = HeaderValue::try_from(text);
        value.map(Self).map_err(|_| format!("{text:?} can't stand in a header"))
    }
}

/// The text of X-Frame-Options.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct FrameOptions(pub HeaderValue);

impl FrameOptions {
    fn parse(text: &str) -> Result<Self, String> {
        one_of(text, &["deny", "sameorigin"]).map(Self)
    }
}

/// The text of X-Content-Type-Options.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ContentTypeOptions(pub HeaderValue);

impl ContentTypeOptions {
    fn parse(text: &str) -> Result<Self, String> {
        one_of(text, &["nosniff"]).map(Self)
    }
}

fn one_of(text: &str, allowed: &'static [&'static str]) -> Result<HeaderValue, String> {
    let known = allowed.iter().chain(&[""]).find(|known| **known == text);
    let value = known.map(|known| HeaderValue::from_static(known));
    value.ok_or_else(|| format!("{text:?} is not allowed here, only {}", allowed.join(", ")))
}

/// The name of a user. A colon would end it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(pub String);

impl UserName {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains(':') {
            return Err(format!("{text:?} is no name of a user: it is empty, or has a colon"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A password's hash. Its text is kept out of errors.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Bcrypt {
    /// As it stands in the file.
    pub text: String,
    /// Each further one takes twice as long.
    pub cost: u32,
}

impl Bcrypt {
    /// 2 to the 18th rounds take seconds.
    const COSTS: std::ops::RangeInclusive<u32> = 4..=18;

    fn parse(text: &str) -> Result<Self, String> {
        let parts: Result<HashParts, _> = text.parse();
        let cost = parts.map_err(|_| {
            "a password is given as its bcrypt hash, as `htpasswd -nBC 10 USER` prints it behind the colon"
        })?;
        let cost = cost.get_cost();
        if !Self::COSTS.contains(&cost) {
            let (least, most) = (Self::COSTS.start(), Self::COSTS.end());
            return Err(format!("the cost of a bcrypt hash is {least} to {most}, not {cost}"));
        }
        Ok(Self { text: text.to_owned(), cost })
    }
}

/// A length of time as Go writes it: `1s`, `100ms`, `1m30s`; 0 needs no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pause(pub Duration);

impl Pause {
    fn parse(text: &str) -> Result<Self, String> {
        let duration = if text == "0" { Some(Duration::ZERO) } else { go_duration(text) };
        duration.map(Self).ok_or_else(|| format!("{text:?} is no length of time, write it like 1s or 100ms"))
    }
}

fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let (unit, length) =
            UNITS.iter().find_map(|(unit, length)| after.strip_prefix(unit).map(|_| (unit, length)))?;
        seconds += number.parse::<f64>().ok()? * length;
        rest = &after[unit.len()..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

/// Those first that others begin with.
const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_go_reads_them() {
        let cases = [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1s", Some(1_000_000)),
            ("100ms", Some(100_000)),
            ("1m30s", Some(90_000_000)),
            ("1.5h", Some(5_400_000_000)),
            ("20µs", Some(20)),
            ("", None),
            ("1", None),
            ("-1s", None),
            ("1d", None),
            ("s", None),
            ("1.2.3s", None),
            ("1e9s", None),
            ("99999999999999999999999h", None),
        ];
        for (text, micros) in cases {
            let pause = Pause::parse(text).ok();
            assert_eq!(pause, micros.map(|micros| Pause(Duration::from_micros(micros))), "{text}");
        }
    }

    #[test]
    fn what_go_has_and_we_have_not_is_told_with_what_we_have() {
        let told = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (told(Cipher::parse("TLS_RSA_WITH_AES_128_CBC_SHA").err()), "TLS_ECDHE_RSA_WITH_AES_128_GCM"),
            (told(Curve::parse("CurveP521").err()), "X25519, CurveP256, CurveP384"),
            (told(TlsVersion::parse("TLS10").err()), "TLS12, TLS13"),
            (told(ClientAuth::parse("Always").err()), "RequireAndVerifyClientCert"),
            (told(FrameOptions::parse("allow").err()), "deny, sameorigin"),
            (told(HeaderText::parse("a\nb").err()), "header"),
            (told(Bcrypt::parse("secret").err()), "htpasswd"),
            (told(Bcrypt::parse(&format!("$2b$31${}", ".".repeat(53))).err()), "4 to 18"),
            (told(UserName::parse("a:b").err()), "colon"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(Cipher::parse("TLS_AES_128_GCM_SHA256").is_ok());
        assert!(Cipher::parse("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256").is_ok());
    }
}
