//! Builds the configuration of rustls from `tls_server_config`.

use super::client_certs::ClientVerifier;
use super::error::ConfigError;
use super::reader::WebConfigFiles;
use super::schema::TlsSection;
use super::tls_values::{Cipher, ClientAuth, Curve, TlsVersion};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, SupportedProtocolVersion, WantsVerifier};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// TLS of the server.
#[derive(Clone)]
pub struct Tls {
    /// Accepts connections with a handshake.
    pub acceptor: TlsAcceptor,
    /// Whether clients need a certificate.
    pub clients: ClientAuth,
}

impl Tls {
    /// TLS as configured in this section.
    ///
    /// # Errors
    /// [`ConfigError`]: a file cannot be read, or settings contradict each other.
    pub fn new(section: TlsSection, files: &mut WebConfigFiles) -> Result<Self, ConfigError> {
        let certificate = files.text("cert", section.cert, section.cert_file)?;
        let key = files.text("key", section.key, section.key_file)?;
        let authorities = files.text("client_ca", section.client_ca, section.client_ca_file)?;
        let clients = section.client_auth_type.unwrap_or_default();
        let secret = Secret { certificate, key };
        let offer = TlsOffer {
            provider: provider(section.cipher_suites, section.curve_preferences),
            min_version: section.min_version.unwrap_or(TlsVersion::Tls12),
            max_version: section.max_version.unwrap_or(TlsVersion::Tls13),
            prefer_server_order: section.prefer_server_cipher_suites.unwrap_or(true),
        };
        let configured = authorities.map(|pem| roots(&pem)).transpose().and_then(|roots| {
            let checks = ClientVerifier::new(clients, roots, section.client_allowed_sans, &offer.provider)?;
            configure(&offer, checks, secret)
        });
        let config = configured.map_err(|text| files.invalid(text))?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), clients })
    }
}

/// The server's certificate chain and key in PEM.
struct Secret {
    certificate: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

/// Versions and algorithms that the server offers.
struct TlsOffer {
    provider: Arc<CryptoProvider>,
    min_version: TlsVersion,
    max_version: TlsVersion,
    prefer_server_order: bool,
}

fn configure(
    offer: &TlsOffer,
    clients: Option<ClientVerifier>,
    secret: Secret,
) -> Result<ServerConfig, String> {
    let (certificates, key) = parse(secret)?;
    let builder = versions(offer)?;
    let verified = clients.is_some();
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(certificates, key);
    let mut config = config.map_err(|error| format!("cannot use cert with key: {error}"))?;
    config.ignore_client_order = offer.prefer_server_order;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if verified {
        // A session could be resumed after the client's certificate has expired.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

fn parse(secret: Secret) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let certificate = secret.certificate.ok_or("tls_server_config needs cert_file (or cert)")?;
    let key = secret.key.ok_or("tls_server_config needs key_file (or key)")?;
    let certificates = certificates("cert", &certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&key);
    Ok((certificates, key.map_err(|_| "key is not an unencrypted private key in PEM")?))
}

fn certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates =
        certificates.map_err(|error| format!("{name} is not a certificate in PEM: {error}"))?;
    if certificates.is_empty() {
        Err(format!("{name} is not a certificate in PEM"))
    } else {
        Ok(certificates)
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", pem)? {
        roots.add(certificate).map_err(|error| format!("cannot use client_ca: {error}"))?;
    }
    Ok(roots)
}

/// The configured algorithms, or all of rustls. As in Go, TLS 1.3 keeps its suites if none of them is configured.
fn provider(suites: Option<Vec<Cipher>>, curves: Option<Vec<Curve>>) -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    if let Some(configured) = suites.filter(|suites| !suites.is_empty()) {
        let all = std::mem::take(&mut provider.cipher_suites);
        provider.cipher_suites = configured.into_iter().map(|cipher| cipher.0).collect();
        if !provider.cipher_suites.iter().any(|suite| suite.tls13().is_some()) {
            provider.cipher_suites.extend(all.into_iter().filter(|suite| suite.tls13().is_some()));
        }
    }
    if let Some(configured) = curves.filter(|curves| !curves.is_empty()) {
        provider.kx_groups = configured.into_iter().map(|curve| curve.0).collect();
    }
    Arc::new(provider)
}

fn versions(offer: &TlsOffer) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, String> {
    let known = [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)];
    let range = offer.min_version..=offer.max_version;
    let offered = known.into_iter().filter(|(version, _)| range.contains(version));
    let offered: Vec<&'static SupportedProtocolVersion> = offered.map(|(_, version)| version).collect();
    if offered.is_empty() {
        return Err("min_version is above max_version".into());
    }
    let builder = ServerConfig::builder_with_provider(Arc::clone(&offer.provider));
    let builder = builder.with_protocol_versions(&offered);
    builder
        .map_err(|_| "none of the cipher_suites belongs to a version from min_version to max_version".into())
}
