//! Whether a server's certificate is taken: as Go judges it.

use crate::der;
use crate::roots::Roots;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;

/// Judges by authorities, or takes every certificate (`insecure_skip_verify`); signatures of the handshake are always
/// checked.
#[derive(Debug)]
pub(crate) struct Verifier {
    roots: Roots,
    /// `None` when there is no authority at all, or none is asked.
    chain: Option<Arc<WebPkiServerVerifier>>,
    takes_all: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(crate) fn new(roots: Roots, takes_all: bool, provider: Arc<CryptoProvider>) -> Verifier {
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots.store), Arc::clone(&provider));
        let chain = if takes_all { None } else { builder.build().ok() };
        Verifier { roots, chain, takes_all, provider }
    }

    /// A server may show a certificate that is an authority itself, as those that sign themselves are: then only name
    /// and time are looked at.
    fn is_itself_trusted(&self, shown: &CertificateDer<'_>) -> bool {
        self.roots.certificates.iter().any(|c| c.as_ref() == shown.as_ref())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.takes_all {
            return Ok(ServerCertVerified::assertion());
        }
        if self.is_itself_trusted(end_entity) {
            return by_itself(end_entity, server_name, now).map(|()| ServerCertVerified::assertion());
        }
        let judged = match &self.chain {
            Some(chain) => chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        // An authority that nobody knows: the library says of it that it is one.
        if let Err(Error::InvalidCertificate(CertificateError::Other(_))) = &judged
            && der::names_itself_as_issuer(end_entity)
        {
            by_itself(end_entity, server_name, now)?;
            return Err(CertificateError::UnknownIssuer.into());
        }
        judged
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

/// Time and name, in Go's order.
fn by_itself(shown: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    in_time(shown, now)?;
    let parsed = rustls::server::ParsedCertificate::try_from(shown)?;
    rustls::client::verify_server_name(&parsed, name)
}

fn in_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let Some((from, until)) = der::validity(certificate) else {
        return Err(CertificateError::BadEncoding.into());
    };
    let at =
        |seconds: i64| UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    if now > at(until) {
        return Err(CertificateError::ExpiredContext { time: now, not_after: at(until) }.into());
    }
    if now < at(from) {
        return Err(CertificateError::NotValidYetContext { time: now, not_before: at(from) }.into());
    }
    Ok(())
}
