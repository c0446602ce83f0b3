//! The Prometheus object.

use super::dice::Dice;
use super::monitors::{authorization, rules, tls};
use serde_json::{Map, Value, json};

fn selector(dice: &mut Dice) -> Value {
    match dice.of(6) {
        0 => Value::Null,
        1 | 2 => json!({}),
        3 => json!({"matchLabels": {"team": "a"}}),
        4 => json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}),
        _ => json!({"matchExpressions": [{"key": "legacy", "operator": "DoesNotExist"}]}),
    }
}

pub(super) fn prometheus(dice: &mut Dice) -> Value {
    let mut spec = Map::new();
    for kind in ["serviceMonitor", "podMonitor", "probe", "scrapeConfig"] {
        spec.insert(format!("{kind}Selector"), selector(dice));
        spec.insert(format!("{kind}NamespaceSelector"), selector(dice));
    }
    dice.maybe(60, &mut spec, "version", |d| {
        json!(d.pick(&[
            "v3.13.2",
            "v3.5.0",
            "v3.14.0-distroless",
            "v3.0.1",
            "v2.55.1",
            "v2.44.0",
            "2.30.0",
            "v2.28.1"
        ]))
    });
    dice.maybe(30, &mut spec, "shards", |d| json!(1 + d.of(4)));
    dice.maybe(
        15,
        &mut spec,
        "shardingStrategy",
        |d| json!({"mode": d.pick(&["Classic", "Topology"]), "topology": {"values": ["z1", "z2"]}}),
    );
    dice.maybe(20, &mut spec, "replicaExternalLabelName", |d| json!(d.pick(&["", "replica", "a.b"])));
    dice.maybe(20, &mut spec, "prometheusExternalLabelName", |d| json!(d.pick(&["", "prom"])));
    dice.maybe(30, &mut spec, "externalLabels", |_| json!({"cluster": "c1", "prometheus": "mine"}));
    dice.maybe(40, &mut spec, "scrapeInterval", |d| json!(d.pick(&["15s", "1m", "30s"])));
    dice.maybe(20, &mut spec, "scrapeTimeout", |_| json!("10s"));
    dice.maybe(20, &mut spec, "scrapeProtocols", |_| json!(["PrometheusText1.0.0", "PrometheusText0.0.4"]));
    dice.maybe(20, &mut spec, "overrideHonorLabels", |_| json!(true));
    dice.maybe(20, &mut spec, "overrideHonorTimestamps", |_| json!(true));
    dice.maybe(15, &mut spec, "ignoreNamespaceSelectors", |_| json!(true));
    dice.maybe(25, &mut spec, "enforcedNamespaceLabel", |d| json!(d.pick(&["namespace", "tenant"])));
    dice.maybe(25, &mut spec, "excludedFromEnforcement", |d| {
        json!([
            {"namespace": d.pick(&super::NAMESPACES), "resource": "servicemonitors"},
            {"namespace": d.pick(&super::NAMESPACES), "resource": "podmonitors", "name": "pm-0", "group": "monitoring.coreos.com"},
        ])
    });
    for limit in [
        "SampleLimit",
        "TargetLimit",
        "LabelLimit",
        "LabelNameLengthLimit",
        "LabelValueLengthLimit",
        "KeepDroppedTargets",
    ] {
        dice.maybe(25, &mut spec, &format!("enforced{limit}"), |d| json!(d.of(3) * 100));
        let own = format!("{}{}", limit[..1].to_lowercase(), &limit[1..]);
        dice.maybe(15, &mut spec, &own, |d| json!(d.of(3) * 150));
    }
    dice.maybe(25, &mut spec, "enforcedBodySizeLimit", |_| json!("10MB"));
    dice.maybe(15, &mut spec, "bodySizeLimit", |_| json!("20MB"));
    dice.maybe(25, &mut spec, "podTargetLabels", |_| json!(["app.kubernetes.io/name", "tier"]));
    dice.maybe(30, &mut spec, "serviceDiscoveryRole", |d| json!(d.pick(&["Endpoints", "EndpointSlice"])));
    dice.maybe(15, &mut spec, "arbitraryFSAccessThroughSMs", |_| json!({"deny": true}));
    dice.maybe(10, &mut spec, "nameValidationScheme", |d| json!(d.pick(&["UTF8", "Legacy"])));
    dice.maybe(10, &mut spec, "nameEscapingScheme", |d| json!(d.pick(&["AllowUTF8", "Dots"])));
    dice.maybe(10, &mut spec, "convertClassicHistogramsToNHCB", |_| json!(true));
    dice.maybe(10, &mut spec, "scrapeNativeHistograms", |_| json!(false));
    dice.maybe(10, &mut spec, "scrapeClassicHistograms", |_| json!(true));
    dice.maybe(10, &mut spec, "queryLogFile", |d| json!(d.pick(&["q.log", "/var/log/q.log"])));
    dice.maybe(10, &mut spec, "scrapeFailureLogFile", |_| json!("f.log"));
    dice.maybe(20, &mut spec, "ruleQueryOffset", |_| json!("1m"));
    dice.maybe(20, &mut spec, "retention", |_| json!("10d"));
    dice.maybe(20, &mut spec, "retentionSize", |_| json!("5GB"));
    dice.maybe(20, &mut spec, "exemplars", |_| json!({"maxSize": 1000}));
    dice.maybe(20, &mut spec, "runtime", |_| json!({"goGC": 50}));
    dice.maybe(
        20,
        &mut spec,
        "tsdb",
        |_| json!({"outOfOrderTimeWindow": "10m", "staleSeriesCompactionThreshold": "0.5"}),
    );
    dice.maybe(40, &mut spec, "scrapeClasses", classes);
    dice.maybe(30, &mut spec, "alerting", alerting);
    dice.maybe(20, &mut spec, "additionalScrapeConfigs", |d| {
        json!({"name": "creds", "key": d.pick(&["jobs.yaml", "jobs.yaml", "jobs.yaml", "absent"]), "optional": d.chance(50)})
    });
    dice.maybe(
        10,
        &mut spec,
        "additionalAlertRelabelConfigs",
        |_| json!({"name": "creds", "key": "rules.yaml"}),
    );
    dice.maybe(
        10,
        &mut spec,
        "additionalAlertManagerConfigs",
        |_| json!({"name": "creds", "key": "managers.yaml"}),
    );
    dice.maybe(10, &mut spec, "apiserverConfig", |_| {
        json!({"host": "https://k8s", "authorization": {"credentials": {"name": "creds", "key": "token"}}, "tlsConfig": {"insecureSkipVerify": true}})
    });
    json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
        "metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": spec,
    })
}

