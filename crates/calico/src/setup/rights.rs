//! The least rights: what a plan, the doctor and the server need, as a list and as RBAC objects.

use super::step::{Plan, Step, Target, Write};
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
        out.extend(in_tier(step));
        // The operator's Service comes with this field and stays when it goes.
        if step.changes.iter().any(|c| c.pointer == super::apply::TYPHA_PORT) {
            let service = Target::new("v1", "Service", "calico-system", super::apply::TYPHA_SERVICE);
            out.extend(["get", "create", "delete"].iter().map(|v| access(v, &service)));
        }
        // Undo waits until its rollout is over, and takes the revision away that it left.
        for rollout in super::history::of_step(step) {
            let (workload, revisions) = (&rollout.workload, plural(rollout.revisions()));
            out.extend(["get", "patch"].map(|v| access(v, workload)));
            let kept = |verb| Access::new(verb, "apps", &revisions).within(&workload.namespace);
            out.extend(["list", "delete"].map(kept));
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

/// What Calico asks for beside the rights on the policy: `get` on its tier, and the verb on `tier.networkpolicies` by the
/// policy's name or `TIER.*` (apiserver/pkg/registry/projectcalico/authorizer). A create has no name there, so the latter.
/// Native v3 has an admission webhook ask the same, for which applying to what stands there is an `update`; from 3.33 on
/// deleting a tier takes a right of this kind too.
fn in_tier(step: &Step) -> Vec<Access> {
    let gvk = step.target.reference().gvk;
    let Write::Apply { object, .. } = &step.write else { return Vec::new() };
    if gvk.group != "projectcalico.org" {
        return Vec::new();
    }
    match (gvk.kind.as_str(), object["spec"]["tier"].as_str()) {
        ("Tier", _) => vec![Access::new("delete", &gvk.group, "tier.tiers").named(&step.target.name)],
        ("NetworkPolicy", Some(tier)) => {
            let policies = |verb| {
                let access = Access::new(verb, &gvk.group, "tier.networkpolicies");
                access.within(&step.target.namespace).named(&format!("{tier}.*"))
            };
            let verbs = ["get", "create", "update", "patch", "delete"];
            let get = Access::new("get", &gvk.group, "tiers").named(tier);
            std::iter::once(get).chain(verbs.map(policies)).collect()
        }
        _ => Vec::new(),
    }
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

/// RBAC objects for looking at the cluster, making a plan and taking it back, as YAML: one role for the whole cluster and
/// one a namespace.
pub fn plan_yaml(plan: &Plan) -> String {
    let mut by_place: BTreeMap<String, Rules> = BTreeMap::new();
    for a in of_plan(plan) {
        let place = by_place.entry(a.namespace.clone().unwrap_or_default()).or_default();
        let verbs = place.entry((a.group, a.resource, a.name.unwrap_or_default())).or_default();
        if !verbs.contains(&a.verb) {
            verbs.push(a.verb);
        }
    }
    // Setup looks before it plans, and after each step.
    by_place.entry(String::new()).or_default();
    let mut documents = Vec::new();
    for (namespace, wanted) in by_place {
        let mut rules = if namespace.is_empty() { reading(true) } else { Vec::new() };
        rules.extend(wanted.into_iter().map(|((group, resource, name), verbs)| {
            let mut rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
            if !name.is_empty() {
                rule["resourceNames"] = json!([name]);
            }
            rule
        }));
        if namespace.is_empty() {
            rules.push(rule("authorization.k8s.io", &["selfsubjectaccessreviews"], &["create"]));
        }
        documents.push(role(MANAGER, &namespace, &rules));
    }
    documents.join("---\n")
}

/// RBAC for the doctor: reads alone. `probes` adds what looking at processes and asking Prometheus takes: port-forward,
/// logs, the API server's proxy.
pub fn doctor_yaml(probes: bool) -> String {
    role("tortie-doctor", "", &reading(probes))
}

/// Settings of Calico that say where its components listen.
const CALICO_SETTINGS: [&str; 2] = ["felixconfigurations", "kubecontrollersconfigurations"];

/// RBAC for a server that discovers its targets in the cluster: Kubernetes' service discovery, the custom resources of
/// prometheus-operator, Calico's settings, and the metrics of the cluster's own parts. With `events` a role of its own for
/// the Events that it writes.
pub fn run_yaml(events: bool) -> String {
    let role = yaml_of(&run_role());
    if !events {
        return role;
    }
    let rules = [rule("events.k8s.io", &["events"], &["create"])];
    format!("{role}---\n{}", yaml_of(&role_object("tortie-run-events", "", &rules)))
}

/// The same as an object.
pub fn run_role() -> Value {
    let watching = ["get", "list", "watch"];
    let rules = [
        rule("", &["nodes", "services", "endpoints", "pods", "namespaces"], &watching),
        rule("discovery.k8s.io", &["endpointslices"], &watching),
        rule("networking.k8s.io", &["ingresses"], &watching),
        rule(
            "monitoring.coreos.com",
            &[
                "prometheuses",
                "servicemonitors",
                "podmonitors",
                "probes",
                "scrapeconfigs",
                "prometheusrules",
                "alertmanagers",
                "alertmanagerconfigs",
            ],
            &watching,
        ),
        rule("apps", &["daemonsets", "deployments", "statefulsets"], &watching),
        rule("operator.tigera.io", &["installations"], &watching),
        rule("crd.projectcalico.org", &CALICO_SETTINGS, &watching),
        rule("projectcalico.org", &CALICO_SETTINGS, &watching),
        rule("", &["nodes/metrics"], &["get"]),
        json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}),
    ];
    role_object("tortie-run", "", &rules)
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

/// Rules for looking at everything that a link of the chain can hang on.
fn reading(probes: bool) -> Vec<Value> {
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
        .map(|(group, resources)| json!({"apiGroups": [group], "resources": resources, "verbs": ["list"]}))
        .collect();
    // Its uid is the cluster's identity.
    let mut identity = rule("", &["namespaces"], &["get"]);
    identity["resourceNames"] = json!(["kube-system"]);
    rules.push(identity);
    // From 3.30 on Calico's API server asks for the right on the tier of a policy as well.
    rules.push(rule("projectcalico.org", &["tiers"], &["get"]));
    let policies = ["tier.networkpolicies", "tier.globalnetworkpolicies"];
    rules.push(rule("projectcalico.org", &policies, &["get", "list"]));
    if probes {
        rules.push(rule("", &["pods/portforward"], &["get", "create"]));
        rules.push(rule("", &["pods/log", "pods/proxy"], &["get"]));
    }
    rules
}

fn role(name: &str, namespace: &str, rules: &[Value]) -> String {
    yaml_of(&role_object(name, namespace, rules))
}

fn role_object(name: &str, namespace: &str, rules: &[Value]) -> Value {
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules})
}
