//! One page, asked for by hand: a scrape of an address or of a pod's port, a query.

use crate::collect::http::{self, Form, Reply};
use crate::collect::prometheus::{PrometheusAddress, ask};
use std::time::Duration;
use tortie_cluster::client::{Cluster, ConnectOptions};

/// An answer to one request.
#[derive(Debug, Clone)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// The header `content-type`; empty when absent.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Page {
    fn of(reply: Reply) -> Result<Page, String> {
        let body = reply.bytes()?.to_vec();
        Ok(Page { status: reply.status, content_type: reply.content_type, body })
    }
}

/// Asks an address for `path`, which is put behind the address' own.
///
/// # Errors
/// Why there is no answer, in words.
pub async fn page(address: &PrometheusAddress, path: &str, limit: Duration) -> Result<Page, String> {
    let reply = ask(address, path, limit).await?;
    Page::of(reply)
}

/// Asks a pod's port for `path` through the kubelet.
///
/// # Errors
/// Why there is no answer; a refusal of rights names the right.
pub async fn pod_page(
    options: &ConnectOptions,
    pod: (&str, &str),
    port: u16,
    path: &str,
    limit: Duration,
) -> Result<Page, String> {
    let (cluster, _) = Cluster::connect(options).await.map_err(|e| e.to_string())?;
    let stream = cluster.port_forward(pod.0, pod.1, port).await.map_err(|e| e.to_string())?;
    let reply = http::get(stream, &format!("localhost:{port}"), path, None, Form::Plain, limit).await?;
    Page::of(reply)
}

/// The path of an instant query.
pub fn query_path(expr: &str) -> String {
    format!("/api/v1/query?query={}", super::prometheus_api::escaped(expr))
}

/// The path of a query over the last `range`, with about a hundred steps. Times are in seconds.
pub fn range_path(expr: &str, now: i64, range: i64) -> String {
    let step = (range / 100).max(1);
    let query = super::prometheus_api::escaped(expr);
    format!("/api/v1/query_range?query={query}&start={}&end={now}&step={step}", now - range)
}
