//! An API server that answers as a test says and keeps what it was asked.

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tortie_cluster::{Cluster, ConnectOptions};

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query as they came.
    pub(crate) uri: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    /// Whether the path is this one, whatever the query.
    pub(crate) fn is(&self, path: &str) -> bool {
        self.uri.split('?').next() == Some(path)
    }

    /// Whether the query has this pair, as encoded.
    pub(crate) fn has(&self, pair: &str) -> bool {
        self.uri.split_once('?').is_some_and(|(_, q)| q.split('&').any(|p| p == pair))
    }
}

/// What is answered.
pub(crate) enum Reply {
    Json(u16, Value),
    Text(u16, String),
    /// With one header.
    Header(u16, &'static str, &'static str, String),
    /// Nothing, ever.
    Hang,
    /// The head and a piece, then nothing more.
    HalfBody,
    /// One byte at a time, for ever.
    Drip(Duration),
}

/// A refusal as the API server words it.
pub(crate) fn status(code: u16, reason: &str, message: &str, details: &Value) -> Reply {
    Reply::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
            "code": code, "details": details}),
    )
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: TempDir,
}

impl Server {
    /// Starts one. `/version` is answered unless the script has something to say to it (any JSON but null).
    pub(crate) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let service =
                    service_fn(move |request| answer(request, Arc::clone(&script), Arc::clone(&log)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Server { address, asked, folder: TempDir::new().unwrap() }
    }

    /// A kubeconfig with a context `test` for this server; `user` is the YAML of its user.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: c\n  cluster: {{server: \"{}\"}}\n\
             contexts:\n- name: test\n  context: {{cluster: c, user: u, namespace: ns}}\n- name: other\n  context: {{cluster: gone, user: u}}\n\
             users:\n- name: u\n  user: {user}\n",
            self.address
        );
        let path = self.folder.path().join("config");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Options that lead here.
    pub(crate) fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: Some(self.kubeconfig("{token: t0ken}")),
            request_timeout: Duration::from_secs(20),
            ..ConnectOptions::default()
        }
    }

    /// A client of it.
    pub(crate) async fn cluster(&self) -> Cluster {
        Cluster::connect(&self.options()).await.unwrap().0
    }

    /// A client that does not wait long.
    pub(crate) async fn hasty(&self) -> Cluster {
        let options = ConnectOptions { request_timeout: Duration::from_millis(300), ..self.options() };
        Cluster::connect(&options).await.unwrap().0
    }

    /// What was asked so far, but for the version.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|a| !a.is("/version")).cloned().collect()
    }

    /// What was asked of `/version`.
    pub(crate) fn probes(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|a| a.is("/version")).cloned().collect()
    }
}

type Answered = Response<BoxBody<Bytes, Infallible>>;

async fn answer(
    request: Request<Incoming>,
    script: Arc<Script>,
    log: Arc<Mutex<Vec<Asked>>>,
) -> Result<Answered, Infallible> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    log.lock().unwrap().push(asked.clone());
    let mut reply = script(&asked);
    if asked.is("/version") && matches!(&reply, Reply::Json(200, Value::Null)) {
        reply = Reply::Json(200, json!({"gitVersion": "v1.36.3", "major": "1", "minor": "36"}));
    }
    let whole = |text: String| Full::new(Bytes::from(text)).boxed();
    let response = Response::builder();
    let response = match reply {
        Reply::Json(code, v) => {
            response.status(code).header("content-type", "application/json").body(whole(v.to_string()))
        }
        Reply::Text(code, text) => response.status(code).body(whole(text)),
        Reply::Header(code, name, value, text) => response.status(code).header(name, value).body(whole(text)),
        Reply::Hang => std::future::pending().await,
        Reply::HalfBody => {
            let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from("{\"items\": [")))]);
            let stream = futures_util::StreamExt::chain(first, futures_util::stream::pending());
            response.status(200).body(BodyExt::boxed(StreamBody::new(stream)))
        }
        Reply::Drip(pause) => {
            let stream = futures_util::stream::unfold((), move |()| async move {
                tokio::time::sleep(pause).await;
                Some((Ok(Frame::data(Bytes::from(" "))), ()))
            });
            response.status(200).body(BodyExt::boxed(StreamBody::new(Box::pin(stream))))
        }
    };
    Ok(response.unwrap())
}
