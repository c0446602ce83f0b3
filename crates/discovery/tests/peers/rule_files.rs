//! Rules and alerting beside the operator: rule files byte for byte with their paths, who is refused and in which words, the
//! sections of the configuration; beside them AlertmanagerConfigs.

use crate::compare::{differences, value};
use crate::oracle::{known, objects_of, operator, pair};
use crate::receivers;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tortie_discovery::crds::{Material, Sharing, Style, Verdict, configure};

pub(crate) fn meta(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({"namespace": namespace, "name": name, "uid": format!("uid-of-{name}"), "labels": labels})
}

pub(crate) fn prometheus(spec: &Value) -> Value {
    let mut all = json!({"ruleSelector": {}, "ruleNamespaceSelector": {}});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": meta("monitoring", "k8s", &json!({})), "spec": all})
}

fn rules(namespace: &str, name: &str, rules: &Value) -> Value {
    let group = json!({"name": "g", "interval": "30s", "limit": 10, "query_offset": "1m", "labels": {"of": "group"}, "partial_response_strategy": "abort", "rules": rules});
    object(namespace, name, &json!({"groups": [group]}))
}

fn object(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": meta(namespace, name, &json!({"team": namespace})), "spec": spec})
}

/// Rules of many shapes: some good, some wrong in one way each.
fn shapes() -> Vec<Value> {
    let alert = json!({"alert": "A", "expr": "sum by (job) (rate(x{job!=\"\"}[5m])) / on (job) group_left y > bool 0.5", "for": "5m", "keep_firing_for": "10m", "labels": {"severity": "page", "yes": "no"}, "annotations": {"summary": "{{ $labels.job }}: {{ $value | humanize }}", "text": "two\nlines", "long": "word ".repeat(40)}});
    let record =
        json!({"record": "job:x:rate5m", "expr": "sum(rate(x[5m])) by (job)\n  / 2\n", "labels": {"a": "1"}});
    let mut all = vec![
        rules("apps", "good", &json!([alert, record])),
        rules("db", "good", &json!([record, {"record": "one", "expr": 1}])),
        object("db", "empty", &json!({})),
        object("db", "no-rules", &json!({"groups": [{"name": "g"}]})),
        rules("apps", "experimental", &json!([{"record": "r", "expr": "mad_over_time(x[5m])"}])),
        rules("apps", "utf8", &json!([{"record": "größe", "expr": "{\"a.b\"}"}])),
        rules(
            "apps",
            "two-good",
            &json!([alert, {"alert": "B", "expr": "absent(up{namespace=\"x\",a=~\"b|c\"})"}]),
        ),
        rules(
            "apps",
            "subquery",
            &json!([{"record": "r", "expr": "max_over_time(rate(x[1m])[10m:30s] offset 5m) and -y @ 10 unless (z)"}]),
        ),
    ];
    let wrong = [
        json!({"alert": "A", "expr": "sum("}),
        json!({"alert": "A", "expr": "up", "annotations": {"x": "{{ $labels."}}),
        json!({"record": "r", "expr": "up", "annotations": {"x": "y"}}),
        json!({"record": "r", "expr": "up", "for": "5m"}),
        json!({"record": "a{b}", "expr": "up"}),
        json!({"alert": "A", "expr": "up", "labels": {"__name__": "y"}}),
        json!({"alert": "A", "expr": "up", "for": "five"}),
        json!({"alert": "A", "record": "r", "expr": "up"}),
        json!({"expr": "up"}),
        json!({"alert": "A", "expr": ""}),
    ];
    all.extend(
        wrong.iter().enumerate().map(|(i, r)| rules("apps", &format!("wrong-{i}"), &json!([alert, r]))),
    );
    let twice = json!({"groups": [{"name": "g", "rules": [alert]}, {"name": "g", "rules": [record]}]});
    all.push(object("apps", "twice", &twice));
    all
}

/// Namespaces, Secrets and ConfigMaps of the generated clusters.
pub(crate) fn surroundings() -> Vec<Value> {
    let keep = |o: &Value| matches!(o["kind"].as_str(), Some("Namespace" | "Secret" | "ConfigMap"));
    crate::clusters::resources(1, &pair()).into_iter().filter(keep).collect()
}

