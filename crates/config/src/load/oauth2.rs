//! Section `oauth2`: a token that another server hands out.

use super::http::{proxy, source};
use super::tls;
use crate::http_client::{Claim, JWT_BEARER, OAuth2, Source};
use crate::read::{self, Errors, Section};
use crate::yaml::{Node, Value};

const ALGORITHMS: [&str; 3] = ["RS256", "RS384", "RS512"];

pub(super) fn read(node: &Node, path: &str, dir: &str, errors: &mut Errors) -> OAuth2 {
    let mut s = Section::open(node, path, errors);
    let text = |s: &mut Section<'_>, key: &str, errors: &mut Errors| {
        s.text(key, errors).map(|(t, _)| t).unwrap_or_default()
    };
    let client_id = text(&mut s, "client_id", errors);
    let token_url = text(&mut s, "token_url", errors);
    let grant_type = text(&mut s, "grant_type", errors);
    let signature_algorithm = text(&mut s, "signature_algorithm", errors);
    let is_jwt = grant_type == JWT_BEARER;
    if client_id.is_empty() {
        errors.push(node.at, "oauth2 client_id must be configured");
    }
    if token_url.is_empty() {
        errors.push(node.at, "oauth2 token_url must be configured");
    }
    if is_jwt && !signature_algorithm.is_empty() && !ALGORITHMS.contains(&signature_algorithm.as_str()) {
        errors.push(node.at, "valid signature algorithms are RS256, RS384 and RS512");
    }
    let credential = |s: &mut Section<'_>,
                      key: &str,
                      dir: &str,
                      counts: bool,
                      grant: &str,
                      errors: &mut Errors| {
        source(s, key, dir, errors).unwrap_or_else(|| {
            // The other grant's credential is not looked at.
            if counts {
                errors.push(
                    node.at,
                    format!("at most one of oauth2 {key}, {key}_file & {key}_ref must be configured using grant-type={grant}"),
                );
            }
            Source::Empty
        })
    };
    let client_secret = credential(&mut s, "client_secret", dir, !is_jwt, "client_credentials", errors);
    // Prometheus does not count this path from the configuration's folder.
    let client_certificate_key =
        credential(&mut s, "client_certificate_key", ".", is_jwt, JWT_BEARER, errors);
    OAuth2 {
        client_secret,
        client_certificate_key_id: text(&mut s, "client_certificate_key_id", errors),
        client_certificate_key,
        iss: text(&mut s, "iss", errors),
        audience: text(&mut s, "audience", errors),
        claims: claims(&mut s, errors),
        scopes: s.texts("scopes", errors).unwrap_or_default().into_iter().map(|(t, _)| t).collect(),
        endpoint_params: params(&mut s, errors),
        tls: tls::read(&mut s, dir, errors),
        proxy: proxy(&mut s, errors),
        client_id,
        token_url,
        grant_type,
        signature_algorithm,
    }
}

fn params(s: &mut Section<'_>, errors: &mut Errors) -> Vec<(String, String)> {
    let Some(node) = s.take("endpoint_params") else { return Vec::new() };
    let Value::Map(entries) = &node.value else {
        errors.push(
            node.at,
            format!("{} must be a mapping, not {}", s.path_of("endpoint_params"), node.kind()),
        );
        return Vec::new();
    };
    let mut out: Vec<(String, String)> =
        entries.iter().filter_map(|(k, v)| Some((k.text.clone(), read::text(v, errors)?))).collect();
    out.sort();
    out
}

fn claims(s: &mut Section<'_>, errors: &mut Errors) -> Vec<(String, Claim)> {
    let Some(node) = s.take("claims") else { return Vec::new() };
    match claim(node) {
        Claim::Map(entries) => entries,
        _ => {
            errors.push(node.at, format!("{} must be a mapping, not {}", s.path_of("claims"), node.kind()));
            Vec::new()
        }
    }
}

/// A value of any kind, as the library resolves it.
fn claim(node: &Node) -> Claim {
    match &node.value {
        Value::Null => Claim::Null,
        Value::Scalar { text, plain: false } => Claim::Text(text.clone()),
        Value::Scalar { text, plain: true } => plain(text),
        Value::Seq(items) => Claim::List(items.iter().map(|n| claim(n)).collect()),
        Value::Map(entries) => {
            let mut out: Vec<(String, Claim)> =
                entries.iter().map(|(k, v)| (k.text.clone(), claim(v))).collect();
            out.sort_by(|a, b| a.0.cmp(&b.0));
            Claim::Map(out)
        }
    }
}

fn plain(text: &str) -> Claim {
    if let Some(b) = read::boolean(text) {
        return Claim::Bool(b);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '+') {
        let looks_whole = !digits.contains(['.', 'e', 'E']) || digits.starts_with("0x");
        if looks_whole && let Some(n) = read::unsigned(digits).and_then(|n| i64::try_from(n).ok()) {
            return Claim::Int(if negative { -n } else { n });
        }
        if let Ok(v) = tortie_model::gofloat::parse(text) {
            return Claim::Float(v);
        }
    }
    Claim::Text(text.to_owned())
}
