//! TLS of an object: what goes together, and whether certificates and keys are what they say.
//!
//! Certificates are checked down to their PEM blocks and the outermost DER element; what the operator's library finds
//! deeper inside is found by the client when it connects.

use super::Refusal;
use crate::crds::credentials::Store;
use crate::crds::types::Tls;
use base64::Engine as _;

/// Whether the settings go together. `files` says that the kind has fields for files.
pub(in crate::crds) fn check_tls(t: &Tls, files: bool) -> Result<(), Refusal> {
    for (name, what) in [("ca", &t.ca), ("cert", &t.cert)] {
        if what.secret.is_some() && what.config_map.is_some() {
            return Err(format!("{name} {what}: cannot specify both Secret and ConfigMap"));
        }
    }
    if let (Some(max), Some(min)) = (&t.max_version, &t.min_version)
        && max < min
    {
        return Err("maxVersion must more than or equal to minVersion".to_owned());
    }
    let refuse = |text: &str| Err(text.to_owned());
    let (cert, key) = (!t.cert.is_empty(), t.key_secret.is_some());
    if !files {
        return match (cert, key) {
            (true, false) => refuse("client cert specified without client key"),
            (false, true) => refuse("client key specified without client cert"),
            _ => Ok(()),
        };
    }
    if !t.ca.is_empty() && !t.ca_file.is_empty() {
        return refuse("cannot specify both 'caFile' and 'ca'");
    }
    if cert && !t.cert_file.is_empty() {
        return refuse("cannot specify both 'certFile' and 'cert'");
    }
    if key && !t.key_file.is_empty() {
        return refuse("cannot specify both 'keyFile' and 'keySecret'");
    }
    match (cert || !t.cert_file.is_empty(), key || !t.key_file.is_empty()) {
        (true, false) => refuse("cannot specify client cert without client key"),
        (false, true) => refuse("cannot specify client key without client cert"),
        _ => Ok(()),
    }
}

/// Loads what the settings refer to and looks at it.
pub(in crate::crds) fn load_tls(
    store: &Store<'_>,
    ns: &str,
    tls: Option<&Tls>,
    files: bool,
) -> Result<(), Refusal> {
    let Some(t) = tls else { return Ok(()) };
    check_tls(t, files).map_err(|e| format!("failed to validate TLS configuration: {e}"))?;
    let ca = store.load_either(ns, &t.ca).map_err(|e| format!("failed to get ca \"{}\": {e}", t.ca))?;
    let cert =
        store.load_either(ns, &t.cert).map_err(|e| format!("failed to get cert \"{}\": {e}", t.cert))?;
    let key = match &t.key_secret {
        Some(k) => store.load(ns, k).map_err(|e| format!("failed to get key {}/{}: {e}", k.name, k.key))?,
        None => Vec::new(),
    };
    if !ca.is_empty() {
        let Some(first) = blocks(&ca).into_iter().next() else {
            return Err(format!("ca {}: failed to decode PEM block", t.ca));
        };
        if !is_der(&first.1) {
            return Err(format!("ca {}: failed to parse certificate: x509: malformed certificate", t.ca));
        }
    }
    if cert.is_empty() || key.is_empty() {
        return Ok(());
    }
    let named = t.key_secret.as_ref().map_or_else(String::new, |k| format!("{}/{}", k.name, k.key));
    pair(&cert, &key).map_err(|e| format!("cert {}, key <{named}>: {e}", t.cert))
}

fn pair(cert: &[u8], key: &[u8]) -> Result<(), &'static str> {
    let certificates = blocks(cert);
    if !certificates.iter().any(|(label, _)| label == "CERTIFICATE") {
        return Err(if certificates.is_empty() {
            "tls: failed to find any PEM data in certificate input"
        } else {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
        });
    }
    let keys = blocks(key);
    if !keys.iter().any(|(label, _)| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY")) {
        return Err(if keys.is_empty() {
            "tls: failed to find any PEM data in key input"
        } else {
            "tls: found a certificate rather than a key in the PEM for the private key"
        });
    }
    Ok(())
}

/// The PEM blocks of a text: label and content.
fn blocks(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let mut out = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let inside = |prefix: &str| line.strip_prefix(prefix).and_then(|l| l.strip_suffix("-----"));
        if let Some(label) = inside("-----BEGIN ") {
            open = Some((label.to_owned(), String::new()));
        } else if let Some(label) = inside("-----END ") {
            if let Some((begun, body)) = open.take().filter(|(begun, _)| begun == label)
                && let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(body)
            {
                out.push((begun, bytes));
            }
        } else if let Some((_, body)) = &mut open
            && !line.contains(':')
        {
            body.push_str(line.trim());
        }
    }
    out
}

/// Whether the bytes are one DER sequence of the length it says.
fn is_der(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else { return false };
    let (length, rest) = match length {
        0x81..=0x84 => {
            let n = usize::from(length & 0x7f);
            let Some((head, tail)) = rest.split_at_checked(n) else { return false };
            (head.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)), tail)
        }
        short if *short < 0x80 => (usize::from(*short), rest),
        _ => return false,
    };
    rest.len() == length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_go_together() {
        let check = |json: &str, files, expect: Result<(), &str>| {
            let tls: Tls = serde_json::from_str(json).unwrap();
            assert_eq!(check_tls(&tls, files), expect.map_err(str::to_owned), "{json}");
        };
        check(
            r#"{"minVersion":"TLS12","maxVersion":"TLS11"}"#,
            false,
            Err("maxVersion must more than or equal to minVersion"),
        );
        check(r#"{"cert":{"secret":{"name":"a"}}}"#, false, Err("client cert specified without client key"));
        check(r#"{"certFile":"a"}"#, true, Err("cannot specify client cert without client key"));
        check(r#"{"certFile":"a","keyFile":"b"}"#, true, Ok(()));
        check(
            r#"{"ca":{"secret":{"name":"a","key":"b"},"configMap":{"name":"c"}}}"#,
            true,
            Err("ca <secret=a,key=b>: cannot specify both Secret and ConfigMap"),
        );
    }

    #[test]
    fn blocks_of_pem() {
        let text = b"x\n-----BEGIN A-----\nMAA=\n-----END A-----\n-----BEGIN B-----\n!\n-----END B-----\n";
        let found = blocks(text);
        assert_eq!(found, [("A".to_owned(), vec![0x30, 0])]);
        assert!(is_der(&found[0].1) && !is_der(&[0x30, 1]) && !is_der(b"abc"));
    }
}
