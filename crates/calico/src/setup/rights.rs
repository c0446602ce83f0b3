//! The least rights: what a plan needs, what the doctor needs, as a list and as RBAC objects.

use super::step::{Plan, Target};
use super::{JOURNAL, MANAGER};
use crate::collect::kinds::KINDS;
use crate::doctor::mend::plural;
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tortie_cluster::client::Access;

/// What making a plan, and taking it back, asks for. Dry runs ask for the same.
pub fn of_plan(plan: &Plan) -> Vec<Access> {
    let mut out = Vec::new();
    for step in plan.writes() {
        let verbs: &[&str] = if step.own { &["get", "create", "patch", "delete"] } else { &["get", "patch"] };
        out.extend(verbs.iter().map(|v| access(v, &step.target)));
        // The operator's Service comes with this field and stays when it goes.
        if step.changes.iter().any(|c| c.pointer == "/spec/typhaMetricsPort") {
            let service = Target::new("v1", "Service", "calico-system", super::apply::TYPHA_SERVICE);
            out.extend(["get", "create", "delete"].iter().map(|v| access(v, &service)));
        }
    }
    if !out.is_empty() {
        let journal = Target::new("v1", "ConfigMap", &plan.namespace, JOURNAL);
        out.extend(["get", "create", "update", "delete"].iter().map(|v| access(v, &journal)));
    }
    let mut seen = Vec::new();
    out.retain(|a| {
        !seen.contains(a) && {
            seen.push(a.clone());
            true
        }
    });
    out
}

fn access(verb: &str, target: &Target) -> Access {
    let gvk = target.reference().gvk;
    let access = Access::new(verb, &gvk.group, &plural(&gvk.kind));
    let access = if target.namespace.is_empty() { access } else { access.within(&target.namespace) };
    // RBAC cannot bind a create to a name.
    if verb == "create" { access } else { access.named(&target.name) }
}

/// Verbs by group, resource and name.
type Rules = BTreeMap<(String, String, String), Vec<String>>;

/// RBAC objects for a plan: one role for the whole cluster and one a namespace, as YAML.
pub fn plan_yaml(plan: &Plan) -> String {
    let mut by_place: BTreeMap<String, Rules> = BTreeMap::new();
    for a in of_plan(plan) {
        let place = by_place.entry(a.namespace.clone().unwrap_or_default()).or_default();
        let verbs = place.entry((a.group, a.resource, a.name.unwrap_or_default())).or_default();
        if !verbs.contains(&a.verb) {
            verbs.push(a.verb);
        }
    }
    let mut documents = Vec::new();
    for (namespace, rules) in by_place {
        let rules: Vec<Value> = rules
            .into_iter()
            .map(|((group, resource, name), verbs)| {
                let mut rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
                if !name.is_empty() {
                    rule["resourceNames"] = json!([name]);
                }
                rule
            })
            .collect();
        documents.push(role(MANAGER, &namespace, &rules));
    }
    documents.join("---\n")
}

/// RBAC for the doctor: reads, and access reviews, which everybody may ask (`system:basic-user`).
///
/// `probes` adds what looking at processes and asking Prometheus takes: port-forward, logs, the API server's proxy.
pub fn doctor_yaml(probes: bool) -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (group, resource) in [
        ("", "pods"),
        ("", "services"),
        ("", "nodes"),
        ("", "namespaces"),
        // The operator says there alone why it rejected a monitor.
        ("", "events"),
        ("discovery.k8s.io", "endpointslices"),
    ] {
        groups.entry(group).or_default().push(resource.to_owned());
    }
    for kind in KINDS {
        let list = groups.entry(kind.group).or_default();
        let name = plural(kind.kind);
        if !list.contains(&name) {
            list.push(name);
        }
    }
    let mut rules: Vec<Value> = groups
        .into_iter()
        .map(|(group, resources)| json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list"]}))
        .collect();
    // From 3.30 on Calico's API server asks for the right on the tier of a policy as well.
    rules.push(json!({"apiGroups": ["projectcalico.org"], "resources": ["tier.networkpolicies", "tier.globalnetworkpolicies"], "verbs": ["get", "list"]}));
    if probes {
        rules.push(json!({"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]}));
        rules.push(json!({"apiGroups": [""], "resources": ["pods/log", "pods/proxy"], "verbs": ["get"]}));
    }
    rules.push(json!({"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]}));
    role("tortie-doctor", "", &rules)
}

fn role(name: &str, namespace: &str, rules: &[Value]) -> String {
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    yaml_of(
        &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules}),
    )
}
