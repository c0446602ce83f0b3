//! # The monitor looks into the namespace of the Service
//!
//! **Looks at** `spec.namespaceSelector` of the ServiceMonitor and at the namespace of the Service.
//!
//! **Why it breaks silently.** Without a `namespaceSelector` a ServiceMonitor looks only into its own namespace. A monitor in
//! `monitoring` then never sees a Service in `calico-system`. A name with a slip in it is as valid as the right one.
//!
//! **How to mend.** Name the namespace under `matchNames`.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link;
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::Reach;
use crate::facts::monitors::{Kind, Monitor};
use crate::facts::service_link::ServiceLink;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T506",
    slug: "namespace-selector-misses",
    title: "the monitor looks into the namespace of the Service",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T505"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let branch = facts.best(component)?;
    let monitor = facts.monitor(branch);
    let namespace = match monitor.kind {
        Kind::Service => {
            let (ServiceLink::Whole(i) | ServiceLink::Unnamed(i, _)) = facts.service_link(component) else {
                return None;
            };
            &facts.services(component).get(i)?.service.meta.namespace
        }
        Kind::Pod => &facts.workloads.get(&component)?.namespace,
        Kind::ScrapeConfig => return None,
    };
    if branch.reach != Reach::Nothing || monitor.looks_in(namespace) {
        return Some(Judged::pass(entity));
    }
    let names = monitor.namespaces.clone().unwrap_or_default();
    let set = monitor.object.at("/spec/namespaceSelector/matchNames").is_some();
    let looks = names.join(", ");
    let why = if set { "" } else { " (its own, as it names none)" };
    let what = if monitor.kind == Kind::Service { "the Service is" } else { "the pods are" };
    let title = format!("the monitor looks in {looks}{why}; {what} in {namespace}");
    let pointer = if set { "/spec/namespaceSelector/matchNames" } else { "/spec/namespaceSelector" };
    let choices = [Choice { value: namespace.as_str(), fact: Some("where it is") }];
    let mut finding = Finding::new(title)
        .cause(monitor.object, pointer)
        .heading(monitor.object.reference().to_string())
        .row("namespaceSelector", looks.clone(), why.trim())
        .row(if monitor.kind == Kind::Service { "Service" } else { "pods" }, namespace.as_str(), "")
        .candidates(rank(&looks, &choices, "namespace with it"));
    finding.cause.have = looks;
    Some(Judged::fail(entity, finding.fix(fix(facts, monitor, &names, namespace, set))))
}

/// A single name that is nearly right is replaced; to others the namespace is added.
fn fix(facts: &Facts<'_>, monitor: &Monitor<'_>, names: &[String], namespace: &str, set: bool) -> Fix {
    if !set {
        let value = json!({"matchNames": [namespace]});
        return mend_link::pointer(
            facts,
            monitor.object,
            monitor.plural(),
            "/spec/namespaceSelector",
            value,
            Auto::Ask,
        );
    }
    let mut list: Vec<&str> = names.iter().map(String::as_str).collect();
    let known = |n: &str| facts.snap.namespaces.iter().any(|x| x.meta.name == n);
    match list.as_mut_slice() {
        [only]
            if !known(only)
                || !facts.services(monitor.component).iter().any(|s| s.service.meta.namespace == **only) =>
        {
            *only = namespace
        }
        _ => list.push(namespace),
    }
    mend_link::pointer(
        facts,
        monitor.object,
        monitor.plural(),
        "/spec/namespaceSelector/matchNames",
        json!(list),
        Auto::Ask,
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(selector: Value, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/namespaceSelector", selector);
        });
        assert_eq!(findings("T506", &snap), expect);
    }

    #[test]
    fn a_monitor_looks_where_it_says_or_at_home() {
        check(json!({"matchNames": ["calico-system"]}), &[]);
        check(json!({"any": true}), &[]);
        check(
            Value::Null,
            &[
                "fail felix: the monitor looks in monitoring (its own, as it names none); the Service is in calico-system",
            ],
        );
        check(
            json!({"matchNames": ["calico-sytem"]}),
            &["fail felix: the monitor looks in calico-sytem; the Service is in calico-system"],
        );
    }

    #[test]
    fn the_command_names_the_namespace() {
        let snap = snapshot(&Options::default(), |o| {
            set(
                o.get("ServiceMonitor", "calico-felix"),
                "/spec/namespaceSelector/matchNames/0",
                json!("calico-sytem"),
            );
        });
        assert_eq!(roots(&snap), ["T506"]);
        assert_eq!(
            mends("T506", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/namespaceSelector/matchNames\",\"value\":[\"calico-sytem\"]},\
              {\"op\":\"replace\",\"path\":\"/spec/namespaceSelector/matchNames\",\"value\":[\"calico-system\"]}]'"
            ]
        );
    }
}
