//! The one place that chooses the cryptography.

use rustls::crypto::CryptoProvider;
use std::sync::{Arc, OnceLock};

/// The cryptography of all TLS in this program: ring.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}
