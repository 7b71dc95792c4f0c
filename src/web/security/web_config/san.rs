//! The alternative names that a certificate is for: as much of DER as that takes. The certificate has been parsed
//! by rustls before; what makes no sense here has no names.

use std::net::IpAddr;

/// The alternative names of a certificate as text: DNS names, addresses of mail and of hosts, URIs.
pub(super) fn alternative_names(certificate: &[u8]) -> Vec<String> {
    let names = extension(certificate).and_then(|value| Some(element(value)?.content));
    Elements(names.unwrap_or_default()).filter_map(|name| text(&name)).collect()
}

/// The value of the extension `subjectAltName` (RFC 5280, 4.1 and 4.2.1.6).
fn extension(certificate: &[u8]) -> Option<&[u8]> {
    let signed = element(element(certificate)?.content)?.content;
    let extensions = Elements(signed).find(|field| field.tag == EXTENSIONS)?;
    let mut extensions = Elements(element(extensions.content)?.content);
    let names = extensions.find(|extension| {
        element(extension.content).is_some_and(|id| id.tag == OBJECT_ID && id.content == SUBJECT_ALT_NAME)
    })?;
    Elements(names.content).find(|field| field.tag == OCTET_STRING).map(|value| value.content)
}

const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

fn text(name: &Element<'_>) -> Option<String> {
    const MAIL: u8 = 0x81;
    const DNS: u8 = 0x82;
    const URI: u8 = 0x86;
    const ADDRESS: u8 = 0x87;
    match name.tag {
        MAIL | DNS | URI => std::str::from_utf8(name.content).ok().map(str::to_owned),
        ADDRESS => address(name.content).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6)
}

/// One element of DER.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
}

fn element(der: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag, content, rest })
}

/// The elements that follow each other.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = element(self.0)?;
        self.0 = next.rest;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn every_kind_of_name_is_found() {
        let names = certificate(vec![
            SanType::DnsName("prometheus.example".try_into().unwrap()),
            SanType::Rfc822Name("ops@example.net".try_into().unwrap()),
            SanType::URI("spiffe://example/prometheus".try_into().unwrap()),
            SanType::IpAddress("192.0.2.1".parse().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ]);
        let expected = [
            "prometheus.example",
            "ops@example.net",
            "spiffe://example/prometheus",
            "192.0.2.1",
            "2001:db8::1",
        ];
        assert_eq!(alternative_names(&names), expected);
    }

    #[test]
    fn what_is_cut_off_or_noise_has_no_names_and_does_no_harm() {
        assert!(alternative_names(&certificate(Vec::new())).is_empty());
        let whole = certificate(vec![SanType::DnsName("a.example".try_into().unwrap())]);
        for length in 0..whole.len() {
            let _ = alternative_names(&whole[..length]);
        }
        for noise in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0xff; 100]] {
            assert!(alternative_names(noise).is_empty());
        }
    }
}
