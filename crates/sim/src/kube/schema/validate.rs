//! Validation of a custom resource against its schema: types, required fields, enumerations, bounds, patterns.
//! Rules in CEL (`x-kubernetes-validations`) are not evaluated.

use serde_json::{Map, Value};

use crate::kube::status::Cause;

/// What is wrong with `v`, as causes of a 422.
pub(crate) fn validate(schema: &Value, v: &Value) -> Vec<Cause> {
    let mut out = Vec::new();
    check(schema, v, "", &mut out);
    out
}

fn kind_of(v: &Value) -> &'static str {
    match v {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn check(schema: &Value, v: &Value, path: &str, out: &mut Vec<Cause>) {
    if v.is_null() && is(schema, "nullable") {
        return;
    }
    if is(schema, "x-kubernetes-int-or-string") {
        if !matches!(kind_of(v), "integer" | "string") {
            out.push(wrong_type(path, v, "integer,string"));
            return;
        }
    } else if let Some(want) = schema.get("type").and_then(Value::as_str) {
        let have = kind_of(v);
        if have != want && !(want == "number" && have == "integer") {
            out.push(wrong_type(path, v, want));
            return;
        }
    }
    enumerated(schema, v, path, out);
    match v {
        Value::Object(map) => object(schema, map, path, out),
        Value::Array(items) => list(schema, items, path, out),
        Value::String(s) => text(schema, s, path, out),
        Value::Number(_) => number(schema, v, path, out),
        _ => {}
    }
}

fn wrong_type(path: &str, v: &Value, want: &str) -> Cause {
    let have = kind_of(v);
    Cause::type_invalid(
        path,
        &format!("{have:?}"),
        &format!("{path} in body must be of type {want}: {have:?}"),
    )
}

fn enumerated(schema: &Value, v: &Value, path: &str, out: &mut Vec<Cause>) {
    let Some(allowed) = schema.get("enum").and_then(Value::as_array) else { return };
    if allowed.contains(v) {
        return;
    }
    let names: Vec<String> = allowed.iter().map(Value::to_string).collect();
    out.push(Cause {
        reason: "FieldValueNotSupported",
        message: format!("Unsupported value: {v}: supported values: {}", names.join(", ")),
        field: path.to_owned(),
    });
}

fn object(schema: &Value, map: &Map<String, Value>, path: &str, out: &mut Vec<Cause>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(required) = schema.get("required").and_then(Value::as_array) {
        for name in required.iter().filter_map(Value::as_str).filter(|n| !map.contains_key(*n)) {
            out.push(Cause::required(&below(name), ""));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let entry = schema.get("additionalProperties").filter(|v| v.is_object());
    for (name, v) in map {
        if path.is_empty() && matches!(&**name, "metadata" | "apiVersion" | "kind") {
            continue;
        }
        if let Some(s) = properties.and_then(|p| p.get(name)).or(entry) {
            check(s, v, &below(name), out);
        }
    }
}

fn list(schema: &Value, items: &[Value], path: &str, out: &mut Vec<Cause>) {
    let len = items.len() as u64;
    if let Some(max) = schema.get("maxItems").and_then(Value::as_u64).filter(|m| len > *m) {
        out.push(Cause {
            reason: "FieldValueTooMany",
            message: format!("Too many: {len}: must have at most {max} items"),
            field: path.to_owned(),
        });
    }
    if let Some(min) = schema.get("minItems").and_then(Value::as_u64).filter(|m| len < *m) {
        out.push(Cause::invalid(
            path,
            &len.to_string(),
            &format!("{path} in body should have at least {min} items"),
        ));
    }
    if let Some(item) = schema.get("items") {
        for (i, v) in items.iter().enumerate() {
            check(item, v, &format!("{path}[{i}]"), out);
        }
    }
}

fn text(schema: &Value, s: &str, path: &str, out: &mut Vec<Cause>) {
    let len = s.chars().count() as u64;
    if let Some(max) = schema.get("maxLength").and_then(Value::as_u64).filter(|m| len > *m) {
        out.push(Cause {
            reason: "FieldValueTooLong",
            message: format!("Too long: may not be more than {max} bytes"),
            field: path.to_owned(),
        });
    }
    if let Some(min) = schema.get("minLength").and_then(Value::as_u64).filter(|m| len < *m) {
        out.push(Cause::invalid(
            path,
            &format!("{s:?}"),
            &format!("{path} in body should be at least {min} chars long"),
        ));
    }
    let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else { return };
    // A pattern that does not compile here is not checked: the real server would not have taken the definition.
    let Ok(re) = regex_automata::meta::Regex::new(pattern) else { return };
    if !re.is_match(s) {
        out.push(Cause::invalid(
            path,
            &format!("{s:?}"),
            &format!("{path} in body should match '{pattern}'"),
        ));
    }
}

fn number(schema: &Value, v: &Value, path: &str, out: &mut Vec<Cause>) {
    let Some(n) = v.as_f64() else { return };
    let bound = |name: &str| schema.get(name).filter(|b| b.is_number());
    if let Some(min) = bound("minimum").filter(|b| b.as_f64().is_some_and(|b| n < b)) {
        let message = format!("{path} in body should be greater than or equal to {min}");
        out.push(Cause::invalid(path, &v.to_string(), &message));
    }
    if let Some(max) = bound("maximum").filter(|b| b.as_f64().is_some_and(|b| n > b)) {
        let message = format!("{path} in body should be less than or equal to {max}");
        out.push(Cause::invalid(path, &v.to_string(), &message));
    }
}
