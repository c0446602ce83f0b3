//! The listening server: connections, bodies, watches.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tortie_host::{Clock, SystemClock};

use super::aggregated;
use super::handlers::{Answer, Asked, Selection, watched};
use super::plane::{CalicoApi, Plane};
use super::request::{Call, Query, Route};
use super::rights::User;
use super::status::Refusal;
use crate::SimError;

/// How a simulated API server begins.
pub struct KubeOptions {
    /// The same seed gives the same uids.
    pub seed: u64,
    /// Whose time creation stamps and owners get.
    pub clock: Arc<dyn Clock>,
    /// Tokens and whose they are. The token `admin` of a cluster administrator is always there.
    pub tokens: Vec<(String, User)>,
    /// Who asks without a token; `None` leaves them `system:anonymous`. kubectl sends no token over plain HTTP.
    pub anonymous: Option<User>,
    /// API groups of `data/kube/custom.txt` that are installed without their definitions.
    pub custom_groups: Vec<String>,
    /// The aggregated `projectcalico.org/v3`.
    pub calico: CalicoApi,
    /// Whether a namespace that is deleted is emptied and goes at once, as with the controller that does it.
    pub finalize_namespaces: bool,
}

impl Default for KubeOptions {
    fn default() -> Self {
        KubeOptions {
            seed: 1,
            clock: Arc::new(SystemClock::new()),
            tokens: Vec::new(),
            anonymous: None,
            custom_groups: Vec::new(),
            calico: CalicoApi::Absent,
            finalize_namespaces: true,
        }
    }
}

impl KubeOptions {
    /// A cluster with Calico and prometheus-operator: their groups of custom resources are there.
    pub fn monitored(calico: CalicoApi) -> KubeOptions {
        let groups = ["monitoring.coreos.com", "operator.tigera.io", "crd.projectcalico.org"];
        KubeOptions { custom_groups: groups.map(str::to_owned).into(), calico, ..KubeOptions::default() }
    }
}

/// The token of the administrator.
const ADMIN: &str = "admin";
/// Larger bodies than the real server takes are refused.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// A request that was answered, for tests that count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
}

struct Shared {
    plane: Mutex<Plane>,
    /// The version of the newest write, for watches.
    version: watch::Sender<u64>,
    seen: Mutex<Vec<SeenRequest>>,
    stop: CancellationToken,
}

impl Shared {
    fn plane(&self) -> MutexGuard<'_, Plane> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, version: u64) {
        self.version.send_replace(version);
    }
}

/// A running server. Dropping it closes the address and every connection.
pub struct KubeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Drop for KubeServer {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl KubeServer {
    /// Listens on a free port of the loopback address.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: KubeOptions) -> Result<KubeServer, SimError> {
        let wrong = |source| SimError::Listen { target: "API server".into(), source };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let groups: Vec<&str> = options.custom_groups.iter().map(String::as_str).collect();
        let mut plane =
            Plane::new(options.seed, options.clock, options.calico, &groups, options.finalize_namespaces);
        plane.add_token(ADMIN, User::administrator(ADMIN));
        if let Some(user) = options.anonymous {
            plane.take_anonymous_for(user);
        }
        for (token, user) in options.tokens {
            plane.add_token(&token, user);
        }
        let shared = Arc::new(Shared {
            version: watch::channel(plane.store.version()).0,
            plane: Mutex::new(plane),
            seen: Mutex::new(Vec::new()),
            stop: CancellationToken::new(),
        });
        tokio::spawn(accept(listener, shared.clone()));
        Ok(KubeServer { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig with one context `sim`, as JSON, for the user of `token`.
    pub fn kubeconfig(&self, token: &str) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "sim",
            "clusters": [{"name": "sim", "cluster": {"server": self.url()}}],
            "users": [{"name": "sim", "user": {"token": token}}],
            "contexts": [{"name": "sim", "context": {"cluster": "sim", "user": "sim"}}],
        })
        .to_string()
    }

    /// Adds a token of a service account, which need not exist.
    pub fn add_account_token(&self, token: &str, namespace: &str, account: &str) {
        self.shared.plane().add_token(token, User::account(namespace, account));
    }

    /// Creates an object past all rights; `None` when it is refused or its kind is not known.
    pub fn create(&self, api_version: &str, plural: &str, namespace: &str, object: &Value) -> Option<Value> {
        let mut plane = self.shared.plane();
        let out = plane.make(api_version, plural, namespace, object);
        let version = plane.store.version();
        drop(plane);
        self.shared.tell(version);
        out
    }

    /// Keeps an object as it stands, status, uid and managed fields included, as if the controllers had brought it there;
    /// an object of that name is replaced. Objects of the aggregated `projectcalico.org/v3` go to where it keeps them. False
    /// when the kind is not served.
    pub fn place(&self, object: &Value) -> bool {
        let mut plane = self.shared.plane();
        let Some((kind, object)) = plane.stored_form(object) else { return false };
        plane.keep(&kind, object);
        let version = plane.store.version();
        drop(plane);
        self.shared.tell(version);
        true
    }

