//! Credentials and connection of a job.

use crate::paths;
use crate::read::{Errors, Section};
use crate::scrape::{Auth, HttpClientConfig, Source};
use crate::yaml::Node;

pub(super) fn read(s: &mut Section<'_>, path: &str, dir: &str, errors: &mut Errors) -> HttpClientConfig {
    let at = s.at;
    let basic = s.take("basic_auth").map(|n| basic(n, &format!("{path}.basic_auth"), dir, errors));
    let authorization =
        s.take("authorization").map(|n| authorization(n, &format!("{path}.authorization"), dir, errors));
    let token = s.secret("bearer_token", errors).filter(|t| !t.is_empty());
    let token_file = s.text("bearer_token_file", errors).map(|(t, _)| t).filter(|t| !t.is_empty());
    let bearer = token.is_some() || token_file.is_some();
    if token.is_some() && token_file.is_some() {
        errors.push(at, "at most one of bearer_token & bearer_token_file must be configured");
    }
    if basic.is_some() && bearer {
        errors.push(
            at,
            "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        );
    }
    if authorization.is_some() && bearer {
        errors.push(at, "authorization is not compatible with bearer_token & bearer_token_file");
    }
    if authorization.is_some() && basic.is_some() {
        errors.push(at, "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    let bearer = match (token, token_file) {
        (Some(token), _) => Some(Source::Inline(token)),
        (None, Some(file)) => Some(Source::File(paths::join(dir, &file))),
        (None, None) => None,
    };
    let bearer = bearer.map(|credentials| Auth::Scheme { kind: "Bearer".to_owned(), credentials });
    HttpClientConfig {
        auth: basic.or(authorization).or(bearer),
        follow_redirects: s.boolean("follow_redirects", errors).unwrap_or(true),
        enable_http2: s.boolean("enable_http2", errors).unwrap_or(true),
    }
}

/// A credential given in place or as a file; `None` when it was given twice.
fn source(s: &mut Section<'_>, key: &str, dir: &str, errors: &mut Errors) -> Option<Source> {
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
