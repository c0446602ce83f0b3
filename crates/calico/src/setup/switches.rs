//! The steps that turn the components' metrics on, each in the setting above what an operator keeps.

use super::options::{FelixThrough, Options, PlanError};
use super::step::{Change, Checked, Step, Target, Write};
use super::{MANAGER, pointer, ports};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::install::Keeper;
use crate::facts::ownership::{kept_by, writers};
use crate::facts::settings::Layer;
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};
use tortie_cluster::object::Object;

/// Nodes from which on it has to be said how Felix is turned on.
const MANY: usize = 200;

/// The step that turns a component on; none when the component needs none.
pub(super) fn turn_on(
    facts: &Facts<'_>,
    component: Component,
    options: &Options,
) -> Result<Option<Step>, PlanError> {
    match component {
        Component::Felix => felix(facts, options),
        Component::Typha => typha(facts, options),
        Component::KubeControllers => kube_controllers(facts, options),
    }
}

fn wished(options: &Options, component: Component) -> Option<u16> {
    options.ports.get(&component).copied()
}

fn felix(facts: &Facts<'_>, options: &Options) -> Result<Option<Step>, PlanError> {
    let component = Component::Felix;
    let Some(workload) = facts.workloads.get(&component) else { return Ok(None) };
    let found = facts.settings.port(component);
    let port = wished(options, component).unwrap_or(found);
    let on = |e: &crate::facts::settings::Endpoint<'_>| e.enabled.value;
    let all_on = !facts.settings.felix.is_empty() && facts.settings.felix.values().all(on);
    let default = facts.settings.felix_default;
    let (group, version) = &facts.install.api;
    let api = default.map_or_else(|| format!("{group}/{version}"), |o| o.gvk.api_version());
    let target = Target::new(&api, "FelixConfiguration", "", "default");
    if all_on && port == found {
        let from = match facts.settings.node_metrics_port {
            Some(_) => format!("already on by Installation.nodeMetricsPort, port {found}"),
            None => format!("already on, port {found}"),
        };
        return Ok(Some(nothing(facts, target, from)));
    }
    ports::free(facts, component, port, wished(options, component).and(wished(options, Component::Typha)))?;
    let nodes = workload.pods.len().max(facts.snap.nodes.len());
    if nodes > MANY && options.felix.is_none() {
        return Err(PlanError::ManyNodes { nodes, operated: facts.install.keeper == Keeper::Operator });
    }
    if options.felix == Some(FelixThrough::Installation) {
        if facts.install.keeper != Keeper::Operator {
            return Err(PlanError::NoOperator);
        }
        let remark = format!("the operator rolls the DaemonSet over {nodes} nodes");
        return Ok(Some(installation(facts, "nodeMetricsPort", port, options, remark)));
    }
    let pods = count(workload.pods.len().max(1), "node");
    // An environment variable wins over the resource, which can then say what it likes.
    let env = facts.settings.felix.values().find_map(|e| match &e.enabled.from {
        Layer::Env(name) if !e.enabled.value => Some(name.clone()),
        _ => None,
    });
    let mut fields = vec![("prometheusMetricsEnabled", json!(true))];
    if port != found {
        fields.push(("prometheusMetricsPort", json!(port)));
    }
    let remark = format!("Felix restarts inside its pod on {pods} at once; traffic goes on");
    let mut step = setting(facts, default.map(AsRef::as_ref), target, &fields, options, remark);
    if let Some(name) = env {
        step.write = Write::Elsewhere {
            advice: format!(
                "{name}=false in the DaemonSet {}/{} wins over FelixConfiguration: take it out of the manifest that sets it",
                workload.namespace,
                workload.object.map_or("calico-node", |o| o.meta.name.as_str())
            ),
            fragment: String::new(),
        };
    }
    if facts.install.etcd {
        step.write = Write::Elsewhere {
            advice: "Calico keeps its settings in etcd, where kubectl does not reach: run calicoctl patch felixconfiguration default \
                     --patch '{\"spec\":{\"prometheusMetricsEnabled\":true}}'"
                .to_owned(),
            fragment: String::new(),
        };
    }
    Ok(Some(step))
}

