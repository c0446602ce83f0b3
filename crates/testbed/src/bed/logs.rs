//! Logs of pods that pretend: kwok answers as their kubelet and is told by an object of its own which file to show.

use anyhow::Context;
use serde_json::json;

use super::Bed;

impl Bed {
    /// Lets `kubectl logs` of a pod's container show `text` from now on.
    ///
    /// # Errors
    /// When the API server refuses, as on a bed without `port_forward`.
    pub fn set_log(&self, namespace: &str, pod: &str, container: &str, text: &str) -> anyhow::Result<()> {
        let file = self.folder().join(format!("log-of-{namespace}-{pod}-{container}"));
        // As a container runtime keeps lines: kubelets read no other form.
        let lines: String =
            text.lines().map(|l| format!("2026-01-07T09:00:00.000000000Z stdout F {l}\n")).collect();
        std::fs::write(&file, lines)?;
        let path = format!("/apis/kwok.x-k8s.io/v1alpha1/namespaces/{namespace}/logs/{pod}");
        if self.api().find(&path)?.is_some() {
            self.api().delete(&path)?;
        }
        let file = file.to_str().context("a folder without a name in Unicode")?;
        let object = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Logs",
            "metadata": { "name": pod, "namespace": namespace },
            "spec": { "logs": [{ "containers": [container], "logsFile": file, "follow": false }] },
        });
        // Its plural is its singular.
        let list = format!("/apis/kwok.x-k8s.io/v1alpha1/namespaces/{namespace}/logs");
        let answer = self.api().send("POST", &list, "application/json", object.to_string().as_bytes())?;
        anyhow::ensure!(answer.status == 201, "{list}: {}", answer.text());
        Ok(())
    }
}
