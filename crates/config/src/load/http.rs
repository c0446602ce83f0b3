//! Credentials and connection: the keys that stand wherever requests are sent. Checks and words are Prometheus'.

use super::tls;
use crate::http_client::{Auth, Header, HttpClientConfig, ProxyConfig, ProxyUrl, Source};
use crate::paths;
use crate::read::{self, Errors, Section};
use crate::secret::Secret;
use crate::yaml::{Node, Value};

/// Headers that a configuration may not set.
const RESERVED: [&str; 18] = [
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
];

pub(super) fn read(s: &mut Section<'_>, path: &str, dir: &str, errors: &mut Errors) -> HttpClientConfig {
    HttpClientConfig {
        auth: auth(s, path, dir, errors),
        tls: tls::read(s, dir, errors),
        proxy: proxy(s, errors),
        headers: headers(s, dir, errors),
        follow_redirects: s.boolean("follow_redirects", errors).unwrap_or(true),
        enable_http2: s.boolean("enable_http2", errors).unwrap_or(true),
    }
}

fn auth(s: &mut Section<'_>, path: &str, dir: &str, errors: &mut Errors) -> Option<Auth> {
    let at = s.at;
    let basic = s.take("basic_auth").map(|n| basic(n, &format!("{path}.basic_auth"), dir, errors));
    let authorization =
        s.take("authorization").map(|n| authorization(n, &format!("{path}.authorization"), dir, errors));
    let oauth2 = s.take("oauth2").map(|n| super::oauth2::read(n, &format!("{path}.oauth2"), dir, errors));
    let token = s.secret("bearer_token", errors).filter(|t| !t.is_empty());
    let token_file = s.text("bearer_token_file", errors).map(|(t, _)| t).filter(|t| !t.is_empty());
    let bearer = token.is_some() || token_file.is_some();
    if token.is_some() && token_file.is_some() {
        errors.push(at, "at most one of bearer_token & bearer_token_file must be configured");
    }
    if (basic.is_some() || oauth2.is_some()) && bearer {
        errors.push(
            at,
            "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        );
    }
    if authorization.is_some() && bearer {
        errors.push(at, "authorization is not compatible with bearer_token & bearer_token_file");
    }
    if usize::from(authorization.is_some()) + usize::from(basic.is_some()) + usize::from(oauth2.is_some()) > 1
    {
        errors.push(at, "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    let bearer = match (token, token_file) {
        (Some(token), _) => Some(Source::Inline(token)),
        (None, Some(file)) => Some(Source::File(paths::join(dir, &file))),
        (None, None) => None,
    };
    let bearer = bearer.map(|credentials| Auth::Scheme { kind: "Bearer".to_owned(), credentials });
    basic.or(authorization).or(oauth2.map(|o| Auth::OAuth2(Box::new(o)))).or(bearer)
}

/// A credential given in place or as a file; `None` when it was given twice.
pub(super) fn source(s: &mut Section<'_>, key: &str, dir: &str, errors: &mut Errors) -> Option<Source> {
    let inline = s.secret(key, errors).filter(|t| !t.is_empty());
    let file = s.text(&format!("{key}_file"), errors).map(|(t, _)| t).filter(|t| !t.is_empty());
    match (inline, file) {
        (Some(_), Some(_)) => None,
        (Some(secret), None) => Some(Source::Inline(secret)),
        (None, Some(file)) => Some(Source::File(paths::join(dir, &file))),
        (None, None) => Some(Source::Empty),
    }
}

fn basic(node: &Node, path: &str, dir: &str, errors: &mut Errors) -> Auth {
    let mut s = Section::open(node, path, errors);
    let mut part = |key: &str, errors: &mut Errors| {
        source(&mut s, key, dir, errors).unwrap_or_else(|| {
            errors.push(
                node.at,
                format!("at most one of basic_auth {key}, {key}_file & {key}_ref must be configured"),
            );
            Source::Empty
        })
    };
    Auth::Basic { username: part("username", errors), password: part("password", errors) }
}

fn authorization(node: &Node, path: &str, dir: &str, errors: &mut Errors) -> Auth {
    let mut s = Section::open(node, path, errors);
    let kind = s.text("type", errors).map(|(t, _)| t.trim().to_owned()).filter(|t| !t.is_empty());
    let kind = kind.unwrap_or_else(|| "Bearer".to_owned());
    if kind.eq_ignore_ascii_case("basic") {
        errors.push(node.at, "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
    }
    let credentials = source(&mut s, "credentials", dir, errors).unwrap_or_else(|| {
        errors
            .push(node.at, "at most one of authorization credentials & credentials_file must be configured");
        Source::Empty
    });
    Auth::Scheme { kind, credentials }
}

/// The keys of a proxy, which stand beside those of their section.
pub(super) fn proxy(s: &mut Section<'_>, errors: &mut Errors) -> ProxyConfig {
    let at = s.at;
    let given = s.text("proxy_url", errors);
    let has_url = given.is_some();
    let url = given.and_then(|(text, at)| match ProxyUrl::parse(&text) {
        Ok(url) => Some(url),
        Err(e) => {
            errors.push(at, e);
            None
        }
    });
    // An empty one is shown and says nothing.
    let is_named = url.as_ref().is_some_and(|u| !u.expose().is_empty());
    let no_proxy = s.text("no_proxy", errors).map(|(t, _)| t).unwrap_or_default();
    let from_environment = s.boolean("proxy_from_environment", errors).unwrap_or(false);
    let connect_header = connect_header(s, errors);
    if !connect_header.is_empty() && !from_environment && !is_named {
        errors.push(
            at,
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        );
    }
    if from_environment && is_named {
        errors.push(at, "if proxy_from_environment is configured, proxy_url must not be configured");
    }
    if from_environment && !no_proxy.is_empty() {
        errors.push(at, "if proxy_from_environment is configured, no_proxy must not be configured");
    }
    if !has_url && !no_proxy.is_empty() {
        errors.push(at, "if no_proxy is configured, proxy_url must also be configured");
    }
    ProxyConfig { url, no_proxy, from_environment, connect_header }
}

fn connect_header(s: &mut Section<'_>, errors: &mut Errors) -> Vec<(String, Vec<Secret>)> {
    let Some(node) = s.take("proxy_connect_header") else { return Vec::new() };
    let Value::Map(entries) = &node.value else {
        errors.push(
            node.at,
            format!("{} must be a mapping, not {}", s.path_of("proxy_connect_header"), node.kind()),
        );
        return Vec::new();
    };
    let mut out: Vec<(String, Vec<Secret>)> =
        entries.iter().map(|(key, node)| (key.text.clone(), secrets(node, errors))).collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// A list of secrets. Values stay out of messages.
fn secrets(node: &Node, errors: &mut Errors) -> Vec<Secret> {
    match &node.value {
        Value::Null => Vec::new(),
        Value::Seq(items) => items.iter().filter_map(|n| secret(n, errors)).collect(),
        _ => {
            errors.push(node.at, format!("must be a list, not {}", node.kind()));
            Vec::new()
        }
    }
}

fn secret(node: &Node, errors: &mut Errors) -> Option<Secret> {
    match &node.value {
        Value::Scalar { text, .. } => Some(Secret::new(text)),
        Value::Null => Some(Secret::default()),
        _ => {
            errors.push(node.at, format!("must be a text, not {}", node.kind()));
            None
        }
    }
}

fn texts(node: &Node, errors: &mut Errors) -> Vec<String> {
    match &node.value {
        Value::Null => Vec::new(),
        Value::Seq(items) => items.iter().filter_map(|n| read::text(n, errors)).collect(),
        _ => {
            errors.push(node.at, format!("must be a list, not {}", node.kind()));
            Vec::new()
        }
    }
}

fn headers(s: &mut Section<'_>, dir: &str, errors: &mut Errors) -> Option<Vec<Header>> {
    let path = format!("{}.{{}}", s.path_of("http_headers"));
    let node = s.take("http_headers")?;
    let Value::Map(entries) = &node.value else {
        errors.push(node.at, format!("{} must be a mapping, not {}", s.path_of("http_headers"), node.kind()));
        return None;
    };
    let mut out = Vec::new();
    for (key, value) in entries {
        let canonical = canonical(&key.text);
        if RESERVED.contains(&canonical.as_str()) {
            errors.push(key.at, format!("setting header {canonical:?} is not allowed"));
        }
        let mut section = Section::open(value, &path, errors);
        out.push(Header {
            name: key.text.clone(),
            values: section.take("values").map_or_else(Vec::new, |n| texts(n, errors)),
            secrets: section.take("secrets").map_or_else(Vec::new, |n| secrets(n, errors)),
            files: section
                .take("files")
                .map_or_else(Vec::new, |n| texts(n, errors))
                .iter()
                .map(|f| paths::join(dir, f))
                .collect(),
        });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Some(out)
}

/// A header's name as Go writes it: `x-my-header` is `X-My-Header`; what is no name stays as it is.
fn canonical(name: &str) -> String {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !name.bytes().all(is_name) {
        return name.to_owned();
    }
    let mut upper = true;
    name.chars()
        .map(|c| {
            let c = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            upper = c == '-';
            c
        })
        .collect()
}
