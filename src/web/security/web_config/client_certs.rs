//! Checks of client certificates; the kinds are Go's.

use super::san::alternative_names;
use super::tls_values::ClientAuth;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// Checks the certificates of clients.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    kind: ClientAuth,
    /// Checks the signing authority if the kind verifies; otherwise only the hint which certificates to send.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    /// If set, a certificate must have one of these alternative names.
    names: Option<Vec<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    /// A verifier; `None` if clients need no certificate.
    ///
    /// # Errors
    /// Which settings contradict each other, for the operator.
    pub(super) fn new(
        kind: ClientAuth,
        authorities: Option<RootCertStore>,
        names: Option<Vec<String>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Self>, String> {
        check(kind, authorities.is_some(), names.is_some())?;
        if kind == ClientAuth::No {
            return Ok(None);
        }
        let build = |roots| {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            verifier.build().map_err(|error| format!("cannot use client_ca: {error}"))
        };
        let authorities = authorities.map(build).transpose()?;
        let algorithms = provider.signature_verification_algorithms;
        Ok(Some(Self { kind, authorities, names, algorithms }))
    }

    fn check_names(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(allowed) = &self.names else { return Ok(()) };
        let permitted = alternative_names(certificate).iter().any(|name| allowed.contains(name));
        if permitted { Ok(()) } else { Err(CertificateError::ApplicationVerificationFailure.into()) }
    }
}

fn check(kind: ClientAuth, authorities: bool, names: bool) -> Result<(), &'static str> {
    if kind == ClientAuth::No && authorities {
        return Err("client_ca is set, but client_auth_type does not request certificates");
    }
    if kind.verifies() && !authorities {
        return Err(
            "a client_auth_type that verifies needs client_ca_file; the system's authorities are not used",
        );
    }
    if names && !kind.is_mandatory() {
        return Err(
            "client_allowed_sans needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert",
        );
    }
    Ok(())
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.kind.is_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.as_ref().map_or(&[], |authorities| authorities.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        ParsedCertificate::try_from(end_entity)?;
        if self.kind.verifies() {
            let authorities = self.authorities.as_ref().ok_or(CertificateError::UnknownIssuer)?;
            authorities.verify_client_cert(end_entity, intermediates, now)?;
        }
        self.check_names(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
