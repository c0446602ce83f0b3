//! The file of `--web.config.file`: TLS and users of the server itself, with the checks and words of Prometheus'
//! exporter-toolkit.

use crate::diagnostics::Diagnostics;
use crate::http_client::{Source, TlsVersion};
use crate::read::{self, Errors, Section};
use crate::secret::Secret;
use crate::yaml::{self, Node, Value};
use crate::{Diagnostic, paths};

/// Path of the file in the key table.
const ROOT: &str = "web.yml";

/// A whole file, checked; certificates are not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebConfig {
    /// Section `tls_server_config`, when it turns TLS on.
    pub tls: Option<WebTls>,
    /// Headers of every answer.
    pub headers: Vec<(String, String)>,
    /// Requests that may come at once, and nanoseconds until one more may; `None` for no limit.
    pub rate_limit: Option<(u64, u64)>,
    /// Names of users with their bcrypt hashes; with none everybody may come.
    pub users: Vec<(String, Secret)>,
}

/// Section `tls_server_config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebTls {
    /// Certificate chain in PEM.
    pub cert: Source,
    /// Its key in PEM.
    pub key: Source,
    /// Authorities of clients in PEM.
    pub client_ca: Source,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// Names of which a client's certificate must have one, when any is given.
    pub client_allowed_sans: Option<Vec<String>>,
    /// Names of cipher suites of TLS 1.2, in Go's spelling; empty for all.
    pub cipher_suites: Vec<String>,
    /// Names of curves, in Go's spelling; empty for all.
    pub curves: Vec<String>,
    /// Least version.
    pub min_version: Option<TlsVersion>,
    /// Greatest version.
    pub max_version: Option<TlsVersion>,
}

/// What a server asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Nothing.
    #[default]
    None,
    /// A certificate may be shown; whose it is does not matter.
    Request,
    /// A certificate must be shown; whose it is does not matter.
    RequireAny,
    /// A certificate that is shown must be of the authorities.
    VerifyIfGiven,
    /// A certificate of the authorities must be shown.
    RequireAndVerify,
}

impl ClientAuth {
    fn parse(name: &str) -> Option<ClientAuth> {
        Some(match name {
            "" | "NoClientCert" => ClientAuth::None,
            "RequestClientCert" => ClientAuth::Request,
            "RequireAnyClientCert" | "RequireClientCert" => ClientAuth::RequireAny,
            "VerifyClientCertIfGiven" => ClientAuth::VerifyIfGiven,
            "RequireAndVerifyClientCert" => ClientAuth::RequireAndVerify,
            _ => return None,
        })
    }
}

/// Cipher suites that Go has a name for and does not call insecure; whether they are spoken here.
pub const CIPHERS: [(&str, bool); 13] = [
    ("TLS_AES_128_GCM_SHA256", true),
    ("TLS_AES_256_GCM_SHA384", true),
    ("TLS_CHACHA20_POLY1305_SHA256", true),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", false),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", true),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", false),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", true),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", true),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", false),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", false),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", true),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", true),
];

/// Curves that may be named; whether they are spoken here.
pub const CURVES: [(&str, bool); 4] =
    [("CurveP256", true), ("CurveP384", true), ("CurveP521", false), ("X25519", true)];

/// Headers that may be set, and the values that they may have (none: any).
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

impl WebConfig {
    /// Reads the text of a file. `file` is its name for errors and the start of relative paths.
    ///
    /// # Errors
    /// All that is wrong, with places.
    pub fn load(text: &str, file: &str) -> Result<WebConfig, Diagnostics> {
        let mut errors = Errors::default();
        let config = match yaml::parse(text) {
            Ok(root) => Some(whole(&root, paths::folder(file), &mut errors)),
            Err(d) => {
                errors.add(d);
                None
            }
        };
        match config {
            Some(config) if errors.items.is_empty() => Ok(config),
            _ => Err(Diagnostics::new(file, text, errors.items)),
        }
    }
}