fn typha(facts: &Facts<'_>, options: &Options) -> Result<Option<Step>, PlanError> {
    let component = Component::Typha;
    let Some(workload) = facts.workloads.get(&component) else { return Ok(None) };
    let Some(endpoint) = &facts.settings.typha else { return Ok(None) };
    let operated = facts.install.keeper == Keeper::Operator;
    let set = if operated {
        facts.settings.typha_metrics_port
    } else {
        endpoint.enabled.value.then_some(endpoint.port.value)
    };
    let wish = wished(options, component);
    let mut port = wish.or(set).unwrap_or(component.default_port());
    // Both are in the host's network: on the default port of the other neither can be moved by chance.
    let clash = ports::clash_with_felix(facts, port, wished(options, Component::Felix));
    if clash.is_some() && wish.is_none() && set.is_some() {
        port = component.default_port();
    }
    let pods = count(workload.pods.len().max(1), "Typha pod");
    if set == Some(port) {
        let target = if operated { installation_target(facts) } else { workload_target(facts, component) };
        return Ok(Some(nothing(facts, target, format!("already on, port {port}"))));
    }
    ports::free(facts, component, port, wished(options, Component::Felix))?;
    if operated {
        let mut remark = format!("rolls {pods}, one at a time");
        if facts.install.since(28) {
            remark.push_str("; the operator then makes the Service calico-typha-metrics");
        }
        return Ok(Some(installation(facts, "typhaMetricsPort", port, options, remark)));
    }
    Ok(workload.object.map(|object| environment(facts, object, port, format!("rolls {pods}"))))
}

fn kube_controllers(facts: &Facts<'_>, options: &Options) -> Result<Option<Step>, PlanError> {
    let component = Component::KubeControllers;
    let Some(endpoint) = &facts.settings.kube_controllers else { return Ok(None) };
    let object = facts.settings.kube_controllers_object;
    let (group, version) = &facts.install.api;
    let api = object.map_or_else(|| format!("{group}/{version}"), |o| o.gvk.api_version());
    let target = Target::new(&api, "KubeControllersConfiguration", "", "default");
    let found = endpoint.port.value;
    let port = wished(options, component).unwrap_or(found);
    if endpoint.enabled.value && port == found {
        return Ok(Some(nothing(facts, target, format!("already on, port {port}"))));
    }
    let fields = [("prometheusMetricsPort", json!(port))];
    let remark = "kube-controllers restarts inside its pod";
    Ok(Some(setting(facts, object.map(AsRef::as_ref), target, &fields, options, remark.to_owned())))
}

fn installation_target(facts: &Facts<'_>) -> Target {
    let api = facts
        .settings
        .installations
        .first()
        .map_or_else(|| "operator.tigera.io/v1".to_owned(), |i| i.gvk.api_version());
    Target::new(&api, "Installation", "", "default")
}

fn workload_target(facts: &Facts<'_>, component: Component) -> Target {
    match facts.workloads.get(&component).and_then(|w| w.object) {
        Some(object) => Target::from(&object.reference()),
        None => Target::new("apps/v1", "Deployment", &facts.install.namespace, "calico-typha"),
    }
}

fn installation(
    facts: &Facts<'_>,
    field: &'static str,
    port: u16,
    options: &Options,
    remark: String,
) -> Step {
    let pointer = format!("/spec/{field}");
    // The overlay wins, so a value that stands there is the one to change.
    let all = &facts.settings.installations;
    let object = all.iter().rev().find(|i| i.at(&pointer).is_some()).or(all.first()).copied();
    let target = object.map_or_else(|| installation_target(facts), |o| Target::from(&o.reference()));
    setting(facts, object.map(AsRef::as_ref), target, &[(field, json!(port))], options, remark)
}

/// Fields under `spec` of a shared object.
fn setting(
    facts: &Facts<'_>,
    object: Option<&Object>,
    target: Target,
    fields: &[(&str, Value)],
    options: &Options,
    remark: String,
) -> Step {
    let mut spec = json!({});
    let mut changes = Vec::new();
    for (field, value) in fields {
        spec[*field] = value.clone();
        changes.push(change(object, format!("/spec/{field}"), value.clone()));
    }
    let body = json!({"apiVersion": target.api_version, "kind": target.kind, "metadata": {"name": target.name}, "spec": spec});
    let named = |m: &String| m == MANAGER || options.take.contains(m);
    // A value that nobody is recorded for cannot be taken by name.
    let free = |c: &Change| match &c.before {
        Some(before) if *before != c.after => !c.keepers.is_empty() && c.keepers.iter().all(named),
        _ => true,
    };
    let taken = changes.iter().all(free);
    let write = match object.and_then(|o| kept_by(&o.meta, facts.snap)) {
        Some(keeper) => Write::Elsewhere {
            advice: format!("kept by {keeper}: {}", keeper.where_to_change()),
            fragment: fragment(&target, fields, &keeper, &body),
        },
        None if taken => Write::Apply { object: body, take: options.take.clone() },
        None => Write::Conflict,
    };
    Step {
        uid: uid(object),
        component: None,
        own: object.is_none(),
        target,
        write,
        changes,
        remark,
        checked: Checked::No,
    }
}

