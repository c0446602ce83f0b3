//! Authorities: those of the system, read once, or those that a configuration names.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::{Arc, OnceLock};

/// Authorities, and their certificates as they stand.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    pub(crate) store: Arc<RootCertStore>,
    /// A server may show one of these itself. Empty for those of the system.
    pub(crate) certificates: Arc<[CertificateDer<'static>]>,
}

impl Roots {
    /// The system's, as `SSL_CERT_FILE` and `SSL_CERT_DIR` say or where the system keeps them; perhaps none.
    pub(crate) fn of_system() -> Roots {
        static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
        let store = SYSTEM.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for e in &found.errors {
                tracing::debug!(component = "http client", err = %e, "an authority of the system cannot be read");
            }
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(found.certs);
            Arc::new(store)
        });
        Roots { store: Arc::clone(store), certificates: Arc::new([]) }
    }

    /// All certificates of a text in PEM; `None` when there is none, as Go's `AppendCertsFromPEM`.
    pub(crate) fn from_pem(pem: &str) -> Option<Roots> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect();
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(certificates.iter().cloned());
        (added > 0).then(|| Roots { store: Arc::new(store), certificates: certificates.into() })
    }
}
