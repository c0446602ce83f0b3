//! Answers of the API: the envelope, its error types and status codes, compression.

use crate::json;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, VARY};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;
use std::io::Write;

/// Body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Bodies below this many bytes are not worth compressing.
const COMPRESS_FROM: usize = 1024;

/// A failure with Prometheus' error type and the status that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// `bad_data`, `execution`, ...
    pub kind: Kind,
    /// What went wrong.
    pub message: String,
}

/// Prometheus' error types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    BadData,
    Execution,
    Canceled,
    Timeout,
    Internal,
    Unavailable,
    NotFound,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::BadData => "bad_data",
            Kind::Execution => "execution",
            Kind::Canceled => "canceled",
            Kind::Timeout => "timeout",
            Kind::Internal => "internal",
            Kind::Unavailable => "unavailable",
            Kind::NotFound => "not_found",
        }
    }

    fn status(self) -> u16 {
        match self {
            Kind::BadData => 400,
            Kind::Execution => 422,
            // nginx's code for a client that went away.
            Kind::Canceled => 499,
            Kind::Timeout => 503,
            Kind::NotFound => 404,
            // `unavailable` has no code of its own in Prometheus either.
            Kind::Internal | Kind::Unavailable => 500,
        }
    }
}

impl ApiError {
    /// A wrong parameter, in Prometheus' words.
    pub(crate) fn invalid(parameter: &str, why: &str) -> ApiError {
        ApiError {
            kind: Kind::BadData,
            message: format!("invalid parameter {}: {why}", crate::params::quoted(parameter)),
        }
    }

    /// A wrong request.
    pub(crate) fn bad_data(message: impl Into<String>) -> ApiError {
        ApiError { kind: Kind::BadData, message: message.into() }
    }

    /// A failure of the server itself.
    pub(crate) fn internal(message: impl Into<String>) -> ApiError {
        ApiError { kind: Kind::Internal, message: message.into() }
    }
}

/// What a handler answers: `data` as JSON text, with notes.
pub(crate) struct Data {
    /// JSON of the `data` field.
    pub json: Vec<u8>,
    /// Warnings, at most ten are sent.
    pub warnings: Vec<String>,
}

impl Data {
    /// Data without notes.
    pub(crate) fn new(json: Vec<u8>) -> Data {
        Data { json, warnings: Vec::new() }
    }
}

/// Closes the envelope after its data: warnings, infos, brace.
pub(crate) fn close_envelope(out: &mut Vec<u8>, warnings: &[String], infos: &[String]) {
    for (name, list) in [("warnings", warnings), ("infos", infos)] {
        if !list.is_empty() {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            json::strings(out, list);
        }
    }
    out.push(b'}');
}

/// The start of every successful answer, up to its data.
pub(crate) const OPEN_ENVELOPE: &[u8] = b"{\"status\":\"success\",\"data\":";

/// The answer of an API handler.
pub(crate) fn api(result: Result<Data, ApiError>, request: &HeaderMap) -> Response<Body> {
    match result {
        Ok(d) => {
            let mut out = Vec::with_capacity(d.json.len() + 64);
            out.extend_from_slice(OPEN_ENVELOPE);
            out.extend_from_slice(&d.json);
            close_envelope(&mut out, &d.warnings, &[]);
            json_response(StatusCode::OK, out, request)
        }
        Err(e) => error(&e, request),
    }
}

/// The answer of the two endpoints that Prometheus never compresses, and that answer while it starts.
pub(crate) fn uncompressed(data: Data) -> Response<Body> {
    let mut r = api(Ok(data), &HeaderMap::new());
    r.headers_mut().insert(VARY, HeaderValue::from_static("Origin"));
    r
}

/// An error in Prometheus' envelope.
pub(crate) fn error(e: &ApiError, request: &HeaderMap) -> Response<Body> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"{\"status\":\"error\",\"errorType\":");
    json::string(&mut out, e.kind.name());
    out.extend_from_slice(b",\"error\":");
    json::string(&mut out, &e.message);
    out.push(b'}');
    let status = StatusCode::from_u16(e.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json_response(status, out, request)
}

fn json_response(status: StatusCode, body: Vec<u8>, request: &HeaderMap) -> Response<Body> {
    let mut r = Response::new(Body::default());
    *r.status_mut() = status;
    r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    vary(r.headers_mut());
    with_body(r, body, accepts_gzip(request))
}

/// The two `Vary` headers that Prometheus sends with every API answer.
pub(crate) fn vary(h: &mut HeaderMap) {
    h.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    h.append(VARY, HeaderValue::from_static("Origin"));
}

/// Puts `body` into `r`, compressed when the client takes it and it is worth it.
pub(crate) fn with_body(r: Response<Body>, body: Vec<u8>, gzip: bool) -> Response<Body> {
    let (mut parts, _) = r.into_parts();
    let bytes = if gzip && body.len() >= COMPRESS_FROM {
        let mut enc = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
        // Writing into memory cannot fail; if it ever did, the plain body is as good.
        match enc.write_all(&body).and_then(|()| enc.finish()) {
            Ok(z) => {
                parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                z
            }
            Err(_) => body,
        }
    } else {
        body
    };
    Response::from_parts(parts, full(bytes))
}

/// A body of known bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A plain text answer, as Go's `http.Error` gives when `newline` and `nosniff` are wanted.
pub(crate) fn text(status: StatusCode, body: &str) -> Response<Body> {
    let mut r = Response::new(full(body.to_owned()));
    *r.status_mut() = status;
    r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    r
}

/// Whether the client takes gzip.
pub(crate) fn accepts_gzip(h: &HeaderMap) -> bool {
    h.get_all(http::header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).any(|v| {
        v.split(',').any(|part| {
            let mut it = part.split(';');
            let coding = it.next().unwrap_or("").trim();
            let refused = it.any(|q| matches!(q.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            coding.eq_ignore_ascii_case("gzip") && !refused
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_read_from_the_list() {
        let check = |v: &'static str, want: bool| {
            let mut h = HeaderMap::new();
            h.insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static(v));
            assert_eq!(accepts_gzip(&h), want, "{v}");
        };
        check("gzip", true);
        check("deflate, GZIP;q=0.5", true);
        check("gzip;q=0", false);
        check("br", false);
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn every_kind_has_its_status() {
        for (kind, code) in [
            (Kind::BadData, 400),
            (Kind::Execution, 422),
            (Kind::Canceled, 499),
            (Kind::Timeout, 503),
            (Kind::Internal, 500),
        ] {
            let e = ApiError { kind, message: "m".into() };
            assert_eq!(error(&e, &HeaderMap::new()).status().as_u16(), code);
        }
    }
}
