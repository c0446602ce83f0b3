//! Until when a credential is good: what a client certificate and a token say about themselves.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::path::Path;
use tortie_host::{Fs, RealFs};

/// Says which credential of a kubeconfig's user is over at `now`; `None` when none is known to be.
pub(super) fn over(auth: &AuthInfo, now: Timestamp) -> Option<String> {
    let said = |what: &str, until: Option<Timestamp>| {
        until.filter(|u| *u <= now).map(|u| format!("{what} expired at {u}"))
    };
    let token = auth.token.as_ref().map(ExposeSecret::expose_secret);
    said("its client certificate", certificate(auth).as_deref().and_then(of_certificate))
        .or_else(|| said("its token", token.and_then(of_token)))
}

/// The PEM of the client certificate, wherever it stands.
fn certificate(auth: &AuthInfo) -> Option<Vec<u8>> {
    match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => STANDARD.decode(data.trim()).ok(),
        (None, Some(path)) => RealFs.read(Path::new(path)).ok(),
        (None, None) => None,
    }
}

/// When the first certificate of a PEM text ends.
fn of_certificate(pem: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).ok()?;
    // RFC 5280, 4.1: Certificate, in it tbsCertificate: [0] version, serialNumber, signature, issuer, validity, ...
    let (_, certificate, _) = element(&der)?;
    let (_, mut fields, _) = element(certificate)?;
    let (tag, _, rest) = element(fields)?;
    if tag == 0xa0 {
        fields = rest;
    }
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (_, validity, _) = element(fields)?;
    let (_, _, rest) = element(validity)?;
    let (tag, until, _) = element(rest)?;
    time(tag, std::str::from_utf8(until).ok()?)
}

/// One element of DER: its tag, its content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `UTCTime` (years 1950 to 2049) or `GeneralizedTime`, both with seconds and in UTC.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let whole = match tag {
        0x17 if text.get(..2)?.parse::<u8>().ok()? < 50 => format!("20{text}"),
        0x17 => format!("19{text}"),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| whole.get(from..to);
    let iso = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    iso.parse().ok()
}

/// When a token ends, if it says so: the claim `exp` of a JSON web token.
pub(super) fn of_token(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    Timestamp::from_second(claims.exp as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with openssl: valid until 2031-05-06 07:08:09.
    const PEM: &str = "-----BEGIN CERTIFICATE-----
MIH/MIGmAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXgwHhcNMjYwMTAxMDAw
MDAwWhcNMzEwNTA2MDcwODA5WjAMMQowCAYDVQQDDAF4MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEBqmL1TgNqYJZIjQryiMpOg9GCMDsJB+Hrkn9jfribSGvGdbX
HuFwQJwRWpy2rhIUzRf0yOmUk4gjha+JBGsUXDAKBggqhkjOPQQDAgNIADBFAiEA
ght77KBNpD/BJnoTG4UBpECt56hFiYAPVS35iw+USxsCIF0qLSUTdCDxP9f98FNQ
QWqPF96j3b5ZMuo84Zn6OGWL
-----END CERTIFICATE-----
";

    #[test]
    fn certificates() {
        #[track_caller]
        fn check(pem: &str, expect: Option<&str>) {
            assert_eq!(of_certificate(pem.as_bytes()).map(|t| t.to_string()).as_deref(), expect);
        }
        check(PEM, Some("2031-05-06T07:08:09Z"));
        check("", None);
        check("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", None);
        // Cut anywhere, it is none, and nothing worse.
        for end in (0..PEM.len() - 30).step_by(7) {
            check(&format!("{}\n-----END CERTIFICATE-----", &PEM[..end]), None);
        }
    }

    #[test]
    fn times_of_both_kinds() {
        #[track_caller]
        fn check(tag: u8, text: &str, expect: Option<&str>) {
            assert_eq!(time(tag, text).map(|t| t.to_string()).as_deref(), expect, "{text}");
        }
        check(0x17, "491231235959Z", Some("2049-12-31T23:59:59Z"));
        check(0x17, "500101000000Z", Some("1950-01-01T00:00:00Z"));
        check(0x18, "20510101000000Z", Some("2051-01-01T00:00:00Z"));
        check(0x17, "4", None);
        check(0x17, "999999999999Z", None);
        check(0x04, "491231235959Z", None);
    }

    #[test]
    fn tokens() {
        #[track_caller]
        fn check(payload: &str, expect: Option<&str>) {
            let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload));
            assert_eq!(of_token(&token).map(|t| t.to_string()).as_deref(), expect, "{payload}");
        }
        check(r#"{"exp": 1900000000}"#, Some("2030-03-17T17:46:40Z"));
        check(r#"{"exp": 1.9e9}"#, Some("2030-03-17T17:46:40Z"));
        check("{}", None);
        check("[", None);
        assert_eq!(of_token("opaque"), None);
        assert_eq!(of_token("a.!.c"), None);
    }
}
