//! The reading client. [`Cluster`] has no method that changes anything: the only requests with a body are access reviews.
//!
//! Every call is bounded: a request by [`ConnectOptions::request_timeout`] until its answer begins and between two pieces
//! of the answer, and by [`WHOLE`] times that altogether.

mod access;
mod chain;
mod connect;
mod error;
mod expiry;
mod forward;
mod list;
mod oidc;
mod proxy;
mod request;
mod resources;
mod server;
mod status;
mod stream;

pub use access::Access;
pub use connect::{ConnectOptions, Identity};
pub use error::{ConnectClass, ConnectError, ReadError};
pub use forward::Forward;
pub use list::ListOptions;
pub use request::{ProxyAnswer, WHOLE, pod_proxy_path, service_proxy_path};
pub use resources::{Resource, Resources};
pub use server::ServerAccess;

pub(crate) use request::{Answer, Call, refusal};
pub(crate) use status::Status;
pub(crate) use stream::Opened;

use crate::object::{Gvk, Object};
use http::header;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// A connection to an API server that only reads. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    client: kube::Client,
    request_timeout: Duration,
    /// Address of the server, for errors.
    server: String,
    /// Whether the server's own words stay out of errors.
    discreet: bool,
    /// Resources of the groups and versions that were asked for, so that each is fetched once.
    groups: Mutex<Groups>,
}

/// Group and version, and what is served there.
type Groups = BTreeMap<(String, String), Arc<Vec<Resource>>>;

/// What the API server calls its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The whole of it, such as `v1.36.3` or `v1.30.2-gke.1`.
    pub git_version: String,
    /// Its first number; 0 when it cannot be told.
    pub major: u32,
    /// Its second number; 0 when it cannot be told.
    pub minor: u32,
    /// The server's clock when it answered (the header `Date`, which knows whole seconds), in milliseconds since the Unix
    /// epoch.
    pub clock: Option<i64>,
}

/// Which part of a container's log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// The container; `None` for the only one.
    pub container: Option<String>,
    /// At most so many lines, the last ones.
    pub tail_lines: u32,
    /// At most so many bytes.
    pub limit_bytes: u64,
    /// Of the run before the last restart.
    pub previous: bool,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { container: None, tail_lines: 200, limit_bytes: 256 << 10, previous: false }
    }
}

/// A date of HTTP (RFC 9110, 5.6.7) in milliseconds since the Unix epoch.
fn date(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(parsed.as_millisecond())
}

impl Cluster {
    /// The server's version.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn version(&self) -> Result<Version, ReadError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            git_version: String,
        }
        let answer = self.call(Call::get("/version")).await?;
        let clock = answer.headers.get(header::DATE).and_then(|v| v.to_str().ok()).and_then(date);
        let raw: Raw = answer.json()?;
        let mut numbers = raw.git_version.trim_start_matches('v').split(['.', '-', '+']);
        let mut number = || numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let (major, minor) = (number(), number());
        Ok(Version { git_version: raw.git_version, major, minor, clock })
    }

    /// The identity of the cluster: the uid of namespace kube-system.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn cluster_uid(&self) -> Result<String, ReadError> {
        let call =
            Call::get("/api/v1/namespaces/kube-system").about("get", "namespaces", None, Some("kube-system"));
        let object = Object::parse(self.call(call).await?.json()?).map_err(ReadError::malformed)?;
        Ok(object.meta.uid)
    }

    /// One object.
    ///
    /// # Errors
    /// As [`ReadError`] says; [`ReadError::NotFound`] when there is none.
    pub async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Object, ReadError> {
        let call = Call::get(&resource.path(namespace, Some(name))).about(
            "get",
            &resource.full_name(),
            namespace,
            Some(name),
        );
        Object::parse(self.call(call).await?.json()?).map_err(ReadError::malformed)
    }

    /// The log of a container.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn logs(&self, namespace: &str, pod: &str, options: &LogOptions) -> Result<String, ReadError> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log");
        let mut call = Call::get(&path)
            .about("get", "pods/log", Some(namespace), Some(pod))
            .query("tailLines", &options.tail_lines.to_string())
            .query("limitBytes", &options.limit_bytes.to_string());
        if let Some(container) = &options.container {
            call = call.query("container", container);
        }
        if options.previous {
            call = call.query("previous", "true");
        }
        let answer = self.call(call).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// How a kind is served in exactly this group and version. Fetched once for each group and version.
    ///
    /// # Errors
    /// As [`ReadError`] says; [`ReadError::NotFound`] when the server does not serve it.
    pub async fn resource(&self, gvk: &Gvk) -> Result<Resource, ReadError> {
        let key = (gvk.group.clone(), gvk.version.clone());
        let mut groups = self.inner.groups.lock().await;
        let list = match groups.get(&key) {
            Some(list) => Arc::clone(list),
            None => {
                let list = Arc::new(self.group_version(&gvk.group, &gvk.version).await?);
                groups.insert(key, Arc::clone(&list));
                list
            }
        };
        drop(groups);
        list.iter().find(|r| r.kind == gvk.kind).cloned().ok_or_else(|| ReadError::NotFound {
            what: format!("kind {} of {}", gvk.kind, gvk.api_version()),
            served: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_of_answers() {
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(date("now"), None);
    }
}
