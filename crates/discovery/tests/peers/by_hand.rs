//! Clusters by hand: what the dice do not throw, most of it wrong in some way.

use crate::clusters::{self, Pair};
use serde_json::{Value, json};

fn prometheus(spec: Value) -> Value {
    let mut all = json!({
        "serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}, "podMonitorSelector": {},
        "podMonitorNamespaceSelector": {}, "probeSelector": {}, "probeNamespaceSelector": {}, "scrapeConfigSelector": {},
        "scrapeConfigNamespaceSelector": {},
    });
    if let (Some(all), Value::Object(spec)) = (all.as_object_mut(), spec) {
        all.extend(spec);
    }
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": all})
}

fn object(kind: &str, ns: &str, name: &str, spec: Value) -> Value {
    let version = if kind == "ScrapeConfig" { "v1alpha1" } else { "v1" };
    json!({"apiVersion": format!("monitoring.coreos.com/{version}"), "kind": kind, "metadata": {"name": name, "namespace": ns}, "spec": spec})
}

fn service(endpoint: Value) -> Value {
    object(
        "ServiceMonitor",
        "apps",
        "s",
        json!({"selector": {"matchLabels": {"app": "api"}}, "endpoints": [endpoint]}),
    )
}

fn pod(endpoint: Value) -> Value {
    object(
        "PodMonitor",
        "apps",
        "p",
        json!({"selector": {"matchLabels": {"app": "api"}}, "podMetricsEndpoints": [endpoint]}),
    )
}

fn key(key: &str) -> Value {
    json!({"name": "creds", "key": key})
}