fn classes(dice: &mut Dice) -> Value {
    let mut out = Vec::new();
    for (i, name) in ["fast", "safe"].iter().enumerate() {
        let mut class = Map::new();
        class.insert("name".into(), json!(name));
        if i == 0 {
            dice.maybe(50, &mut class, "default", |_| json!(true));
        }
        dice.maybe(40, &mut class, "relabelings", |d| rules(d, false));
        dice.maybe(40, &mut class, "metricRelabelings", |d| rules(d, false));
        dice.maybe(40, &mut class, "attachMetadata", |d| json!({"node": d.chance(50)}));
        dice.maybe(40, &mut class, "fallbackScrapeProtocol", |_| json!("PrometheusText0.0.4"));
        dice.maybe(40, &mut class, "tlsConfig", |d| tls(d, true, false));
        dice.maybe(40, &mut class, "authorization", |d| {
            if d.chance(50) { authorization(d, false) } else { json!({"credentialsFile": "/var/run/token"}) }
        });
        out.push(Value::Object(class));
    }
    json!(out)
}

fn alerting(dice: &mut Dice) -> Value {
    let mut am = Map::new();
    am.insert("name".into(), json!("alertmanager-operated"));
    am.insert("port".into(), if dice.chance(50) { json!("web") } else { json!(9093) });
    dice.maybe(50, &mut am, "namespace", |_| json!("monitoring"));
    dice.maybe(30, &mut am, "scheme", |_| json!("https"));
    dice.maybe(30, &mut am, "pathPrefix", |_| json!("/am"));
    dice.maybe(30, &mut am, "apiVersion", |d| json!(d.pick(&["v1", "v2", "V2"])));
    dice.maybe(30, &mut am, "timeout", |_| json!("5s"));
    dice.maybe(30, &mut am, "enableHttp2", |_| json!(false));
    dice.maybe(30, &mut am, "relabelings", |d| rules(d, false));
    dice.maybe(30, &mut am, "alertRelabelings", |d| rules(d, false));
    json!({"alertmanagers": [am]})
}
