//! One request: its bounds, its retries, and what a refusal means.

use super::chain;
use super::error::{ConnectClass, ReadError};
use super::{Cluster, Status};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A request may take this many times [`super::ConnectOptions::request_timeout`] altogether.
pub const WHOLE: u32 = 6;
/// Longest answer in bytes.
const MAX_BODY: usize = 256 << 20;
/// How often a server that is busy is asked again.
const RETRIES: u32 = 3;
/// Longest wait before asking again.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A request to be sent, and what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    body: Option<(&'static str, Bytes)>,
    accept: &'static str,
    most: usize,
    verb: &'static str,
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
}

impl Call {
    /// A GET of a path, which may have a query.
    pub(crate) fn get(path: &str) -> Call {
        Call {
            method: Method::GET,
            path: path.to_owned(),
            body: None,
            accept: "application/json",
            most: MAX_BODY,
            verb: "get",
            resource: path.split('?').next().unwrap_or("").to_owned(),
            namespace: None,
            name: None,
        }
    }

    /// A request with a body.
    pub(crate) fn with_body(method: Method, path: &str, content_type: &'static str, body: Vec<u8>) -> Call {
        Call { method, body: Some((content_type, Bytes::from(body))), ..Call::get(path) }
    }

    /// Says what is asked for, for errors.
    #[must_use]
    pub(crate) fn about(
        mut self,
        verb: &'static str,
        resource: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Call {
        self.verb = verb;
        self.resource = resource.to_owned();
        self.namespace = namespace.map(str::to_owned);
        self.name = name.map(str::to_owned);
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub(crate) fn query(mut self, key: &str, value: &str) -> Call {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(key);
        self.path.push('=');
        escape(&mut self.path, value);
        self
    }

    /// The forms of answer that are understood.
    #[must_use]
    pub(crate) fn accept(mut self, accept: &'static str) -> Call {
        self.accept = accept;
        self
    }

    /// Longest answer in bytes.
    #[must_use]
    pub(super) fn at_most(mut self, bytes: usize) -> Call {
        self.most = bytes.min(MAX_BODY);
        self
    }

    /// What is asked for, in words.
    pub(crate) fn what(&self) -> String {
        let name = self.name.as_deref().map(|n| format!(" {n}")).unwrap_or_default();
        let place = self.namespace.as_deref().map(|n| format!(" in namespace {n}")).unwrap_or_default();
        format!("{} {}{name}{place}", self.verb, self.resource)
    }

    pub(super) fn to_request(&self) -> Result<http::Request<Body>, ReadError> {
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(self.path.as_str())
            .header(header::ACCEPT, self.accept)
            .header(header::USER_AGENT, concat!("tortie/", env!("CARGO_PKG_VERSION")));
        let body = match &self.body {
            Some((content_type, bytes)) => {
                request = request.header(header::CONTENT_TYPE, *content_type);
                Body::from(bytes.to_vec())
            }
            None => Body::empty(),
        };
        request
            .body(body)
            .map_err(|e| ReadError::Other { status: 0, message: format!("{} is no path: {e}", self.path) })
    }
}

/// Percent-encodes all but unreserved characters.
pub(super) fn escape(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// An answer read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    what: String,
}

impl Answer {
    /// The answer to a call, read to its end.
    pub(super) fn new(call: &Call, head: http::response::Parts, body: Bytes) -> Answer {
        Answer { status: head.status, headers: head.headers, body, what: call.what() }
    }

    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        serde_json::from_slice(&self.body)
            .map_err(|e| ReadError::Malformed { what: self.what.clone(), message: e.to_string() })
    }
}

impl Cluster {
    /// Sends a request; anything but success is an error.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, ReadError> {
        let answer = self.exchange(&call).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.hushed(refusal(&call, &answer))) }
    }

    /// An error without the server's own words, where they are not to be shown.
    pub(super) fn hushed(&self, e: ReadError) -> ReadError {
        match e {
            ReadError::Other { status, .. } if self.inner.discreet => {
                ReadError::Other { status, message: "its words are not shown".to_owned() }
            }
            e => e,
        }
    }

    /// Sends a request, again when the server is busy; any status that is final is an answer.
    pub(crate) async fn exchange(&self, call: &Call) -> Result<Answer, ReadError> {
        let mut tries = 0;
        loop {
            let answer = self.send(call).await?;
            let Some(wait) = busy(&answer) else { return Ok(answer) };
            if tries == RETRIES || wait > MAX_WAIT {
                return Err(ReadError::TooMany { retry_after: wait });
            }
            tries += 1;
            tracing::debug!(wait_s = wait.as_secs_f64(), what = call.what(), "the API server is busy");
            sleep(wait).await;
        }
    }

    pub(super) async fn send(&self, call: &Call) -> Result<Answer, ReadError> {
        let limit = self.inner.request_timeout;
        let late = |after| ReadError::Timeout { what: call.what(), after };
        let request = call.to_request()?;
        let exchange = async {
            let response = timeout(limit, self.inner.client.send(request)).await.map_err(|_| late(limit))?;
            let response = response.map_err(|e| self.unreachable(call, &e))?;
            let (parts, mut body) = response.into_parts();
            let mut bytes = BytesMut::new();
            while let Some(frame) = timeout(limit, body.frame()).await.map_err(|_| late(limit))? {
                let frame = frame.map_err(|e| self.unreachable(call, &e))?;
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > call.most {
                    let message = format!("it is longer than {} bytes", call.most);
                    return Err(ReadError::Malformed { what: call.what(), message });
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Answer::new(call, parts, bytes.freeze()))
        };
        timeout(limit * WHOLE, exchange).await.map_err(|_| late(limit * WHOLE))?
    }

    pub(super) fn unreachable(&self, call: &Call, e: &kube::Error) -> ReadError {
        let e = chain::connect_error(e, &self.inner.server);
        match e.class {
            ConnectClass::Timeout => {
                ReadError::Timeout { what: call.what(), after: self.inner.request_timeout }
            }
            _ => ReadError::Unreachable(e),
        }
    }

    /// Asks a pod or service through the API server's proxy: see [`pod_proxy_path`] and [`service_proxy_path`].
    ///
    /// # Errors
    /// What the API server itself refuses; any answer of the other side, good or bad, is a [`ProxyAnswer`].
    pub async fn proxy_get(&self, path: &str) -> Result<ProxyAnswer, ReadError> {
        let kind = if path.contains("/services/") { "services/proxy" } else { "pods/proxy" };
        let namespace = path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next());
        let call = Call::get(path).accept("*/*").at_most(64 << 20).about("get", kind, namespace, None);
        let answer = self.exchange(&call).await?;
        if !answer.status.is_success() && Status::parse(&answer.body).is_some() {
            return Err(refusal(&call, &answer));
        }
        let content_type = answer.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        Ok(ProxyAnswer {
            status: answer.status.as_u16(),
            content_type: content_type.unwrap_or("").to_owned(),
            body: answer.body,
        })
    }
}

