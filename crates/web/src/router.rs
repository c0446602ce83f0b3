//! Routes: which handler answers which path, below the route prefix.

use crate::api::{
    alertmanagers, alerts, federate, formatting, labels, lifecycle, own, query, rules, series, status,
    targets,
};
use crate::app::App;
use crate::pages;
use crate::params::Params;
use crate::reply::{self, ApiError, Body};
use crate::runbooks;
use bytes::Bytes;
use http::header::{ALLOW, HeaderMap, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longest form body taken, bytes: as Go's `ParseForm`.
const MAX_FORM: usize = 10 << 20;

/// A request as handlers see it.
pub(crate) struct Ask {
    pub method: Method,
    /// Path below the route prefix, beginning with `/`.
    pub path: String,
    pub headers: HeaderMap,
    pub params: Params,
    /// Parameters of the URL alone.
    pub url_params: Params,
}

/// Answers one request. Never panics outward: a panic of a handler is caught, logged and counted.
pub async fn router<B>(app: Arc<App>, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let path = request.uri().path().to_owned();
    let extra = match &app.options.secure {
        None => Vec::new(),
        Some(secure) => match secure.admit(request.headers()).await {
            Ok(extra) => extra,
            Err(mut refused) => {
                app.stats.requests.count(refused.status());
                security_headers(refused.headers_mut());
                return refused;
            }
        },
    };
    let answered =
        futures_util::FutureExt::catch_unwind(AssertUnwindSafe(route(Arc::clone(&app), request))).await;
    let mut response = answered.unwrap_or_else(|_| {
        app.stats.panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(component = "web", path, "BUG: panic while answering a request");
        reply::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
    });
    app.stats.requests.count(response.status());
    for (name, value) in extra {
        response.headers_mut().insert(name, value);
    }
    security_headers(response.headers_mut());
    response
}

/// Headers that keep a browser from doing more with an answer than showing it.
fn security_headers(h: &mut HeaderMap) {
    h.entry("x-content-type-options").or_insert(HeaderValue::from_static("nosniff"));
    h.entry("x-frame-options").or_insert(HeaderValue::from_static("DENY"));
    h.entry("referrer-policy").or_insert(HeaderValue::from_static("no-referrer"));
}

async fn route<B>(app: Arc<App>, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (parts, body) = request.into_parts();
    if app.options.check_host && !host_is_local(&parts.headers) {
        return reply::text(
            StatusCode::FORBIDDEN,
            "this server listens on this machine only and was called by another name\nhint: use 127.0.0.1, localhost or [::1], or start it with --web.listen-address\n",
        );
    }
    let full = parts.uri.path().to_owned();
    let Some(path) = below_prefix(&full, &app.options.route_prefix) else {
        if full == "/" {
            return redirect(&format!("{}/", app.options.route_prefix));
        }
        return not_found();
    };
    let raw_query = parts.uri.query().unwrap_or("").to_owned();
    let is_form = parts
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    let form = if is_form {
        match read_form(body, app.options.read_timeout_ms).await {
            Ok(b) => b,
            Err(why) => {
                let e = ApiError::bad_data(format!("error parsing form values: {why}"));
                let mut r = reply::error(&e, &parts.headers);
                // What is still on its way is not read.
                r.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
                return r;
            }
        }
    } else {
        Bytes::new()
    };
    let ask = Ask {
        method: parts.method,
        path: path.to_owned(),
        params: Params::decode(&raw_query, &form),
        url_params: Params::decode(&raw_query, b""),
        headers: parts.headers,
    };
    dispatch(app, ask).await
}

/// The form of a POST: refused at once when it says that it is too long, and not waited for without end.
async fn read_form<B>(body: B, timeout_ms: u64) -> Result<Bytes, String>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if body.size_hint().lower() > MAX_FORM as u64 {
        return Err("http: POST too large".into());
    }
    match tokio::time::timeout(
        Duration::from_millis(timeout_ms.max(1)),
        Limited::new(body, MAX_FORM).collect(),
    )
    .await
    {
        Ok(Ok(b)) => Ok(b.to_bytes()),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => Err("http: POST too large".into()),
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => Err("the form did not come in time".into()),
    }
}

