//! Credentials out of objects: what a Secret holds, what is named like a password, what looks like a token.
//!
//! Too much is masked rather than too little: a masked label costs a finding, a leaked token costs a cluster.

use super::mask_text;
use serde_json::{Map, Value};

/// What stands in place of what was masked.
pub const MASK: &str = "(masked)";

/// Masks everything in a JSON value that is, or looks like, a credential.
pub fn value(v: &mut Value) {
    match v {
        Value::Object(map) => object(map),
        Value::Array(list) => array(list),
        Value::String(s) => string(s),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Masks a text: JSON by its structure, anything else by how it reads.
pub fn string(s: &mut String) {
    if s.len() < 6 {
        return;
    }
    // Annotations hold whole objects, ConfigMaps whole dashboards.
    if s.starts_with(['{', '['])
        && let Ok(mut inner) = serde_json::from_str::<Value>(s)
    {
        let before = inner.clone();
        value(&mut inner);
        if inner != before {
            *s = inner.to_string();
        }
        return;
    }
    if let Some(masked) = mask_text::text(s) {
        *s = masked;
    }
}

fn object(map: &mut Map<String, Value>) {
    let secret = map.get("kind").and_then(Value::as_str) == Some("Secret") && map.contains_key("apiVersion");
    if secret {
        for key in ["data", "stringData"] {
            for (_, v) in map.get_mut(key).and_then(Value::as_object_mut).into_iter().flatten() {
                *v = Value::String(MASK.to_owned());
            }
        }
    }
    // Environment variables, HTTP headers: the name stands beside the value.
    let named = map.get("name").and_then(Value::as_str).is_some_and(tells_a_secret);
    for (key, v) in map.iter_mut() {
        match v {
            Value::String(s) if (named && key == "value") || tells_a_secret(key) => cover(s),
            Value::Number(_) if tells_a_secret(key) => *v = Value::String(MASK.to_owned()),
            Value::Object(inner) if tells_a_secret(key) => {
                if let Some(Value::String(s)) = inner.get_mut("value") {
                    cover(s);
                }
                object(inner);
            }
            Value::Array(list) if tells_a_secret(key) => {
                for item in list {
                    match item {
                        Value::String(s) => cover(s),
                        other => value(other),
                    }
                }
            }
            other => value(other),
        }
    }
}

/// A list may be arguments: what follows `--password` is one.
fn array(list: &mut [Value]) {
    let mut next = false;
    for v in list {
        if let Value::String(s) = v {
            if next {
                cover(s);
                next = false;
                continue;
            }
            next = s.starts_with('-') && !s.contains(['=', ' ']) && tells_a_secret(s);
        } else {
            next = false;
        }
        value(v);
    }
}

fn cover(s: &mut String) {
    if !s.is_empty() {
        *s = MASK.to_owned();
    }
}

/// Whether a field, variable, flag or header of this name holds a credential itself, not the name or path of one.
pub(super) fn tells_a_secret(name: &str) -> bool {
    const ENDS: [&str; 26] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "token",
        "secret",
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "credential",
        "credentials",
        "authorization",
        "signingkey",
        "encryptionkey",
        "sharedkey",
        "routingkey",
        "servicekey",
        "integrationkey",
        "accountkey",
        "webhookurl",
        "slackapiurl",
        "connectionstring",
        "cookie",
        "dsn",
        "accesskeyid",
    ];
    const WITHIN: [&str; 5] = ["password", "passwd", "passphrase", "privatekey", "apikey"];
    // Paths, names and switches about a secret are none themselves.
    const ABOUT: [&str; 8] = ["file", "path", "dir", "name", "enabled", "ref", "ttl", "seconds"];
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if ABOUT.iter().any(|a| plain.ends_with(a)) {
        return false;
    }
    ENDS.iter().any(|e| plain.ends_with(e)) || WITHIN.iter().any(|w| plain.contains(w)) || screaming(name)
}

/// `DB_TOKEN_V2`, `SMTP_AUTH`: variables carry their sense anywhere in the name.
fn screaming(name: &str) -> bool {
    let shouted =
        name.contains('_') && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    shouted
        && name
            .split('_')
            .any(|w| matches!(w, "TOKEN" | "SECRET" | "CREDENTIALS" | "AUTH" | "PASS" | "PW" | "KEY"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_tell_what_is_secret() {
        #[track_caller]
        fn check(name: &str, expect: bool) {
            assert_eq!(tells_a_secret(name), expect, "{name}");
        }
        check("password", true);
        check("bearerToken", true);
        check("client_secret", true);
        check("X-Api-Key", true);
        check("DB_TOKEN_V2", true);
        check("GF_SECURITY_ADMIN_PASSWORD", true);
        check("bearerTokenFile", false);
        check("tokenSecretRef", false);
        check("secretName", false);
        check("FELIX_PROMETHEUSMETRICSKEYFILE", false);
        check("TYPHA_PROMETHEUSMETRICSPORT", false);
        check("key", false);
    }

    #[test]
    fn what_names_a_secret_stays() {
        let keep = json!({"basicAuth": {"password": {"name": "s", "key": "pw"}}, "secretName": "x",
            "automountServiceAccountToken": true, "spec": {"endpoints": [{"port": "metrics", "interval": "15s"}]}});
        let mut got = keep.clone();
        value(&mut got);
        assert_eq!(got, keep);
    }
}
