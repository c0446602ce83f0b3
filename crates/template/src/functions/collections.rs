//! Elements, parts and lengths of strings, lists and maps.

use super::{Args, Context, Outcome};
use crate::value::Value;
use std::sync::Arc;

/// `index x 1 "a"` is `x[1]["a"]`.
pub(super) fn index(args: Vec<Value>) -> Outcome {
    let mut args = Args::new(args);
    let mut item = args.any().into_held();
    if matches!(item, Value::Invalid) {
        return Err("index of untyped nil".into());
    }
    for key in args.0 {
        let key = key.into_held();
        let held = item.into_held();
        item = match &held {
            Value::Invalid | Value::Nil(_) => return Err("index of nil pointer".into()),
            Value::Str(s) | Value::Html(s) => {
                Value::Byte(s.as_bytes().get(element(&key, s.len(), "string")?).copied().unwrap_or(0))
            }
            Value::Strings(list) => list
                .get(element(&key, list.len(), "slice")?)
                .map_or(Value::Invalid, |s| Value::Str(s.clone())),
            Value::Vector(list) => list
                .get(element(&key, list.len(), "slice")?)
                .map_or(Value::Invalid, |s| Value::Sample(s.clone())),
            Value::Labels(labels) => Value::text(labels.value(&map_key(&key)?)),
            Value::Map(map) => {
                Value::Any(Box::new(map.get(&*map_key(&key)?).cloned().unwrap_or(Value::Invalid)))
            }
            other => return Err(format!("can't index item of type {}", pointee_type(other)).into()),
        };
    }
    Ok(item)
}

/// The type that a pointer leads to.
fn pointee_type(v: &Value) -> &str {
    let name = v.type_name();
    name.strip_prefix('*').unwrap_or(name)
}

/// A position up to and including `len`.
fn position(key: &Value, len: usize) -> Result<usize, String> {
    let i = match key {
        Value::Int(i) | Value::Int64(i) | Value::Month(i) | Value::Weekday(i) => *i,
        Value::Byte(b) => i64::from(*b),
        Value::Invalid => return Err("cannot index slice/array with nil".to_owned()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    usize::try_from(i).ok().filter(|i| *i <= len).ok_or_else(|| format!("index out of range: {i}"))
}

/// A position before `len`; Go lets the end through its check and complains in other words.
fn element(key: &Value, len: usize, what: &str) -> Result<usize, String> {
    match position(key, len)? {
        i if i < len => Ok(i),
        _ => Err(format!("reflect: {what} index out of range")),
    }
}

fn map_key(key: &Value) -> Result<Arc<str>, String> {
    match key {
        Value::Str(s) => Ok(s.clone()),
        Value::Invalid => Err("value is nil; should be of type string".to_owned()),
        other => Err(format!("value has type {}; should be string", other.type_name())),
    }
}

/// `slice x 1 2` is `x[1:2]`.
pub(super) fn slice(context: &mut Context<'_>, args: Vec<Value>) -> Outcome {
    let mut args = Args::new(args);
    let item = args.any().into_held();
    // Not what an interface holds: Go refuses those here.
    let bounds: Vec<Value> = args.0.collect();
    let len = match &item {
        Value::Invalid => return Err("slice of untyped nil".into()),
        Value::Nil(_) => return Err("slice of nil pointer".into()),
        _ if bounds.len() > 3 => return Err(format!("too many slice indexes: {}", bounds.len()).into()),
        Value::Str(_) | Value::Html(_) if bounds.len() == 3 => {
            return Err("cannot 3-index slice a string".into());
        }
        Value::Str(s) | Value::Html(s) => s.len(),
        Value::Strings(list) => list.len(),
        Value::Vector(list) => list.len(),
        other => return Err(format!("can't slice item of type {}", pointee_type(other)).into()),
    };
    let mut at = [0, len, len];
    for (slot, bound) in at.iter_mut().zip(&bounds) {
        *slot = position(bound, len)?;
    }
    let [from, to, cap] = at;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}").into());
    }
    if to > cap {
        return Err(format!("invalid slice index: {to} > {cap}").into());
    }
    match &item {
        Value::Str(s) | Value::Html(s) => {
            // A cut within a character leaves bytes that are none.
            let part = s.as_bytes().get(from..to).unwrap_or(&[]);
            context.text(String::from_utf8_lossy(part))
        }
        Value::Strings(list) => Ok(Value::Strings(list.get(from..to).unwrap_or(&[]).into())),
        Value::Vector(list) => Ok(Value::Vector(list.get(from..to).unwrap_or(&[]).into())),
        _ => Ok(Value::Invalid),
    }
}

/// Bytes of a string, elements of a list or map.
pub(super) fn len(args: Vec<Value>) -> Outcome {
    let arg = Args::new(args).any();
    let n = match arg.held() {
        Value::Invalid if matches!(arg, Value::Invalid) => {
            return Err("reflect: call of reflect.Value.Type on zero Value".into());
        }
        Value::Invalid | Value::Nil(_) => return Err("len of nil pointer".into()),
        Value::Str(s) | Value::Html(s) => s.len(),
        Value::Strings(list) => list.len(),
        Value::Vector(list) => list.len(),
        Value::Labels(labels) => labels.len(),
        Value::Map(map) => map.len(),
        other => return Err(format!("len of type {}", pointee_type(other)).into()),
    };
    Ok(Value::Int(n as i64))
}
