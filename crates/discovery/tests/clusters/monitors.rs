//! Monitors of every shape; about one in six has something wrong.

use super::dice::Dice;
use serde_json::{Map, Value, json};

fn meta(dice: &mut Dice, name: String) -> Value {
    let mut labels = Map::new();
    dice.maybe(80, &mut labels, "team", |d| json!(d.pick(&["a", "b"])));
    dice.maybe(10, &mut labels, "legacy", |_| json!("yes"));
    json!({"name": name, "namespace": dice.pick(&super::NAMESPACES), "labels": labels})
}

fn object(kind: &str, version: &str, meta: Value, spec: Map<String, Value>) -> Value {
    json!({"apiVersion": format!("monitoring.coreos.com/{version}"), "kind": kind, "metadata": meta, "spec": spec})
}

fn key(dice: &mut Dice, key: &str) -> Value {
    match dice.of(40) {
        0 => json!({"name": "absent", "key": key}),
        1 => json!({"name": "creds", "key": "absent"}),
        _ => json!({"name": "creds", "key": key}),
    }
}

/// A label selector over Services or pods.
pub(super) fn selector(dice: &mut Dice) -> Value {
    let mut out = Map::new();
    dice.maybe(60, &mut out, "matchLabels", |d| match d.of(4) {
        0 => json!({"app": "api"}),
        1 => json!({"app.kubernetes.io/name": "db", "tier": "back"}),
        2 => json!({"k8s-app": "calico.node"}),
        _ => json!({"tier": d.pick(&["front", "back", ""])}),
    });
    dice.maybe(40, &mut out, "matchExpressions", |d| {
        let one = match d.of(5) {
            0 => json!({"key": "app", "operator": "In", "values": ["api", "web"]}),
            1 => json!({"key": "app", "operator": "NotIn", "values": ["db"]}),
            2 => json!({"key": "tier", "operator": "Exists"}),
            3 => json!({"key": "canary", "operator": "DoesNotExist"}),
            _ => json!({"key": "app", "operator": "In", "values": ["web", "api", "a.c"]}),
        };
        if d.chance(5) { json!([one, {"key": "a b", "operator": "Exists"}]) } else { json!([one]) }
    });
    Value::Object(out)
}

