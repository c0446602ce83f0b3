//! PrometheusRule objects on the real API server, read by a ServiceAccount with the printed roles alone: groups with the
//! operator's file, state that stays when an object changes, one bad object left out, and Events beside those in trouble.

use super::crds::{ADDRESS, ask, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tortie_testbed::{Bed, Options, Process, installs};

fn object(kind: &str, name: &str, labels: &Value, spec: &Value) -> Value {
    let version = if kind == "AlertmanagerConfig" { "v1alpha1" } else { "v1" };
    json!({"apiVersion": format!("monitoring.coreos.com/{version}"), "kind": kind, "metadata": {"name": name, "namespace": "apps", "labels": labels}, "spec": spec})
}

fn groups(second: &str) -> Value {
    let waits = json!({"alert": "Waits", "expr": "vector(1)", "for": "1h"});
    json!([
        {"name": "stays", "interval": "1s", "rules": [waits]},
        {"name": "changes", "interval": "1s", "rules": [{"record": "recorded", "expr": second}]},
    ])
}

/// The printed roles, bound to a ServiceAccount.
fn account(bed: &Bed) -> std::path::PathBuf {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_tortie"))
        .args(["rbac", "run", "--emit-events"])
        .output()
        .unwrap();
    let printed = String::from_utf8(out.stdout).unwrap();
    bed.apply(&printed).unwrap();
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "tortie", "namespace": "default"}}),
    ];
    for role in ["tortie-run", "tortie-run-events"] {
        assert!(printed.contains(&format!("name: {role}\n")), "{printed}");
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "tortie", "namespace": "default"}],
        }));
    }
    bed.apply_objects(&objects).unwrap();
    bed.wait("the account's rights", |_| {
        let to = "--as=system:serviceaccount:default:tortie";
        let told = bed.kubectl(&["auth", "can-i", "create", "events.events.k8s.io", to])?;
        Ok((told.stdout.trim() == "yes").then_some(()))
    })
    .unwrap();
    bed.kubeconfig_with("tortie", &bed.token("default", "tortie").unwrap()).unwrap()
}

fn run(bed: &Bed, kubeconfig: &std::path::Path, name: &str) -> Process {
    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command.args(["run", "--from-crds", "--emit-events", "--kubeconfig"]).arg(kubeconfig);
    command.arg(format!("--storage.tsdb.path={}", bed.folder().join("data").display()));
    command.arg(format!("--web.listen-address={ADDRESS}"));
    bed.run(name, command).unwrap()
}

/// Events of tortie: `KIND NAME REASON` with the note.
fn events(bed: &Bed) -> BTreeMap<String, String> {
    let all = bed.api().list("/apis/events.k8s.io/v1/namespaces/apps/events").unwrap();
    let own = all.iter().filter(|e| e["reportingController"] == "tortie");
    let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
    own.map(|e| {
        let r = &e["regarding"];
        assert!(r["uid"].as_str().is_some_and(|u| u.len() > 30), "{e}");
        (format!("{} {} {}", text(&r["kind"]), text(&r["name"]), text(&e["reason"])), text(&e["note"]))
    })
    .collect()
}

/// Group and the time at which its one alert began, by name.
fn active(answer: &Value, group: &str) -> Option<String> {
    let all = answer["groups"].as_array()?;
    let group = all.iter().find(|g| g["name"] == group)?;
    group["rules"][0]["alerts"][0]["activeAt"].as_str().map(str::to_owned)
}