    /// Takes an object away, past all rights; `object` needs its kind and names. False when it was not there.
    pub fn remove(&self, object: &Value) -> bool {
        let mut plane = self.shared.plane();
        let Some((kind, object)) = plane.stored_form(object) else { return false };
        let (group, plural) = kind.key();
        let text = |p: &str| object.pointer(p).and_then(Value::as_str).unwrap_or_default();
        let gone = plane.store.take(&group, &plural, text("/metadata/namespace"), text("/metadata/name"));
        let version = plane.store.version();
        drop(plane);
        self.shared.tell(version);
        gone.is_some()
    }

    /// Every object that is kept, in the form in which it is kept.
    pub fn everything(&self) -> Vec<Value> {
        self.shared.plane().store.everything().cloned().collect()
    }

    /// The version of the newest write, to wait for the next.
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.shared.version.subscribe()
    }

    /// All kept objects of a resource, by namespace and name. `group` is empty for the core group.
    pub fn objects(&self, group: &str, plural: &str) -> Vec<Value> {
        self.shared.plane().store.all(group, plural).cloned().collect()
    }

    /// Forgets what happened, so that watches and pages that began before answer 410.
    pub fn compact(&self) {
        self.shared.plane().store.compact();
    }

    /// What was asked since the last call of this, in order.
    pub fn take_requests(&self) -> Vec<SeenRequest> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // A connection that cannot be told to send at once is slower, no worse.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| serve(request, shared.clone()));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away is none of our business.
            tokio::select! {
                () = shared.stop.cancelled() => {}
                _ = connection => {}
            }
        });
    }
}

type Out = Response<Either<Full<Bytes>, Events>>;

