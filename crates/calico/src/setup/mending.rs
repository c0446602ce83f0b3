//! Somebody's half-made chain is mended by what the doctor would tell them to do, never doubled.
//!
//! The doctor's commands become steps: a patch stays a patch, a label becomes one. What no patch can do (an edit in Git, a
//! firewall) becomes a step for whoever keeps the object.

use super::step::{Change, Checked, Step, Target, Write};
use crate::component::Component;
use crate::doctor::checks::find;
use crate::doctor::fix::{Command, Fix};
use crate::doctor::verdict::Verdict;
use crate::facts::Facts;
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tortie_cluster::object::{Gvk, ObjectRef};

/// The checks whose findings stand between a process and Prometheus, in the chain's order.
const CHECKS: &[&str] = &[
    "T204", "T206", "T402", "T403", "T404", "T407", "T409", "T502", "T503", "T504", "T505", "T506", "T507",
    "T508", "T509", "T511", "T517",
];

/// The steps of the first finding about a component that was not met before; `met` remembers.
pub(super) fn next(facts: &Facts<'_>, component: Component, met: &mut BTreeSet<String>) -> Vec<Step> {
    for check in CHECKS.iter().filter_map(|id| find(id)) {
        for judged in (check.judge)(facts) {
            let about = judged.entity.component == Some(component);
            let broken = matches!(judged.verdict, Verdict::Fail | Verdict::Ahead);
            let Some(finding) = judged.finding.filter(|_| about && broken) else { continue };
            if !met.insert(format!("{} {}", check.id, finding.title)) {
                continue;
            }
            let remark = format!("{}: {}", check.id, finding.title);
            match &finding.fix {
                Some(Fix::Commands { commands, .. }) => {
                    return commands
                        .iter()
                        .map(|c| of_command(facts, c, &finding.cause.object, &remark))
                        .collect();
                }
                Some(Fix::Edit { object, path, value, note }) => {
                    return vec![edit(object, path, value, note, remark)];
                }
                Some(Fix::Outside(text)) => {
                    return vec![elsewhere(target(&finding.cause.object), text.clone(), remark)];
                }
                None => {}
            }
        }
    }
    Vec::new()
}

fn target(object: &Option<ObjectRef>) -> Target {
    object.as_ref().map_or_else(|| Target::new("v1", "Cluster", "", "this"), Target::from)
}

fn elsewhere(target: Target, advice: String, remark: String) -> Step {
    let write = Write::Elsewhere { advice, fragment: String::new() };
    Step {
        target,
        component: None,
        own: false,
        uid: String::new(),
        write,
        changes: Vec::new(),
        remark,
        checked: Checked::No,
    }
}

fn edit(object: &ObjectRef, path: &str, value: &Value, note: &str, remark: String) -> Step {
    let change = Change {
        pointer: path.to_owned(),
        before: None,
        after: value.clone(),
        manager: String::new(),
        since: None,
        keepers: Vec::new(),
    };
    let mut step = elsewhere(Target::from(object), note.to_owned(), remark);
    step.write = Write::Elsewhere { advice: note.to_owned(), fragment: yaml_of(&json!({path: value})) };
    step.changes = vec![change];
    step
}

