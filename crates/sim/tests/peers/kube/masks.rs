//! What two servers may answer differently, taken out: uids, times, versions, addresses they hand out.

use serde_json::Value;

/// Fields whose values are a server's own.
const OWN: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "time",
    "lastTransitionTime",
    "continue",
    "nodePort",
];

/// The answer without what is a server's own.
pub fn masked(v: &Value) -> Value {
    let mut out = v.clone();
    walk(&mut out);
    out
}

fn walk(v: &mut Value) {
    match v {
        Value::Object(map) => {
            for (name, v) in map.iter_mut() {
                let own = match &**name {
                    "nodePort" => true,
                    "clusterIP" => v != "None" && v != "",
                    "clusterIPs" => *v != serde_json::json!(["None"]),
                    name => OWN.contains(&name) && v.is_string(),
                };
                if own {
                    *v = "*".into();
                } else {
                    walk(v);
                }
                if let ("managedFields" | "causes", Value::Array(items)) = (&**name, v) {
                    items.sort_by_key(rank);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::String(s) => *s = text(s),
        _ => {}
    }
}

/// What tells entries of owners and causes apart, whatever order their keys have.
fn rank(v: &Value) -> Vec<String> {
    let names = ["manager", "operation", "apiVersion", "subresource", "field", "message"];
    names.iter().map(|n| v[*n].to_string()).collect()
}

/// Uids in texts, and addresses that a server handed out.
fn text(s: &str) -> String {
    let mut out = String::new();
    let is_uid = |t: &str| {
        t.len() == 36
            && t.char_indices().all(|(i, c)| match i {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            })
    };
    let mut i = 0;
    while i < s.len() {
        // The version in the refusal of a deletion.
        const RECORD: &str = "ResourceVersion in record (";
        if let Some(rest) = s[i..].strip_prefix(RECORD) {
            out.push_str(RECORD);
            i += RECORD.len() + rest.find(')').unwrap_or(0);
            continue;
        }
        match s.get(i..i + 36) {
            Some(t) if is_uid(t) => {
                out.push_str("UID");
                i += 36;
            }
            _ => {
                let c = s[i..].chars().next().unwrap();
                out.push(c);
                i += c.len_utf8();
            }
        }
    }
    out
}

/// Prints where two answers differ.
pub fn print_difference(path: &str, real: &Value, sim: &Value) {
    match (real, sim) {
        (Value::Object(a), Value::Object(b)) => {
            for (k, v) in a {
                match b.get(k) {
                    Some(w) => print_difference(&format!("{path}/{k}"), v, w),
                    None => println!("    only real {path}/{k} = {v}"),
                }
            }
            for (k, w) in b.iter().filter(|(k, _)| !a.contains_key(*k)) {
                println!("    only sim  {path}/{k} = {w}");
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (v, w)) in a.iter().zip(b).enumerate() {
                print_difference(&format!("{path}/{i}"), v, w);
            }
        }
        _ if real != sim => println!("    {path}\n      real {real}\n      sim  {sim}"),
        _ => {}
    }
}