fn clusters() -> Vec<(&'static str, Value)> {
    let surroundings = surroundings();
    let cluster = |spec: Value, more: Vec<Value>| {
        let mut objects = surroundings.clone();
        objects.push(prometheus(&spec));
        objects.extend(more);
        json!({"objects": objects, "inlineTLS": true})
    };
    let manager = |more: Value| {
        let mut am = json!({"name": "alertmanager-main", "port": "web"});
        am.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cluster(json!({"alerting": {"alertmanagers": [{"name": "first", "port": 9093}, am]}}), Vec::new())
    };
    let key = |name: &str, key: &str| json!({"name": name, "key": key});
    let big = |n: usize| {
        let text = "x".repeat(200_000);
        rules("apps", &format!("big-{n}"), &json!([{"alert": "A", "expr": "up", "annotations": {"x": text}}]))
    };
    let huge = json!([{"alert": "A", "expr": "up", "annotations": {"x": "y".repeat(600_000)}}]);
    vec![
        ("all shapes", cluster(json!({}), shapes())),
        ("no selector", cluster(json!({"ruleSelector": null}), shapes())),
        ("own namespace", cluster(json!({"ruleNamespaceSelector": null}), shapes())),
        ("by labels", cluster(json!({"ruleSelector": {"matchLabels": {"team": "db"}}}), shapes())),
        (
            "by namespace",
            cluster(
                json!({"ruleNamespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "apps"}}}),
                shapes(),
            ),
        ),
        ("a selector that is none", cluster(json!({"ruleSelector": {"matchLabels": {"-": "x"}}}), shapes())),
        (
            "a namespace selector that is none",
            cluster(
                json!({"ruleNamespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}),
                shapes(),
            ),
        ),
        ("version 2.30", cluster(json!({"version": "v2.30.0"}), shapes())),
        ("version 2.41", cluster(json!({"version": "v2.41.0"}), shapes())),
        ("version 2.55", cluster(json!({"version": "v2.55.0"}), shapes())),
        ("features", cluster(json!({"enableFeatures": ["promql-experimental-functions"]}), shapes())),
        ("enforced", cluster(json!({"enforcedNamespaceLabel": "namespace"}), shapes())),
        (
            "enforced but for one",
            cluster(
                json!({"enforcedNamespaceLabel": "ns", "excludedFromEnforcement": [{"namespace": "apps", "resource": "prometheusrules", "name": "good"}, {"namespace": "db", "resource": "servicemonitors"}]}),
                shapes(),
            ),
        ),
        (
            "enforced but for a namespace",
            cluster(
                json!({"enforcedNamespaceLabel": "ns", "excludedFromEnforcement": [{"namespace": "apps", "resource": "prometheusrules"}]}),
                shapes(),
            ),
        ),
        (
            "enforced but for one, deprecated",
            cluster(
                json!({"enforcedNamespaceLabel": "ns", "prometheusRulesExcludedFromEnforce": [{"ruleNamespace": "db", "ruleName": "good"}]}),
                shapes(),
            ),
        ),
        ("many bytes", cluster(json!({}), (0..11).map(big).collect())),
        ("too many bytes", cluster(json!({}), vec![rules("apps", "huge", &huge), big(0)])),
        ("an Alertmanager", manager(json!({}))),
        (
            "all of an Alertmanager",
            manager(
                json!({"namespace": "db", "scheme": "HTTPS", "pathPrefix": "/am", "timeout": "5s", "enableHttp2": false, "apiVersion": "v2", "relabelings": [{"sourceLabels": ["a"], "regex": "x", "action": "drop"}], "alertRelabelings": [{"action": "labeldrop", "regex": "y"}], "tlsConfig": {"ca": {"secret": key("creds", "ca.crt")}, "serverName": "s"}}),
            ),
        ),
        (
            "basic",
            manager(
                json!({"basicAuth": {"username": key("creds", "user"), "password": key("creds", "password")}}),
            ),
        ),
        (
            "basic without Secret",
            manager(
                json!({"basicAuth": {"username": key("no", "user"), "password": key("creds", "password")}}),
            ),
        ),
        ("authorization", manager(json!({"authorization": {"credentials": key("creds", "token")}}))),
        (
            "authorization that is none",
            manager(json!({"authorization": {"type": "basic", "credentials": key("creds", "token")}})),
        ),
        ("a token of a file", manager(json!({"bearerTokenFile": "/var/run/token"}))),
        (
            "two ways",
            manager(
                json!({"bearerTokenFile": "/t", "basicAuth": {"username": key("creds", "user"), "password": key("creds", "password")}}),
            ),
        ),
        (
            "sigv4",
            manager(
                json!({"sigv4": {"region": "eu", "accessKey": key("creds", "user"), "secretKey": key("creds", "password")}}),
            ),
        ),
        ("half of sigv4", manager(json!({"sigv4": {"accessKey": key("creds", "user")}}))),
        ("a rule that is none", manager(json!({"relabelings": [{"action": "hashmod", "targetLabel": "x"}]}))),
        (
            "an alert rule that is none",
            manager(json!({"alertRelabelings": [{"targetLabel": "x", "regex": "("}]})),
        ),
        (
            "version 2.20",
            cluster(
                json!({"version": "v2.20.0", "alerting": {"alertmanagers": [{"name": "a", "port": "web", "apiVersion": "v1", "authorization": {"credentials": key("creds", "token")}}]}}),
                Vec::new(),
            ),
        ),
        (
            "slices",
            cluster(
                json!({"serviceDiscoveryRole": "EndpointSlice", "alerting": {"alertmanagers": [{"name": "a", "port": "web"}]}}),
                Vec::new(),
            ),
        ),
        (
            "replica label renamed",
            cluster(
                json!({"replicaExternalLabelName": "a.b", "prometheusExternalLabelName": "", "externalLabels": {"cluster": "eu"}, "alerting": {"alertmanagers": []}}),
                Vec::new(),
            ),
        ),
        (
            "no replica label",
            cluster(json!({"replicaExternalLabelName": "", "alerting": {"alertmanagers": []}}), Vec::new()),
        ),
        ("AlertmanagerConfigs", cluster(json!({}), receivers::objects(&receivers::meanings()))),
    ]
}

/// What the operator leaves out without a word.
fn silent(v: &Verdict) -> bool {
    v.refused.as_ref().is_some_and(|w| w.starts_with("failed to parse promql expression: "))
}

/// Differences, and how many objects were accepted, refused with words, and left out without a word by the operator.
pub(crate) fn judge(cluster: &Value, answer: &Value) -> (Vec<String>, [usize; 3]) {
    let bodies = cluster["objects"].as_array().unwrap();
    let (objects, prometheus) = objects_of(bodies);
    let style = Style { material: Material::Inline, sharing: Sharing::Shards };
    let theirs = answer.get("error").and_then(Value::as_str);
    let ours = match (configure(&objects, &prometheus, &known(bodies), style), theirs) {
        (Ok(ours), None) => ours,
        (Err(ours), Some(theirs)) if ours == theirs => return (Vec::new(), [0, 1, 0]),
        (ours, theirs) => {
            let text = format!("whole: ours {:?}, the operator's {theirs:?}", ours.map(|_| ()));
            return (vec![text], [0; 3]);
        }
    };
    let mut out = Vec::new();
    let mut verdicts = receivers::verdicts(&objects, &known(bodies));
    let told = ours.verdicts.iter().filter(|v| !silent(v));
    verdicts.extend(told.map(|v| verdict(v.kind, &v.key, v.refused.as_deref())));
    let expected = answer["verdicts"].as_array().cloned().unwrap_or_default();
    differences(&json!(verdicts), &json!(expected), "verdicts", &mut out);
    differences(&value(&ours.text()), &value(answer["config"].as_str().unwrap_or("")), "config", &mut out);
    let files: BTreeMap<&str, &str> = ours.rules.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
    differences(&json!(files), answer.get("files").unwrap_or(&json!({})), "files", &mut out);
    for v in ours.verdicts.iter().filter(|v| v.refused.as_deref() == Some("invalid rule")) {
        let details = v.details.as_deref().unwrap_or("");
        if !details.starts_with(&format!("{}:", v.key)) && !details.contains("above the maximum limit") {
            out.push(format!("{}: no place in {details:?}", v.key));
        }
    }
    let refused = verdicts.iter().filter(|v| v["accepted"] == json!(false)).count();
    let without_words = ours.verdicts.iter().filter(|v| silent(v)).count();
    (out, [verdicts.len() - refused, refused, without_words])
}

pub(crate) fn verdict(kind: &str, key: &str, refused: Option<&str>) -> Value {
    match refused {
        None => json!({"kind": kind, "key": key, "accepted": true}),
        Some(m) => {
            json!({"kind": kind, "key": key, "accepted": false, "reason": "InvalidConfiguration", "message": m})
        }
    }
}

#[test]
fn rules_and_alerting_are_as_the_operator_has_them() {
    let (names, mut all): (Vec<&str>, Vec<Value>) = clusters().into_iter().unzip();
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    // The rules that kube-prometheus brings, as it brings them and confined.
    let fixtures =
        std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let folder = std::path::Path::new(&fixtures).join("rules");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let bundled: Vec<Value> =
        files.map(|f| value(&std::fs::read_to_string(f.unwrap().path()).unwrap())).collect();
    assert!(bundled.len() >= 8, "{} bundled files", bundled.len());
    for spec in [json!({}), json!({"enforcedNamespaceLabel": "namespace"}), json!({"version": "v2.30.0"})] {
        names.push(format!("bundled, {spec}"));
        let mut objects = surroundings();
        objects.push(json!({"kind": "Namespace", "metadata": {"name": "monitoring"}}));
        objects.push(prometheus(&spec));
        objects.extend(bundled.iter().cloned());
        all.push(json!({"objects": objects, "inlineTLS": true}));
    }
    let answers = operator(&all);
    assert_eq!(answers.len(), all.len());
    let mut bad = Vec::new();
    let mut counts = [0; 3];
    for ((name, cluster), answer) in names.iter().zip(&all).zip(&answers) {
        let (differences, n) = judge(cluster, answer);
        counts.iter_mut().zip(n).for_each(|(sum, n)| *sum += n);
        bad.extend(
            differences
                .into_iter()
                .take(6)
                .map(|d| format!("{name}: {}", d.chars().take(600).collect::<String>())),
        );
    }
    let [accepted, refused, silent] = counts;
    println!(
        "{} clusters: {accepted} accepted, {refused} refused in the same words, {silent} left out without a word",
        all.len()
    );
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(accepted > 100 && refused > 100 && silent > 5, "{counts:?}");
}