fn whole(root: &Node, dir: &str, errors: &mut Errors) -> WebConfig {
    let mut s = Section::open(root, ROOT, errors);
    let tls = s.take("tls_server_config").and_then(|n| tls(n, dir, errors));
    let headers = s.take("http_server_config").map_or_else(Vec::new, |n| headers(n, errors));
    let rate_limit = s.take("rate_limit").and_then(|n| rate_limit(n, errors));
    let users = s.take("basic_auth_users").map_or_else(Vec::new, |n| users(n, errors));
    WebConfig { tls, headers, rate_limit, users }
}

fn tls(node: &Node, dir: &str, errors: &mut Errors) -> Option<WebTls> {
    let path = format!("{ROOT}.tls_server_config");
    let mut s = Section::open(node, &path, errors);
    // A file wins over a text, as there.
    let mut source = |key: &str, errors: &mut Errors| {
        let file = s.text(&format!("{key}_file"), errors).map(|(t, _)| t).filter(|t| !t.is_empty());
        let inline = s.secret(key, errors).filter(|t| !t.is_empty());
        match (file, inline) {
            (Some(file), _) => Source::File(paths::join(dir, &file)),
            (None, Some(text)) => Source::Inline(text),
            (None, None) => Source::Empty,
        }
    };
    let (cert, key, client_ca) = (source("cert", errors), source("key", errors), source("client_ca", errors));
    let auth = s.text("client_auth_type", errors);
    let cipher_suites = names(&mut s, "cipher_suites", "cipher", &CIPHERS, errors);
    let curves = names(&mut s, "curve_preferences", "curve", &CURVES, errors);
    let (min_version, max_version) =
        (version(&mut s, "min_version", errors), version(&mut s, "max_version", errors));
    s.boolean("prefer_server_cipher_suites", errors);
    let client_allowed_sans =
        s.texts("client_allowed_sans", errors).map(|l| l.into_iter().map(|(t, _)| t).collect());
    if max_version.is_some_and(|v| v < TlsVersion::Tls12) {
        let d = Diagnostic::new(
            node.at,
            "max_version below TLS12 is not supported: TLS 1.0 and 1.1 are not spoken",
        );
        errors.add(d.hint("remove it"));
    }
    let given = auth.as_ref().map_or("", |(t, _)| t.as_str());
    if [&cert, &key, &client_ca].iter().all(|s| s.is_empty()) && given.is_empty() {
        return None;
    }
    if cert.is_empty() {
        errors.push(node.at, "missing one of cert or cert_file");
    }
    if key.is_empty() {
        errors.push(node.at, "missing one of key or key_file");
    }
    let client_auth = ClientAuth::parse(given);
    if client_auth.is_none() {
        errors.push(node.at, format!("invalid ClientAuth: {given}"));
    }
    if !client_ca.is_empty() && client_auth == Some(ClientAuth::None) {
        errors.push(node.at, "client CA's have been configured without a Client Auth Policy");
    }
    let client_auth = client_auth.unwrap_or_default();
    Some(WebTls {
        cert,
        key,
        client_ca,
        client_auth,
        client_allowed_sans,
        cipher_suites,
        curves,
        min_version,
        max_version,
    })
}

/// A list of names out of a table. Those that are not spoken here are left out, as long as one is left.
fn names(
    s: &mut Section<'_>,
    key: &str,
    what: &str,
    known: &[(&str, bool)],
    errors: &mut Errors,
) -> Vec<String> {
    let given = s.texts(key, errors).unwrap_or_default();
    let mut out = Vec::new();
    for (name, at) in &given {
        match known.iter().find(|(n, _)| n == name) {
            None => errors.push(*at, format!("unknown {what}: {name}")),
            Some((_, true)) => out.push(name.clone()),
            Some((_, false)) => {}
        }
    }
    if let (Some((_, at)), true) = (given.first(), out.is_empty()) {
        let spoken: Vec<&str> = known.iter().filter(|(_, s)| *s).map(|(n, _)| *n).collect();
        let d = Diagnostic::new(*at, format!("{key}: none of these is spoken here"));
        errors.add(d.hint(format!("add one of {}", spoken.join(", "))));
    }
    out
}

