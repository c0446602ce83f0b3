//! Objects of every shape that discovery knows, in namespaces `shapes`, `other` and `gone`.

use serde_json::{Value, json};

/// The namespace that most of them are in.
pub const NAMESPACE: &str = "shapes";

/// All of them, in an order in which they can be made.
pub fn objects() -> Vec<Value> {
    let mut all = namespaces();
    all.extend(workloads());
    all.extend(pods());
    all.extend(services());
    all.extend(by_hand());
    all.extend(ingresses());
    all
}

fn namespaces() -> Vec<Value> {
    let one = |name: &str, meta: Value| {
        let mut object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta});
        object["metadata"]["name"] = json!(name);
        object
    };
    vec![
        one(
            NAMESPACE,
            json!({"labels": {"team/name": "a.b", "empty": ""}, "annotations": {"note": "two\nlines"}}),
        ),
        one("other", json!({"labels": {"team": "b"}})),
        one("gone", json!({})),
    ]
}

fn meta(namespace: &str, name: &str, app: &str) -> Value {
    json!({"name": name, "namespace": namespace, "labels": {"app": app}})
}

fn pod(mut meta: Value, node: Option<&str>, more: Value) -> Value {
    if meta["labels"].is_null() {
        meta["labels"] = json!({});
    }
    let mut spec = more;
    match node {
        Some(node) => spec["nodeName"] = json!(node),
        None => spec["schedulerName"] = json!("nobody"),
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
}

fn web() -> Value {
    json!({"name": "web", "image": "registry.example/web:1", "ports": [
        {"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9100}, {"name": "dns", "containerPort": 5353, "protocol": "UDP"},
    ]})
}

fn workloads() -> Vec<Value> {
    let template = |app: &str| json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [web()]}});
    vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(NAMESPACE, "web", "web"), "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template("web"),
        }}),
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta("other", "agent", "agent"), "spec": {
            "selector": {"matchLabels": {"app": "agent"}}, "template": template("agent"),
        }}),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(NAMESPACE, "report", "report"), "spec": {
            "schedule": "0 0 1 1 *", "jobTemplate": {"spec": report()},
        }}),
    ]
}

fn report() -> Value {
    json!({"template": {"metadata": {"labels": {"app": "report"}}, "spec": {"restartPolicy": "Never", "containers": [web()]}}})
}

/// The Job that the one CronJob among [`objects`] makes, given what the API server made of that.
pub fn job_of(cronjob: &Value) -> Value {
    let mut meta = meta(NAMESPACE, "report-1", "report");
    meta["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": cronjob["metadata"]["name"],
        "uid": cronjob["metadata"]["uid"], "controller": true,
    }]);
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": report()})
}

fn pods() -> Vec<Value> {
    let mut odd = meta(NAMESPACE, "odd", "odd");
    odd["labels"]["app.kubernetes.io/name"] = json!("odd");
    odd["labels"]["empty"] = json!("");
    odd["labels"]["a-b.c/d_e"] = json!("x-y.z");
    odd["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration": "{\"long\": \"text\"}",
        "note": "first\nsecond", "prometheus.io/scrape": "true", "large": "x".repeat(2000),
    });
    let mut not_ready = meta(NAMESPACE, "not-ready", "odd");
    not_ready["annotations"] = json!({"testbed/state": "not-ready"});
    vec![
        pod(
            odd,
            Some("node1"),
            json!({"containers": [web(), {"name": "side", "image": "side", "ports": [{"containerPort": 9999}]}]}),
        ),
        pod(not_ready, Some("node2"), json!({"containers": [web()]})),
        pod(
            meta(NAMESPACE, "no-ports", "no-ports"),
            Some("node3"),
            json!({"containers": [
                {"name": "bare", "image": "bare@sha256:aa"}, {"name": "side", "image": "side", "ports": [{"containerPort": 7000}]},
            ]}),
        ),
        pod(
            meta(NAMESPACE, "first", "first"),
            Some("node1"),
            json!({
                "initContainers": [
                    {"name": "init", "image": "init", "ports": [{"name": "init", "containerPort": 6000}]}, {"name": "plain", "image": "plain"},
                    {"name": "always", "image": "always", "restartPolicy": "Always", "ports": [{"name": "proxy", "containerPort": 8080}]},
                ],
                "containers": [web()],
            }),
        ),
        pod(
            meta(NAMESPACE, "host", "host"),
            Some("node2"),
            json!({"hostNetwork": true, "containers": [
                {"name": "h", "image": "h", "ports": [{"name": "http", "containerPort": 8081, "hostPort": 8081}]},
            ]}),
        ),
        pod(meta(NAMESPACE, "unscheduled", "odd"), None, json!({"containers": [web()]})),
        pod(meta("gone", "short-lived", "short"), Some("node3"), json!({"containers": [web()]})),
    ]
}

fn service(namespace: &str, name: &str, spec: &Value) -> Value {
    let mut meta = meta(namespace, name, name);
    meta["annotations"] = json!({"prometheus.io/port": "8080"});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
}

