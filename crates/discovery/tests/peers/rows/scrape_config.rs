//! Jobs of ScrapeConfigs and of the additional Secret, and how several processes share targets.

use super::Section;
use super::view::{View, is};
use serde_json::Value;

const SC: &str = "ScrapeConfig";

fn hashes(s: &Value) -> bool {
    let rules = s["relabelings"].as_array();
    rules
        .into_iter()
        .flatten()
        .any(|r| r["action"].as_str().is_some_and(|a| a.eq_ignore_ascii_case("hashmod")))
}

fn many(v: &View<'_>) -> bool {
    v.spec("/shards").as_u64() > Some(1)
}

pub(super) fn rows() -> Section {
    let has = |field: &'static str| move |v: &View<'_>| v.any(SC, |s| is(&s[field]));
    Section::new("1.5")
        .row("job-name", has("jobName"))
        .row("static", has("staticConfigs"))
        .row("static-labels", |v| v.any(SC, |s| is(&s["staticConfigs"][0]["labels"])))
        .row("file", has("fileSDConfigs"))
        .row("http", has("httpSDConfigs"))
        .row("http-with-credentials", |v| v.any(SC, |s| is(&s["httpSDConfigs"][0]["basicAuth"])))
        .row("dns", has("dnsSDConfigs"))
        .row("kubernetes", has("kubernetesSDConfigs"))
        .row("kubernetes-node", |v| v.any(SC, |s| s["kubernetesSDConfigs"][0]["role"] == "Node"))
        .row("kubernetes-service", |v| v.any(SC, |s| s["kubernetesSDConfigs"][0]["role"] == "Service"))
        .row("kubernetes-pod", |v| v.any(SC, |s| s["kubernetesSDConfigs"][0]["role"] == "Pod"))
        .row("kubernetes-endpoints", |v| v.any(SC, |s| s["kubernetesSDConfigs"][0]["role"] == "Endpoints"))
        .row("kubernetes-slices", |v| v.any(SC, |s| s["kubernetesSDConfigs"][0]["role"] == "EndpointSlice"))
        .row("kubernetes-ingress", |v| v.any(SC, |s| s["kubernetesSDConfigs"][0]["role"] == "Ingress"))
        .row("kubernetes-namespaces", |v| v.any(SC, |s| is(&s["kubernetesSDConfigs"][0]["namespaces"])))
        .row("kubernetes-selectors", |v| v.any(SC, |s| is(&s["kubernetesSDConfigs"][0]["selectors"])))
        .row("path-interval-scheme", |v| {
            v.any(SC, |s| is(&s["metricsPath"]) || is(&s["scrapeInterval"]) || is(&s["scheme"]))
        })
        .row("rules", has("relabelings"))
        .row("metric-rules", has("metricRelabelings"))
        .row("rules-of-class-first", |v| v.any(SC, |s| is(&v.class(s)["relabelings"]) && is(&s["jobName"])))
        .row("name-validation", has("nameValidationScheme"))
        .row("name-escaping", has("nameEscapingScheme"))
        .row("compression", has("enableCompression"))
        .row("enforced-with-rules", |v| {
            v.any(SC, |s| is(&s["relabelings"])) && v.has("/enforcedNamespaceLabel")
        })
        .row("enforced-without-rules", |v| {
            v.any(SC, |s| !is(&s["relabelings"])) && v.has("/enforcedNamespaceLabel")
        })
}

pub(super) fn sharing() -> Section {
    let raw = |v: &View<'_>| v.made() && v.written("job_name: raw");
    Section::new("1.9")
        .row("services-shared", |v| v.any("ServiceMonitor", |_| true) && many(v))
        .row("pods-shared", |v| v.any("PodMonitor", |_| true) && many(v))
        .row("current-shard", |v| v.written("__tmp_current_shard"))
        .row("scrape-configs-shared", |v| v.any(SC, |s| !hashes(s)) && many(v))
        .row("scrape-configs-not-shared", |v| v.any(SC, |s| !hashes(s)) && !many(v))
        .row("scrape-configs-with-own-hash", |v| v.any(SC, hashes) && many(v))
        .row("raw-jobs-shared", move |v| raw(v) && many(v))
        .row("raw-jobs-not-shared", move |v| raw(v) && !many(v))
        .row("raw-jobs-with-own-hash", move |v| v.written("job_name: hashed") && many(v))
        .row("topology", |v| v.written("__tmp_topology"))
        .row("topology-of-slices", |v| {
            v.written("__tmp_topology") && v.written("__meta_kubernetes_endpointslice_endpoint_zone")
        })
        .row("disabled-by-label", |v| {
            v.endpoint("ServiceMonitor", |_, e| {
                e["relabelings"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|r| r["targetLabel"] == "__tmp_disable_sharding")
            }) && many(v)
        })
}
