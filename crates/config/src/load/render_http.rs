//! The effective configuration of an HTTP client: Prometheus' order of keys, secrets masked.

use super::render::{Entries, flag, put, text};
use crate::emit::Doc;
use crate::http_client::{Auth, Claim, Header, HttpClientConfig, OAuth2, ProxyConfig, Source, TlsConfig};
use crate::secret::Secret;
use tortie_model::gofloat;

/// What stands for a secret.
const MASK: &str = "<secret>";

pub(super) fn http(e: &mut Entries, h: &HttpClientConfig) {
    match &h.auth {
        None => {}
        Some(Auth::Basic { username, password }) => {
            let mut auth = Entries::new();
            shown(&mut auth, "username", username);
            credential(&mut auth, "password", password);
            put(e, "basic_auth", Doc::Map(auth));
        }
        Some(Auth::Scheme { kind, credentials }) => {
            let mut auth = vec![("type".to_owned(), text(kind))];
            credential(&mut auth, "credentials", credentials);
            put(e, "authorization", Doc::Map(auth));
        }
        Some(Auth::OAuth2(o)) => put(e, "oauth2", Doc::Map(oauth2(o))),
    }
    tls(e, &h.tls);
    put(e, "follow_redirects", flag(h.follow_redirects));
    put(e, "enable_http2", flag(h.enable_http2));
    proxy(e, &h.proxy);
    if let Some(headers) = &h.headers {
        put(
            e,
            "http_headers",
            Doc::Map(headers.iter().map(|h| (h.name.clone(), Doc::Map(header(h)))).collect()),
        );
    }
}

fn credential(e: &mut Entries, key: &str, source: &Source) {
    match source {
        Source::Empty => {}
        Source::Inline(_) => put(e, key, text(MASK)),
        Source::File(path) => put(e, &format!("{key}_file"), text(path)),
    }
}

/// What is no secret in Prometheus' eyes: user names, certificates.
fn shown(e: &mut Entries, key: &str, source: &Source) {
    match source {
        Source::Inline(value) => put(e, key, text(value.expose())),
        other => credential(e, key, other),
    }
}

fn optional(e: &mut Entries, key: &str, value: &str) {
    if !value.is_empty() {
        put(e, key, text(value));
    }
}

fn tls(e: &mut Entries, t: &TlsConfig) {
    if *t == TlsConfig::default() {
        return;
    }
    let mut out = Entries::new();
    // Inline texts come first, files after them.
    let inline = |s: &Source| matches!(s, Source::Inline(_));
    if inline(&t.ca) {
        shown(&mut out, "ca", &t.ca);
    }
    if inline(&t.cert) {
        shown(&mut out, "cert", &t.cert);
    }
    if inline(&t.key) {
        credential(&mut out, "key", &t.key);
    }
    for (key, source) in [("ca", &t.ca), ("cert", &t.cert), ("key", &t.key)] {
        if !inline(source) {
            credential(&mut out, key, source);
        }
    }
    optional(&mut out, "server_name", &t.server_name);
    put(&mut out, "insecure_skip_verify", flag(t.insecure_skip_verify));
    optional(&mut out, "min_version", t.min_version.map_or("", |v| v.as_str()));
    optional(&mut out, "max_version", t.max_version.map_or("", |v| v.as_str()));
    put(e, "tls_config", Doc::Map(out));
}

fn proxy(e: &mut Entries, p: &ProxyConfig) {
    if let Some(url) = &p.url {
        put(e, "proxy_url", text(url.redacted()));
    }
    optional(e, "no_proxy", &p.no_proxy);
    if p.from_environment {
        put(e, "proxy_from_environment", flag(true));
    }
    if !p.connect_header.is_empty() {
        let rows = p.connect_header.iter().map(|(name, values)| (name.clone(), masked(values)));
        put(e, "proxy_connect_header", Doc::Map(rows.collect()));
    }
}

fn masked(values: &[Secret]) -> Doc {
    Doc::List(
        values.iter().map(|v| if v.is_empty() { Doc::Raw("null".to_owned()) } else { text(MASK) }).collect(),
    )
}

fn header(h: &Header) -> Entries {
    let mut e = Entries::new();
    let list = |values: &[String]| Doc::List(values.iter().map(|v| text(v)).collect());
    if !h.values.is_empty() {
        put(&mut e, "values", list(&h.values));
    }
    if !h.secrets.is_empty() {
        put(&mut e, "secrets", masked(&h.secrets));
    }
    if !h.files.is_empty() {
        put(&mut e, "files", list(&h.files));
    }
    e
}

fn oauth2(o: &OAuth2) -> Entries {
    let mut e = Entries::new();
    optional(&mut e, "client_id", &o.client_id);
    credential(&mut e, "client_secret", &o.client_secret);
    optional(&mut e, "client_certificate_key_id", &o.client_certificate_key_id);
    credential(&mut e, "client_certificate_key", &o.client_certificate_key);
    optional(&mut e, "grant_type", &o.grant_type);
    optional(&mut e, "signature_algorithm", &o.signature_algorithm);
    optional(&mut e, "iss", &o.iss);
    optional(&mut e, "audience", &o.audience);
    if !o.claims.is_empty() {
        put(&mut e, "claims", claim(&Claim::Map(o.claims.clone())));
    }
    if !o.scopes.is_empty() {
        put(&mut e, "scopes", Doc::List(o.scopes.iter().map(|s| text(s)).collect()));
    }
    optional(&mut e, "token_url", &o.token_url);
    if !o.endpoint_params.is_empty() {
        let rows = o.endpoint_params.iter().map(|(k, v)| (k.clone(), text(v)));
        put(&mut e, "endpoint_params", Doc::Map(rows.collect()));
    }
    tls(&mut e, &o.tls);
    proxy(&mut e, &o.proxy);
    e
}

fn claim(c: &Claim) -> Doc {
    match c {
        Claim::Null => Doc::Raw("null".to_owned()),
        Claim::Bool(b) => flag(*b),
        Claim::Int(n) => Doc::Raw(n.to_string()),
        Claim::Float(v) => Doc::Raw(gofloat::format_json(*v)),
        Claim::Text(s) => text(s),
        Claim::List(items) => Doc::List(items.iter().map(claim).collect()),
        Claim::Map(entries) => Doc::Map(entries.iter().map(|(k, v)| (k.clone(), claim(v))).collect()),
    }
}
