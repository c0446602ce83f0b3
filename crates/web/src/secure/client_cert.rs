//! What is asked of a client's certificate.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use std::sync::Arc;
use tortie_client::server_side::subject_alt_names;
use tortie_config::web::ClientAuth;

/// Judges by authorities and names; that the client holds the key of what it shows is always checked.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    auth: ClientAuth,
    /// `None` when whose it is does not matter, or when there is no authority.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    names: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    pub(super) fn new(
        auth: ClientAuth,
        authorities: &str,
        names: Option<Vec<String>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<ClientVerifier, String> {
        let verifies = matches!(auth, ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify);
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(
            CertificateDer::pem_slice_iter(authorities.as_bytes()).filter_map(Result::ok),
        );
        let chain = if verifies && !roots.is_empty() {
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            Some(builder.build().map_err(|e| e.to_string())?)
        } else {
            None
        };
        Ok(ClientVerifier { auth, chain, names, provider })
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        matches!(self.auth, ClientAuth::RequireAny | ClientAuth::RequireAndVerify)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.as_ref().map_or(&[], |c| c.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match (&self.chain, self.auth) {
            (Some(chain), _) => {
                chain.verify_client_cert(end_entity, intermediates, now)?;
            }
            (None, ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify) => {
                return Err(CertificateError::UnknownIssuer.into());
            }
            (None, _) => {}
        }
        if let Some(allowed) = &self.names
            && !subject_alt_names(end_entity).iter().any(|n| allowed.contains(n))
        {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
