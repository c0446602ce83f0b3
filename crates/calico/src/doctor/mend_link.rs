//! How a monitor's endpoint, a label or a Service is changed: as [`super::mend`], for what lies in lists and for Services.

use crate::doctor::finding::Place;
use crate::doctor::fix::{Auto, Command, Fix, op_add, op_remove, op_replace, op_test};
use crate::doctor::mend;
use crate::facts::Facts;
use crate::facts::monitors::Monitor;
use crate::facts::ownership::kept_by;
use crate::facts::services::{MetricsService, reference};
use serde_json::Value;
use std::collections::BTreeMap;
use tortie_cluster::object::{Object, Selector, Service};

/// Sets a field of a monitor's endpoint; `null` removes it.
pub(crate) fn endpoint(
    facts: &Facts<'_>,
    monitor: &Monitor<'_>,
    field: &str,
    value: Value,
    auto: Auto,
) -> Fix {
    pointer(facts, monitor.object, monitor.plural(), &monitor.pointer(field), value, auto)
}

/// Sets the field at a JSON pointer, in lists too. What is absent is added after a test of what it is added to, so that
/// the command does nothing to an object that changed meanwhile.
pub(crate) fn pointer(
    facts: &Facts<'_>,
    object: &Object,
    plural: &str,
    pointer: &str,
    value: Value,
    auto: Auto,
) -> Fix {
    if let Some(edit) = mend::edit(facts, object, pointer, &value) {
        return edit;
    }
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let ops = match (object.at(pointer), object.at(parent)) {
        (Some(old), _) if value.is_null() => vec![op_test(pointer, old), op_remove(pointer)],
        (Some(old), _) => vec![op_test(pointer, old), op_replace(pointer, &value)],
        (None, Some(parent_value)) => vec![op_test(parent, parent_value), op_add(pointer, &value)],
        (None, None) => return mend::set(facts, object, pointer, value, auto),
    };
    let command = Command::kubectl(&facts.snap.identity).patch(&object.reference(), plural, ops);
    Fix::Commands { auto, commands: vec![command] }
}

/// The `kubectl label` arguments that make `labels` meet a selector: `key=value` for what is missing, `key-` for what
/// must not be there. Nothing when no labels can meet it.
pub(crate) fn labels_to_meet(selector: &Selector, labels: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let solved = selector.solve(labels)?;
    let missed = selector.misses(labels);
    let change = |key: &String| match solved.get(key) {
        Some(value) => format!("{key}={value}"),
        None => format!("{key}-"),
    };
    Some(missed.iter().map(|m| change(&m.key)).collect())
}

/// Sets labels of an object by `kubectl label`, or says where to.
pub(crate) fn label(facts: &Facts<'_>, object: &Object, plural: &str, changes: &[String], auto: Auto) -> Fix {
    let first = changes.first().map(String::as_str).unwrap_or_default();
    let (key, value) =
        first.split_once('=').map_or((first.trim_end_matches('-'), Value::Null), |(k, v)| (k, v.into()));
    let at = format!("/metadata/labels/{}", key.replace('~', "~0").replace('/', "~1"));
    if let Some(edit) = mend::edit(facts, object, &at, &value) {
        return edit;
    }
    let kubectl = Command::kubectl(&facts.snap.identity);
    let commands = changes.iter().map(|c| kubectl.clone().label(&object.reference(), plural, c)).collect();
    Fix::Commands { auto, commands }
}

/// Patches a Service. `ops` begin with a test; `at` and `value` say the same for whoever has to edit it elsewhere. A
/// Service that an operator keeps gives nothing.
pub(crate) fn service(
    facts: &Facts<'_>,
    service: &MetricsService<'_>,
    ops: Vec<Value>,
    at: &str,
    value: Value,
    auto: Auto,
) -> Option<Fix> {
    if service.by_operator {
        return None;
    }
    let object = reference(service.service);
    let note = if let Some(keeper) = kept_by(&service.service.meta, facts.snap) {
        Some(format!("kept by {keeper}: {}", keeper.where_to_change()))
    } else {
        service.service.origin.as_ref().filter(|_| !facts.snap.is_whole()).map(|o| {
            let line = o.position(at).map(|(line, _)| format!(":{line}")).unwrap_or_default();
            format!("in {}{line}", o.file)
        })
    };
    if let Some(note) = note {
        return Some(Fix::Edit { object, path: at.to_owned(), value, note });
    }
    let command = Command::kubectl(&facts.snap.identity).patch(&object, "services", ops);
    Some(Fix::Commands { auto, commands: vec![command] })
}

/// Where a field of a Service stands in its file.
pub(crate) fn place(service: &Service, pointer: &str) -> Option<Place> {
    let origin = service.origin.as_ref()?;
    let (line, column) = origin.position(pointer)?;
    let text = origin.line_text(line).unwrap_or_default();
    Some(Place { file: origin.file.to_string(), line, column, text })
}

/// Applies YAML.
pub(crate) fn apply(facts: &Facts<'_>, yaml: String, auto: Auto) -> Fix {
    Fix::Commands { auto, commands: vec![Command::kubectl(&facts.snap.identity).apply(yaml)] }
}

#[cfg(test)]
mod tests {
    use super::labels_to_meet;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;
    use tortie_cluster::object::Selector;

    #[test]
    fn labels_are_solved_from_the_selector() {
        #[track_caller]
        fn check(selector: &Value, labels: &[(&str, &str)], expect: &[&str]) {
            let selector = Selector::parse(selector).expect("a selector").expect("not null");
            let labels: BTreeMap<String, String> =
                labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(labels_to_meet(&selector, &labels).unwrap_or_default(), expect);
        }
        check(&json!({"matchLabels": {"release": "p"}}), &[], &["release=p"]);
        check(&json!({"matchLabels": {"release": "p"}}), &[("release", "q")], &["release=p"]);
        check(
            &json!({"matchExpressions": [{"key": "off", "operator": "DoesNotExist"}]}),
            &[("off", "x")],
            &["off-"],
        );
    }
}
