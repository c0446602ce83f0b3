//! Certificates made for one test: an authority, and what it signs.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// An authority.
pub(crate) struct Pki {
    /// Its certificate in PEM.
    pub(crate) ca: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut p = CertificateParams::new(names).unwrap();
    p.distinguished_name.push(DnType::CommonName, common_name);
    p.not_before = rcgen::date_time_ymd(2020, 1, 1);
    p.not_after = rcgen::date_time_ymd(2039, 1, 1);
    p
}

impl Pki {
    pub(crate) fn new(name: &str) -> Pki {
        let key = KeyPair::generate().unwrap();
        let mut p = params(name, &[]);
        p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        p.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = p.self_signed(&key).unwrap().pem();
        Pki { ca, issuer: Issuer::new(p, key) }
    }

    /// A certificate for these names and addresses, signed by the authority.
    pub(crate) fn leaf(&self, common_name: &str, names: &[&str]) -> Pair {
        let key = KeyPair::generate().unwrap();
        let cert = params(common_name, names).signed_by(&key, &self.issuer).unwrap().pem();
        Pair { cert, key: key.serialize_pem() }
    }

    /// The same, which is over since 2021.
    #[allow(dead_code)] // not every test binary that includes this file needs it
    pub(crate) fn expired(&self, names: &[&str]) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut p = params("expired", names);
        p.not_after = rcgen::date_time_ymd(2021, 1, 1);
        Pair { cert: p.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// A certificate that signs itself and says that it is an authority, as `openssl req -x509` makes them.
#[allow(dead_code)] // not every test binary that includes this file needs it
pub(crate) fn self_signed(names: &[&str]) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut p = params("self", names);
    p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Pair { cert: p.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}