/// What the other side of the API server's proxy said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// The header `Content-Type`; empty when it has none.
    pub content_type: String,
    /// The whole body.
    pub body: Bytes,
}

/// The path to a pod through the proxy; `rest` begins with a slash and may have a query.
pub fn pod_proxy_path(namespace: &str, pod: &str, port: u16, rest: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{rest}")
}

/// The path to a port (number or name) of a Service through the proxy; `scheme` is `http` or `https`.
pub fn service_proxy_path(namespace: &str, service: &str, scheme: &str, port: &str, rest: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/{scheme}:{service}:{port}/proxy{rest}")
}

/// How long a busy server asks to wait.
pub(super) fn busy(answer: &Answer) -> Option<Duration> {
    let asked = answer
        .headers
        .get(header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.trim().parse::<u64>().ok());
    let seconds = match answer.status {
        StatusCode::TOO_MANY_REQUESTS => {
            asked.or_else(|| Status::parse(&answer.body)?.details?.retry_after_seconds).unwrap_or(1)
        }
        StatusCode::SERVICE_UNAVAILABLE => asked?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// A body read to its end; `None` when it breaks off or is longer than `most` bytes.
pub(super) async fn read_all(mut body: Body, most: usize) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return None;
        }
        bytes.extend_from_slice(&data);
    }
    Some(bytes.freeze())
}

/// What an answer that is no success means.
pub(crate) fn refusal(call: &Call, answer: &Answer) -> ReadError {
    let status = Status::parse(&answer.body);
    match answer.status {
        StatusCode::UNAUTHORIZED => ReadError::Unauthorized,
        StatusCode::FORBIDDEN => {
            let message = status.map(|s| s.message).unwrap_or_default();
            let denied = denied(&message);
            let (verb, resource) = denied_in_tier(&message, call).unwrap_or_else(|| {
                let resource = denied.map_or_else(|| call.resource.clone(), |d| d.resource());
                (denied.map_or(call.verb, |d| d.verb).to_owned(), resource)
            });
            ReadError::Forbidden {
                verb,
                resource,
                namespace: call.namespace.clone(),
                user: quoted_after(&message, "User ").unwrap_or("").to_owned(),
            }
        }
        StatusCode::NOT_FOUND => {
            // A kind that the server does not know is answered by a plain text.
            let served = status.as_ref().and_then(|s| s.details.as_ref()).is_some_and(|d| !d.name.is_empty());
            let what = match (&call.name, served) {
                (Some(name), true) => format!("{} {name}", call.resource),
                _ => call.resource.clone(),
            };
            ReadError::NotFound { what, served }
        }
        StatusCode::GONE => ReadError::Gone { what: call.resource.clone() },
        _ => ReadError::Other {
            status: answer.status.as_u16(),
            message: status
                .map(|s| s.message)
                .filter(|m| !m.is_empty())
                .unwrap_or_else(|| words(&answer.body)),
        },
    }
}