/// What the owner of a setting puts where it is kept: the chart's values, or the object.
fn fragment(
    target: &Target,
    fields: &[(&str, Value)],
    keeper: &crate::facts::ownership::KeptBy,
    body: &Value,
) -> String {
    let section = match target.kind.as_str() {
        "Installation" => "installation",
        "FelixConfiguration" => "defaultFelixConfiguration",
        _ => return yaml_of(body),
    };
    if !matches!(keeper, crate::facts::ownership::KeptBy::Helm { .. }) {
        return yaml_of(body);
    }
    let mut inner = json!({});
    if target.kind == "FelixConfiguration" {
        inner["enabled"] = json!(true);
    }
    for (field, value) in fields {
        inner[*field] = value.clone();
    }
    yaml_of(&json!({section: inner}))
}

/// Typha's two variables on a Deployment that no operator keeps, and nothing else of it.
fn environment(facts: &Facts<'_>, object: &Object, port: u16, remark: String) -> Step {
    let container = "/spec/template/spec/containers/0";
    let env = object.at(&format!("{container}/env")).and_then(Value::as_array);
    let mut operations = vec![json!({"op": "test", "path": format!("{container}/name"),
        "value": object.at(&format!("{container}/name")).cloned().unwrap_or(Value::Null)})];
    if env.is_none() {
        operations.push(json!({"op": "add", "path": format!("{container}/env"), "value": []}));
    }
    let mut changes = Vec::new();
    for (field, value) in [("ENABLED", "true".to_owned()), ("PORT", port.to_string())] {
        let name = format!("TYPHA_PROMETHEUSMETRICS{field}");
        let place = format!("{container}/env/name={name}/value");
        changes.push(change(Some(object), place, json!(value)));
        let index = env.and_then(|e| e.iter().position(|v| v["name"] == name.as_str()));
        match (index, index.and_then(|i| env?.get(i))) {
            (Some(i), Some(entry)) => {
                let path = format!("{container}/env/{i}");
                operations.push(json!({"op": "test", "path": path, "value": entry}));
                operations.push(json!({"op": "replace", "path": path, "value": {"name": name, "value": value}}));
            }
            _ => operations.push(
                json!({"op": "add", "path": format!("{container}/env/-"), "value": {"name": name, "value": value}}),
            ),
        }
    }
    let target = Target::from(&object.reference());
    let write = match kept_by(&object.meta, facts.snap) {
        Some(keeper) => Write::Elsewhere {
            advice: format!("kept by {keeper}: {}", keeper.where_to_change()),
            fragment: format!(
                "env:\n- name: TYPHA_PROMETHEUSMETRICSENABLED\n  value: \"true\"\n- name: TYPHA_PROMETHEUSMETRICSPORT\n  value: \"{port}\"\n"
            ),
        },
        None => Write::Patch { operations },
    };
    Step {
        uid: object.meta.uid.clone(),
        component: None,
        own: false,
        target,
        write,
        changes,
        remark,
        checked: Checked::No,
    }
}

fn change(object: Option<&Object>, pointer: String, after: Value) -> Change {
    let before = object.and_then(|o| pointer::get(&o.body, &pointer)).cloned();
    let place = before.as_ref().and(object).and_then(|o| pointer::resolved(&o.body, &pointer));
    let managed = object.zip(place).map(|(o, place)| writers(&o.meta, &place)).unwrap_or_default();
    let (manager, since) = managed.first().map(|m| (m.manager.clone(), m.time)).unwrap_or_default();
    let keepers = managed.iter().map(|m| m.manager.clone()).collect();
    Change { pointer, before, after, manager, since, keepers }
}

fn nothing(facts: &Facts<'_>, target: Target, remark: String) -> Step {
    let body = super::future::body_of(facts.snap, &target);
    let uid = body.as_ref().and_then(|b| b["metadata"]["uid"].as_str()).unwrap_or_default().to_owned();
    Step {
        target,
        component: None,
        own: false,
        uid,
        write: Write::Nothing,
        changes: Vec::new(),
        remark,
        checked: Checked::No,
    }
}

fn uid(object: Option<&Object>) -> String {
    object.map(|o| o.meta.uid.clone()).unwrap_or_default()
}

/// `1 node`, `3 nodes`.
fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
