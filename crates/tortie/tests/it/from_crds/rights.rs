//! Rights that are missing are said at once, with the rule that gives them.

use super::{Cluster, RUN, custom, followed, run, scraped};
use crate::http::get;
use crate::process::{Ended, folder, tortie};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const ACCOUNT: &str = "system:serviceaccount:monitoring:tortie";
const KINDS: [&str; 6] =
    ["prometheuses", "servicemonitors", "podmonitors", "probes", "scrapeconfigs", "prometheusrules"];
/// A debug build on a machine with other work; it was a minute.
const SOON: Duration = Duration::from_secs(15);

fn rule(group: &str, resources: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]})
}

/// An account with these rules, and its kubeconfig.
fn account(cluster: &Cluster, dir: &Path, rules: &[Value]) {
    let meta = json!({"name": "tortie"});
    cluster.place(&json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}));
    cluster.place(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tortie"},
        "subjects": [{"kind": "ServiceAccount", "name": "tortie", "namespace": "monitoring"}],
    }));
    cluster.kube.add_account_token("t", "monitoring", "tortie");
    std::fs::write(dir.join("kubeconfig"), cluster.kube.kubeconfig("t")).unwrap();
}

#[track_caller]
fn check(ended: &Ended, code: i32, lines: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.err);
    assert!(ended.took < SOON, "{:?}: {}", ended.took, ended.err);
    for line in lines {
        assert!(ended.err.lines().any(|l| l == *line), "{line:?} is not in\n{}", ended.err);
    }
}

#[test]
fn a_missing_right_ends_the_start_with_the_rule_that_helps() {
    let dir = folder();
    let cluster = Cluster::start(dir.path(), &json!({}));
    let monitors = "monitoring.coreos.com";
    let some: Vec<&str> =
        KINDS.iter().copied().filter(|k| !["servicemonitors", "probes"].contains(k)).collect();
    account(&cluster, dir.path(), &[rule("", &["namespaces"]), rule(monitors, &some)]);
    let hint = format!(
        "hint: {ACCOUNT} needs a ClusterRole with these rules, bound by a ClusterRoleBinding (all of it: tortie rbac run | kubectl apply -f -)"
    );
    let expect = [
        "  no right to list probes.monitoring.coreos.com in all namespaces",
        "  no right to list servicemonitors.monitoring.coreos.com in all namespaces",
        hint.as_str(),
        r#"  - {apiGroups: ["monitoring.coreos.com"], resources: ["probes", "servicemonitors"], verbs: ["get", "list", "watch"]}"#,
    ];
    check(&tortie(dir.path(), &RUN), 2, &expect);
    check(&tortie(dir.path(), &["why", "apps/x", "--kubeconfig=kubeconfig"]), 2, &expect);

    // None at all.
    account(&cluster, dir.path(), &[]);
    let expect = [
        "  no right to list namespaces in all namespaces",
        r#"  - {apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list", "watch"]}"#,
        r#"  - {apiGroups: ["monitoring.coreos.com"], resources: ["podmonitors", "probes", "prometheuses", "prometheusrules", "scrapeconfigs", "servicemonitors"], verbs: ["get", "list", "watch"]}"#,
    ];
    check(&tortie(dir.path(), &RUN), 2, &expect);
}

/// Whether the operator's pods are ready cannot be seen: then nothing is sent, and why is said.
#[test]
fn without_the_right_to_stateful_sets_nothing_is_sent_and_that_is_said() {
    let dir = folder();
    let cluster = Cluster::start(dir.path(), &json!({}));
    account(&cluster, dir.path(), &[rule("", &["namespaces"]), rule("monitoring.coreos.com", &KINDS)]);
    let args: Vec<&str> = RUN.iter().copied().chain(["--take-over"]).collect();
    let ended = tortie(dir.path(), &args);
    check(&ended, 2, &[]);
    let said = "--take-over: whether pods of Prometheus monitoring/k8s are ready is not known: no right to list statefulsets.apps in namespace monitoring";
    assert!(ended.err.contains(said), "{}", ended.err);

    let run = run(dir.path(), &[]);
    let told = followed(&run)["observing"].as_str().unwrap().to_owned();
    let why = "whose pods count as ready because that is not known (no right to list statefulsets.apps in namespace monitoring)";
    assert_eq!(told, format!("observing beside monitoring/k8s, {why}"));
}

