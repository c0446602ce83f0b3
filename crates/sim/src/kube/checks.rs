//! What the server refuses of an object: names, labels, and the fields without which a built-in kind makes no sense.

use serde_json::Value;

use super::kinds::Kind;
use super::schema::validate;
use super::status::Cause;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with `new`; `old` is what it replaces.
pub(crate) fn check(kind: &Kind, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut out = Vec::new();
    meta(kind, new, &mut out);
    if let Some(schema) = &kind.open_api {
        out.extend(validate(schema, new));
        if !out.is_empty() && has_rules(schema) {
            out.push(Cause::invalid("<nil>", "null", UNCHECKED));
        }
        return out;
    }
    match &*kind.kind {
        "Service" => service(new, old, &mut out),
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" => workload(new, old, &mut out),
        "Pod" => containers(new.get("spec").unwrap_or(&Value::Null), "spec", &mut out),
        "ConfigMap" => config_map(new, &mut out),
        "RoleBinding" | "ClusterRoleBinding" => binding(new, old, &mut out),
        _ => {}
    }
    out
}

const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/// Whether a schema has rules in CEL.
fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("x-kubernetes-validations") || map.values().any(has_rules),
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}

fn text<'a>(v: &'a Value, path: &str) -> &'a str {
    v.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn meta(kind: &Kind, v: &Value, out: &mut Vec<Cause>) {
    let name = text(v, "/metadata/name");
    if name.is_empty() {
        out.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if !kind.group.ends_with("rbac.authorization.k8s.io") {
        let one_label = kind.group.is_empty() && matches!(&*kind.kind, "Namespace" | "Service");
        let fits = if one_label { is_label(name) } else { name.split('.').all(is_label) };
        let why = match (&*kind.kind, one_label) {
            ("Service", true) if name.contains('.') => "must not contain dots",
            (_, true) => LABEL,
            _ => SUBDOMAIN,
        };
        if !fits {
            out.push(Cause::invalid("metadata.name", &format!("{name:?}"), why));
        }
    }
    for (key, value) in v.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten() {
        let part = key.rsplit('/').next().unwrap_or_default();
        if part.is_empty() || !is_value(part) {
            out.push(Cause::invalid("metadata.labels", &format!("{key:?}"), QUALIFIED));
        }
        let value = value.as_str().unwrap_or_default();
        if !is_value(value) {
            out.push(Cause::invalid("metadata.labels", &format!("{value:?}"), VALUE));
        }
    }
}

/// A label of a DNS name.
fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.len() <= 253
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The value of a label.
fn is_value(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn list<'a>(v: &'a Value, path: &str) -> &'a [Value] {
    v.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

const RANGE: &str = "must be between 1 and 65535, inclusive";

fn service(new: &Value, old: Option<&Value>, out: &mut Vec<Cause>) {
    let ports = list(new, "/spec/ports");
    let headless = text(new, "/spec/clusterIP") == "None";
    if ports.is_empty() && !headless && text(new, "/spec/type") != "ExternalName" {
        out.push(Cause::required("spec.ports", ""));
    }
    let mut names = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let at = |f: &str| format!("spec.ports[{i}].{f}");
        match port.get("name").and_then(Value::as_str).filter(|n| !n.is_empty()) {
            None if ports.len() > 1 => out.push(Cause::required(&at("name"), "")),
            Some(name) if names.contains(&name) => out.push(Cause {
                reason: "FieldValueDuplicate",
                message: format!("Duplicate value: {name:?}"),
                field: at("name"),
            }),
            Some(name) => names.push(name),
            None => {}
        }
        let n = port.get("port").and_then(Value::as_i64).unwrap_or(0);
        if !(1..=65535).contains(&n) {
            out.push(Cause::invalid(&at("port"), &n.to_string(), RANGE));
        }
        let target = port.get("targetPort").and_then(Value::as_i64);
        if let Some(n) = target.filter(|n| !(1..=65535).contains(n)) {
            out.push(Cause::invalid(&at("targetPort"), &n.to_string(), RANGE));
        }
    }
    let before = old.map(|o| text(o, "/spec/clusterIP")).filter(|a| !a.is_empty());
    let after = text(new, "/spec/clusterIP");
    if before.is_some_and(|b| b != after) {
        out.push(Cause::invalid(
            "spec.clusterIPs[0]",
            &format!("{:?}", [after]).replace(", ", ","),
            "may not change once set",
        ));
    }
}

fn containers(spec: &Value, at: &str, out: &mut Vec<Cause>) {
    let all = list(spec, "/containers");
    if all.is_empty() {
        out.push(Cause::required(&format!("{at}.containers"), ""));
    }
    for (i, c) in all.iter().enumerate() {
        if text(c, "/name").is_empty() {
            out.push(Cause::required(&format!("{at}.containers[{i}].name"), ""));
        }
    }
}

fn workload(new: &Value, old: Option<&Value>, out: &mut Vec<Cause>) {
    let selector = new.pointer("/spec/selector");
    let wanted = selector.and_then(|s| s.get("matchLabels")).and_then(Value::as_object);
    if selector.is_none() {
        out.push(Cause::required("spec.selector", ""));
    }
    let labels = new.pointer("/spec/template/metadata/labels");
    let misses = |(k, v): (&String, &Value)| labels.and_then(|l| l.get(k)) != Some(v);
    if selector.is_none() || wanted.is_some_and(|w| w.iter().any(misses)) {
        let shown = labels.map_or("null".to_owned(), Value::to_string);
        let why = "`selector` does not match template `labels`";
        out.push(Cause::invalid("spec.template.metadata.labels", &shown, why));
    }
    containers(new.pointer("/spec/template/spec").unwrap_or(&Value::Null), "spec.template.spec", out);
    if let Some(before) = old.and_then(|o| o.pointer("/spec/selector"))
        && Some(before) != selector
    {
        let shown = selector.map_or("null".to_owned(), Value::to_string);
        out.push(Cause::invalid("spec.selector", &shown, "field is immutable"));
    }
}

fn config_map(v: &Value, out: &mut Vec<Cause>) {
    for field in ["data", "binaryData"] {
        for key in v.get(field).and_then(Value::as_object).into_iter().flat_map(|m| m.keys()) {
            let fits = !key.is_empty()
                && !matches!(&**key, "." | "..")
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            if !fits {
                out.push(Cause::invalid(
                    &format!("{field}[{key}]"),
                    &format!("{key:?}"),
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
                ));
            }
        }
    }
}

fn binding(new: &Value, old: Option<&Value>, out: &mut Vec<Cause>) {
    if let Some(old) = old
        && old.get("roleRef") != new.get("roleRef")
    {
        let shown = format!(
            "{{\"APIGroup\":{:?},\"Kind\":{:?},\"Name\":{:?}}}",
            text(new, "/roleRef/apiGroup"),
            text(new, "/roleRef/kind"),
            text(new, "/roleRef/name")
        );
        out.push(Cause::invalid("roleRef", &shown, "cannot change roleRef"));
    }
    if text(new, "/roleRef/name").is_empty() {
        out.push(Cause::required("roleRef.name", ""));
    }
}