async fn serve(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Out, Infallible> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let text = |name: &str| header(&head.headers, name);
    let mut call = Call {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: Query::parse(&query),
        content_type: text("content-type"),
        accept: text("accept"),
        agent: text("user-agent"),
        authorization: text("authorization"),
        impersonate: impersonated(&head.headers),
        body: Bytes::new(),
    };
    let out = match Limited::new(body, MAX_BODY).collect().await {
        Ok(all) => {
            call.body = all.to_bytes();
            answer(&call, &shared)
        }
        Err(_) => refused(&Refusal::plain(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {MAX_BODY}"),
        )),
    };
    let seen = SeenRequest { method: call.method, path: call.path, query, status: out.status().as_u16() };
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    Ok(out)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

fn impersonated(headers: &HeaderMap) -> Option<(String, Vec<String>)> {
    let user = header(headers, "impersonate-user");
    let groups =
        headers.get_all("impersonate-group").iter().filter_map(|v| v.to_str().ok()).map(str::to_owned);
    (!user.is_empty()).then(|| (user, groups.collect()))
}

/// Whether the client takes JSON as it is, not as a table or protobuf alone.
fn takes_json(accept: &str) -> bool {
    accept.is_empty()
        || accept.split(',').map(str::trim).any(|one| {
            let mut parts = one.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let plain = !parts.any(|p| p.starts_with("as="));
            plain && matches!(media, "application/json" | "application/*" | "*/*")
        })
}

fn answer(call: &Call, shared: &Arc<Shared>) -> Out {
    if !takes_json(&call.accept) {
        let message = "only the following media types are accepted: application/json";
        return refused(&Refusal::plain(406, "NotAcceptable", message));
    }
    let mut plane = shared.plane();
    if let Some(route) = Route::parse(&call.path)
        && call.method == "GET"
        && call.query.is_on("watch")
    {
        return match watch_of(&mut plane, call, &route) {
            Ok(seen) => {
                drop(plane);
                events(seen, call, shared)
            }
            Err(refusal) => refused(&refusal),
        };
    }
    let out = plane.answer(call);
    let version = plane.store.version();
    drop(plane);
    shared.tell(version);
    match out {
        Ok(answer) => told(&answer),
        Err(refusal) => refused(&refusal),
    }
}

fn response(code: u16, kind: &str, body: String) -> Response<Full<Bytes>> {
    let mut out = Response::new(Full::new(Bytes::from(body)));
    *out.status_mut() = hyper::StatusCode::from_u16(code).unwrap_or_default();
    if let Ok(v) = kind.parse() {
        out.headers_mut().insert("content-type", v);
    }
    out
}

fn told(answer: &Answer) -> Out {
    // Health answers are text.
    let mut out = match &answer.body {
        Value::String(text) => response(answer.code, "text/plain; charset=utf-8", text.clone()),
        body => response(answer.code, "application/json", body.to_string()),
    };
    for warning in &answer.warnings {
        if let Ok(v) = format!("299 - {warning:?}").parse() {
            out.headers_mut().append("warning", v);
        }
    }
    out.map(Either::Left)
}

fn refused(refusal: &Refusal) -> Out {
    let out = match refusal.message.as_str() {
        "404 page not found" => response(404, "text/plain; charset=utf-8", "404 page not found\n".into()),
        _ => response(refusal.code, "application/json", refusal.json().to_string()),
    };
    out.map(Either::Left)
}

/// A watch that begins.
struct Watch {
    /// Where the objects are kept.
    key: (String, String),
    /// The aggregated kind that they are shown as.
    shown_as: Option<Arc<super::kinds::Kind>>,
    selection: Selection,
    after: u64,
    /// What is told before events: the objects that are there.
    first: VecDeque<Value>,
    kind: String,
    api_version: String,
    bookmarks: bool,
}

fn watch_of(plane: &mut Plane, call: &Call, route: &Route) -> Result<Watch, Refusal> {
    plane.admit(call, Some(route))?;
    let kind = plane.kind(route)?;
    let stored =
        if kind.aggregated { plane.kinds.get("crd.projectcalico.org", "v1", &kind.plural) } else { None };
    let selection = Selection::of(&Asked { kind: &kind, route, call })?;
    let version = plane.store.version();
    let asked = call.query.get("resourceVersion");
    let after = match asked {
        "" | "0" => version,
        text => text.parse::<u64>().map_err(|_| {
            Refusal::bad_request(format!(
                "invalid resource version: strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        })?,
    };
    let key = stored.as_ref().unwrap_or(&kind).key();
    let mut first = VecDeque::new();
    if matches!(asked, "" | "0") || call.query.is_on("sendInitialEvents") {
        let all = plane.store.all(&key.0, &key.1).filter(|v| selection.takes(v));
        first.extend(all.map(|v| json!({"type": "ADDED", "object": v})));
    }
    if call.query.is_on("sendInitialEvents") {
        first.push_back(json!({"type": "BOOKMARK", "object": {
            "kind": kind.kind, "apiVersion": kind.api_version(),
            "metadata": {"resourceVersion": version.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}},
        }}));
    }
    Ok(Watch {
        key,
        selection,
        after,
        first,
        kind: kind.kind.clone(),
        api_version: kind.api_version(),
        bookmarks: call.query.is_on("allowWatchBookmarks"),
        shown_as: stored.map(|_| kind),
    })
}

/// The body of a watch: one event a line.
struct Events {
    lines: mpsc::Receiver<Bytes>,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.lines.poll_recv(cx).map(|line| line.map(|l| Ok(Frame::data(l))))
    }
}

fn events(watch: Watch, call: &Call, shared: &Arc<Shared>) -> Out {
    let (lines, rx) = mpsc::channel(64);
    let seconds = call.query.get("timeoutSeconds").parse().unwrap_or(1800);
    let shared = shared.clone();
    tokio::spawn(async move {
        // The client is gone, the time is up, or the server ends: in each case the body ends.
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = feed(watch, &lines, &shared) => {}
            () = lines.closed() => {}
        }
    });
    let mut out = Response::new(Either::Right(Events { lines: rx }));
    if let Ok(v) = "application/json".parse() {
        out.headers_mut().insert("content-type", v);
    }
    out
}

/// How often a quiet watch is told the version, when it asked for that.
const BOOKMARK: Duration = Duration::from_secs(60);

async fn feed(mut watch: Watch, lines: &mpsc::Sender<Bytes>, shared: &Shared) {
    let mut changed = shared.version.subscribe();
    loop {
        while let Some(mut event) = watch.first.pop_front() {
            if let (Some(kind), Some(object)) = (&watch.shown_as, event.get_mut("object")) {
                *object = aggregated::shown(object, kind);
            }
            if lines.send(Bytes::from(format!("{event}\n"))).await.is_err() {
                return;
            }
        }
        changed.mark_unchanged();
        if !gather(&mut watch, shared) {
            let gone = Refusal::plain(410, "Expired", format!("too old resource version: {}", watch.after));
            let line = json!({"type": "ERROR", "object": gone.json()});
            // The client may be gone already.
            let _ = lines.send(Bytes::from(format!("{line}\n"))).await;
            return;
        }
        if !watch.first.is_empty() {
            continue;
        }
        tokio::select! {
            ended = changed.changed() => {
                if ended.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(BOOKMARK), if watch.bookmarks => {
                watch.first.push_back(json!({"type": "BOOKMARK", "object": {
                    "kind": watch.kind, "apiVersion": watch.api_version,
                    "metadata": {"resourceVersion": watch.after.to_string(), "creationTimestamp": null},
                }}));
            }
        }
    }
}

/// Takes over what happened since; false when that is no longer known.
fn gather(watch: &mut Watch, shared: &Shared) -> bool {
    let plane = shared.plane();
    let Some(events) = plane.store.since(watch.after) else { return false };
    for e in events {
        if (&e.group, &e.plural) == (&watch.key.0, &watch.key.1) {
            watch.first.extend(watched(&watch.selection, e));
        }
    }
    watch.after = plane.store.version();
    true
}
