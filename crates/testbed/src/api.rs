//! The bed's own way to the API server, as a cluster administrator, for objects as JSON.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::http::{Answer, exchange};
use crate::namespace::Namespace;

/// Reads and writes objects through `kubectl proxy`.
#[derive(Debug, Clone)]
pub struct Api {
    namespace: Arc<Namespace>,
    proxy: SocketAddr,
}

/// What the API server refused, as [`Api`]'s errors hold it.
#[derive(Debug)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// `reason` of the Status, such as `NotFound`.
    pub reason: String,
    /// Its message, or the whole answer.
    pub message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.reason, self.message)
    }
}

impl std::error::Error for Refused {}

impl Api {
    pub(crate) fn new(namespace: Arc<Namespace>, proxy: SocketAddr) -> Api {
        Api { namespace, proxy }
    }

    /// Address of `kubectl proxy`.
    pub(crate) fn proxy(&self) -> SocketAddr {
        self.proxy
    }

    /// Sends one request with a body of media type `kind`.
    ///
    /// # Errors
    /// When there is no answer; any status is an answer.
    pub fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> anyhow::Result<Answer> {
        exchange(self.namespace.connect(self.proxy)?, method, path, kind, body)
    }

    fn json(&self, method: &str, path: &str, kind: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.send(method, path, kind, body.as_bytes())?;
        let value: Value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| json!({ "message": answer.text().trim() }));
        if answer.status < 300 {
            return Ok(value);
        }
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let refused = Refused { status: answer.status, reason: text("reason"), message: text("message") };
        Err(anyhow::Error::new(refused).context(format!("{method} {path}")))
    }

    /// The answer to `GET path`.
    ///
    /// # Errors
    /// When there is none, or the server refuses.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json("GET", path, "", None)
    }

    /// The answer to `GET path`, `None` when there is no such thing.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub fn find(&self, path: &str) -> anyhow::Result<Option<Value>> {
        match self.get(path) {
            Err(e) if e.downcast_ref::<Refused>().is_some_and(|r| r.status == 404) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The objects of the list at `path`, each with its apiVersion and kind.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut list = self.get(path)?;
        let version = list["apiVersion"].clone();
        let kind = list["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
        let Value::Array(mut items) = list["items"].take() else { bail!("GET {path}: not a list") };
        for item in &mut items {
            item["apiVersion"] = version.clone();
            item["kind"] = json!(kind);
        }
        Ok(items)
    }

    /// Makes `object` as field manager `manager`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn create(&self, object: &Value, manager: &str) -> anyhow::Result<Value> {
        let path = format!("{}?fieldManager={manager}", collection_of(object)?);
        self.json("POST", &path, "application/json", Some(object))
    }

    /// Makes each of `objects`, in their order.
    ///
    /// # Errors
    /// At the first that the server refuses.
    pub fn create_all(&self, objects: &[Value], manager: &str) -> anyhow::Result<()> {
        for object in objects {
            self.create(object, manager)
                .with_context(|| format!("{} {}", object["kind"].as_str().unwrap_or("?"), name_of(object)))?;
        }
        Ok(())
    }

    /// Writes `object` over the one that is there (operation Update), as an operator's binary does.
    ///
    /// # Errors
    /// When the server refuses: 409 when it was changed since it was read.
    pub fn update(&self, object: &Value, manager: &str) -> anyhow::Result<Value> {
        let path = format!("{}?fieldManager={manager}", path_of(object)?);
        self.json("PUT", &path, "application/json", Some(object))
    }

    /// Writes the status of `object`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn update_status(&self, object: &Value, manager: &str) -> anyhow::Result<Value> {
        let path = format!("{}/status?fieldManager={manager}", path_of(object)?);
        self.json("PUT", &path, "application/json", Some(object))
    }

    /// Server-side apply.
    ///
    /// # Errors
    /// When the server refuses, also for a conflict without `force`.
    pub fn apply(&self, object: &Value, manager: &str, force: bool) -> anyhow::Result<Value> {
        let path = format!("{}?fieldManager={manager}&force={force}", path_of(object)?);
        self.json("PATCH", &path, "application/apply-patch+yaml", Some(object))
    }

    /// JSON merge patch of the object at `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn merge(&self, path: &str, patch: &Value, manager: &str) -> anyhow::Result<Value> {
        self.json(
            "PATCH",
            &format!("{path}?fieldManager={manager}"),
            "application/merge-patch+json",
            Some(patch),
        )
    }

    /// Deletes the object at `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.json("DELETE", path, "", None).map(drop)
    }
}

/// `metadata.namespace/metadata.name`, or the name alone.
pub(crate) fn name_of(object: &Value) -> String {
    let meta = &object["metadata"];
    match (meta["namespace"].as_str(), meta["name"].as_str().unwrap_or("?")) {
        (Some(namespace), name) => format!("{namespace}/{name}"),
        (None, name) => name.to_owned(),
    }
}

/// The object's path in the API, made from its apiVersion, kind, namespace and name.
///
/// # Errors
/// When one of them is missing.
pub fn path_of(object: &Value) -> anyhow::Result<String> {
    let name = object["metadata"]["name"].as_str().context("an object without metadata.name")?;
    Ok(format!("{}/{name}", collection_of(object)?))
}

fn collection_of(object: &Value) -> anyhow::Result<String> {
    let version = object["apiVersion"].as_str().context("an object without apiVersion")?;
    let kind = object["kind"].as_str().context("an object without kind")?;
    let root = if version.contains('/') { "/apis" } else { "/api" };
    let plural = plural_of(kind);
    Ok(match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{version}/{plural}"),
    })
}

/// The name of a kind's resource: English plural, with the few exceptions among the kinds that occur here.
fn plural_of(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "endpoints" | "prometheuses" | "tigerastatuses" => lower,
        _ if lower.ends_with('s') => lower + "es",
        _ if lower.ends_with("cy") => lower.trim_end_matches('y').to_owned() + "ies",
        _ if lower.ends_with("ss") => lower + "es",
        _ => lower + "s",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, kind: &str, namespace: Option<&str>, path: &str) {
        let object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x", "namespace": namespace } });
        assert_eq!(path_of(&object).unwrap(), path);
    }

    #[test]
    fn paths() {
        check("v1", "Node", None, "/api/v1/nodes/x");
        check("apps/v1", "DaemonSet", Some("a"), "/apis/apps/v1/namespaces/a/daemonsets/x");
        check("v1", "Endpoints", Some("a"), "/api/v1/namespaces/a/endpoints/x");
        check(
            "monitoring.coreos.com/v1",
            "Prometheus",
            Some("m"),
            "/apis/monitoring.coreos.com/v1/namespaces/m/prometheuses/x",
        );
        check(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            Some("m"),
            "/apis/networking.k8s.io/v1/namespaces/m/networkpolicies/x",
        );
        check("operator.tigera.io/v1", "TigeraStatus", None, "/apis/operator.tigera.io/v1/tigerastatuses/x");
        check("scheduling.k8s.io/v1", "PriorityClass", None, "/apis/scheduling.k8s.io/v1/priorityclasses/x");
    }
}
