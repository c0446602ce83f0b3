//! # The Service stands in the namespace of the pods
//!
//! **Looks at** the namespace of the Service made for the component's metrics, and at that of the component's pods.
//!
//! **Why it breaks silently.** The selector of a Service reaches no further than its own namespace. A Service for
//! `calico-node` in `default` or in `monitoring` is valid and has no endpoints. It comes from a manifest applied without
//! `-n`, or from instructions for the other kind of install: manifests put Calico into `kube-system`, the operator into
//! `calico-system`.
//!
//! **How to mend.** Create it where the pods are, and delete the other. A Service cannot be moved.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::ownership::kept_by;
use crate::facts::service_link::ServiceLink;
use crate::facts::services::MetricsService;
use serde_json::{Map, Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T409",
    slug: "wrong-namespace",
    title: "the Service stands in the namespace of the pods",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T401"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let index = match facts.service_link(component) {
        ServiceLink::WrongNamespace(index) => index,
        ServiceLink::Whole(_) => return Some(Judged::pass(entity)),
        _ => return None,
    };
    let service = facts.services(component).get(index)?;
    let workload = facts.workloads.get(&component)?;
    let (here, there) = (&service.service.meta.namespace, &workload.namespace);
    let title = format!(
        "the Service is in {here}, the pods of {} are in {there}; selectors do not cross namespaces",
        component.title()
    );
    let mut finding = Finding::new(title)
        .cause_ref(service.reference(), "metadata.namespace", here.as_str())
        .heading(service.reference().to_string())
        .row("namespace", here.as_str(), "")
        .row("pods", workload.pods.len().to_string(), format!("in {there}"));
    finding.cause.place = mend_link::place(service.service, "/metadata/namespace");
    Some(Judged::fail(entity, finding.fix(moved(facts, service, there))))
}

/// The same Service in the other namespace, and the old one gone.
fn moved(facts: &Facts<'_>, service: &MetricsService<'_>, to: &str) -> Fix {
    let old = service.reference();
    if let Some(keeper) = kept_by(&service.service.meta, facts.snap) {
        let note = format!("kept by {keeper}: {}", keeper.where_to_change());
        return Fix::Edit { object: old, path: "/metadata/namespace".to_owned(), value: json!(to), note };
    }
    if !facts.snap.is_whole() {
        let file = service.service.origin.as_ref().map(|o| format!("in {}", o.file)).unwrap_or_default();
        return Fix::Edit {
            object: old,
            path: "/metadata/namespace".to_owned(),
            value: json!(to),
            note: file,
        };
    }
    let mut slim = service.service.to_json();
    let spec = |v: &Value, key: &str| v.pointer(&format!("/spec/{key}")).cloned().unwrap_or(Value::Null);
    let mut meta = Map::new();
    meta.insert("name".to_owned(), json!(old.name));
    meta.insert("namespace".to_owned(), json!(to));
    meta.insert("labels".to_owned(), json!(service.service.meta.labels));
    slim["metadata"] = Value::Object(meta);
    slim["spec"] =
        json!({"clusterIP": "None", "selector": spec(&slim, "selector"), "ports": spec(&slim, "ports")});
    // JSON is YAML.
    let make = Command::kubectl(&facts.snap.identity).apply(slim.to_string());
    let drop = Command::kubectl(&facts.snap.identity).delete(&old, "services");
    Fix::Commands { auto: Auto::Ask, commands: vec![make, drop] }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(namespace: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/metadata/namespace", json!(namespace));
        });
        assert_eq!(findings("T409", &snap), expect, "{namespace}");
    }

    #[test]
    fn selectors_do_not_cross_namespaces() {
        check("calico-system", &[]);
        check(
            "default",
            &[
                "fail felix: the Service is in default, the pods of Felix are in calico-system; selectors do not cross namespaces",
            ],
        );
    }

    #[test]
    fn the_commands_make_it_there_and_delete_it_here() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/metadata/namespace", json!("default"));
        });
        let commands = mends("T409", &snap);
        assert_eq!(commands.len(), 2, "{commands:?}");
        assert!(
            commands[0].contains("\"namespace\":\"calico-system\"") && commands[0].contains("apply -f -"),
            "{commands:?}"
        );
        assert_eq!(commands[1], "kubectl --context=test -n default delete services tortie-felix-metrics");
    }
}
