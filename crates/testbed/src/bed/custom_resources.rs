//! Custom resources made fast: each document sent as it is, then waited for by asking for its list.

use anyhow::{Context, bail};
use serde_json::Value;

use super::Bed;

/// Definitions.
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Definitions that are sent at the same time.
const AT_ONCE: usize = 4;

impl Bed {
    /// Makes the custom resources of YAML texts with one or several documents, and waits until they are served.
    ///
    /// # Errors
    /// When one is refused or not served in time.
    pub fn install_crds(&self, texts: &[String]) -> anyhow::Result<()> {
        let documents: Vec<&str> = texts.iter().flat_map(|t| documents(t)).collect();
        let lists = std::thread::scope(|scope| {
            let parts = documents.chunks(documents.len().div_ceil(AT_ONCE).max(1));
            let makers: Vec<_> = parts.map(|part| scope.spawn(|| self.make(part))).collect();
            let made: anyhow::Result<Vec<Vec<String>>> = makers
                .into_iter()
                .map(|m| m.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
                .collect();
            made
        })?;
        for path in lists.concat() {
            self.wait(&format!("{path} served"), |api| Ok(api.find(&path)?.map(drop)))?;
        }
        Ok(())
    }

    /// Makes definitions one after the other; the paths of their lists.
    fn make(&self, documents: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut lists = Vec::new();
        for document in documents {
            let answer = self.api().send("POST", DEFINITIONS, "application/yaml", document.as_bytes())?;
            let made: Value = serde_json::from_slice(&answer.body)?;
            if answer.status != 201 {
                bail!("a custom resource is refused: {}", made["message"].as_str().unwrap_or("?"));
            }
            lists.push(list_of(&made)?);
        }
        Ok(lists)
    }
}

/// The documents of a text that are custom resources.
pub(crate) fn documents(text: &str) -> Vec<&str> {
    let all = text.split("\n---").map(str::trim_start);
    all.filter(|d| d.lines().any(|line| line == "kind: CustomResourceDefinition")).collect()
}

/// The path of a list with one object at most.
fn list_of(definition: &Value) -> anyhow::Result<String> {
    let spec = &definition["spec"];
    let mut versions = spec["versions"].as_array().into_iter().flatten();
    let served = versions.find(|v| v["served"] == true).context("a custom resource that is not served")?;
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    Ok(format!(
        "/apis/{}/{}/{}?limit=1",
        text(&spec["group"]),
        text(&served["name"]),
        text(&spec["names"]["plural"])
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_definitions_are_taken() {
        let text = "---\n# a comment\n---\napiVersion: x\nkind: CustomResourceDefinition\na: 1\n---\nkind: ConfigMap\n";
        assert_eq!(documents(text), ["apiVersion: x\nkind: CustomResourceDefinition\na: 1"]);
    }
}
