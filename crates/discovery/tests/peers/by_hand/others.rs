//! Probes and ScrapeConfigs.

use super::{Hand, Maker, key};
use serde_json::{Value, json};

pub(super) fn clusters(make: &Maker<'_>) -> Vec<Hand> {
    let none = || json!({});
    let prober = || json!({"url": "blackbox.monitoring.svc:9115"});
    let to = |targets: Value| json!({"prober": prober(), "targets": targets});
    let lists = |more: Value| {
        let mut list = json!({"static": ["https://a.example", "b:80"]});
        if let (Some(list), Value::Object(more)) = (list.as_object_mut(), more) {
            list.extend(more);
        }
        json!({"staticConfig": list})
    };
    let ingress = |more: Value| {
        let mut one = json!({"selector": {}});
        if let (Some(one), Value::Object(more)) = (one.as_object_mut(), more) {
            one.extend(more);
        }
        json!({"ingress": one})
    };
    let kubernetes = |one: Value| json!({"kubernetesSDConfigs": [one], "relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_(.+)"}]});
    vec![
        ("probe a list", &["1.4/static", "1.1/default-prober-path"], make.probe(none(), to(lists(none())))),
        ("probe a list with labels", &["1.4/static-labels"], make.probe(none(), to(lists(json!({"labels": {"env": "p"}}))))),
        ("probe a list with an own namespace label", &["1.4/static-own-namespace-label"], make.probe(none(), to(lists(json!({"labels": {"namespace": "own"}}))))),
        ("probe a list with rules", &["1.4/static-rules"], make.probe(none(), to(lists(json!({"relabelingConfigs": [{"sourceLabels": ["instance"], "targetLabel": "site"}]}))))),
        ("probe Ingresses", &["1.4/ingress"], make.probe(none(), to(ingress(none())))),
        ("probe Ingresses of all namespaces", &["1.4/ingress-any-namespace"], make.probe(none(), to(ingress(json!({"namespaceSelector": {"any": true}}))))),
        ("probe Ingresses by labels and with rules", &["1.4/ingress-rules"], make.probe(none(), to(ingress(json!({"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}, "relabelingConfigs": [{"action": "labelmap", "regex": "__meta_kubernetes_ingress_(.+)"}]}))))),
        ("probe a list before Ingresses", &["1.4/static-before-ingress"], make.probe(none(), to(json!({"staticConfig": {"static": ["a"]}, "ingress": {"selector": {}}})))),
        ("probe nothing", &["1.4/no-targets"], make.probe(none(), json!({"prober": prober()}))),
        ("probe an empty section", &["1.4/no-targets"], make.probe(none(), to(none()))),
        ("probe nothing, with a module", &["1.4/no-targets"], make.probe(none(), json!({"prober": prober(), "module": "m"}))),
        ("probe nothing, with a name", &["1.4/no-targets"], make.probe(none(), json!({"prober": prober(), "jobName": "m"}))),
        ("probe nothing, with an interval", &["1.4/no-targets"], make.probe(none(), json!({"prober": prober(), "interval": "9s"}))),
        ("a module before a parameter", &["1.4/module-before-param", "1.4/job-name"], make.probe(none(), json!({"prober": prober(), "jobName": "x", "module": "m", "params": [{"name": "module", "values": ["n"]}, {"name": "h", "values": ["1", "2"]}], "targets": lists(none())}))),
        ("a module by a parameter", &["1.4/module-by-param"], make.probe(none(), json!({"prober": prober(), "params": [{"name": "module", "values": ["n"]}], "targets": lists(none())}))),
        ("a prober with path and scheme", &["1.4/prober-path", "1.4/prober-scheme", "1.4/interval"], make.probe(none(), json!({"prober": {"url": "blackbox", "path": "/p", "scheme": "https"}, "interval": "9s", "scrapeTimeout": "4s", "targets": lists(none())}))),
        ("a prober that is a URL", &["1.4/prober-wrong"], make.probe(none(), json!({"prober": {"url": "http://x:1"}, "targets": lists(none())}))),
        ("probes shared", &["1.4/sharded"], make.probe(json!({"shards": 2}), to(lists(none())))),
        ("scrape a list", &["1.5/static", "1.5/static-labels", "1.5/job-name"], make.scrape(none(), json!({"jobName": "own", "staticConfigs": [{"targets": ["10.99.200.1:80", "b:2"], "labels": {"env": "p"}}, {"targets": ["c:3"]}]}))),
        ("scrape nodes", &["1.5/kubernetes-node"], make.scrape(none(), kubernetes(json!({"role": "Node"})))),
        ("scrape Services", &["1.5/kubernetes-service"], make.scrape(none(), kubernetes(json!({"role": "Service"})))),
        ("scrape pods", &["1.5/kubernetes-pod"], make.scrape(none(), kubernetes(json!({"role": "Pod", "attachMetadata": {"node": true}})))),
        ("scrape Endpoints", &["1.5/kubernetes-endpoints"], make.scrape(none(), kubernetes(json!({"role": "Endpoints", "attachMetadata": {"node": true}})))),
        ("scrape EndpointSlices", &["1.5/kubernetes-slices"], make.scrape(none(), kubernetes(json!({"role": "EndpointSlice", "attachMetadata": {"node": true}})))),
        ("scrape Ingresses", &["1.5/kubernetes-ingress"], make.scrape(none(), kubernetes(json!({"role": "Ingress"})))),
        ("scrape pods of some namespaces", &["1.5/kubernetes-namespaces"], make.scrape(none(), kubernetes(json!({"role": "Pod", "namespaces": {"names": ["apps", "db"]}})))),
        ("scrape pods by selectors", &["1.5/kubernetes-selectors"], make.scrape(none(), kubernetes(json!({"role": "Pod", "selectors": [{"role": "Pod", "label": "app=api"}]})))),
        ("scrape EndpointSlices by selectors", &["1.5/kubernetes-selectors", "1.5/kubernetes-slices"], make.scrape(none(), kubernetes(json!({"role": "EndpointSlice", "selectors": [{"role": "Service", "label": "app=api"}, {"role": "Pod", "field": "status.phase=Running"}]})))),
        ("scrape from a URL and by DNS", &["1.5/http", "1.5/http-with-credentials", "1.5/dns"], make.scrape(none(), json!({"httpSDConfigs": [{"url": "http://sd/t", "basicAuth": {"username": key("user"), "password": key("password")}}], "dnsSDConfigs": [{"names": ["a.b"], "type": "A", "port": 80}]}))),
        ("scrape by files", &["1.5/file"], make.scrape(none(), json!({"fileSDConfigs": [{"files": ["/run/secrets/none/*.json"]}]}))),
        ("names as of old", &["1.5/name-validation", "1.5/name-escaping", "1.5/compression"], make.scrape(none(), json!({"nameValidationScheme": "Legacy", "nameEscapingScheme": "Underscores", "enableCompression": false, "staticConfigs": [{"targets": ["a:1"]}]}))),
        ("shared, with a hash of its own", &["1.9/scrape-configs-with-own-hash"], make.scrape(json!({"shards": 2}), json!({"staticConfigs": [{"targets": ["a:1", "b:1"]}], "relabelings": [{"action": "HashMod", "sourceLabels": ["__address__"], "targetLabel": "__tmp_hash", "modulus": 2}]}))),
        ("shared", &["1.9/scrape-configs-shared"], make.scrape(json!({"shards": 2}), json!({"staticConfigs": [{"targets": ["a:1", "b:1", "c:1", "d:1", "e:1"]}]}))),
        ("enforced without rules", &["1.5/enforced-without-rules"], make.scrape(json!({"enforcedNamespaceLabel": "tenant"}), json!({"staticConfigs": [{"targets": ["a:1"]}]}))),
        ("enforced with rules", &["1.5/enforced-with-rules"], make.scrape(json!({"enforcedNamespaceLabel": "tenant"}), json!({"staticConfigs": [{"targets": ["a:1"]}], "relabelings": [{"targetLabel": "x", "replacement": "y"}]}))),
    ]
}