fn version(s: &mut Section<'_>, key: &str, errors: &mut Errors) -> Option<TlsVersion> {
    let (text, at) = s.text(key, errors)?;
    let found = TlsVersion::parse(&text);
    if found.is_none() {
        errors.push(at, format!("unknown TLS version: {text}"));
    }
    found
}

fn headers(node: &Node, errors: &mut Errors) -> Vec<(String, String)> {
    let mut s = Section::open(node, &format!("{ROOT}.http_server_config"), errors);
    s.boolean("http2", errors);
    let Some(node) = s.take("headers") else { return Vec::new() };
    let Value::Map(entries) = &node.value else {
        errors.push(node.at, format!("headers must be a mapping, not {}", node.kind()));
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in entries {
        let Some(text) = read::text(value, errors) else { continue };
        let Some((_, allowed)) = HEADERS.iter().find(|(n, _)| *n == key.text) else {
            errors.push(key.at, format!("HTTP header {:?} can not be configured", key.text));
            continue;
        };
        if !allowed.is_empty() && !allowed.contains(&text.as_str()) {
            let list: Vec<String> = allowed.iter().map(|a| format!("{a:?}")).collect();
            errors.push(
                value.at,
                format!(
                    "invalid value for {}. Expected one of: [{}], but got: {text:?}",
                    key.text,
                    list.join(" ")
                ),
            );
        }
        if text.bytes().any(|b| b.is_ascii_control()) {
            errors.push(value.at, format!("invalid value for {}: it has a control character", key.text));
        }
        out.push((key.text.clone(), text));
    }
    out
}

fn rate_limit(node: &Node, errors: &mut Errors) -> Option<(u64, u64)> {
    let mut s = Section::open(node, &format!("{ROOT}.rate_limit"), errors);
    let burst = s.unsigned("burst", errors).unwrap_or(0);
    let (text, at) = s.text("interval", errors)?;
    match go_duration(&text) {
        Some(0) => None,
        Some(ns) => Some((burst, ns)),
        None => {
            errors.push(at, format!("time: invalid duration {text:?}"));
            None
        }
    }
}

/// Go's durations, `1h2m3.5s`, `20ms`, in nanoseconds; a bare whole number is nanoseconds.
fn go_duration(text: &str) -> Option<u64> {
    if let Ok(ns) = text.parse() {
        return Some(ns);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = 0f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let units =
            [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
        let (unit, ns) = units.iter().find(|(u, _)| {
            tail.strip_prefix(u).is_some_and(|after| {
                after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            })
        })?;
        total += number * ns;
        rest = tail.strip_prefix(unit)?;
    }
    (total < 9.2e18).then_some(total as u64)
}

fn users(node: &Node, errors: &mut Errors) -> Vec<(String, Secret)> {
    let Value::Map(entries) = &node.value else {
        errors.push(node.at, format!("basic_auth_users must be a mapping, not {}", node.kind()));
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in entries {
        let hash = match &value.value {
            Value::Scalar { text, .. } => text.as_str(),
            _ => "",
        };
        if let Some(fault) = hash_fault(hash) {
            errors.add(
                Diagnostic::new(value.at, fault).hint("make one with: htpasswd -nBC 10 \"\" | tr -d ':'"),
            );
        }
        out.push((key.text.clone(), Secret::new(hash)));
    }
    out
}

/// What is wrong with a bcrypt hash, in Go's words; of the hash itself one character is shown at most, as there.
fn hash_fault(hash: &str) -> Option<String> {
    let bytes = hash.as_bytes();
    if bytes.len() < 59 {
        return Some("crypto/bcrypt: hashedSecret too short to be a bcrypted password".to_owned());
    }
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    if at(0) != b'$' {
        return Some(format!(
            "crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with '{}'",
            char::from(at(0))
        ));
    }
    if at(1) > b'2' {
        return Some(format!(
            "crypto/bcrypt: bcrypt algorithm version '{}' requested is newer than current version '2'",
            char::from(at(1))
        ));
    }
    let from = if at(2) == b'$' { 3 } else { 4 };
    let cost = hash.get(from..from + 2).and_then(|c| c.parse::<u32>().ok());
    match cost {
        None => Some("crypto/bcrypt: the cost of the hash is no number".to_owned()),
        Some(c) if !(4..=31).contains(&c) => {
            Some(format!("crypto/bcrypt: cost {c} is outside allowed inclusive range 4..31"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

    fn load(text: &str) -> WebConfig {
        WebConfig::load(text, "/etc/p/web.yml").unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_whole_file() {
        let c = load(&format!(
            "tls_server_config: {{cert_file: c.pem, key: K, client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, min_version: TLS13, \
             cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA], curve_preferences: [X25519], client_allowed_sans: [a]}}\n\
             http_server_config: {{http2: false, headers: {{X-Frame-Options: deny, Content-Security-Policy: x}}}}\nrate_limit: {{burst: 3, interval: 1m0.5s}}\n\
             basic_auth_users: {{alice: {HASH}}}\n"
        ));
        let t = c.tls.unwrap();
        assert_eq!(
            (t.cert, t.client_ca),
            (Source::File("/etc/p/c.pem".into()), Source::File("/etc/p/ca.pem".into()))
        );
        assert_eq!((t.client_auth, t.min_version), (ClientAuth::RequireAndVerify, Some(TlsVersion::Tls13)));
        assert_eq!(t.cipher_suites, ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]);
        assert_eq!((t.curves.len(), t.client_allowed_sans), (1, Some(vec!["a".to_owned()])));
        assert_eq!(
            (c.headers.len(), c.rate_limit, c.users[0].0.as_str()),
            (2, Some((3, 60_500_000_000)), "alice")
        );
        assert_eq!(load(""), WebConfig { tls: None, headers: vec![], rate_limit: None, users: vec![] });
        assert!(load("tls_server_config: {min_version: TLS13}").tls.is_none(), "nothing turns TLS on");
    }

    #[test]
    fn wrong_files_are_refused_in_the_words_of_the_toolkit() {
        for (text, words) in [
            ("tls_server_config: {cert_file: a}", "missing one of key or key_file"),
            ("tls_server_config: {key_file: a}", "missing one of cert or cert_file"),
            ("tls_server_config: {cert: a, key: b, client_auth_type: x}", "invalid ClientAuth: x"),
            (
                "tls_server_config: {cert: a, key: b, client_ca: x}",
                "client CA's have been configured without a Client Auth Policy",
            ),
            ("tls_server_config: {cert: a, key: b, cipher_suites: [x]}", "unknown cipher: x"),
            (
                "tls_server_config: {cert: a, key: b, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]}",
                "none of these is spoken here",
            ),
            ("tls_server_config: {cert: a, key: b, curve_preferences: [x]}", "unknown curve: x"),
            ("tls_server_config: {min_version: x}", "unknown TLS version: x"),
            ("tls_server_config: {max_version: TLS10}", "TLS 1.0 and 1.1 are not spoken"),
            ("http_server_config: {headers: {X-Mine: a}}", "HTTP header \"X-Mine\" can not be configured"),
            (
                "http_server_config: {headers: {X-Frame-Options: a}}",
                "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: \"a\"",
            ),
            ("basic_auth_users: {a: b}", "crypto/bcrypt: hashedSecret too short to be a bcrypted password"),
            (
                "basic_auth_users: {a: hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2}",
                "bcrypt hashes must start with '$', but hashedSecret started with 'h'",
            ),
            ("rate_limit: {interval: x}", "time: invalid duration \"x\""),
            ("tls_config: {}", "field tls_config not found in web.yml"),
            ("tls_server_config: {certfile: x}", "field certfile not found in web.yml.tls_server_config"),
        ] {
            let e = WebConfig::load(text, "web.yml").unwrap_err().items;
            assert!(e.iter().any(|d| d.message.contains(words)), "{text}: {e:?}");
        }
    }

    #[test]
    fn durations_of_go() {
        for (text, ns) in [
            ("1s", Some(1_000_000_000)),
            ("1m0.5s", Some(60_500_000_000)),
            ("20ms", Some(20_000_000)),
            ("7", Some(7)),
            ("", None),
            ("1", Some(1)),
            ("1x", None),
            ("s", None),
        ] {
            assert_eq!(go_duration(text), ns, "{text}");
        }
    }
}
