//! # Prometheus looks for monitors in this namespace
//!
//! **Looks at** the namespace selector of the Prometheus object (`serviceMonitorNamespaceSelector` and its like) and at the
//! labels of the monitor's namespace.
//!
//! **Why it breaks silently.** A namespace selector that is absent (null) means: only the namespace of the Prometheus object
//! itself. An empty one (`{}`) means all. The two look alike in a review and differ completely. And a selector by label is
//! met by the labels of the Namespace object, not by its name.
//!
//! **How to mend.** Label the namespace, or widen the selector of the Prometheus object, or move the monitor. The command
//! takes the smallest step.

use crate::doctor::check::{Check, Evidence, Judged, Station, each_taken};
use crate::doctor::finding::{Finding, written};
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::mend;
use crate::doctor::mend_link::labels_to_meet;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::Branch;
use crate::facts::prometheus::{Prometheus, Selected, Taken};
use serde_json::json;
use tortie_cluster::object::{Gvk, ObjectRef, Selector};

pub(crate) static CHECK: Check = Check {
    id: "T503",
    slug: "namespace-not-selected",
    title: "Prometheus looks for monitors in this namespace",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T501", "T602"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_taken(facts, |taken| !taken.other_namespace && taken.namespace_labels.is_empty(), finding)
}

fn finding(
    facts: &Facts<'_>,
    branch: &Branch,
    prometheus: &Prometheus<'_>,
    taken: &Taken,
) -> Option<Finding> {
    let monitor = facts.monitor(branch);
    let namespace = &monitor.object.meta.namespace;
    let kind = monitor.selected_as();
    let pointer = kind.namespace_selector();
    let (title, rule, fix) = if taken.other_namespace {
        let own = &prometheus.object.meta.namespace;
        let title = format!(
            "{} has no {}, so it takes monitors of {own} alone; this one is in {namespace}",
            prometheus.object.reference(),
            short(pointer)
        );
        (title, "(not set)".to_owned(), mend::set(facts, prometheus.object, pointer, json!({}), Auto::Ask))
    } else {
        let miss = taken.namespace_labels.first()?;
        let selector = selector(prometheus, kind)?;
        let have = miss.have.as_ref().map_or_else(|| "has no such label".to_owned(), |v| format!("has {v}"));
        let title = format!(
            "{} takes monitors from namespaces with {selector}; {namespace} {have}",
            prometheus.object.reference()
        );
        (title, selector.to_string(), by_label(facts, prometheus, &selector, namespace, pointer))
    };
    let finding = Finding::new(title)
        .cause(prometheus.object, pointer)
        .row(prometheus.object.reference().to_string(), "", "")
        .row(short(pointer), rule, "")
        .row(monitor.object.reference().to_string(), "", "")
        .row("namespace", namespace.as_str(), "");
    Some(finding.fix(fix))
}

fn short(pointer: &str) -> String {
    written(pointer).trim_start_matches("spec.").to_owned()
}

fn selector(prometheus: &Prometheus<'_>, kind: Selected) -> Option<Selector> {
    Selector::parse(prometheus.object.at(kind.namespace_selector())?).ok().flatten()
}

/// Labels the namespace; one that is selected by what cannot be set (its own name) needs a wider selector.
fn by_label(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    selector: &Selector,
    namespace: &str,
    pointer: &str,
) -> Fix {
    let changes = labels_to_meet(selector, &facts.snap.namespace_labels(namespace)).unwrap_or_default();
    let fixed = changes.iter().any(|c| c.starts_with("kubernetes.io/metadata.name"));
    if changes.is_empty() || fixed {
        return mend::set(facts, prometheus.object, pointer, json!({}), Auto::Ask);
    }
    let object = ObjectRef::new(Gvk::new("", "v1", "Namespace"), "", namespace);
    let kubectl = Command::kubectl(&facts.snap.identity);
    let commands = changes.iter().map(|c| kubectl.clone().label(&object, "namespaces", c)).collect();
    Fix::Commands { auto: Auto::Ask, commands }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, Stack, set};

    fn options() -> Options {
        Options { stack: Stack::KubePrometheus, ..Options::default() }
    }

    #[track_caller]
    fn check(selector: Value, namespace: &str, expect: &[&str], mend: &[&str]) {
        let snap = snapshot(&options(), |o| {
            set(o.get("Prometheus", "k8s"), "/spec/serviceMonitorNamespaceSelector", selector);
            set(o.get("ServiceMonitor", "calico-felix"), "/metadata/namespace", json!(namespace));
        });
        assert_eq!(findings("T503", &snap).first().map(String::as_str), expect.first().copied());
        assert_eq!(mends("T503", &snap).first().map(String::as_str), mend.first().copied());
    }

    #[test]
    fn null_is_not_empty() {
        check(json!({}), "calico-system", &[], &[]);
        check(Value::Null, "monitoring", &[], &[]);
        check(
            Value::Null,
            "calico-system",
            &[
                "fail felix prometheus/monitoring/k8s: Prometheus monitoring/k8s has no serviceMonitorNamespaceSelector, so it takes \
               monitors of monitoring alone; this one is in calico-system",
            ],
            &[
                "edit Prometheus monitoring/k8s /spec/serviceMonitorNamespaceSelector = {}: kept by Helm: change it in the values of \
               its Helm release",
            ],
        );
    }

    #[test]
    fn a_namespace_is_met_by_its_labels() {
        check(
            json!({"matchLabels": {"monitoring": "on"}}),
            "calico-system",
            &[
                "fail felix prometheus/monitoring/k8s: Prometheus monitoring/k8s takes monitors from namespaces with monitoring=on; \
               calico-system has no such label",
            ],
            &["kubectl --context=test label namespaces calico-system monitoring=on --overwrite"],
        );
    }
}
