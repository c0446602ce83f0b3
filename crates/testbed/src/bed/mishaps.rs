//! What may happen to a control plane: the API server is started again, with another certificate or the same; etcd forgets
//! its past.

use anyhow::Context;
use base64::Engine;
use serde_json::{Value, json};

use super::{Bed, control_plane};
use crate::http::exchange;

/// Where etcd answers.
const ETCD: &str = "127.0.0.1:2379";

impl Bed {
    /// Ends the API server at once; [`Bed::start_api_server`] starts it again.
    ///
    /// # Errors
    /// When it is not there.
    pub fn kill_api_server(&mut self) -> anyhow::Result<()> {
        let at = self.processes.iter().position(|p| p.name() == "kube-apiserver");
        drop(self.processes.remove(at.context("there is no API server")?));
        Ok(())
    }

    /// Starts the API server after [`Bed::kill_api_server`], with a certificate of its own making when `new_certificate`,
    /// and waits until it is ready. Kubeconfigs name the old certificate until it is copied.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_api_server(&mut self, new_certificate: bool) -> anyhow::Result<()> {
        if new_certificate {
            for name in ["apiserver.crt", "apiserver.key"] {
                std::fs::remove_file(self.folder().join("certs").join(name))?;
            }
        }
        let process = control_plane::api_server(&self.namespace, self.folder.path(), &self.options)?;
        // Before etcd, which ends last.
        let before = self.processes.len().saturating_sub(1);
        self.processes.insert(before, process);
        self.wait_for_api()
    }

    /// Lets etcd forget all but what is.
    ///
    /// # Errors
    /// When etcd refuses.
    pub fn compact(&self) -> anyhow::Result<()> {
        let ask = |path: &str, body: &Value| -> anyhow::Result<Value> {
            let stream = self.namespace.connect(ETCD.parse()?)?;
            let answer = exchange(stream, "POST", path, "application/json", body.to_string().as_bytes())?;
            anyhow::ensure!(answer.status == 200, "{path}: {}", answer.text());
            Ok(serde_json::from_slice(&answer.body)?)
        };
        let key = base64::engine::general_purpose::STANDARD.encode("/");
        let now = ask("/v3/kv/range", &json!({ "key": key }))?;
        let revision = now["header"]["revision"].as_str().context("etcd says no revision")?;
        ask("/v3/kv/compaction", &json!({ "revision": revision, "physical": true })).map(drop)
    }
}