/// Relabelling rules.
pub(super) fn rules(dice: &mut Dice, may_be_wrong: bool) -> Value {
    let mut out = Vec::new();
    for _ in 0..1 + dice.of(3) {
        out.push(match dice.of(11) {
            0 => json!({"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}),
            1 => json!({"action": "labeldrop", "regex": "endpoint"}),
            2 => json!({"action": "Keep", "sourceLabels": ["namespace", "pod"], "separator": "/", "regex": "(.+-)?(apps|db)/.*"}),
            3 => json!({"action": "drop", "sourceLabels": ["container"], "regex": "sidecar"}),
            4 => json!({"action": "labelmap", "regex": "__meta_kubernetes_pod_label_(.+)", "replacement": "pod_$1"}),
            5 => json!({"targetLabel": "zone", "replacement": "z-1"}),
            6 => json!({"action": "hashmod", "sourceLabels": ["__address__"], "targetLabel": "__tmp_hash", "modulus": 4}),
            7 => json!({"action": "lowercase", "sourceLabels": ["pod"], "targetLabel": "pod_lower"}),
            8 => json!({"action": "keepequal", "sourceLabels": ["namespace"], "targetLabel": "namespace"}),
            9 if may_be_wrong && dice.chance(25) => json!({"action": "replace", "regex": "(", "targetLabel": "x"}),
            10 if may_be_wrong && dice.chance(25) => json!({"sourceLabels": ["x"]}),
            _ => json!({"sourceLabels": ["__address__"], "regex": "([^:]+).*", "targetLabel": "host", "replacement": "$1"}),
        });
    }
    json!(out)
}

/// A section for TLS.
pub(super) fn tls(dice: &mut Dice, files: bool, may_be_wrong: bool) -> Value {
    let mut out = Map::new();
    dice.maybe(40, &mut out, "insecureSkipVerify", |d| json!(d.chance(50)));
    dice.maybe(40, &mut out, "serverName", |_| json!("x.svc"));
    dice.maybe(40, &mut out, "ca", |d| match d.of(3) {
        0 if may_be_wrong && d.chance(30) => json!({"secret": {"name": "creds", "key": "not-pem"}}),
        0 => json!({"secret": {"name": "creds", "key": "ca.crt"}}),
        _ => json!({"configMap": {"name": "public", "key": "ca.crt"}}),
    });
    if dice.chance(30) {
        out.insert("cert".into(), json!({"secret": {"name": "creds", "key": "tls.crt"}}));
        if !may_be_wrong || dice.chance(90) {
            out.insert("keySecret".into(), json!({"name": "creds", "key": "tls.key"}));
        }
    }
    dice.maybe(20, &mut out, "minVersion", |d| json!(d.pick(&["TLS10", "TLS12"])));
    dice.maybe(20, &mut out, "maxVersion", |_| json!("TLS13"));
    if files && !out.contains_key("ca") {
        dice.maybe(30, &mut out, "caFile", |_| json!("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"));
    }
    Value::Object(out)
}

pub(super) fn authorization(dice: &mut Dice, may_be_wrong: bool) -> Value {
    let mut out = Map::new();
    dice.maybe(40, &mut out, "type", |d| {
        json!(if may_be_wrong && d.chance(10) { "Basic" } else { d.pick(&["Bearer", "Custom "]) })
    });
    let percent = if may_be_wrong { 95 } else { 100 };
    dice.maybe(percent, &mut out, "credentials", |_| json!({"name": "creds", "key": "token"}));
    Value::Object(out)
}

/// Credentials and connection of an endpoint.
fn http(dice: &mut Dice, out: &mut Map<String, Value>, files: bool) {
    match dice.of(9) {
        0 => drop(out.insert("authorization".into(), authorization(dice, true))),
        1 => drop(out.insert(
            "basicAuth".into(),
            json!({"username": key(dice, "user"), "password": key(dice, "password")}),
        )),
        2 => drop(out.insert("bearerTokenSecret".into(), key(dice, "token"))),
        3 => {
            let mut oauth2 = json!({
                "clientId": {"configMap": {"name": "public", "key": "client"}}, "clientSecret": key(dice, "password"),
                "tokenUrl": "http://token", "scopes": ["a", "b"], "endpointParams": {"x": "y"},
            });
            if dice.chance(40) {
                oauth2["tlsConfig"] = tls(dice, false, false);
                oauth2["proxyUrl"] = json!("http://proxy:3128");
            }
            out.insert("oauth2".into(), oauth2);
        }
        4 if dice.chance(20) => {
            out.insert(
                "basicAuth".into(),
                json!({"username": key(dice, "user"), "password": key(dice, "password")}),
            );
            out.insert("authorization".into(), authorization(dice, false));
        }
        _ => {}
    }
    dice.maybe(30, out, "tlsConfig", |d| tls(d, files, true));
    dice.maybe(15, out, "proxyUrl", |_| json!("http://proxy:3128"));
    dice.maybe(5, out, "noProxy", |_| json!("a.b"));
    dice.maybe(20, out, "followRedirects", |d| json!(d.chance(50)));
    dice.maybe(20, out, "enableHttp2", |d| json!(d.chance(50)));
}

fn endpoint(dice: &mut Dice, pods: bool) -> Value {
    let mut out = Map::new();
    match dice.of(6) {
        0..=2 => {
            drop(out.insert("port".into(), json!(dice.pick(&["http", "metrics", "http|metrics", "m.trics"]))))
        }
        3 => drop(out.insert("targetPort".into(), json!(8080))),
        4 => drop(out.insert("targetPort".into(), json!("metrics"))),
        _ if pods => drop(out.insert("portNumber".into(), json!(9100))),
        _ => {}
    }
    dice.maybe(30, &mut out, "path", |_| json!("/probe/metrics"));
    dice.maybe(30, &mut out, "scheme", |d| json!(d.pick(&["http", "https", "HTTPS"])));
    dice.maybe(20, &mut out, "params", |_| json!({"match[]": ["{a=\"b\"}", "c"], "z": []}));
    dice.maybe(40, &mut out, "interval", |d| json!(d.pick(&["10s", "1m", "5s"])));
    dice.maybe(20, &mut out, "scrapeTimeout", |d| json!(d.pick(&["5s", "10s", "20s", "0"])));
    dice.maybe(30, &mut out, "honorLabels", |d| json!(d.chance(50)));
    dice.maybe(30, &mut out, "honorTimestamps", |d| json!(d.chance(50)));
    dice.maybe(20, &mut out, "trackTimestampsStaleness", |d| json!(d.chance(50)));
    dice.maybe(40, &mut out, "relabelings", |d| rules(d, true));
    dice.maybe(30, &mut out, "metricRelabelings", |d| rules(d, true));
    dice.maybe(20, &mut out, "filterRunning", |d| json!(d.chance(50)));
    if !pods {
        dice.maybe(10, &mut out, "bearerTokenFile", |_| {
            json!("/var/run/secrets/kubernetes.io/serviceaccount/token")
        });
    }
    http(dice, &mut out, !pods);
    Value::Object(out)
}

fn limits(dice: &mut Dice, spec: &mut Map<String, Value>) {
    for limit in [
        "sampleLimit",
        "targetLimit",
        "labelLimit",
        "labelNameLengthLimit",
        "labelValueLengthLimit",
        "keepDroppedTargets",
    ] {
        dice.maybe(25, spec, limit, |d| json!(d.of(4) * 75));
    }
    dice.maybe(20, spec, "scrapeProtocols", |_| json!(["OpenMetricsText1.0.0", "PrometheusText1.0.0"]));
    dice.maybe(20, spec, "fallbackScrapeProtocol", |_| json!("PrometheusText1.0.0"));
    dice.maybe(20, spec, "scrapeNativeHistograms", |d| json!(d.chance(50)));
    dice.maybe(20, spec, "scrapeClassicHistograms", |d| json!(d.chance(50)));
    dice.maybe(20, spec, "nativeHistogramBucketLimit", |_| json!(160));
    dice.maybe(20, spec, "nativeHistogramMinBucketFactor", |d| {
        if d.chance(50) { json!("1.1") } else { json!("1100m") }
    });
    dice.maybe(20, spec, "convertClassicHistogramsToNHCB", |d| json!(d.chance(50)));
    dice.maybe(30, spec, "scrapeClass", |d| json!(d.pick(&["fast", "safe", "safe", ""])));
}

fn common(dice: &mut Dice, spec: &mut Map<String, Value>) {
    spec.insert("selector".into(), selector(dice));
    dice.maybe(15, spec, "selectorMechanism", |d| json!(d.pick(&["RelabelConfig", "RoleSelector"])));
    dice.maybe(60, spec, "namespaceSelector", |d| match d.of(3) {
        0 => json!({"any": true}),
        1 => json!({"matchNames": ["apps", "db"]}),
        _ => json!({"any": true, "matchNames": ["apps"]}),
    });
    dice.maybe(40, spec, "podTargetLabels", |_| json!(["tier", "app.kubernetes.io/name"]));
    dice.maybe(30, spec, "jobLabel", |_| json!("app"));
    dice.maybe(20, spec, "attachMetadata", |d| json!({"node": d.chance(60)}));
    dice.maybe(25, spec, "bodySizeLimit", |d| json!(d.pick(&["5MB", "50MB"])));
    limits(dice, spec);
}

pub(super) fn service_monitor(dice: &mut Dice, i: usize) -> Value {
    let mut spec = Map::new();
    common(dice, &mut spec);
    dice.maybe(40, &mut spec, "targetLabels", |_| json!(["tier", "k8s-app"]));
    dice.maybe(30, &mut spec, "serviceDiscoveryRole", |d| json!(d.pick(&["Endpoints", "EndpointSlice"])));
    let endpoints: Vec<Value> = (0..1 + dice.of(2)).map(|_| endpoint(dice, false)).collect();
    spec.insert("endpoints".into(), json!(endpoints));
    object("ServiceMonitor", "v1", meta(dice, format!("sm-{i}")), spec)
}

pub(super) fn pod_monitor(dice: &mut Dice, i: usize) -> Value {
    let mut spec = Map::new();
    common(dice, &mut spec);
    let endpoints: Vec<Value> = (0..1 + dice.of(2)).map(|_| endpoint(dice, true)).collect();
    spec.insert("podMetricsEndpoints".into(), json!(endpoints));
    object("PodMonitor", "v1", meta(dice, format!("pm-{i}")), spec)
}

pub(super) fn probe(dice: &mut Dice, i: usize) -> Value {
    let mut spec = Map::new();
    limits(dice, &mut spec);
    dice.maybe(50, &mut spec, "jobName", |_| json!("blackbox"));
    dice.maybe(50, &mut spec, "module", |_| json!("http_2xx"));
    dice.maybe(
        30,
        &mut spec,
        "params",
        |_| json!([{"name": "module", "values": ["x"]}, {"name": "hostname", "values": ["a", "b"]}]),
    );
    dice.maybe(40, &mut spec, "interval", |d| json!(d.pick(&["10s", "1m"])));
    dice.maybe(20, &mut spec, "scrapeTimeout", |d| json!(d.pick(&["5s", "20s"])));
    dice.maybe(30, &mut spec, "metricRelabelings", |d| rules(d, true));
    let mut prober = Map::new();
    prober.insert(
        "url".into(),
        json!(dice.pick(&["blackbox.monitoring.svc:9115", "10.0.0.1", "blackbox", "http://bad:1"])),
    );
    dice.maybe(30, &mut prober, "path", |_| json!("/p"));
    dice.maybe(30, &mut prober, "scheme", |_| json!("https"));
    spec.insert("prober".into(), Value::Object(prober));
    let mut targets = Map::new();
    dice.maybe(60, &mut targets, "staticConfig", |d| {
        let mut list = Map::new();
        list.insert("static".into(), json!(["https://a.example", "b:80"]));
        d.maybe(50, &mut list, "labels", |d| {
            if d.chance(50) { json!({"env": "p"}) } else { json!({"namespace": "own"}) }
        });
        d.maybe(50, &mut list, "relabelingConfigs", |d| rules(d, true));
        Value::Object(list)
    });
    dice.maybe(50, &mut targets, "ingress", |d| json!({"selector": selector(d), "namespaceSelector": {"any": d.chance(50)}, "relabelingConfigs": rules(d, true)}));
    spec.insert("targets".into(), Value::Object(targets));
    http(dice, &mut spec, false);
    for proxy in ["proxyUrl", "noProxy"] {
        spec.remove(proxy);
    }
    object("Probe", "v1", meta(dice, format!("probe-{i}")), spec)
}

pub(super) fn scrape_config(dice: &mut Dice, i: usize) -> Value {
    let mut spec = Map::new();
    limits(dice, &mut spec);
    dice.maybe(30, &mut spec, "jobName", |_| json!("own"));
    dice.maybe(
        50,
        &mut spec,
        "staticConfigs",
        |_| json!([{"targets": ["a:1", "b:2"], "labels": {"env": "p"}}, {"targets": ["c:3"]}]),
    );
    dice.maybe(
        30,
        &mut spec,
        "fileSDConfigs",
        |_| json!([{"files": ["/etc/x.yaml"], "refreshInterval": "1m"}]),
    );
    dice.maybe(30, &mut spec, "httpSDConfigs", |d| {
        let mut one = Map::new();
        one.insert("url".into(), json!("http://sd/targets"));
        d.maybe(
            40,
            &mut one,
            "basicAuth",
            |d| json!({"username": key(d, "user"), "password": key(d, "password")}),
        );
        d.maybe(40, &mut one, "tlsConfig", |d| tls(d, false, true));
        d.maybe(30, &mut one, "enableHTTP2", |_| json!(false));
        json!([one])
    });
    dice.maybe(40, &mut spec, "kubernetesSDConfigs", |d| {
        let mut one = Map::new();
        one.insert(
            "role".into(),
            json!(d.pick(&["Pod", "Service", "Endpoints", "EndpointSlice", "Node", "Ingress"])),
        );
        d.maybe(40, &mut one, "namespaces", |d| json!({"names": ["apps"], "ownNamespace": d.chance(50)}));
        d.maybe(
            40,
            &mut one,
            "selectors",
            |d| json!([{"role": d.pick(&["Pod", "Service", "Node"]), "label": "app=api"}]),
        );
        d.maybe(40, &mut one, "attachMetadata", |_| json!({"node": true}));
        json!([one])
    });
    dice.maybe(30, &mut spec, "dnsSDConfigs", |d| {
        if d.chance(80) {
            json!([{"names": ["a.b"], "type": "A", "port": 80, "refreshInterval": "30s"}])
        } else {
            json!([{"names": ["a"], "type": "MX"}])
        }
    });
    dice.maybe(50, &mut spec, "relabelings", |d| rules(d, true));
    dice.maybe(30, &mut spec, "metricRelabelings", |d| rules(d, true));
    dice.maybe(30, &mut spec, "metricsPath", |_| json!("/m"));
    dice.maybe(30, &mut spec, "scrapeInterval", |_| json!("20s"));
    dice.maybe(20, &mut spec, "scrapeTimeout", |d| json!(d.pick(&["10s", "40s"])));
    dice.maybe(20, &mut spec, "honorLabels", |d| json!(d.chance(50)));
    dice.maybe(20, &mut spec, "honorTimestamps", |d| json!(d.chance(50)));
    dice.maybe(20, &mut spec, "params", |_| json!({"a": ["b"]}));
    dice.maybe(20, &mut spec, "scheme", |_| json!("HTTPS"));
    dice.maybe(20, &mut spec, "enableCompression", |d| json!(d.chance(50)));
    dice.maybe(20, &mut spec, "bodySizeLimit", |_| json!("1MB"));
    dice.maybe(15, &mut spec, "nameValidationScheme", |d| json!(d.pick(&["UTF8", "Legacy"])));
    dice.maybe(15, &mut spec, "nameEscapingScheme", |d| json!(d.pick(&["Values", "Underscores"])));
    http(dice, &mut spec, false);
    for absent in ["bearerTokenSecret", "followRedirects", "enableHttp2"] {
        spec.remove(absent);
    }
    dice.maybe(20, &mut spec, "enableHTTP2", |d| json!(d.chance(50)));
    object("ScrapeConfig", "v1alpha1", meta(dice, format!("sc-{i}")), spec)
}
