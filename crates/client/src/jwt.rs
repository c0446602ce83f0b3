//! Signed assertions (RFC 7523): who this client is, proved by its RSA key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value, json};
use tortie_config::Secret;
use tortie_config::http_client::{Claim, OAuth2};

/// How long an assertion holds, seconds.
const HOLDS: i64 = 600;

/// The assertion of a configuration, signed with `key` (PEM) at `now_ms`.
///
/// # Errors
/// When the key is none of RSA; nothing of it stands in the error.
pub(crate) fn assertion(config: &OAuth2, key: &Secret, now_ms: i64) -> Result<String, String> {
    let (algorithm, padding): (&str, &'static dyn ring::signature::RsaEncoding) =
        match config.signature_algorithm.as_str() {
            "RS384" => ("RS384", &RSA_PKCS1_SHA384),
            "RS512" => ("RS512", &RSA_PKCS1_SHA512),
            _ => ("RS256", &RSA_PKCS1_SHA256),
        };
    let pair = key_pair(key)?;
    let mut head = json!({"alg": algorithm, "typ": "JWT"});
    if !config.client_certificate_key_id.is_empty() {
        head["kid"] = Value::String(config.client_certificate_key_id.clone());
    }
    let random = SystemRandom::new();
    let claims = claims(config, now_ms, &random)?;
    let signed = format!("{}.{}", part(&head), part(&Value::Object(claims)));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(padding, &random, signed.as_bytes(), &mut signature)
        .map_err(|_| "oauth2: cannot sign with the client's key".to_owned())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn key_pair(key: &Secret) -> Result<KeyPair, String> {
    let refused = "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key";
    let der = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| refused.to_owned())?;
    match &der {
        PrivateKeyDer::Pkcs1(k) => KeyPair::from_der(k.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(k) => KeyPair::from_pkcs8(k.secret_pkcs8_der()),
        _ => return Err("key is not a valid RSA private key".to_owned()),
    }
    .map_err(|_| "key is not a valid RSA private key".to_owned())
}

fn claims(config: &OAuth2, now_ms: i64, random: &SystemRandom) -> Result<Map<String, Value>, String> {
    let or = |value: &str, other: &str| if value.is_empty() { other.to_owned() } else { value.to_owned() };
    let now = now_ms / 1000;
    let mut claims = Map::new();
    claims.insert("iss".into(), Value::String(or(&config.iss, &config.client_id)));
    claims.insert("sub".into(), Value::String(config.client_id.clone()));
    claims.insert("jti".into(), Value::String(identity(random)?));
    claims.insert("aud".into(), Value::String(or(&config.audience, &config.token_url)));
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + HOLDS).into());
    if !config.scopes.is_empty() {
        claims.insert("scope".into(), Value::String(config.scopes.join(" ")));
    }
    for (name, value) in &config.claims {
        claims.insert(name.clone(), json_of(value));
    }
    Ok(claims)
}

/// A random UUID (version 4).
fn identity(random: &SystemRandom) -> Result<String, String> {
    let bytes: [u8; 16] = ring::rand::generate(random)
        .map_err(|_| "oauth2: the system gives no random numbers".to_owned())?
        .expose();
    let mut n = u128::from_be_bytes(bytes);
    n = (n & !(0xf << 76)) | (4 << 76);
    n = (n & !(0x3 << 62)) | (2 << 62);
    let hex = format!("{n:032x}");
    let cut = |from: usize, to: usize| hex.get(from..to).unwrap_or("");
    Ok([cut(0, 8), cut(8, 12), cut(12, 16), cut(16, 20), cut(20, 32)].join("-"))
}

fn json_of(claim: &Claim) -> Value {
    match claim {
        Claim::Null => Value::Null,
        Claim::Bool(b) => (*b).into(),
        Claim::Int(n) => (*n).into(),
        Claim::Float(v) => (*v).into(),
        Claim::Text(s) => s.as_str().into(),
        Claim::List(items) => items.iter().map(json_of).collect(),
        Claim::Map(entries) => entries.iter().map(|(k, v)| (k.clone(), json_of(v))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_random_and_well_formed() {
        let random = SystemRandom::new();
        let (a, b) = (identity(&random).unwrap(), identity(&random).unwrap());
        assert_ne!(a, b);
        let parts: Vec<&str> = a.split('-').collect();
        assert_eq!(parts.iter().map(|p| p.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{a}");
    }

    #[test]
    fn a_wrong_key_is_refused_without_being_shown() {
        let e = assertion(&OAuth2::default(), &Secret::new("hunter2"), 0).unwrap_err();
        assert!(e.starts_with("invalid key") && !e.contains("hunter2"), "{e}");
    }
}
