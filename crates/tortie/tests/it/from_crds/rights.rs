//! Rights that are missing are said at once, with the rule that gives them.

use super::{Cluster, RUN, followed, run};
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