fn why(dir: &Path, what: &str) -> Ended {
    tortie(dir, &["why", what, "--kubeconfig=kubeconfig", "--ascii", "--color=never"])
}

#[track_caller]
fn says(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
    assert!(ended.took < SOON, "{:?}: {}", ended.took, ended.out);
    // Prose is broken between words.
    let text = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{}", ended.out);
    }
}

/// Lists that may not be read are not waited for, and all that is known without them is said; they were waited for for 20 s.
#[test]
fn why_answers_as_far_as_rights_go_and_names_the_rest() {
    let dir = folder();
    let cluster = Cluster::start(dir.path(), &json!({}));
    cluster.endpoints("apps", "web", &["192.0.2.1"], 80);
    cluster.monitor("web", &json!({}));
    let seen = "ServiceMonitor apps/web ok Prometheus monitoring/k8s selects it";
    let unknown = "? serviceMonitor/apps/web/0: its targets are not known, for the cluster does not let itself be read:";
    let crds = rule("monitoring.coreos.com", &KINDS);

    account(&cluster, dir.path(), &[rule("", &["namespaces"]), crds.clone()]);
    let none = [
        seen,
        unknown,
        "no right to list endpoints in all namespaces no right to list pods in all namespaces no right to list services in all namespaces",
        "hint: system:serviceaccount:monitoring:tortie needs a ClusterRole with these rules",
        r#"- {apiGroups: [""], resources: ["endpoints", "pods", "services"], verbs: ["get", "list", "watch"]}"#,
    ];
    says(&why(dir.path(), "apps/web"), 3, &none);
    let unread = "? whether there is one is not known, for the cluster does not let itself be read:";
    let rights = "no right to list alertmanagerconfigs.monitoring.coreos.com in all namespaces";
    says(&why(dir.path(), "amcfg/apps/none"), 3, &[unread, rights]);

    account(&cluster, dir.path(), &[rule("", &["namespaces", "endpoints", "services"]), crds.clone()]);
    let ended = why(dir.path(), "apps/web");
    let rule_of_pods = r#"- {apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"]}"#;
    says(&ended, 3, &[seen, unknown, "no right to list pods in all namespaces", rule_of_pods]);
    assert!(!ended.out.contains("list endpoints"), "{}", ended.out);

    account(&cluster, dir.path(), &[rule("", &["namespaces", "endpoints", "services", "pods"]), crds]);
    says(&why(dir.path(), "apps/web"), 0, &[seen, "ok serviceMonitor/apps/web/0: 1 target: 192.0.2.1:80"]);
}