async fn dispatch(app: Arc<App>, ask: Ask) -> Response<Body> {
    let Some(rest) = ask.path.strip_prefix("/api/v1/") else {
        if let Some(rest) = ask.path.strip_prefix("/api/tortie/v1/") {
            let rest = rest.to_owned();
            return own::route(&app, &ask, &rest).await;
        }
        return outside_api(app, ask).await;
    };
    if ask.method == Method::OPTIONS {
        let mut r = Response::new(Body::default());
        *r.status_mut() = StatusCode::NO_CONTENT;
        reply::vary(r.headers_mut());
        return cors(&app, &ask, r);
    }
    let rest = rest.to_owned();
    let Some(methods) = methods_of(&rest) else { return not_found() };
    if !methods.contains(&ask.method.as_str()) {
        return not_allowed(methods);
    }
    let response = if rest == "status/walreplay" {
        reply::uncompressed(status::wal_replay(&app))
    } else if rest == "notifications" {
        reply::uncompressed(status::notifications(&app))
    } else if app.sources.storage().is_none() {
        unavailable()
    } else {
        api_v1(&app, &ask, &rest).await
    };
    cors(&app, &ask, response)
}

/// Methods of a route of `/api/v1`, `None` when there is none of that name.
fn methods_of(rest: &str) -> Option<&'static [&'static str]> {
    const GET: &[&str] = &["GET"];
    const BOTH: &[&str] = &["GET", "POST"];
    Some(match rest {
        "query" | "query_range" | "query_exemplars" | "format_query" | "parse_query" | "labels"
        | "series" => BOTH,
        "scrape_pools" | "targets" | "targets/metadata" | "alertmanagers" | "metadata" | "alerts"
        | "rules" => GET,
        "status/config" | "status/runtimeinfo" | "status/buildinfo" | "status/flags" | "status/tsdb" => GET,
        "status/tsdb/blocks" | "status/walreplay" | "features" | "notifications" => GET,
        _ if rest
            .strip_prefix("label/")
            .and_then(|r| r.strip_suffix("/values"))
            .is_some_and(|n| !n.contains('/')) =>
        {
            GET
        }
        _ => return None,
    })
}

async fn api_v1(app: &Arc<App>, ask: &Ask, rest: &str) -> Response<Body> {
    let p = &ask.params;
    let result = match rest {
        "query" => return query::instant(app, ask).await,
        "query_range" => return query::range(app, ask).await,
        "query_exemplars" => query::exemplars(app, p),
        "format_query" => formatting::format(app, p),
        "parse_query" => formatting::parse(app, p),
        "labels" => labels::names(app, p).await,
        "series" => series::series(app, p).await,
        "scrape_pools" => Ok(targets::pools(app)),
        "targets" => Ok(targets::targets(app, &ask.url_params)),
        "targets/metadata" => targets::target_metadata(app, p),
        "metadata" => targets::metadata(app, p),
        "alertmanagers" => Ok(alertmanagers::alertmanagers(app)),
        "alerts" => Ok(alerts::alerts(app)),
        "rules" => rules::rules(app, &ask.url_params, p),
        "status/config" => Ok(status::config(app)),
        "status/runtimeinfo" => Ok(status::runtime(app)),
        "status/buildinfo" => Ok(status::build()),
        "status/flags" => Ok(status::flags(app)),
        "status/tsdb" => status::tsdb(app, p),
        "status/tsdb/blocks" => Ok(status::blocks(app)),
        "features" => Ok(status::features(app)),
        _ => match rest.strip_prefix("label/").and_then(|r| r.strip_suffix("/values")) {
            Some(name) => labels::values(app, p, name).await,
            None => return not_found(),
        },
    };
    reply::api(result, &ask.headers)
}

