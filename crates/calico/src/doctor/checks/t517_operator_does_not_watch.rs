//! # prometheus-operator watches the namespace
//!
//! **Looks at** the arguments of prometheus-operator (`--namespaces`, `--deny-namespaces`, `--prometheus-instance-namespaces`)
//! against the namespaces of the monitor and of the Prometheus object.
//!
//! **Why it breaks silently.** An operator that is told to watch some namespaces does not see objects elsewhere, whatever the
//! selectors say. Nothing is logged: to it they do not exist.
//!
//! **How to mend.** Add the namespace to the operator's arguments, where its install keeps them.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::{Finding, written};
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::operators::{Operator, operators};
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T517",
    slug: "operator-does-not-watch",
    title: "prometheus-operator watches the namespace",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T501", "T601"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component)?;
    let prometheus = facts.prometheus(branch)?;
    let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
    let all = operators(facts.snap);
    if all.is_empty() {
        return None;
    }
    let home = &prometheus.object.meta.namespace;
    let keepers: Vec<&Operator<'_>> = all.iter().filter(|o| o.keeps(prometheus.object)).collect();
    let namespace = &facts.monitor(branch).object.meta.namespace;
    let Some(keeper) = keepers.first() else {
        let first = all.first()?;
        let title = format!(
            "no prometheus-operator keeps {}: its arguments leave {home} out",
            prometheus.object.reference()
        );
        return Some(Judged::fail(entity, finding(facts, first, title, home)));
    };
    if keepers.iter().any(|o| o.watches(namespace)) {
        return Some(Judged::pass(entity));
    }
    let title = format!("prometheus-operator watches {}; the monitor is in {namespace}", keeper.scope());
    Some(Judged::fail(entity, finding(facts, keeper, title, namespace)))
}

fn finding(facts: &Facts<'_>, operator: &Operator<'_>, title: String, namespace: &str) -> Finding {
    let object = operator.object;
    let (path, old) = operator.argument();
    let mut finding = Finding::new(title).cause(object, &path).heading(object.reference().to_string()).row(
        "argument",
        old.clone(),
        "",
    );
    finding.cause.have = operator.scope();
    let fix = match widened(&old, namespace) {
        Some(wide) => mend_link::pointer(facts, object, "deployments", &path, json!(wide), Auto::Ask),
        None => {
            Fix::Outside(format!("let the operator keep objects of {namespace}: look at {}", written(&path)))
        }
    };
    finding.fix(fix).warning("where a chart or a manifest keeps the operator, change it there too: the next upgrade puts the old argument back")
}

/// The argument that takes the namespace in: added to what is watched, taken out of what is denied. Nothing when a list of
/// denied ones would be empty, which is no valid argument.
fn widened(old: &str, namespace: &str) -> Option<String> {
    let (name, list) = old.split_once('=')?;
    let denies = name.ends_with("deny-namespaces");
    if !name.ends_with("namespaces") {
        return None;
    }
    let mut names: Vec<&str> = list.split(',').filter(|n| !n.is_empty() && *n != namespace).collect();
    if !denies {
        names.push(namespace);
    }
    (!names.is_empty()).then(|| format!("{name}={}", names.join(",")))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(argument: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            let operator = o.get("Deployment", "prometheus-kube-prometheus-operator");
            set(operator, "/spec/template/spec/containers/0/args/0", json!(argument));
        });
        let got: Vec<String> =
            findings("T517", &snap).iter().filter_map(|f| Some(f.split_once(": ")?.1.to_owned())).collect();
        assert_eq!(got.first().map(String::as_str), expect.first().copied(), "{argument}");
    }

    #[test]
    fn arguments_bound_what_it_sees() {
        check("--kubelet-service=kube-system/kubelet", &[]);
        check("--namespaces=default,monitoring", &[]);
        check(
            "--namespaces=default",
            &[
                "no prometheus-operator keeps Prometheus monitoring/prometheus-kube-prometheus-prometheus: its arguments leave monitoring out",
            ],
        );
        check(
            "--deny-namespaces=monitoring",
            &[
                "no prometheus-operator keeps Prometheus monitoring/prometheus-kube-prometheus-prometheus: its arguments leave monitoring out",
            ],
        );
    }

    #[test]
    fn a_monitor_elsewhere_is_not_seen() {
        let snap = snapshot(&Options::default(), |o| {
            let operator = o.get("Deployment", "prometheus-kube-prometheus-operator");
            set(operator, "/spec/template/spec/containers/0/args/0", json!("--namespaces=monitoring"));
            set(o.get("ServiceMonitor", "calico-felix"), "/metadata/namespace", json!("calico-system"));
        });
        assert_eq!(
            findings("T517", &snap),
            [
                "fail felix prometheus/monitoring/prometheus-kube-prometheus-prometheus: prometheus-operator watches monitoring; the \
              monitor is in calico-system"
            ]
        );
        assert_eq!(
            mends("T517", &snap),
            [
                "kubectl --context=test -n monitoring patch deployments.v1.apps prometheus-kube-prometheus-operator --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/0/args/0\",\"value\":\"--namespaces=monitoring\"},\
              {\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/args/0\",\"value\":\"--namespaces=monitoring,calico-system\"}]'"
            ]
        );
    }
}
