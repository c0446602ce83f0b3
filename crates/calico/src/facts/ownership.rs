//! Who keeps an object, and who wrote a field of it.
//!
//! A command that edits what somebody else keeps is undone within seconds (an operator) or at the next sync (GitOps, Helm).
//! So every fix asks here first.

use crate::snapshot::Snapshot;
use serde_json::Value;
use std::fmt;
use tortie_cluster::object::{Managed, Meta};

/// A keeper that puts its own state back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptBy {
    /// An operator, through the object of this kind and name.
    Operator {
        /// Kind of the owner: `Installation`.
        kind: String,
        /// Its name.
        name: String,
    },
    /// A Helm release.
    Helm {
        /// Its name; empty when the object does not say.
        release: String,
    },
    /// An application of Argo CD.
    Argo {
        /// Its name.
        application: String,
    },
    /// A Kustomization or HelmRelease of Flux.
    Flux {
        /// Which of the two.
        kind: &'static str,
        /// `namespace/name`.
        name: String,
    },
    /// Kubernetes' add-on manager, in mode Reconcile.
    AddonManager,
    /// Whoever runs the managed cluster.
    Provider(&'static str),
}

impl KeptBy {
    /// Whether it is a repository from which the object is synced.
    pub fn is_gitops(&self) -> bool {
        matches!(self, KeptBy::Argo { .. } | KeptBy::Flux { .. })
    }

    /// Where a change has to be made so that it stays, as the end of a sentence.
    pub fn where_to_change(&self) -> String {
        match self {
            KeptBy::Operator { kind, name } => {
                format!("change {kind} {name}, from which its operator makes the object")
            }
            KeptBy::Helm { release } if release.is_empty() => {
                "change it in the values of its Helm release".to_owned()
            }
            KeptBy::Helm { release } => format!("change it in the values of the Helm release {release}"),
            KeptBy::Argo { application } => {
                format!("change it in the repository of Argo CD's application {application}")
            }
            KeptBy::Flux { kind, name } => format!("change it in the repository of Flux' {kind} {name}"),
            KeptBy::AddonManager => {
                "change the manifest in the add-on manager's folder on the control plane".to_owned()
            }
            KeptBy::Provider(name) => format!("change it through {name}"),
        }
    }
}

impl fmt::Display for KeptBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeptBy::Operator { kind, name } => write!(f, "the operator of {kind} {name}"),
            KeptBy::Helm { release } if release.is_empty() => f.write_str("Helm"),
            KeptBy::Helm { release } => write!(f, "the Helm release {release}"),
            KeptBy::Argo { application } => write!(f, "Argo CD's application {application}"),
            KeptBy::Flux { kind, name } => write!(f, "Flux' {kind} {name}"),
            KeptBy::AddonManager => f.write_str("the add-on manager"),
            KeptBy::Provider(name) => f.write_str(name),
        }
    }
}

/// Who keeps an object; none when a change by hand stays. GitOps is asked first: it also keeps what Helm rendered.
pub fn kept_by(meta: &Meta, snap: &Snapshot) -> Option<KeptBy> {
    let label = |key: &str| meta.labels.get(key).map(String::as_str);
    let annotation = |key: &str| meta.annotations.get(key).map(String::as_str);
    if let Some(id) = annotation("argocd.argoproj.io/tracking-id") {
        let application = id.split(':').next().unwrap_or(id).to_owned();
        return Some(KeptBy::Argo { application });
    }
    for (kind, prefix) in [("Kustomization", "kustomize"), ("HelmRelease", "helm")] {
        let key = |what: &str| format!("{prefix}.toolkit.fluxcd.io/{what}");
        if let Some(name) = label(&key("name")) {
            let off = [label(&key("reconcile")), annotation(&key("reconcile"))].contains(&Some("disabled"));
            if !off {
                let namespace = label(&key("namespace")).unwrap_or_default();
                return Some(KeptBy::Flux { kind, name: format!("{namespace}/{name}") });
            }
        }
    }
    // Many charts set this label too; it is Argo CD's only when it has an application of that name.
    if let Some(name) = label("app.kubernetes.io/instance") {
        let argo = snap.of("argoproj.io", "Application").any(|a| a.meta.name == name);
        if argo {
            return Some(KeptBy::Argo { application: name.to_owned() });
        }
    }
    if let Some(owner) = meta.controller() {
        return Some(KeptBy::Operator { kind: owner.kind.clone(), name: owner.name.clone() });
    }
    let release = annotation("meta.helm.sh/release-name");
    if release.is_some() || label("app.kubernetes.io/managed-by") == Some("Helm") {
        return Some(KeptBy::Helm { release: release.unwrap_or_default().to_owned() });
    }
    if label("addonmanager.kubernetes.io/mode") == Some("Reconcile") {
        return Some(KeptBy::AddonManager);
    }
    (label("kubernetes.azure.com/managedby") == Some("aks")).then_some(KeptBy::Provider("AKS"))
}