async fn outside_api(app: Arc<App>, ask: Ask) -> Response<Body> {
    match (ask.method.as_str(), ask.path.as_str()) {
        ("GET" | "HEAD", "/-/healthy") => reply::text(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        ("GET" | "HEAD", "/-/ready") if app.sources.storage().is_some() => {
            reply::text(StatusCode::OK, "Prometheus Server is Ready.\n")
        }
        ("GET" | "HEAD", "/-/ready") => unavailable(),
        ("GET", "/-/reload" | "/-/quit") => lifecycle::wrong_method(),
        ("POST" | "PUT", "/-/reload") => lifecycle::reload(&app).await,
        ("POST" | "PUT", "/-/quit") => lifecycle::quit(&app),
        ("GET", "/version") => reply::text(StatusCode::OK, &format!("{}\n", status::build_json())),
        ("GET", "/metrics") => status::metrics(&app, &ask.headers),
        ("GET", "/federate") if app.sources.storage().is_some() => federate::federate(&app, &ask).await,
        ("GET", "/federate") => unavailable(),
        ("GET" | "HEAD", path) if path == "/runbooks" || path.starts_with("/runbooks/") => {
            runbooks::page(&app, path)
        }
        ("HEAD", "/version" | "/metrics" | "/federate" | "/-/reload" | "/-/quit") => not_allowed(&["GET"]),
        ("GET" | "HEAD", _) => pages::page(&app, &ask),
        _ => not_allowed(&["GET"]),
    }
}

fn cors(app: &App, ask: &Ask, mut r: Response<Body>) -> Response<Body> {
    let Some(allowed) = &app.options.cors else { return r };
    let Some(origin) = ask.headers.get(http::header::ORIGIN) else { return r };
    if !origin.to_str().is_ok_and(|o| allowed.is_match(o)) {
        return r;
    }
    let h = r.headers_mut();
    h.insert("access-control-allow-origin", origin.clone());
    h.insert(
        "access-control-allow-headers",
        HeaderValue::from_static("Accept, Authorization, Content-Type, Origin"),
    );
    h.insert("access-control-allow-methods", HeaderValue::from_static("GET, POST, OPTIONS"));
    h.insert("access-control-expose-headers", HeaderValue::from_static("Date"));
    r
}

/// The path below `prefix`, which has no trailing slash.
fn below_prefix<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() {
        return Some("/");
    }
    rest.starts_with('/').then_some(rest)
}

/// Whether the Host header names this machine; without one nothing speaks against it.
pub(crate) fn host_is_local(h: &HeaderMap) -> bool {
    let Some(host) = h.get(http::header::HOST).and_then(|v| v.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut r = Response::new(Body::default());
    *r.status_mut() = StatusCode::FOUND;
    if let Ok(v) = HeaderValue::from_str(to) {
        r.headers_mut().insert(LOCATION, v);
    }
    r
}

pub(crate) fn not_found() -> Response<Body> {
    reply::text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn unavailable() -> Response<Body> {
    reply::text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
}

pub(crate) fn not_allowed(methods: &[&str]) -> Response<Body> {
    let mut r = reply::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    // In the order that Go's router has.
    let mut all: Vec<&str> = methods.iter().copied().chain(["OPTIONS"]).collect();
    all.sort_unstable();
    if let Ok(v) = HeaderValue::from_str(&all.join(", ")) {
        r.headers_mut().insert(ALLOW, v);
    }
    r
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_a_slash() {
        assert_eq!(below_prefix("/a/b", "/a"), Some("/b"));
        assert_eq!(below_prefix("/a", "/a"), Some("/"));
        assert_eq!(below_prefix("/ab", "/a"), None);
        assert_eq!(below_prefix("/x", ""), Some("/x"));
    }

    #[test]
    fn only_this_machines_names_pass() {
        let check = |host: &'static str, want: bool| {
            let mut h = HeaderMap::new();
            h.insert(http::header::HOST, HeaderValue::from_static(host));
            assert_eq!(host_is_local(&h), want, "{host}");
        };
        check("localhost:9090", true);
        check("127.0.0.1", true);
        check("127.8.8.8:1", true);
        check("[::1]:9090", true);
        check("evil.example:9090", false);
        check("10.0.0.1:9090", false);
    }

    #[test]
    fn label_values_are_a_route_of_one_segment() {
        assert!(methods_of("label/job/values").is_some());
        assert!(methods_of("label/a/b/values").is_none());
        assert!(methods_of("status/self_metrics").is_none());
    }
}
