//! Jobs of PodMonitors.

use super::Section;
use super::view::{View, has_expression, is};

const PM: &str = "PodMonitor";

pub(super) fn rows() -> Section {
    let has = |field: &'static str| move |v: &View<'_>| v.endpoint(PM, |_, e| is(&e[field]));
    let expression =
        |operator: &'static str| move |v: &View<'_>| v.any(PM, |s| has_expression(&s["selector"], operator));
    Section::new("1.3")
        .row("labels", |v| v.any(PM, |s| is(&s["selector"]["matchLabels"])))
        .row("in", expression("In"))
        .row("not-in", expression("NotIn"))
        .row("exists", expression("Exists"))
        .row("does-not-exist", expression("DoesNotExist"))
        .row("role-selector", |v| {
            v.any(PM, |s| s["selectorMechanism"] == "RoleSelector" && is(&s["selector"]))
        })
        .row("port", has("port"))
        .row("port-number", |v| v.endpoint(PM, |_, e| !is(&e["port"]) && is(&e["portNumber"])))
        .row("target-port-name", |v| {
            v.endpoint(PM, |_, e| !is(&e["port"]) && !is(&e["portNumber"]) && e["targetPort"].is_string())
        })
        .row("target-port-number", |v| {
            v.endpoint(PM, |_, e| !is(&e["port"]) && !is(&e["portNumber"]) && e["targetPort"].is_u64())
        })
        .row("no-port", |v| {
            v.endpoint(PM, |_, e| !is(&e["port"]) && !is(&e["portNumber"]) && e["targetPort"].is_null())
        })
        .row("ended-pods-stay", |v| v.endpoint(PM, |_, e| e["filterRunning"] == false))
        .row("attach-node", |v| v.any(PM, |s| s["attachMetadata"]["node"] == true))
        .row("namespaces-any", |v| v.any(PM, |s| s["namespaceSelector"]["any"] == true))
        .row("namespaces-by-name", |v| v.any(PM, |s| is(&s["namespaceSelector"]["matchNames"])))
        .row("pod-labels", |v| v.any(PM, |s| is(&s["podTargetLabels"])))
        .row("pod-labels-of-prometheus", |v| v.any(PM, |_| true) && v.has("/podTargetLabels"))
        .row("job-is-the-monitor", |v| v.any(PM, |s| !is(&s["jobLabel"])))
        .row("job-label", |v| v.any(PM, |s| is(&s["jobLabel"])))
        .row("rules", has("relabelings"))
        .row("metric-rules", has("metricRelabelings"))
        .row("rules-of-class", |v| v.any(PM, |s| is(&v.class(s)["relabelings"])))
        .row("enforced", |v| v.any(PM, |_| true) && v.has("/enforcedNamespaceLabel"))
        .row("tls", has("tlsConfig"))
        .row("oauth2", has("oauth2"))
}
