//! What binds monitors: enforcement, limits, classes, shares.

use super::{Hand, Maker, key, object, pod, service};
use serde_json::{Value, json};

pub(super) fn clusters(make: &Maker<'_>) -> Vec<Hand> {
    let good = || vec![service(json!({"port": "http"})), pod(json!({"port": "http"}))];
    let with = |spec: Value| make.cluster(spec, good());
    let classes = |list: Value| json!({"scrapeClasses": list});
    let rules = |label: &str| json!([{"targetLabel": label, "replacement": "c"}]);
    let not_shared = || {
        service(
            json!({"relabelings": [{"sourceLabels": ["__address__"], "targetLabel": "__tmp_disable_sharding"}]}),
        )
    };
    let topology = |role: &str| json!({"shards": 2, "serviceDiscoveryRole": role, "shardingStrategy": {"mode": "Topology", "topology": {"values": ["z1", "z2"]}}});
    let everything = json!({"sampleLimit": 5, "targetLimit": 5000, "labelLimit": 50, "labelNameLengthLimit": 500, "labelValueLengthLimit": 5000, "keepDroppedTargets": 5});
    let enforced = json!({"enforcedSampleLimit": 4, "enforcedTargetLimit": 4000, "enforcedLabelLimit": 40, "enforcedLabelNameLengthLimit": 400, "enforcedLabelValueLengthLimit": 4000, "enforcedKeepDroppedTargets": 4, "enforcedBodySizeLimit": "1MB"});
    let limited = |spec: Value| {
        let mut all = everything.clone();
        if let Some(all) = all.as_object_mut() {
            all.insert("selector".into(), json!({}));
            all.insert("bodySizeLimit".into(), json!("2MB"));
            all.insert("endpoints".into(), json!([{}]));
        }
        make.service(spec, all)
    };
    vec![
        ("limits of a monitor", &["1.7/sampleLimit-own", "1.7/body-own"], limited(json!({}))),
        ("limits of both", &["1.7/sampleLimit-both", "1.7/keepDroppedTargets-both", "1.7/body-both"], limited(enforced.clone())),
        ("limits that are enforced", &["1.7/sampleLimit-enforced", "1.7/targetLimit-enforced-as-global", "1.7/body-enforced"], with(enforced)),
        ("limits for all", &["1.7/sampleLimit-global", "1.7/labelLimit-global"], with(everything.clone())),
        ("the namespace is enforced", &["1.2 rules/19-enforced", "1.3/enforced"], make.cluster(json!({"enforcedNamespaceLabel": "tenant"}), vec![service(json!({"relabelings": [{"targetLabel": "tenant", "replacement": "me"}]})), pod(json!({"relabelings": [{"action": "labeldrop", "regex": "tenant"}]}))])),
        ("one is excluded by name", &["1.7/excluded-by-name"], with(json!({"enforcedNamespaceLabel": "tenant", "excludedFromEnforcement": [{"namespace": "apps", "resource": "servicemonitors", "name": "s"}]}))),
        ("another is excluded by name", &["1.7/excluded-by-name"], with(json!({"enforcedNamespaceLabel": "tenant", "excludedFromEnforcement": [{"namespace": "apps", "resource": "podmonitors", "name": "q", "group": "monitoring.coreos.com"}]}))),
        ("a group that is another", &["1.7/excluded-by-group"], with(json!({"enforcedNamespaceLabel": "tenant", "excludedFromEnforcement": [{"namespace": "apps", "resource": "servicemonitors", "group": "example.com"}]}))),
        ("classes by name and by default", &["1.7 classes/by-default", "1.7 classes/by-name", "1.2 rules/17-rules-of-class", "1.7 classes/metric-rules"], make.cluster(classes(json!([{"name": "a", "default": true, "relabelings": rules("a")}, {"name": "b", "relabelings": rules("b"), "metricRelabelings": rules("m")}])), vec![service(json!({})), object("PodMonitor", "apps", "q", json!({"selector": {}, "scrapeClass": "b", "podMetricsEndpoints": [{}]})), object("Probe", "apps", "b", json!({"scrapeClass": "b", "prober": {"url": "x"}, "targets": {"staticConfig": {"static": ["a"]}}})), object("ScrapeConfig", "apps", "c", json!({"scrapeClass": "b", "jobName": "j", "staticConfigs": [{"targets": ["a:1"]}]}))])),
        ("a class before a job's own name", &["1.5/rules-of-class-first"], make.scrape(classes(json!([{"name": "a", "default": true, "relabelings": [{"sourceLabels": ["job"], "targetLabel": "was"}]}])), json!({"jobName": "own", "staticConfigs": [{"targets": ["a:1"]}]}))),
        ("a class before a job's own name and rules", &["1.5/rules-of-class-first"], make.scrape(classes(json!([{"name": "a", "default": true, "relabelings": [{"targetLabel": "job", "replacement": "class"}]}])), json!({"jobName": "own", "relabelings": [{"sourceLabels": ["job"], "targetLabel": "was"}], "staticConfigs": [{"targets": ["a:1"]}]}))),
        ("a class' authority", &["1.7 classes/tls-whole", "1.7 classes/authorization"], with(classes(json!([{"name": "a", "default": true, "tlsConfig": {"ca": {"secret": key("ca.crt")}}, "authorization": {"credentials": key("token")}}])))),
        ("a class' paths beside an own section", &["1.7 classes/tls-only-paths"], make.cluster(classes(json!([{"name": "a", "default": true, "tlsConfig": {"caFile": "/run/secrets/x"}}])), vec![service(json!({"tlsConfig": {"serverName": "x.svc"}})), pod(json!({"tlsConfig": {"serverName": "x.svc"}}))])),
        ("a class' token file", &["1.7 classes/authorization-file"], with(classes(json!([{"name": "a", "default": true, "authorization": {"credentialsFile": "/run/secrets/x"}}])))),
        ("a class' nodes and format", &["1.7 classes/attach-node", "1.7 classes/fallback"], with(classes(json!([{"name": "a", "default": true, "attachMetadata": {"node": true}, "fallbackScrapeProtocol": "PrometheusText0.0.4"}])))),
        ("a class that is not there", &["1.7 classes/unknown"], make.service(classes(json!([{"name": "a"}])), json!({"selector": {}, "scrapeClass": "z", "endpoints": [{}]}))),
        ("three default classes", &["1.7 classes/two-defaults"], with(classes(json!([{"name": "a", "default": true}, {"name": "b", "default": true}, {"name": "c", "default": true}])))),
        ("two default classes of three", &["1.7 classes/two-defaults"], with(classes(json!([{"name": "a"}, {"name": "b", "default": true}, {"name": "c", "default": true}])))),
        ("two default classes with rules", &["1.7 classes/two-defaults"], with(classes(json!([{"name": "a", "default": true, "relabelings": rules("a")}, {"name": "b", "default": true}])))),
        ("two default classes without monitors", &["1.7 classes/two-defaults"], make.cluster(classes(json!([{"name": "a", "default": true}, {"name": "b", "default": true}])), vec![])),
        ("a class with a rule of a bad pattern", &["1.7 classes/rules-wrong"], with(classes(json!([{"name": "a", "relabelings": [{"action": "replace", "regex": "(", "targetLabel": "x"}]}])))),
        ("a class with a bad rule for series", &["1.7 classes/rules-wrong"], with(classes(json!([{"name": "a", "metricRelabelings": [{"action": "replace"}]}])))),
        ("a class with a rule without a modulus", &["1.7 classes/rules-wrong"], with(classes(json!([{"name": "a", "relabelings": [{"action": "hashmod", "targetLabel": "x"}]}])))),
        ("a class with a labeldrop of sources", &["1.7 classes/rules-wrong"], with(classes(json!([{"name": "a", "relabelings": [{"action": "labeldrop", "sourceLabels": ["a"], "regex": "x"}]}])))),
        ("shares", &["1.9/services-shared", "1.9/pods-shared", "1.9/current-shard"], with(json!({"shards": 2}))),
        ("shares of many", &["1.9/services-shared"], with(json!({"shards": 7}))),
        ("shares without one monitor", &["1.9/disabled-by-label"], make.cluster(json!({"shards": 2}), vec![not_shared()])),
        ("shares of slices without one monitor", &["1.9/disabled-by-label"], make.cluster(json!({"shards": 2, "serviceDiscoveryRole": "EndpointSlice"}), vec![not_shared()])),
        ("shares by zone without one monitor", &["1.9/disabled-by-label", "1.9/topology"], make.cluster(topology("Endpoints"), vec![not_shared()])),
        ("many shares without one monitor", &["1.9/disabled-by-label"], make.cluster(json!({"shards": 9}), vec![not_shared(), pod(json!({}))])),
        ("shares and a limit without one monitor", &["1.9/disabled-by-label"], make.cluster(json!({"shards": 3, "enforcedSampleLimit": 3}), vec![not_shared()])),
        ("shares by zone", &["1.9/topology", "1.6/zone-label"], with(topology("Endpoints"))),
        ("shares of slices by zone", &["1.9/topology-of-slices"], with(topology("EndpointSlice"))),
        ("four shares of slices by zone", &["1.9/topology-of-slices"], with(json!({"shards": 4, "serviceDiscoveryRole": "EndpointSlice", "shardingStrategy": {"mode": "Topology", "topology": {"values": ["z1", "z2"]}}}))),
        ("slices by zone with a label of its name", &["1.9/topology-of-slices"], with(json!({"shards": 2, "serviceDiscoveryRole": "EndpointSlice", "shardingStrategy": {"mode": "Topology", "topology": {"externalLabelName": "z", "values": ["z1", "z2"]}}}))),
        ("raw jobs", &["1.6/jobs-added", "1.9/raw-jobs-not-shared"], with(json!({"additionalScrapeConfigs": key("jobs.yaml")}))),
        ("raw jobs shared", &["1.9/raw-jobs-shared", "1.9/raw-jobs-with-own-hash"], with(json!({"shards": 3, "additionalScrapeConfigs": key("jobs.yaml")}))),
        ("raw jobs in another key", &["1.6/jobs-absent"], with(json!({"additionalScrapeConfigs": key("no.yaml")}))),
        ("labels of this Prometheus", &["1.6/external-labels", "1.6/external-label-reserved"], with(json!({"externalLabels": {"cluster": "c", "prometheus": "x", "prometheus_replica": "y"}}))),
        ("no labels of this Prometheus", &["1.6/prometheus-label-off", "1.6/replica-label-off"], with(json!({"prometheusExternalLabelName": "", "replicaExternalLabelName": ""}))),
        ("files, logs, offsets", &["1.6/query-log", "1.6/failure-log", "1.6/rule-offset"], with(json!({"queryLogFile": "q.log", "scrapeFailureLogFile": "/var/log/f.log", "ruleQueryOffset": "2m"}))),
        ("alerts with rules and more managers", &["1.6/managers", "1.6/managers-added", "1.6/alert-rules-added"], with(json!({"alerting": {"alertmanagers": [{"name": "am", "namespace": "monitoring", "port": "web", "relabelings": rules("x"), "alertRelabelings": rules("y")}]}, "additionalAlertManagerConfigs": key("managers.yaml"), "additionalAlertRelabelConfigs": key("rules.yaml")}))),
        ("timeout above the default interval", &["1.6/timeout-above-interval"], with(json!({"scrapeTimeout": "31s"}))),
        ("timeout above a long interval", &["1.6/timeout-above-interval"], with(json!({"scrapeInterval": "2m", "scrapeTimeout": "121s"}))),
        ("timeout above a short interval", &["1.6/timeout-above-interval"], with(json!({"scrapeInterval": "1s", "scrapeTimeout": "1001ms"}))),
        ("timeout above interval, in other units", &["1.6/timeout-above-interval"], with(json!({"scrapeInterval": "59s", "scrapeTimeout": "1m"}))),
    ]
}