/// A command of the doctor as a step.
fn of_command(facts: &Facts<'_>, command: &Command, cause: &Option<ObjectRef>, remark: &str) -> Step {
    let told = || elsewhere(target(cause), format!("run: {command}"), remark.to_owned());
    let Some(named) = read(facts, command) else { return told() };
    let Some(body) = super::future::body_of(facts.snap, &named.target) else { return told() };
    let uid = body["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let mut changes = Vec::new();
    for op in &named.operations {
        let Some(pointer) = op["path"].as_str().filter(|_| op["op"] != "test") else { continue };
        let before = body.pointer(pointer).filter(|v| !v.is_null()).cloned();
        let after = op.get("value").cloned().unwrap_or(Value::Null);
        changes.push(Change {
            pointer: pointer.to_owned(),
            before,
            after,
            manager: String::new(),
            since: None,
            keepers: Vec::new(),
        });
    }
    Step {
        target: named.target,
        component: None,
        own: false,
        uid,
        write: Write::Patch { operations: named.operations },
        changes,
        remark: remark.to_owned(),
        checked: Checked::No,
    }
}

struct Named {
    target: Target,
    operations: Vec<Value>,
}

/// Reads `kubectl [--FLAG=VALUE] [-n NS] patch KIND.VERSION.GROUP NAME --type=json -p OPERATIONS` and `label KIND NAME K=V`.
fn read(facts: &Facts<'_>, command: &Command) -> Option<Named> {
    if command.stdin.is_some() || command.argv.first()? != "kubectl" {
        return None;
    }
    let mut words = command.argv.iter().skip(1).map(String::as_str).skip_while(|w| w.starts_with("--"));
    let mut verb = words.next()?;
    let mut namespace = "";
    if verb == "-n" {
        namespace = words.next()?;
        verb = words.next()?;
    }
    let (resource, name) = (words.next()?, words.next()?);
    let target = named(facts, resource, namespace, name)?;
    let rest: Vec<&str> = words.collect();
    let operations = match (verb, rest.as_slice()) {
        ("patch", ["--type=json", "-p", text]) => serde_json::from_str::<Vec<Value>>(text).ok()?,
        ("patch", ["--type=merge", "-p", text]) => {
            let body = super::future::body_of(facts.snap, &target)?;
            additions(&body, &serde_json::from_str(text).ok()?)?
        }
        ("label", [pair, "--overwrite"]) => label(facts, &target, pair)?,
        _ => return None,
    };
    Some(Named { target, operations })
}

fn named(facts: &Facts<'_>, resource: &str, namespace: &str, name: &str) -> Option<Target> {
    let (plural, rest) = resource.split_once('.').unwrap_or((resource, ""));
    let (version, group) = rest.split_once('.').unwrap_or(("v1", ""));
    if group.is_empty() && plural == "services" {
        return Some(Target::new("v1", "Service", namespace, name));
    }
    let found = facts.snap.objects.iter().find(|o| {
        o.gvk.group == group
            && o.meta.name == name
            && o.meta.namespace == namespace
            && crate::doctor::mend::plural(&o.gvk.kind) == plural
    })?;
    let gvk = Gvk::new(group, version, &found.gvk.kind);
    Some(Target::new(&gvk.api_version(), &gvk.kind, namespace, name))
}

/// A merge as operations that test first.
fn additions(body: &Value, part: &Value) -> Option<Vec<Value>> {
    let mut out = Vec::new();
    walk(body, part, "", &mut out);
    (!out.is_empty()).then_some(out)
}

fn walk(whole: &Value, part: &Value, at: &str, out: &mut Vec<Value>) {
    for (key, value) in part.as_object().into_iter().flatten() {
        let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match (whole.get(key).filter(|v| !v.is_null()), value) {
            (Some(inner), Value::Object(_)) if inner.is_object() => walk(inner, value, &path, out),
            (Some(old), Value::Null) => {
                out.push(json!({"op": "test", "path": path, "value": old}));
                out.push(json!({"op": "remove", "path": path}));
            }
            (Some(old), new) => {
                out.push(json!({"op": "test", "path": path, "value": old}));
                out.push(json!({"op": "replace", "path": path, "value": new}));
            }
            (None, Value::Null) => {}
            (None, new) => out.push(json!({"op": "add", "path": path, "value": new})),
        }
    }
}

fn label(facts: &Facts<'_>, target: &Target, pair: &str) -> Option<Vec<Value>> {
    let body = super::future::body_of(facts.snap, target)?;
    let part = match pair.split_once('=') {
        Some((key, value)) => json!({key: value}),
        None => json!({pair.strip_suffix('-')?: null}),
    };
    additions(&body, &json!({"metadata": {"labels": part}}))
}