/// Who is left out for a Secret that may not be read here is not refused by the operator, and the others go on.
#[test]
fn a_secret_that_may_not_be_read_is_told_apart_from_one_that_is_missing() {
    let dir = folder();
    let of_owner =
        json!({"additionalScrapeConfigs": {"name": "extra", "key": "jobs"}, "externalUrl": "http://x"});
    let cluster = Cluster::start(dir.path(), &of_owner);
    cluster.secret_in("monitoring", "extra", &json!({"jobs": "- {job_name: mine}"}));
    let key = |name: &str| json!({"name": name, "key": "token"});
    cluster.secret("hidden", &json!({"token": "t"}));
    cluster.secret("open", &json!({"token": "t"}));
    for (name, keys) in [
        ("hidden", json!({"bearerTokenSecret": key("hidden")})),
        ("missing", json!({"bearerTokenSecret": key("missing")})),
        ("plain", json!({})),
    ] {
        cluster.endpoints("apps", name, &["192.0.2.1"], 80);
        cluster.monitor(name, &keys);
    }
    let all = json!({"alertmanagerConfigSelector": {}, "alertmanagerConfigNamespaceSelector": {}});
    cluster.place(&custom("Alertmanager", "monitoring", "main", &all));
    for (config, secret) in [("of-hidden", "hidden"), ("of-missing", "missing"), ("of-open", "open")] {
        let receiver = json!({"name": "r", "opsgenieConfigs": [{"apiKey": key(secret)}]});
        let spec = json!({"receivers": [receiver], "route": {"receiver": "r"}});
        cluster.place(&custom("AlertmanagerConfig", "apps", config, &spec));
    }
    let secrets = |names: &[&str]| json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": names});
    let rules = [
        rule("", &["namespaces", "endpoints", "services", "pods"]),
        rule("monitoring.coreos.com", &KINDS),
        rule("monitoring.coreos.com", &["alertmanagers", "alertmanagerconfigs"]),
        secrets(&["missing", "open"]),
    ];
    account(&cluster, dir.path(), &rules);

    let hidden = "unable to get secret \"hidden\": secrets \"hidden\" is forbidden: no right to get secrets in namespace apps\nhint: kubectl -n apps create role tortie-credentials --verb=get --resource=secrets --resource-name=hidden, and bind it";
    let missing = "unable to get secret \"missing\": secrets \"missing\" not found";
    let run = run(dir.path(), &[]);
    scraped(&run, &["serviceMonitor/apps/plain/0"]);
    let said = get(run.address(), "/api/tortie/v1/monitors").json()["data"].take();
    let of = |list: &str, name: &str| {
        let name = json!(format!("apps/{name}"));
        said[list].as_array().unwrap().iter().find(|o| o["object"] == name).cloned().unwrap_or_default()
    };
    let verdict = |name: &str| {
        let v = of("objects", name);
        (v["accepted"].clone(), v["reason"].clone(), v["message"].clone())
    };
    assert_eq!(verdict("plain"), (json!(true), Value::Null, Value::Null), "{said:#}");
    assert_eq!(
        verdict("hidden"),
        (
            json!(false),
            json!("CredentialsUnavailable"),
            json!(format!("credentials unavailable: endpoints[0]: bearerTokenSecret: {hidden}"))
        )
    );
    let refused = format!("endpoints[0]: bearerTokenSecret: {missing}");
    assert_eq!(verdict("missing"), (json!(false), json!("InvalidConfiguration"), json!(refused)));
    // What the owner of the Prometheus object names is left out alone, too.
    let left_out = |name: &str| {
        let all = said["leftOut"].as_array().unwrap();
        all.iter().find(|l| l["name"] == name).map(|l| l["reason"].as_str().unwrap().to_owned())
    };
    let reason = left_out("additionalScrapeConfigs").unwrap();
    let words = "credentials unavailable: loading additional scrape configs from Secret failed: secrets \"extra\" is forbidden: ";
    assert!(reason.starts_with(words), "{reason}");
    assert_eq!(left_out("externalUrl").as_deref(), Some("it is a flag: --web.external-url"));
    assert_eq!(said["leftOut"].as_array().unwrap().len(), 2, "{said:#}");
    let config = |name: &str| {
        let c = of("alertmanagerConfigs", name);
        assert_eq!(c["selectedBy"], json!(["monitoring/main"]), "{said:#}");
        (c["accepted"].clone(), c["message"].clone())
    };
    assert_eq!(config("of-open"), (json!(true), Value::Null));
    assert_eq!(config("of-missing"), (json!(false), json!(missing)));
    assert_eq!(config("of-hidden"), (Value::Null, json!(format!("credentials unavailable: {hidden}"))));
    drop(run);

    let unknown = "? whether prometheus-operator takes it is not known: credentials unavailable: endpoints[0]: bearerTokenSecret: unable to get secret \"hidden\"";
    says(&why(dir.path(), "apps/hidden"), 3, &["selects it", unknown, "hint: kubectl -n apps create role"]);
    says(&why(dir.path(), "apps/missing"), 1, &["FAIL prometheus-operator refuses it: endpoints[0]"]);
    let config = "ok Alertmanager monitoring/main selects it";
    says(&why(dir.path(), "amcfg/apps/of-open"), 0, &[config]);
    says(
        &why(dir.path(), "amcfg/apps/of-missing"),
        1,
        &[config, "FAIL prometheus-operator refuses it: unable"],
    );
    says(&why(dir.path(), "amcfg/apps/of-hidden"), 3, &[config, "? whether prometheus-operator takes it"]);
}
