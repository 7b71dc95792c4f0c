//! The subject alternative names of a certificate. rustls has checked the certificate before; one that cannot be parsed here
//! counts as one without names.

use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// The alternative names as text: DNS names, mail addresses, IP addresses and URIs. Empty if the certificate has none, or
/// has the extension twice.
pub(super) fn alternative_names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension.value.general_names.iter().filter_map(text).collect()
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::RFC822Name(text) | GeneralName::DNSName(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType};

    fn certificate(names: Vec<SanType>, extensions: Vec<CustomExtension>) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names;
        params.custom_extensions = extensions;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    /// An extension with the identifier of alternative names and this content.
    fn extension(content: &[u8]) -> CustomExtension {
        CustomExtension::from_oid_content(&[2, 5, 29, 17], content.to_vec())
    }

    #[test]
    fn every_kind_of_name_is_found() {
        let names = vec![
            SanType::DnsName("prometheus.example".try_into().unwrap()),
            SanType::Rfc822Name("ops@example.net".try_into().unwrap()),
            SanType::URI("spiffe://example/prometheus".try_into().unwrap()),
            SanType::IpAddress("192.0.2.1".parse().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ];
        let expected = [
            "prometheus.example",
            "ops@example.net",
            "spiffe://example/prometheus",
            "192.0.2.1",
            "2001:db8::1",
        ];
        assert_eq!(alternative_names(&certificate(names, Vec::new())), expected);
    }

    #[test]
    fn names_that_cannot_be_read_are_left_out() {
        // A DNS name that is not UTF-8, an address of five bytes, a registered ID, and a DNS name.
        let content = b"\x30\x14\x82\x02\xff\xfe\x87\x05\x01\x02\x03\x04\x05\x88\x01\x2a\x82\x04good";
        assert_eq!(alternative_names(&certificate(Vec::new(), vec![extension(content)])), ["good"]);
    }

    #[test]
    fn a_certificate_with_two_lists_of_names_has_none() {
        let names = vec![SanType::DnsName("a.example".try_into().unwrap())];
        let second = extension(b"\x30\x06\x82\x04good");
        assert!(alternative_names(&certificate(names, vec![second])).is_empty());
    }

    #[test]
    fn truncated_certificates_and_noise_have_no_names() {
        assert!(alternative_names(&certificate(Vec::new(), Vec::new())).is_empty());
        let whole = certificate(vec![SanType::DnsName("a.example".try_into().unwrap())], Vec::new());
        for length in 0..whole.len() {
            assert!(alternative_names(&whole[..length]).is_empty(), "{length} bytes");
        }
        for noise in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0xff; 100]] {
            assert!(alternative_names(noise).is_empty());
        }
    }
}