/// Each with its name.
pub(crate) fn clusters(pair: &Pair) -> Vec<(&'static str, Value)> {
    let cluster = |spec: Value, monitors: Vec<Value>| {
        // Namespaces, Secrets and ConfigMaps as in any of the generated ones.
        let keep = |o: &Value| matches!(o["kind"].as_str(), Some("Namespace" | "Secret" | "ConfigMap"));
        let mut objects: Vec<Value> = clusters::resources(1, pair).into_iter().filter(keep).collect();
        objects.push(prometheus(spec));
        objects.extend(monitors);
        json!({"objects": objects, "inlineTLS": true})
    };
    let classes = |list: Value| json!({"scrapeClasses": list});
    let good = || vec![service(json!({"port": "http"})), pod(json!({"port": "http"}))];
    vec![
        ("nothing is selected", cluster(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "probeSelector": null, "scrapeConfigSelector": null}), good())),
        ("own namespace only", cluster(json!({"serviceMonitorNamespaceSelector": null, "podMonitorNamespaceSelector": null}), good())),
        ("a selector that is none", cluster(json!({"podMonitorSelector": {"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]}}), good())),
        ("a namespace selector that is none", cluster(json!({"probeNamespaceSelector": {"matchLabels": {"-": "b"}}}), good())),
        ("two default classes", cluster(classes(json!([{"name": "a", "default": true}, {"name": "b", "default": true}])), good())),
        ("a class with a bad rule", cluster(classes(json!([{"name": "a", "relabelings": [{"action": "replace"}]}])), good())),
        ("a class with two authorities", cluster(classes(json!([{"name": "a", "tlsConfig": {"ca": {"secret": key("ca.crt")}, "caFile": "/x"}}])), good())),
        ("a class whose Secret is absent", cluster(classes(json!([{"name": "a", "tlsConfig": {"ca": {"secret": {"name": "no", "key": "k"}}}}])), good())),
        ("a class that says basic", cluster(classes(json!([{"name": "a", "authorization": {"type": " BASIC"}}])), good())),
        ("a class' certificate in another namespace", cluster(classes(json!([{"name": "a", "default": true, "tlsConfig": {"ca": {"configMap": {"name": "public", "key": "ca.crt"}}, "certFile": "/c", "keyFile": "/k"}, "authorization": {"credentials": key("token")}}])), good())),
        ("an old version", cluster(json!({"version": "v1.8.2"}), good())),
        ("no version", cluster(json!({"version": "latest"}), good())),
        ("additional jobs that are absent", cluster(json!({"additionalScrapeConfigs": {"name": "no", "key": "k"}}), good())),
        ("additional jobs that are absent and may be", cluster(json!({"additionalScrapeConfigs": {"name": "no", "key": "k", "optional": true}, "additionalAlertRelabelConfigs": {"name": "creds", "key": "no", "optional": true}}), good())),
        ("timeout above interval", cluster(json!({"scrapeInterval": "10s", "scrapeTimeout": "20s"}), good())),
        ("an interval that is none", cluster(json!({}), vec![service(json!({"interval": "ten", "scrapeTimeout": "1s"}))])),
        ("API server with absent credentials", cluster(json!({"apiserverConfig": {"host": "h", "basicAuth": {"username": key("no"), "password": key("password")}}}), good())),
        ("files are denied", cluster(json!({"arbitraryFSAccessThroughSMs": {"deny": true}}), vec![service(json!({"bearerTokenFile": "/t"})), object("ServiceMonitor", "db", "t", json!({"selector": {}, "endpoints": [{}, {"tlsConfig": {"caFile": "/ca"}}]}))])),
        ("enforced, with an excluded namespace", cluster(json!({"enforcedNamespaceLabel": "ns", "excludedFromEnforcement": [{"namespace": "apps", "resource": "podmonitors"}, {"namespace": "db", "group": "other", "resource": "servicemonitors"}]}), vec![service(json!({"port": "a", "metricRelabelings": [{"action": "labeldrop", "regex": "x"}]})), pod(json!({"port": "a"})), object("ScrapeConfig", "apps", "c", json!({"staticConfigs": [{"targets": ["a"]}]}))])),
        ("shards and rules that share already", cluster(json!({"shards": 3, "shardingStrategy": {"mode": "Topology", "topology": {"externalLabelName": "", "values": ["a", "b"]}}}), vec![service(json!({"port": "a"})), object("ScrapeConfig", "apps", "c", json!({"relabelings": [{"action": "HashMod", "sourceLabels": ["x"], "targetLabel": "__tmp_hash", "modulus": 3}]})), object("ScrapeConfig", "apps", "d", json!({"jobName": "x"}))])),
        ("OAuth 2 that is not whole", cluster(json!({}), vec![service(json!({"oauth2": {"clientId": {"secret": key("user")}, "clientSecret": key("password"), "tokenUrl": ""}})), pod(json!({"oauth2": {"clientId": {}, "clientSecret": key("password"), "tokenUrl": "http://t"}}))])),
        ("a proxy that is not whole", cluster(json!({}), vec![service(json!({"proxyConnectHeader": {"X": [key("token")]}})), pod(json!({"proxyUrl": "http://p", "proxyFromEnvironment": true})), object("ServiceMonitor", "db", "t", json!({"selector": {}, "endpoints": [{"proxyUrl": "http://p", "proxyConnectHeader": {"X": [key("token"), key("no")]}}]}))])),
        ("a proxy with headers", cluster(json!({}), vec![service(json!({"proxyUrl": "http://p", "noProxy": "a,b", "proxyConnectHeader": {"X-A": [key("token"), key("user")]}}))])),
        ("probes that are not whole", cluster(json!({}), vec![object("Probe", "apps", "a", json!({"prober": {"url": "x:99999"}, "targets": {"staticConfig": {"static": ["a"]}}})), object("Probe", "apps", "b", json!({"prober": {"url": "x"}})), object("Probe", "apps", "c", json!({"prober": {"url": "x"}, "scrapeClass": "no", "targets": {"staticConfig": {}}})), object("Probe", "apps", "d", json!({"prober": {"url": "x"}, "targets": {"staticConfig": {"static": ["a"], "labels": {"": "x"}}}}))])),
        ("certificates that are none", cluster(json!({}), vec![service(json!({"tlsConfig": {"ca": {"secret": key("not-pem")}}})), pod(json!({"tlsConfig": {"cert": {"secret": key("tls.key")}, "keySecret": key("tls.key")}})), object("PodMonitor", "db", "t", json!({"selector": {}, "podMetricsEndpoints": [{"tlsConfig": {"cert": {"secret": key("tls.crt")}, "keySecret": key("tls.crt")}}]})), object("PodMonitor", "db", "u", json!({"selector": {}, "podMetricsEndpoints": [{"tlsConfig": {"keySecret": key("tls.key")}}]}))])),
        ("rules that are wrong", cluster(json!({}), [json!({"action": "labeldrop", "sourceLabels": ["a"], "regex": "x"}), json!({"action": "hashmod", "targetLabel": "a"}), json!({"action": "keepequal", "sourceLabels": ["a"], "targetLabel": "b", "regex": "x"}), json!({"action": "uppercase", "sourceLabels": ["a"], "targetLabel": "b", "replacement": "x"}), json!({"sourceLabels": ["a"], "targetLabel": "b", "regex": "a**"}), json!({"sourceLabels": ["a"], "targetLabel": "b", "regex": "(?P<x"})].into_iter().enumerate().map(|(i, rule)| object("PodMonitor", "apps", &format!("p{i}"), json!({"selector": {}, "podMetricsEndpoints": [{"relabelings": [rule]}]}))).collect())),
        ("selectors with bad names", cluster(json!({}), ["a b", "/x", "a/", "x/y/z", "-a", "UP.er/x"].iter().enumerate().map(|(i, k)| object("ServiceMonitor", "apps", &format!("s{i}"), json!({"selector": {"matchLabels": {(*k): "v"}}, "endpoints": []}))).chain([object("ServiceMonitor", "apps", "t", json!({"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}, "endpoints": []})), object("ServiceMonitor", "apps", "u", json!({"selector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x", "y"]}]}, "endpoints": []})), object("ServiceMonitor", "apps", "v", json!({"selector": {"matchLabels": {"a": "b c"}}, "endpoints": []}))]).collect())),
        ("jobs and classes by name", cluster(classes(json!([{"name": "a", "default": true, "relabelings": [{"targetLabel": "class", "replacement": "a"}]}, {"name": "b", "attachMetadata": {"node": true}}])), vec![object("ServiceMonitor", "apps", "s", json!({"selector": {}, "scrapeClass": "b", "attachMetadata": {"node": false}, "endpoints": [{}, {"port": "x", "targetPort": "y"}]})), object("ServiceMonitor", "apps", "t", json!({"selector": {}, "scrapeClass": "c", "endpoints": [{}]})), pod(json!({"targetPort": 80, "portNumber": 0})), object("ScrapeConfig", "apps", "c", json!({"scrapeClass": "zzz"}))])),
    ]
}
