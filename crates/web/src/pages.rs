//! The UI's files, built by `make ui` and carried inside the binary.

use crate::app::App;
use crate::reply::{self, Body};
use crate::router::{Ask, not_found, redirect};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};
use http::{Response, StatusCode};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Dist;

/// What a browser may load for our pages: only what this server sends. No inline script; of inline styles only those of
/// `index.html` itself, whose hashes the build writes down.
const CSP: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'";

/// Hashes of the styles inside `index.html`, as a policy names them.
const INLINE_STYLES: &str = "inline-styles.txt";

/// Paths of the UI; Prometheus' own page addresses lead to the page that shows the same.
const PAGES: &[&str] = &[
    "/",
    "/targets",
    "/graph",
    "/query",
    "/explore",
    "/dashboards",
    "/doctor",
    "/status",
    "/config",
    "/flags",
    "/tsdb-status",
    "/service-discovery",
    "/alerts",
    "/rules",
    "/monitors",
];

/// The place in `index.html` where the path prefix is put.
const BASE: &str = "<base href=\"/\"";

const MISSING: &str = "<!doctype html><html lang=\"en\"><title>tortie</title><h1>tortie is running</h1>\
<p>The web UI is not in this binary: it was built by <code>cargo build</code> alone.</p>\
<p>Build it with <code>make ui</code> (needs Node.js 20 or newer), then build again.</p>\
<p>The API answers meanwhile: <a href=\"api/v1/targets\">targets</a>, <a href=\"api/v1/status/tsdb\">storage</a>, <a href=\"metrics\">metrics</a>.</p></html>";

pub(crate) fn page(app: &App, ask: &Ask) -> Response<Body> {
    let path = ask.path.as_str();
    if path == "/favicon.ico" {
        return asset("favicon.svg", &ask.headers).unwrap_or_else(not_found);
    }
    if let Some(r) = asset(path.trim_start_matches('/'), &ask.headers) {
        return r;
    }
    let trimmed = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    if trimmed.starts_with("/classic/") {
        return redirect(&format!("{}/", app.options.external_path));
    }
    if PAGES.contains(&trimmed) || trimmed.starts_with("/d/") {
        return index(app, &ask.headers);
    }
    not_found()
}

fn index(app: &App, request: &HeaderMap) -> Response<Body> {
    let mut r = Response::new(Body::default());
    r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    r.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    r.headers_mut().insert("content-security-policy", policy());
    let Some(file) = Dist::get("index.html") else {
        return reply::with_body(r, MISSING.as_bytes().to_vec(), false);
    };
    let html = String::from_utf8_lossy(&file.data);
    let base = format!("<base href=\"{}/\"", attribute(&app.options.external_path));
    reply::with_body(r, html.replacen(BASE, &base, 1).into_bytes(), reply::accepts_gzip(request))
}

/// The policy of our pages. What the build did not write down stays forbidden.
fn policy() -> HeaderValue {
    let styles =
        Dist::get(INLINE_STYLES).map(|f| String::from_utf8_lossy(&f.data).into_owned()).unwrap_or_default();
    HeaderValue::from_str(&policy_with(&styles)).unwrap_or(HeaderValue::from_static(CSP))
}

fn policy_with(styles: &str) -> String {
    if styles.is_empty() {
        return CSP.to_owned();
    }
    format!("{CSP}; style-src 'self' {styles}")
}

/// A file of the build, in the smallest form that the client takes.
fn asset(path: &str, request: &HeaderMap) -> Option<Response<Body>> {
    if path.is_empty()
        || path == "index.html"
        || path == INLINE_STYLES
        || path.ends_with(".gz")
        || path.ends_with(".br")
    {
        return None;
    }
    let plain = Dist::get(path)?;
    let takes = |coding: &str| {
        request
            .get(http::header::ACCEPT_ENCODING)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.split(',').any(|p| p.split(';').next().is_some_and(|c| c.trim() == coding)))
    };
    let packed = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(coding, ext)| {
        takes(coding).then(|| Dist::get(&format!("{path}{ext}"))).flatten().map(|f| (coding, f))
    });
    let (coding, file) = match packed {
        Some((c, f)) => (Some(c), f),
        None => (None, plain),
    };
    let mut r = Response::new(reply::full(file.data.into_owned()));
    *r.status_mut() = StatusCode::OK;
    let h = r.headers_mut();
    h.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    h.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    // Names under assets/ carry a hash of the content, so they never change.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    h.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Some(c) = coding {
        h.insert(CONTENT_ENCODING, HeaderValue::from_static(c));
    }
    Some(r)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "map" | "webmanifest") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

fn attribute(s: &str) -> String {
    s.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_cannot_leave_its_attribute() {
        assert_eq!(attribute("/a\"><script>"), "/a&quot;>&lt;script>");
    }

    #[test]
    fn only_the_styles_that_the_build_names_are_let_through() {
        assert_eq!(policy_with(""), CSP);
        assert_eq!(policy_with("'sha256-x='"), format!("{CSP}; style-src 'self' 'sha256-x='"));
        assert!(!CSP.contains("unsafe"));
    }

    #[test]
    fn packed_files_are_not_addresses() {
        assert!(asset("assets/x.js.gz", &HeaderMap::new()).is_none());
        assert!(asset("", &HeaderMap::new()).is_none());
    }
}