#[test]
fn rules_of_objects_are_evaluated_and_trouble_is_told() {
    let bed = Bed::start(Options { port_forward: false, audit: false, ..Options::default() }).unwrap();
    installs::install_monitoring_crds(&bed).unwrap();
    let none = json!({});
    let name = |n: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}});
    bed.api().create(&name("apps"), "test").unwrap();
    let spec = json!({
        "ruleSelector": {"matchLabels": {"team": "a"}}, "serviceMonitorSelector": {"matchLabels": {"team": "a"}},
        "evaluationInterval": "1s", "enforcedNamespaceLabel": "namespace", "queryLogFile": "q.log",
        "alerting": {"alertmanagers": [{"name": "am", "port": "web"}, {"name": "signed", "port": "web", "sigv4": {"region": "eu"}}]},
    });
    let own = json!({"team": "a"});
    let service = json!({"selector": {"matchLabels": {"app": "no-such"}}, "endpoints": [{"port": "web"}]});
    let bad = json!({"groups": [{"name": "g", "rules": [{"record": "fine", "expr": "up"}, {"alert": "Bad", "expr": "sum by (job (up)"}]}]});
    let invalid = json!({"groups": [{"name": "g", "rules": [{"alert": "Bad", "expr": "up", "annotations": {"summary": "{{ $labels."}}]}]});
    let config = json!({"receivers": [{"name": "r"}], "route": {"receiver": "other"}});
    for o in [
        object("Prometheus", "k8s", &none, &spec),
        object("PrometheusRule", "good", &own, &json!({"groups": groups("sum(up)")})),
        object("PrometheusRule", "bad", &own, &bad),
        object("PrometheusRule", "invalid", &own, &invalid),
        object("PrometheusRule", "alone", &none, &json!({"groups": []})),
        object("ServiceMonitor", "empty", &own, &service),
        object("ServiceMonitor", "alone", &none, &service),
        object("Alertmanager", "main", &none, &json!({"alertmanagerConfigSelector": {}})),
        object("AlertmanagerConfig", "wrong", &none, &config),
    ] {
        bed.api().create(&o, "test").unwrap_or_else(|e| panic!("{o}: {e:?}"));
    }
    let kubeconfig = account(&bed);
    let first = run(&bed, &kubeconfig, "tortie");
    let answer = wait(&bed, "/api/v1/rules", |r| active(r, "stays").is_some());
    let uid = bed.api().get("/apis/monitoring.coreos.com/v1/namespaces/apps/prometheusrules/good").unwrap();
    let uid = uid["metadata"]["uid"].as_str().unwrap().to_owned();
    let file = format!("/etc/prometheus/rules/prometheus-k8s-rulefiles-0/apps-good-{uid}.yaml");
    let all: Vec<(&Value, &Value)> =
        answer["groups"].as_array().unwrap().iter().map(|g| (&g["file"], &g["name"])).collect();
    assert_eq!(all, [(&json!(file), &json!("changes")), (&json!(file), &json!("stays"))]);
    let recorded = &answer["groups"][0]["rules"][0];
    assert_eq!(recorded["query"], json!("sum(up{namespace=\"apps\"})"));
    assert_eq!(recorded["labels"], json!({"namespace": "apps"}));

    // The other group of the object goes on as it was.
    let began = active(&answer, "stays");
    let path = "/apis/monitoring.coreos.com/v1/namespaces/apps/prometheusrules/good";
    bed.api().merge(path, &json!({"spec": {"groups": groups("count(up)")}}), "test").unwrap();
    let changed = "count(up{namespace=\"apps\"})";
    let answer = wait(&bed, "/api/v1/rules", |r| r["groups"][0]["rules"][0]["query"] == json!(changed));
    assert_eq!(active(&answer, "stays"), began);

    // Who is left out, and why.
    let said = ask(&bed, "/api/tortie/v1/monitors").unwrap();
    let of = |list: &str, key: &str, name: &str| {
        said[list].as_array().unwrap().iter().find(|o| o[key] == json!(name)).cloned().unwrap_or_default()
    };
    let unparsed = of("objects", "object", "apps/bad");
    assert!(
        unparsed["message"].as_str().unwrap_or("").starts_with("failed to parse promql expression: 1:"),
        "{unparsed}"
    );
    let invalid = of("objects", "object", "apps/invalid");
    assert_eq!(invalid["message"], json!("invalid rule"));
    let details = invalid["details"].as_str().unwrap_or("");
    assert!(details.starts_with("apps/invalid:") && details.contains('^'), "{details}");
    let left_out = |name: &str| of("leftOut", "name", name)["reason"].as_str().unwrap_or("").to_owned();
    assert!(left_out("global.query_log_file").contains("not logged to a file"), "{said}");
    assert!(left_out("alerting.alertmanagers[1]").contains("not signed for AWS"), "{said}");
    let yaml = ask(&bed, "/api/v1/status/config").unwrap()["yaml"].as_str().unwrap_or("").to_owned();
    for part in ["regex: am", "regex: prometheus_replica", "rulefiles-0/*.yaml", "action: labeldrop"] {
        assert!(yaml.contains(part), "{part} in\n{yaml}");
    }
    assert!(!yaml.contains("signed"), "{yaml}");
    let config = of("alertmanagerConfigs", "object", "apps/wrong");
    assert_eq!(config["selectedBy"], json!(["apps/main"]));
    assert_eq!(config["message"], json!("receiver \"other\" not found"));

    // Events, with the identities of their objects.
    let expected = [
        ("PrometheusRule alone NotSelected", "no Prometheus object selects this PrometheusRule"),
        (
            "PrometheusRule bad InvalidConfiguration",
            "PrometheusRule bad was rejected due to invalid configuration: failed to parse",
        ),
        (
            "PrometheusRule invalid InvalidConfiguration",
            "PrometheusRule invalid was rejected due to invalid configuration: invalid rule\napps/invalid:",
        ),
        ("ServiceMonitor alone NotSelected", "no Prometheus object selects this ServiceMonitor"),
        ("ServiceMonitor empty NoTargets", "this ServiceMonitor of Prometheus apps/k8s has no target: "),
    ];
    let told = |bed: &Bed| {
        let all = events(bed);
        let fits = all.len() == expected.len()
            && expected.iter().all(|(key, note)| all.get(*key).is_some_and(|n| n.starts_with(note)));
        if fits { Ok(Some(all)) } else { anyhow::bail!("{all:#?}") }
    };
    tortie_testbed::until("Events", Duration::from_secs(90), || told(&bed))
        .unwrap_or_else(|e| panic!("{e:#}\n{}", first.tail(20)));
    println!("{:#?}", events(&bed));
    let count = |bed: &Bed| bed.api().list("/apis/events.k8s.io/v1/namespaces/apps/events").unwrap().len();
    let hour = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 3600;
    let (before, at) = (count(&bed), hour());
    first.stop(Duration::from_secs(20)).unwrap();

    // The alert that waited goes on waiting, and in the same hour nothing is told twice.
    let second = run(&bed, &kubeconfig, "tortie-again");
    bed.wait("the second one's Events", |_| {
        let metrics = bed.http_get(ADDRESS.parse()?, "/metrics")?.text();
        let line = "tortie_kubernetes_event_writes_total{result=\"exists\"} ";
        let n: f64 = metrics.lines().find_map(|l| l.strip_prefix(line)?.parse().ok()).unwrap_or(0.0);
        Ok((n >= 4.0 || hour() != at).then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", second.tail(20)));
    if hour() == at {
        assert_eq!(count(&bed), before);
    }
}
