//! How a field is set where its change stays: a command when a hand keeps the object, an edit where Git, Helm or files
//! keep it, nothing at all against an operator.

use crate::component::Component;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix, op_remove, op_replace, op_test};
use crate::facts::Facts;
use crate::facts::ownership::kept_by;
use crate::facts::settings::Layer;
use crate::facts::workload::{Workload, env_pointer};
use crate::snapshot::Source;
use serde_json::{Value, json};
use std::sync::Arc;
use tortie_cluster::object::{Gvk, Object, ObjectRef};

/// Sets the field at a JSON pointer of an object; `null` removes it.
#[allow(clippy::needless_pass_by_value)] // callers make the value in place
pub(crate) fn set(facts: &Facts<'_>, object: &Object, pointer: &str, value: Value, auto: Auto) -> Fix {
    if let Some(edit) = edit(facts, object, pointer, &value) {
        return edit;
    }
    let old = object.at(pointer);
    if facts.install.etcd && object.gvk.group.ends_with("projectcalico.org") {
        return Fix::Commands {
            auto,
            commands: vec![calicoctl(&object.gvk.kind, &object.meta.name, pointer, &value)],
        };
    }
    let kubectl = Command::kubectl(&facts.snap.identity);
    let (reference, plural) = (object.reference(), plural(&object.gvk.kind));
    let command = match old {
        Some(old) if value.is_null() => {
            kubectl.patch(&reference, &plural, vec![op_test(pointer, old), op_remove(pointer)])
        }
        Some(old) => {
            kubectl.patch(&reference, &plural, vec![op_test(pointer, old), op_replace(pointer, &value)])
        }
        // Nothing to test: a merge makes the parents that are missing too.
        None => kubectl.merge(&reference, &plural, &nested(pointer, &value)),
    };
    Fix::Commands { auto, commands: vec![command] }
}

/// The edit, when the object is kept elsewhere than in the cluster.
pub(crate) fn edit(facts: &Facts<'_>, object: &Object, pointer: &str, value: &Value) -> Option<Fix> {
    let note = if let Some(keeper) = kept_by(&object.meta, facts.snap) {
        let helm = helm_value(object, pointer, value);
        format!("kept by {keeper}: {}{helm}", keeper.where_to_change())
    } else if facts.snap.source == Source::Files {
        let origin = object.origin.as_ref()?;
        let line = origin.position(pointer).map(|(line, _)| format!(":{line}")).unwrap_or_default();
        format!("in {}{line}", origin.file)
    } else {
        return None;
    };
    Some(Fix::Edit { object: object.reference(), path: pointer.to_owned(), value: value.clone(), note })
}

/// The line of the chart tigera-operator's values, for an Installation that Helm keeps.
fn helm_value(object: &Object, pointer: &str, value: &Value) -> String {
    let field = pointer.strip_prefix("/spec/").filter(|f| !f.contains('/'));
    match field {
        Some(field) if object.gvk.kind == "Installation" => {
            format!("; the line is installation.{field}: {value}")
        }
        Some(field) if object.gvk.kind == "FelixConfiguration" => {
            format!("; the line is defaultFelixConfiguration.{field}: {value}")
        }
        _ => String::new(),
    }
}

/// Sets (or with `None` takes away) environment variables of a workload that no operator keeps.
pub(crate) fn set_env(
    facts: &Facts<'_>,
    workload: &Workload<'_>,
    pairs: &[(&str, Option<&str>)],
    auto: Auto,
) -> Fix {
    let Some(object) = workload.object else {
        return Fix::Outside("set the environment of the workload that runs these pods".to_owned());
    };
    let first = pairs.first().copied().unwrap_or(("", None));
    let pointer =
        env_pointer(object, first.0).unwrap_or_else(|| "/spec/template/spec/containers/0/env".to_owned());
    let list: Vec<Value> = pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    if let Some(edit) = edit(facts, object, &pointer, &Value::Array(list)) {
        return edit;
    }
    let target = format!("{}/{}", object.gvk.kind.to_ascii_lowercase(), object.meta.name);
    let mut args = vec!["set".to_owned(), "env".to_owned(), target];
    args.extend(pairs.iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => format!("{name}-"),
    }));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let command = Command::kubectl(&facts.snap.identity).run(&object.reference(), &args);
    Fix::Commands { auto, commands: vec![command] }
}