fn services() -> Vec<Value> {
    let http = || json!({"name": "http", "port": 80, "targetPort": "http"});
    vec![
        service(
            NAMESPACE,
            "web",
            &json!({"selector": {"app": "web"}, "ports": [http(), {"name": "metrics", "port": 9100, "appProtocol": "http"}]}),
        ),
        service(NAMESPACE, "web-again", &json!({"selector": {"app": "web"}, "ports": [{"port": 8080}]})),
        service(
            NAMESPACE,
            "headless",
            &json!({"clusterIP": "None", "selector": {"app": "odd"}, "ports": [http()]}),
        ),
        service(NAMESPACE, "headless-bare", &json!({"clusterIP": "None", "selector": {"app": "odd"}})),
        service(
            NAMESPACE,
            "unready",
            &json!({"publishNotReadyAddresses": true, "selector": {"app": "odd"}, "ports": [http()]}),
        ),
        service(NAMESPACE, "first", &json!({"selector": {"app": "first"}, "ports": [http()]})),
        service(NAMESPACE, "host", &json!({"selector": {"app": "host"}, "ports": [http()]})),
        service(
            NAMESPACE,
            "unnamed-port",
            &json!({"selector": {"app": "no-ports"}, "ports": [{"name": "t", "port": 7000}, {"name": "u", "port": 7001, "protocol": "UDP"}]}),
        ),
        service(
            NAMESPACE,
            "outside",
            &json!({"type": "ExternalName", "externalName": "db.example.org", "ports": [{"name": "db", "port": 5432}]}),
        ),
        service(NAMESPACE, "outside-bare", &json!({"type": "ExternalName", "externalName": "x.example.org"})),
        service(
            NAMESPACE,
            "node-port",
            &json!({"type": "NodePort", "selector": {"app": "web"}, "ports": [http()]}),
        ),
        service(
            NAMESPACE,
            "balanced",
            &json!({"type": "LoadBalancer", "loadBalancerIP": "192.0.2.9", "selector": {"app": "web"}, "ports": [http()]}),
        ),
        service(
            NAMESPACE,
            "both-families",
            &json!({"ipFamilyPolicy": "PreferDualStack", "selector": {"app": "web"}, "ports": [http()]}),
        ),
        service(NAMESPACE, "nobody", &json!({"selector": {"app": "nobody"}, "ports": [http()]})),
        service(NAMESPACE, "by-hand", &json!({"ports": [{"name": "a", "port": 81}]})),
        service("other", "agent", &json!({"selector": {"app": "agent"}, "ports": [http()]})),
        service("gone", "short", &json!({"selector": {"app": "short"}, "ports": [http()]})),
    ]
}

/// Endpoints and EndpointSlices that no controller makes.
fn by_hand() -> Vec<Value> {
    let slice = |name: &str, service: Option<&str>, rest: Value| {
        let mut meta = meta(NAMESPACE, name, name);
        if let Some(service) = service {
            meta["labels"]["kubernetes.io/service-name"] = json!(service);
        }
        let mut object =
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta});
        if let (Value::Object(all), Value::Object(rest)) = (&mut object, rest) {
            all.extend(rest);
        }
        object
    };
    vec![
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta(NAMESPACE, "by-hand", "by-hand"), "subsets": [
            {
                "addresses": [
                    {"ip": "198.51.100.1", "hostname": "one"},
                    {"ip": "10.99.1.1", "targetRef": {"kind": "Node", "name": "node1"}},
                    {"ip": "198.51.100.2", "nodeName": "node2"},
                    {"ip": "198.51.100.3", "targetRef": {"kind": "Pod", "namespace": "other", "name": "nobody"}},
                ],
                "notReadyAddresses": [{"ip": "198.51.100.4"}],
                "ports": [{"name": "a", "port": 81}, {"name": "b", "port": 82, "protocol": "UDP"}],
            },
            {"addresses": [{"ip": "2001:db8::1"}], "ports": [{"name": "six", "port": 83}]},
        ]}),
        slice(
            "by-name",
            Some("outside"),
            json!({"addressType": "FQDN", "endpoints": [{"addresses": ["db.example.org"], "conditions": {"ready": true}}], "ports": [{"name": "db", "port": 5432}]}),
        ),
        slice(
            "second-family",
            Some("both-families"),
            json!({"addressType": "IPv6", "endpoints": [{"addresses": ["2001:db8::2"]}], "ports": [{"name": "http", "port": 80}]}),
        ),
        slice(
            "loose",
            None,
            json!({"addressType": "IPv6", "endpoints": [
            {"addresses": ["2001:db8::3"], "hostname": "three", "nodeName": "node1", "zone": "z1", "conditions": {"ready": false, "serving": true, "terminating": true}},
            {"addresses": ["2001:db8::4"], "targetRef": {"kind": "Node", "name": "node2"}, "nodeName": "node1"},
        ], "ports": [{"name": "a", "port": 80, "appProtocol": "https"}, {"name": "all"}]}),
        ),
        slice(
            "no-ports",
            Some("web"),
            json!({"addressType": "IPv4", "endpoints": [{"addresses": ["198.51.100.9"]}], "ports": []}),
        ),
    ]
}

fn ingresses() -> Vec<Value> {
    let backend = json!({"service": {"name": "web", "port": {"name": "http"}}});
    let path = |p: &str| json!({"path": p, "pathType": "Prefix", "backend": backend});
    let ingress = |namespace: &str, name: &str, spec: Value| {
        let mut meta = meta(namespace, name, name);
        meta["annotations"] = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$1"});
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec})
    };
    vec![
        ingress(
            NAMESPACE,
            "many",
            json!({
                "ingressClassName": "nginx", "tls": [{"hosts": ["a.example.org", "*.wild.example.org"], "secretName": "x"}],
                "rules": [
                    {"host": "a.example.org", "http": {"paths": [path("/"), path("/deep/er")]}},
                    {"host": "x.wild.example.org", "http": {"paths": [path("/")]}},
                    {"host": "x.y.wild.example.org", "http": {"paths": [path("/")]}},
                    {"host": "b.example.org"},
                    {"host": "*.c.example.org", "http": {"paths": [{"pathType": "ImplementationSpecific", "backend": backend}]}},
                ],
            }),
        ),
        ingress(NAMESPACE, "plain", json!({"defaultBackend": backend})),
        ingress(
            "gone",
            "soon",
            json!({"rules": [{"host": "gone.example.org", "http": {"paths": [path("/")]}}]}),
        ),
    ]
}