/// The first line of a body that is no `Status`, cut.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(400)).unwrap_or(&[])).into_owned();
    text.lines().next().unwrap_or("").chars().take(200).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Denied<'a> {
    verb: &'a str,
    name: &'a str,
    group: &'a str,
}

impl Denied<'_> {
    fn resource(&self) -> String {
        if self.group.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.name, self.group) }
    }
}

/// Reads `User "u" cannot VERB resource "R" in API group "G" ...` and `User "u" cannot VERB path "P"`.
fn denied(message: &str) -> Option<Denied<'_>> {
    let (_, rest) = message.split_once(" cannot ")?;
    let (verb, _) = rest.split_once(' ')?;
    let name = quoted_after(rest, "resource ").or_else(|| quoted_after(rest, "path "))?;
    Some(Denied { verb, name, group: quoted_after(rest, "API group ").unwrap_or("") })
}

/// What is missing when Calico's API server refuses a policy for its tier: `User "u" cannot VERB R in tier "T" ...`, with
/// `(user cannot get tier)` behind it when that is the reason; of a list it names nothing.
fn denied_in_tier(message: &str, call: &Call) -> Option<(String, String)> {
    if message.contains("Operation on Calico tiered policy is forbidden") {
        return Some((call.verb.to_owned(), format!("tier.{}", call.resource)));
    }
    let (before, after) = message.split_once(" in tier \"")?;
    let (_, asked) = before.split_once(" cannot ")?;
    let (verb, resource) = asked.split_once(' ')?;
    if after.contains("(user cannot get tier)") {
        let group = resource.split_once('.').map_or("", |(_, group)| group);
        return Some(("get".to_owned(), format!("tiers.{group}")));
    }
    Some((verb.to_owned(), format!("tier.{resource}")))
}

/// The text in quotes behind a word.
fn quoted_after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(word)?;
    rest.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_rights_are_read() {
        let m = "servicemonitors.monitoring.coreos.com is forbidden: User \"system:serviceaccount:a:b\" cannot list resource \"servicemonitors\" in API group \"monitoring.coreos.com\" at the cluster scope";
        let d = denied(m).unwrap();
        assert_eq!((d.verb, d.resource()), ("list", "servicemonitors.monitoring.coreos.com".to_owned()));
        assert_eq!(quoted_after(m, "User "), Some("system:serviceaccount:a:b"));
        let d =
            denied("forbidden: User \"u\" cannot impersonate-on:user-info:get path \"/version\"").unwrap();
        assert_eq!((d.verb, d.resource()), ("impersonate-on:user-info:get", "/version".to_owned()));
        assert_eq!(denied("admission webhook \"x\" denied the request"), None);
    }

    #[test]
    fn refusals_for_a_tier_name_the_right_in_it() {
        #[track_caller]
        fn check(message: &str, expect: Option<(&str, &str)>) {
            let call = Call::get("/x").about("list", "networkpolicies.projectcalico.org", None, None);
            let expect = expect.map(|(v, r)| (v.to_owned(), r.to_owned()));
            assert_eq!(denied_in_tier(message, &call), expect, "{message}");
        }
        let said = "networkpolicies.projectcalico.org \"t.x\" is forbidden: User \"u\" cannot create \
                    networkpolicies.projectcalico.org in tier \"t\" and namespace \"calico-system\"";
        check(said, Some(("create", "tier.networkpolicies.projectcalico.org")));
        let no_tier = format!("{said} (user cannot get tier)");
        check(&no_tier, Some(("get", "tiers.projectcalico.org")));
        let list = "networkpolicies.projectcalico.org \"\" is forbidden: Operation on Calico tiered policy is forbidden";
        check(list, Some(("list", "tier.networkpolicies.projectcalico.org")));
        check("pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\"", None);
    }

    #[test]
    fn parameters_are_escaped() {
        let call = Call::get("/x").query("labelSelector", "a in (b,c),!d").query("limit", "5");
        assert_eq!(call.path, "/x?labelSelector=a%20in%20%28b%2Cc%29%2C%21d&limit=5");
    }
}
