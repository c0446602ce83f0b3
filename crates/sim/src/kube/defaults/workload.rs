//! Defaults of Deployments, DaemonSets, StatefulSets and ReplicaSets.

use serde_json::{Value, json};

use super::{empty, field, fill, pod, section};

/// A pod template with nothing in it.
pub(super) fn template() -> Value {
    json!({"metadata": {}, "spec": {"containers": null}})
}

/// Fills a workload.
pub(super) fn read(kind: &str, v: &mut Value) {
    let Some(spec) = section(v, "spec") else { return };
    if let Some(template) = section(spec, "template") {
        section(template, "metadata");
        super::tidy_meta(template);
        if let Some(s) = section(template, "spec") {
            pod::spec(s);
        }
    }
    match kind {
        "Deployment" => {
            field(spec, "replicas", 1.into());
            field(spec, "revisionHistoryLimit", 10.into());
            field(spec, "progressDeadlineSeconds", 600.into());
            rolling(spec, "strategy", &json!({"maxUnavailable": "25%", "maxSurge": "25%"}));
        }
        "DaemonSet" => {
            field(spec, "revisionHistoryLimit", 10.into());
            rolling(spec, "updateStrategy", &json!({"maxUnavailable": 1, "maxSurge": 0}));
        }
        "StatefulSet" => {
            field(spec, "replicas", 1.into());
            field(spec, "revisionHistoryLimit", 10.into());
            field(spec, "podManagementPolicy", "OrderedReady".into());
            rolling(spec, "updateStrategy", &json!({"partition": 0}));
            let retain = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
            field(spec, "persistentVolumeClaimRetentionPolicy", retain);
            field(spec, "serviceName", "".into());
        }
        _ => field(spec, "replicas", 1.into()),
    }
    if kind == "DaemonSet"
        && let Some(notes) = section(v, "metadata").and_then(|m| section(m, "annotations"))
    {
        field(notes, super::TEMPLATE_GENERATION, "0".into());
    }
    let empty = empty(kind, "apps/v1");
    section(v, "status");
    if let (Some(status), Some(e)) = (v.get_mut("status"), empty.get("status")) {
        fill(status, e);
    }
}

fn rolling(spec: &mut Value, name: &str, update: &Value) {
    let Some(strategy) = section(spec, name) else { return };
    field(strategy, "type", "RollingUpdate".into());
    if strategy.get("type").and_then(Value::as_str) != Some("RollingUpdate") {
        return;
    }
    if let Some(rolling) = section(strategy, "rollingUpdate") {
        fill(rolling, update);
    }
}
