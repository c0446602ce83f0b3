//! Jobs of ServiceMonitors.

use super::Section;
use super::view::{View, has_expression, is, text};
use serde_json::Value;

const SM: &str = "ServiceMonitor";

fn plain(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn connection() -> Section {
    let has = |field: &'static str| move |v: &View<'_>| v.endpoint(SM, |_, e| is(&e[field]));
    Section::new("1.2 scalars")
        .row("honor-labels", |v| {
            v.endpoint(SM, |_, e| e["honorLabels"] == true) && v.spec("/overrideHonorLabels") != true
        })
        .row("override-honor-labels", |v| {
            v.endpoint(SM, |_, e| e["honorLabels"] == true) && v.spec("/overrideHonorLabels") == true
        })
        .row("honor-timestamps", has("honorTimestamps"))
        .row("override-honor-timestamps", |v| {
            v.endpoint(SM, |_, _| true) && v.spec("/overrideHonorTimestamps") == true
        })
        .row("timestamps-staleness", has("trackTimestampsStaleness"))
        .row("interval", has("interval"))
        .row("timeout", has("scrapeTimeout"))
        .row("path", has("path"))
        .row("params", has("params"))
        .row("scheme-in-capitals", |v| v.endpoint(SM, |_, e| e["scheme"] == "HTTPS"))
        .row("follow-redirects", has("followRedirects"))
        .row("http2", has("enableHttp2"))
        .row("proxy", has("proxyUrl"))
        .row("no-proxy", has("noProxy"))
        .row("oauth2", has("oauth2"))
        .row("tls", has("tlsConfig"))
        .row("token-file", has("bearerTokenFile"))
        .row("token-secret", has("bearerTokenSecret"))
        .row("basic", has("basicAuth"))
        .row("authorization", has("authorization"))
        .row("protocols", |v| v.any(SM, |s| is(&s["scrapeProtocols"])))
        .row("fallback-own", |v| v.any(SM, |s| is(&s["fallbackScrapeProtocol"])))
        .row("native-histograms", |v| {
            v.any(SM, |s| is(&s["scrapeNativeHistograms"]) || is(&s["nativeHistogramBucketLimit"]))
        })
        .row("classic-histograms", |v| v.any(SM, |s| is(&s["scrapeClassicHistograms"])))
        .row("metric-rules", has("metricRelabelings"))
        .row("timeout-above-interval", |v| v.refused("greater than scrapeInterval"))
        .row("rule-wrong", |v| v.refused("relabeling") || v.refused("relabel"))
}

pub(super) fn lookup() -> Section {
    let own_role = |s: &Value| text(&s["serviceDiscoveryRole"]).to_owned();
    Section::new("1.2 lookup")
        .row("role-endpoints-by-default", move |v| {
            v.any(SM, |s| own_role(s).is_empty()) && !v.has("/serviceDiscoveryRole")
        })
        .row("role-endpoints-own", move |v| v.any(SM, |s| own_role(s) == "Endpoints"))
        .row("role-slices-own", move |v| v.any(SM, |s| own_role(s) == "EndpointSlice"))
        .row("role-slices-of-prometheus", move |v| {
            v.any(SM, |s| own_role(s).is_empty()) && v.spec("/serviceDiscoveryRole") == "EndpointSlice"
        })
        .row("api-server", |v| v.any(SM, |_| true) && v.has("/apiserverConfig/host"))
        .row("attach-node", |v| v.any(SM, |s| s["attachMetadata"]["node"] == true))
        .row("role-selector", |v| {
            v.any(SM, |s| s["selectorMechanism"] == "RoleSelector" && is(&s["selector"]))
        })
        .row("namespaces-own", |v| {
            v.any(SM, |s| !is(&s["namespaceSelector"])) && v.spec("/ignoreNamespaceSelectors") != true
        })
        .row("namespaces-any", |v| {
            v.any(SM, |s| s["namespaceSelector"]["any"] == true)
                && v.spec("/ignoreNamespaceSelectors") != true
        })
        .row("namespaces-any-before-names", |v| {
            v.any(SM, |s| s["namespaceSelector"]["any"] == true && is(&s["namespaceSelector"]["matchNames"]))
        })
        .row("namespaces-by-name", |v| {
            v.any(SM, |s| s["namespaceSelector"]["any"] != true && is(&s["namespaceSelector"]["matchNames"]))
        })
        .row("namespaces-ignored", |v| {
            v.any(SM, |s| is(&s["namespaceSelector"])) && v.spec("/ignoreNamespaceSelectors") == true
        })
}

pub(super) fn rules() -> Section {
    let labels = |s: &Value, holds: fn(&str, &str) -> bool| {
        s["selector"]["matchLabels"].as_object().into_iter().flatten().any(|(k, v)| holds(k, text(v)))
    };
    let expression = |operator: &'static str| {
        move |v: &View<'_>| {
            v.any(SM, |s| {
                has_expression(&s["selector"], operator) && s["selectorMechanism"] != "RoleSelector"
            })
        }
    };
    Section::new("1.2 rules")
        .row("2-labels", move |v| v.any(SM, |s| labels(s, |_, _| true)))
        .row("2-several-labels", |v| {
            v.any(SM, |s| s["selector"]["matchLabels"].as_object().is_some_and(|m| m.len() > 1))
        })
        .row("2-name-sanitised", move |v| v.any(SM, |s| labels(s, |k, _| !plain(k))))
        .row("2-value-not-escaped", move |v| v.any(SM, |s| labels(s, |_, x| x.contains('.'))))
        .row("3-in", expression("In"))
        .row("3-not-in", expression("NotIn"))
        .row("3-exists", expression("Exists"))
        .row("3-does-not-exist", expression("DoesNotExist"))
        .row("4-port", |v| v.endpoint(SM, |_, e| plain(text(&e["port"])) && is(&e["port"])))
        .row("4-port-is-a-pattern", |v| v.endpoint(SM, |_, e| text(&e["port"]).contains(['|', '.'])))
        .row("4-target-port-name", |v| v.endpoint(SM, |_, e| !is(&e["port"]) && e["targetPort"].is_string()))
        .row("4-target-port-number", |v| v.endpoint(SM, |_, e| !is(&e["port"]) && e["targetPort"].is_u64()))
        .row("4-no-port", |v| v.endpoint(SM, |_, e| !is(&e["port"]) && e["targetPort"].is_null()))
        .row("11-ended-pods", |v| v.endpoint(SM, |_, e| e["filterRunning"] != false))
        .row("11-ended-pods-stay", |v| v.endpoint(SM, |_, e| e["filterRunning"] == false))
        .row("12-target-labels", |v| v.any(SM, |s| is(&s["targetLabels"])))
        .row("13-pod-labels", |v| v.any(SM, |s| is(&s["podTargetLabels"])))
        .row("13-pod-labels-of-prometheus", |v| v.any(SM, |_| true) && v.has("/podTargetLabels"))
        .row("13-pod-labels-of-both", |v| {
            v.any(SM, |s| is(&s["podTargetLabels"])) && v.has("/podTargetLabels")
        })
        .row("14-job-is-the-service", |v| v.any(SM, |s| !is(&s["jobLabel"])))
        .row("15-job-label", |v| v.any(SM, |s| is(&s["jobLabel"])))
        .row("16-endpoint-of-both", |v| v.endpoint(SM, |_, e| is(&e["port"]) && is(&e["targetPort"])))
        .row("17-rules-of-class", |v| v.any(SM, |s| is(&v.class(s)["relabelings"])))
        .row("18-rules", |v| v.endpoint(SM, |_, e| is(&e["relabelings"])))
        .row("19-enforced", |v| v.any(SM, |_| true) && v.has("/enforcedNamespaceLabel"))
        .row("19-excluded", |v| {
            v.any(SM, |_| true) && v.has("/enforcedNamespaceLabel") && v.has("/excludedFromEnforcement")
        })
        .row("20-one-shard", |v| v.any(SM, |_| true) && v.spec("/shards").as_u64().unwrap_or(1) == 1)
}
