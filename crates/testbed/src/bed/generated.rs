//! The configuration that prometheus-operator wrote.

use anyhow::Context;

use super::Bed;

impl Bed {
    /// The text of `prometheus.yaml.gz` in the Secret of the Prometheus object `name`; none without the Secret.
    ///
    /// # Errors
    /// When the API server does not answer or the Secret holds something else.
    pub fn generated_configuration(&self, namespace: &str, name: &str) -> anyhow::Result<Option<String>> {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/prometheus-{name}");
        let Some(secret) = self.api().find(&path)? else { return Ok(None) };
        let packed = secret["data"]["prometheus.yaml.gz"]
            .as_str()
            .with_context(|| format!("{path}: no configuration"))?;
        crate::pods::unpacked(packed).map(Some)
    }
}