/// A patch through calicoctl, for a Calico whose settings live in etcd, where kubectl changes nothing.
fn calicoctl(kind: &str, name: &str, pointer: &str, value: &Value) -> Command {
    let patch = nested(pointer, value).to_string();
    Command::new(&["calicoctl", "patch", &kind.to_ascii_lowercase(), name, "--patch", &patch])
}

/// Creates `default` of one of Calico's settings with one field, when the object itself is missing.
#[allow(clippy::needless_pass_by_value)] // callers make the value in place
pub(crate) fn create_setting(facts: &Facts<'_>, kind: &str, field: &str, value: Value) -> Fix {
    let (group, version) = &facts.install.api;
    if facts.install.etcd {
        let command = calicoctl(kind, "default", &format!("/spec/{field}"), &value);
        return Fix::Commands { auto: Auto::Yes, commands: vec![command] };
    }
    let yaml = format!(
        "apiVersion: {group}/{version}\nkind: {kind}\nmetadata:\n  name: default\nspec:\n  {field}: {value}\n"
    );
    let command = Command::kubectl(&facts.snap.identity).apply(yaml);
    Fix::Commands { auto: Auto::Yes, commands: vec![command] }
}

/// The `default` of one of Calico's settings, by name alone.
pub(crate) fn setting_ref(facts: &Facts<'_>, kind: &str) -> ObjectRef {
    let (group, version) = &facts.install.api;
    ObjectRef::new(Gvk::new(group, version, kind), "", "default")
}

/// Names the layer that decided a setting as the cause: a field of an object or a variable of the workload.
pub(crate) fn cause_of(
    finding: Finding,
    facts: &Facts<'_>,
    component: Component,
    layer: &Layer<'_>,
) -> Finding {
    match layer {
        Layer::Field(object, pointer) => finding.cause(object, pointer),
        Layer::Env(name) => match facts.workloads.get(&component).and_then(|w| w.object) {
            Some(object) => {
                let value = env_pointer(object, name);
                finding.cause(object, &value.unwrap_or_else(|| "/spec/template/spec/containers".to_owned()))
            }
            None => finding,
        },
        Layer::BuiltIn => finding,
    }
}

/// Where a value stands, for a row of evidence.
pub(crate) fn layer_text(facts: &Facts<'_>, component: Component, layer: &Layer<'_>) -> String {
    match layer {
        Layer::Field(object, pointer) => {
            format!("{} {}", object.reference(), crate::doctor::finding::written(pointer))
        }
        Layer::Env(name) => match facts.workloads.get(&component).and_then(|w| w.object) {
            Some(object) => format!("{} env {name}", object.reference()),
            None => format!("env {name}"),
        },
        Layer::BuiltIn => format!("{}'s own default", component.title()),
    }
}

/// Where a component's port comes from, for a row of evidence.
pub(crate) fn layer_text_of(facts: &Facts<'_>, component: Component) -> String {
    facts
        .settings
        .of_component(component)
        .map(|e| layer_text(facts, component, &e.port.from))
        .unwrap_or_default()
}

/// The Installation in which a field is set, or else the one to set it in.
pub(crate) fn installation<'f>(facts: &'f Facts<'_>, pointer: &str) -> Option<&'f Arc<Object>> {
    let all = &facts.settings.installations;
    all.iter().rev().find(|i| i.at(pointer).is_some()).or(all.first()).copied()
}

/// The plural of a kind, as the API names its resource.
pub(crate) fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if let Some(stem) = kind.strip_suffix('y') {
        return format!("{stem}ies");
    }
    if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") }
}

fn nested(pointer: &str, value: &Value) -> Value {
    pointer
        .split('/')
        .skip(1)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .fold(value.clone(), |inner, step| json!({step.replace("~1", "/").replace("~0", "~"): inner}))
}

#[cfg(test)]
mod tests {
    use super::{nested, plural};
    use serde_json::json;

    #[test]
    fn plurals_are_the_apis() {
        #[track_caller]
        fn check(kind: &str, expect: &str) {
            assert_eq!(plural(kind), expect);
        }
        check("FelixConfiguration", "felixconfigurations");
        check("NetworkPolicy", "networkpolicies");
        check("Prometheus", "prometheuses");
    }

    #[test]
    fn a_pointer_becomes_a_merge() {
        assert_eq!(nested("/spec/a~1b/c", &json!(1)), json!({"spec": {"a/b": {"c": 1}}}));
    }
}
