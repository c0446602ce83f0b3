//! An API server that answers as a test tells it.

use crate::client::{Cluster, Identity};
use crate::watch::{Namespace, Watch, Watches};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::Frame;
use kube::client::Body;
use serde_json::json;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use tortie_host::Clock;

/// Longest wait for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(40);

/// What the server does with a request.
pub(super) enum Answer {
    /// A status with headers and a body.
    Now(u16, Vec<(&'static str, &'static str)>, String),
    /// Status 200, and what comes out of the channel; the end of the channel is that of the answer.
    Stream(UnboundedReceiver<String>),
    /// Nothing, ever.
    Silence,
}

type Decide = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// The server with what was asked of it.
#[derive(Clone)]
pub(super) struct Script {
    decide: Arc<Decide>,
    asked: Arc<Mutex<Vec<(Duration, String)>>>,
    began: Instant,
    pub(super) connections: Arc<AtomicUsize>,
}

impl Script {
    /// A server that answers a request by its path and query, and by how many there were before it.
    pub(super) fn new(decide: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Script {
        Script {
            decide: Arc::new(decide),
            asked: Arc::default(),
            began: Instant::now(),
            connections: Arc::default(),
        }
    }

    /// Watches namespaces there.
    pub(super) fn watch(&self) -> (Watches, Watch<Namespace>) {
        let this = self.clone();
        let connect = Box::new(move || {
            let this = this.clone();
            let made: BoxFuture<'static, _> = Box::pin(async move {
                this.connections.fetch_add(1, Ordering::SeqCst);
                let identity = Identity {
                    context: String::new(),
                    server: "script".to_owned(),
                    user: String::new(),
                    namespace: String::new(),
                    contexts: 0,
                };
                Ok(Cluster::over(kube::Client::new(this.clone(), "default"), ANSWER, &identity))
            });
            made
        });
        let watches = Watches::new(connect, Arc::new(Ticks(self.began)), 7);
        let watch = watches.watch(None);
        (watches, watch)
    }

    /// When which lists (`false`) and watches (`true`) were asked for.
    pub(super) fn asked(&self, watches: bool) -> Vec<(Duration, String)> {
        let all = self.asked.lock().unwrap().clone();
        all.into_iter().filter(|(_, uri)| uri.contains("watch=true") == watches).collect()
    }
}

impl tower::Service<Request<Body>> for Script {
    type Response = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let uri = request.uri().to_string();
        let before = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((self.began.elapsed(), uri.clone()));
            asked.len() - 1
        };
        let answer = (self.decide)(&uri, before);
        Box::pin(async move {
            let (status, headers, rows) = match answer {
                Answer::Now(status, headers, body) => {
                    let (send, rows) = unbounded_channel();
                    send.send(body).unwrap();
                    (status, headers, rows)
                }
                Answer::Stream(rows) => (200, Vec::new(), rows),
                Answer::Silence => std::future::pending().await,
            };
            let pieces = futures_util::stream::unfold(rows, |mut rows| async move {
                let text = rows.recv().await?;
                Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), rows))
            });
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(http_body_util::BodyExt::boxed_unsync(StreamBody::new(pieces))).unwrap())
        })
    }
}

/// The time that tests move.
struct Ticks(Instant);

impl Clock for Ticks {
    fn now_ms(&self) -> i64 {
        1_000_000 + self.0.elapsed().as_millis() as i64
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// A namespace as the API server writes it.
pub(super) fn object(name: &str, version: u64) -> serde_json::Value {
    json!({"metadata": {"name": name, "resourceVersion": version.to_string(), "labels": {"v": version.to_string()}}})
}

/// A page of a list.
pub(super) fn page(names: &[&str], version: u64, next: &str) -> Answer {
    let items: Vec<_> = names.iter().map(|n| object(n, version)).collect();
    let body =
        json!({"metadata": {"resourceVersion": version.to_string(), "continue": next}, "items": items});
    Answer::Now(200, Vec::new(), body.to_string())
}

/// A refusal.
pub(super) fn refusal(status: u16) -> Answer {
    let body = json!({"kind": "Status", "code": status, "message": "so it is", "reason": "Because"});
    Answer::Now(status, Vec::new(), body.to_string())
}

/// A line of a watch.
pub(super) fn line(kind: &str, object: &serde_json::Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// A watch that says these lines and stays open as long as the sender lives.
pub(super) fn stream(lines: &[String]) -> (UnboundedSender<String>, Answer) {
    let (send, rows) = unbounded_channel();
    for line in lines {
        send.send(line.clone()).unwrap();
    }
    (send, Answer::Stream(rows))
}

/// A watch that says these lines and ends.
pub(super) fn ends(lines: &[String]) -> Answer {
    stream(lines).1
}

/// The names that are known.
pub(super) fn names(watch: &Watch<Namespace>) -> Vec<String> {
    watch.all().iter().map(|(k, _)| k.to_string()).collect()
}

/// Lets `seconds` pass.
pub(super) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