/// Who wrote the field at a JSON pointer, the last writer first.
pub fn writers<'m>(meta: &'m Meta, pointer: &str) -> Vec<&'m Managed> {
    let mut out: Vec<&Managed> =
        meta.managed.iter().filter(|m| m.subresource.is_empty() && owns(&m.fields, pointer)).collect();
    out.sort_by_key(|m| std::cmp::Reverse(m.time));
    out
}

/// Whether a field set holds the field, or holds something above it as one whole.
fn owns(fields: &Value, pointer: &str) -> bool {
    let mut at = fields;
    let mut inside = false;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if let Some(next) = at.get(format!("f:{step}")) {
            at = next;
            inside = true;
            continue;
        }
        // A leaf of the set: what is under it belongs to the same writer. Items of lists are keyed by content, not by
        // place; whoever keeps items of the list counts as its writer.
        let leaf = at.as_object().is_some_and(|m| m.is_empty());
        return inside && (leaf || step.bytes().all(|b| b.is_ascii_digit()));
    }
    inside
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // json! takes its parts by reference
mod tests {
    use super::*;
    use crate::snapshot::Source;
    use serde_json::json;
    use tortie_cluster::object::Object;

    fn object(metadata: Value) -> Object {
        Object::parse(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
            .expect("an object")
    }

    #[test]
    fn keepers_are_told_by_their_marks() {
        #[track_caller]
        fn check(metadata: Value, expect: &str) {
            let snap = Snapshot::new(Source::Dump);
            let got = kept_by(&object(metadata).meta, &snap).map(|k| k.to_string()).unwrap_or_default();
            assert_eq!(got, expect);
        }
        check(json!({"name": "x"}), "");
        check(
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "calico:v1/ConfigMap:a/x"}}),
            "Argo CD's application calico",
        );
        check(
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "infra", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
            "Flux' Kustomization flux-system/infra",
        );
        check(
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "infra"}, "annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}),
            "",
        );
        check(json!({"annotations": {"meta.helm.sh/release-name": "calico"}}), "the Helm release calico");
        check(json!({"labels": {"app.kubernetes.io/instance": "calico"}}), "");
        check(
            json!({"ownerReferences": [{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "controller": true}]}),
            "the operator of Installation default",
        );
    }

    #[test]
    fn writers_of_a_field_are_found() {
        #[track_caller]
        fn check(pointer: &str, expect: &[&str]) {
            let o = object(json!({"managedFields": [
                {"manager": "helm", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
                {"manager": "kubectl", "operation": "Update", "time": "2026-01-02T00:00:00Z",
                    "fieldsV1": {"f:spec": {"f:port": {}, "f:list": {"k:{\"a\":1}": {}}}}},
                {"manager": "status", "operation": "Update", "subresource": "status", "fieldsV1": {"f:spec": {}}},
            ]}));
            let got: Vec<&str> = writers(&o.meta, pointer).iter().map(|m| m.manager.as_str()).collect();
            assert_eq!(got, expect, "{pointer}");
        }
        check("/spec/port", &["kubectl", "helm"]);
        check("/spec/other", &["helm"]);
        check("/spec/list/0/a", &["kubectl", "helm"]);
        check("/data/x", &[]);
    }
}
