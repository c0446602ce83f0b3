//! Jobs of Probes.

use super::Section;
use super::view::{View, is, text};
use serde_json::Value;

const PROBE: &str = "Probe";

fn lists(s: &Value) -> bool {
    is(&s["targets"]["staticConfig"])
}

pub(super) fn rows() -> Section {
    let module_param =
        |s: &Value| s["params"].as_array().into_iter().flatten().any(|p| p["name"] == "module");
    let has = |field: &'static str| move |v: &View<'_>| v.any(PROBE, |s| is(&s[field]));
    Section::new("1.4")
        .row("static", |v| v.any(PROBE, lists))
        .row("static-labels", |v| v.any(PROBE, |s| is(&s["targets"]["staticConfig"]["labels"])))
        .row("static-own-namespace-label", |v| {
            v.any(PROBE, |s| is(&s["targets"]["staticConfig"]["labels"]["namespace"]))
        })
        .row("static-rules", |v| v.any(PROBE, |s| is(&s["targets"]["staticConfig"]["relabelingConfigs"])))
        .row("ingress", |v| v.any(PROBE, |s| is(&s["targets"]["ingress"]) && !lists(s)))
        .row("ingress-rules", |v| {
            v.any(PROBE, |s| is(&s["targets"]["ingress"]["relabelingConfigs"]) && !lists(s))
        })
        .row("ingress-any-namespace", |v| {
            v.any(PROBE, |s| s["targets"]["ingress"]["namespaceSelector"]["any"] == true && !lists(s))
        })
        .row("static-before-ingress", |v| v.any(PROBE, |s| is(&s["targets"]["ingress"]) && lists(s)))
        .row("no-targets", |v| v.refused("ingress") || v.refused("staticConfig") || v.refused("target"))
        .row("job-name", has("jobName"))
        .row("module", has("module"))
        .row("params", has("params"))
        .row("module-before-param", move |v| v.any(PROBE, |s| is(&s["module"]) && module_param(s)))
        .row("module-by-param", move |v| v.any(PROBE, |s| !is(&s["module"]) && module_param(s)))
        .row("prober-path", |v| v.any(PROBE, |s| is(&s["prober"]["path"])))
        .row("prober-scheme", |v| v.any(PROBE, |s| text(&s["prober"]["scheme"]) == "https"))
        .row("prober-wrong", |v| v.refused("url"))
        .row("interval", has("interval"))
        .row("rules-of-class", |v| v.any(PROBE, |s| is(&v.class(s)["relabelings"])))
        .row("enforced", |v| v.any(PROBE, |_| true) && v.has("/enforcedNamespaceLabel"))
        .row("sharded", |v| v.any(PROBE, |_| true) && v.spec("/shards").as_u64() > Some(1))
}
