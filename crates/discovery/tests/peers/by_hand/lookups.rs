//! What ServiceMonitors and PodMonitors look for, and what their targets are called.

use super::{Hand, Maker};
use serde_json::{Value, json};

fn slices() -> Value {
    json!({"serviceDiscoveryRole": "EndpointSlice"})
}

pub(super) fn clusters(make: &Maker<'_>) -> Vec<Hand> {
    let none = || json!({});
    let any = || json!({"any": true});
    let sm = |endpoints: Value| json!({"selector": {}, "namespaceSelector": any(), "endpoints": endpoints});
    let select = |selector: Value| json!({"selector": selector, "namespaceSelector": any(), "endpoints": [{"port": "http"}, {}]});
    let pods = |selector: Value| json!({"selector": selector, "namespaceSelector": any(), "podMetricsEndpoints": [{"port": "http"}, {}]});
    let expression = |operator: &str, values: Value| match values {
        Value::Null => json!({"matchExpressions": [{"key": "app.kubernetes.io/name", "operator": operator}]}),
        values => json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}),
    };
    vec![
        ("endpoints: every port", &["1.2 lookup/role-endpoints-by-default", "1.2 rules/4-no-port"], make.service(none(), sm(json!([{}])))),
        ("slices: every port", &["1.2 lookup/role-slices-of-prometheus", "1.2 rules/4-no-port"], make.service(slices(), sm(json!([{}])))),
        ("endpoints: ports by name", &["1.2 rules/4-port", "1.2 rules/4-port-is-a-pattern"], make.service(none(), sm(json!([{"port": "http"}, {"port": "http|metrics"}, {"port": "m.trics"}, {"port": "none"}])))),
        ("slices: ports by name", &["1.2 rules/4-port", "1.2 rules/4-port-is-a-pattern"], make.service(slices(), sm(json!([{"port": "http"}, {"port": "http|metrics"}, {"port": "m.trics"}, {"port": "none"}])))),
        ("endpoints: ports of pods", &["1.2 rules/4-target-port-name", "1.2 rules/4-target-port-number"], make.service(none(), sm(json!([{"targetPort": "metrics"}, {"targetPort": 8080}, {"targetPort": 1}, {"targetPort": 0}])))),
        ("slices: ports of pods", &["1.2 rules/4-target-port-name", "1.2 rules/4-target-port-number"], make.service(slices(), sm(json!([{"targetPort": "metrics"}, {"targetPort": 8080}, {"targetPort": 1}, {"targetPort": 0}])))),
        ("slices by the monitor, endpoints by another", &["1.2 lookup/role-slices-own", "1.2 lookup/role-endpoints-own"], make.cluster(none(), vec![super::object("ServiceMonitor", "apps", "s", json!({"selector": {}, "serviceDiscoveryRole": "EndpointSlice", "endpoints": [{}]})), super::object("ServiceMonitor", "apps", "t", json!({"selector": {}, "serviceDiscoveryRole": "Endpoints", "endpoints": [{}]}))])),
        ("endpoints although the Prometheus says slices", &["1.2 lookup/role-endpoints-own"], make.service(slices(), json!({"selector": {}, "serviceDiscoveryRole": "Endpoints", "namespaceSelector": any(), "endpoints": [{}]}))),
        ("ended pods stay", &["1.2 rules/11-ended-pods-stay"], make.service(none(), sm(json!([{"filterRunning": false}, {"filterRunning": true}])))),
        ("slices: ended pods stay", &["1.2 rules/11-ended-pods-stay"], make.service(slices(), sm(json!([{"filterRunning": false}, {"filterRunning": true}])))),
        ("by two labels", &["1.2 rules/2-several-labels"], make.service(none(), select(json!({"matchLabels": {"app": "api", "tier": "front"}})))),
        ("by a label whose name is sanitised", &["1.2 rules/2-name-sanitised"], make.service(none(), select(json!({"matchLabels": {"app.kubernetes.io/name": "db"}})))),
        ("by a value that is a pattern", &["1.2 rules/2-value-not-escaped"], make.service(none(), select(json!({"matchLabels": {"k8s-app": "calico.node"}})))),
        ("by an empty value", &["1.2 rules/2-labels"], make.service(none(), select(json!({"matchLabels": {"tier": ""}})))),
        ("In", &["1.2 rules/3-in"], make.service(none(), select(expression("In", json!(["api", "web"]))))),
        ("NotIn", &["1.2 rules/3-not-in"], make.service(none(), select(expression("NotIn", json!(["api", "d.b"]))))),
        ("Exists", &["1.2 rules/3-exists"], make.service(none(), select(expression("Exists", Value::Null)))),
        ("DoesNotExist", &["1.2 rules/3-does-not-exist"], make.service(none(), select(expression("DoesNotExist", Value::Null)))),
        ("slices: DoesNotExist", &["1.2 rules/3-does-not-exist"], make.service(slices(), select(expression("DoesNotExist", Value::Null)))),
        ("by the API server", &["1.2 lookup/role-selector"], make.service(none(), json!({"selector": {"matchLabels": {"app": "api"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}, "selectorMechanism": "RoleSelector", "endpoints": [{}]}))),
        ("slices: by the API server", &["1.2 lookup/role-selector"], make.service(slices(), json!({"selector": {"matchLabels": {"app": "api"}}, "selectorMechanism": "RoleSelector", "namespaceSelector": any(), "endpoints": [{}]}))),
        ("the own namespace", &["1.2 lookup/namespaces-own"], make.service(none(), json!({"selector": {}, "endpoints": [{}]}))),
        ("namespaces by name", &["1.2 lookup/namespaces-by-name"], make.service(none(), json!({"selector": {}, "namespaceSelector": {"matchNames": ["db", "web-1", "nowhere"]}, "endpoints": [{}]}))),
        ("any namespace, before names", &["1.2 lookup/namespaces-any-before-names"], make.service(none(), json!({"selector": {}, "namespaceSelector": {"any": true, "matchNames": ["db"]}, "endpoints": [{}]}))),
        ("namespaces are ignored", &["1.2 lookup/namespaces-ignored"], make.service(json!({"ignoreNamespaceSelectors": true}), sm(json!([{}])))),
        ("slices: namespaces are ignored", &["1.2 lookup/namespaces-ignored"], make.service(json!({"ignoreNamespaceSelectors": true, "serviceDiscoveryRole": "EndpointSlice"}), sm(json!([{}])))),
        ("nodes too", &["1.2 lookup/attach-node"], make.service(none(), json!({"selector": {}, "attachMetadata": {"node": true}, "endpoints": [{"relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_node_label_(.+)", "replacement": "node_$1"}]}]}))),
        ("slices: nodes too", &["1.2 lookup/attach-node"], make.service(slices(), json!({"selector": {}, "attachMetadata": {"node": true}, "endpoints": [{"relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_node_label_(.+)", "replacement": "node_$1"}]}]}))),
        ("labels of Service and pod", &["1.2 rules/12-target-labels", "1.2 rules/13-pod-labels-of-both", "1.2 rules/15-job-label"], make.service(json!({"podTargetLabels": ["tier"]}), json!({"selector": {}, "namespaceSelector": any(), "jobLabel": "k8s-app", "targetLabels": ["app", "tier", "k8s-app"], "podTargetLabels": ["app", "app.kubernetes.io/name"], "endpoints": [{"port": "http", "targetPort": 1}]}))),
        ("slices: labels of Service and pod", &["1.2 rules/12-target-labels", "1.2 rules/13-pod-labels-of-both", "1.2 rules/15-job-label"], make.service(json!({"podTargetLabels": ["tier"], "serviceDiscoveryRole": "EndpointSlice"}), json!({"selector": {}, "namespaceSelector": any(), "jobLabel": "k8s-app", "targetLabels": ["app", "tier", "k8s-app"], "podTargetLabels": ["app", "app.kubernetes.io/name"], "endpoints": [{"port": "http", "targetPort": 1}]}))),
        ("everything that was discovered, as labels", &["1.2 rules/18-rules"], make.service(none(), sm(json!([{"relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_(.+)"}]}])))),
        ("slices: everything that was discovered, as labels", &["1.2 rules/18-rules"], make.service(slices(), sm(json!([{"relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_(.+)"}]}])))),
        ("a port before a target port by name", &["1.2 rules/16-endpoint-of-both"], make.service(none(), sm(json!([{"port": "http", "targetPort": "metrics"}])))),
        ("slices: a port before a target port by name", &["1.2 rules/16-endpoint-of-both"], make.service(slices(), sm(json!([{"port": "http", "targetPort": "metrics"}])))),
        ("a pattern before a target port", &["1.2 rules/16-endpoint-of-both"], make.service(none(), sm(json!([{"port": "http|metrics", "targetPort": 80}])))),
        ("pods by labels", &["1.3/labels"], make.pod(none(), pods(json!({"matchLabels": {"app": "api"}})))),
        ("pods In", &["1.3/in"], make.pod(none(), pods(expression("In", json!(["api"]))))),
        ("pods NotIn", &["1.3/not-in"], make.pod(none(), pods(expression("NotIn", json!(["api"]))))),
        ("pods Exists", &["1.3/exists"], make.pod(none(), pods(expression("Exists", Value::Null)))),
        ("pods DoesNotExist", &["1.3/does-not-exist"], make.pod(none(), pods(expression("DoesNotExist", Value::Null)))),
        ("pods by the API server", &["1.3/role-selector"], make.pod(none(), json!({"selector": {"matchLabels": {"app": "api"}}, "selectorMechanism": "RoleSelector", "podMetricsEndpoints": [{}]}))),
        ("ports of pods", &["1.3/port", "1.3/port-number", "1.3/target-port-name", "1.3/target-port-number", "1.3/no-port"], make.pod(none(), json!({"selector": {}, "namespaceSelector": any(), "podMetricsEndpoints": [{"port": "metrics"}, {"portNumber": 9100}, {"targetPort": "http"}, {"targetPort": 8080}, {}]}))),
        ("ended pods of a PodMonitor stay", &["1.3/ended-pods-stay"], make.pod(none(), json!({"selector": {}, "podMetricsEndpoints": [{"filterRunning": false}]}))),
        ("labels of pods", &["1.3/pod-labels", "1.3/pod-labels-of-prometheus", "1.3/job-label", "1.3/attach-node"], make.pod(json!({"podTargetLabels": ["tier"]}), json!({"selector": {}, "jobLabel": "app", "podTargetLabels": ["app"], "attachMetadata": {"node": true}, "podMetricsEndpoints": [{"relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_(node|pod)_label_(.+)", "replacement": "$1_$2"}]}]}))),
        ("pods of namespaces by name", &["1.3/namespaces-by-name"], make.pod(none(), json!({"selector": {}, "namespaceSelector": {"matchNames": ["apps", "db"]}, "podMetricsEndpoints": [{}]}))),
        ("through a server by its address", &["1.2 lookup/api-server", "1.8/api-server-credentials"], make.service(json!({"apiserverConfig": {"host": "https://k8s", "authorization": {"credentials": super::key("token")}, "tlsConfig": {"insecureSkipVerify": true}}}), sm(json!([{"port": "http"}])))),
        ("slices through a server by its address", &["1.2 lookup/api-server"], make.service(json!({"serviceDiscoveryRole": "EndpointSlice", "apiserverConfig": {"host": "https://k8s", "authorization": {"credentials": super::key("token")}, "tlsConfig": {"insecureSkipVerify": true}}}), sm(json!([{"port": "http"}])))),
    ]
}
