//! Comparisons: of the same basic type only, integers with or without a sign together.

use super::Outcome;
use crate::gofmt;
use crate::value::Value;
use std::cmp::Ordering;

/// The basic types.
enum Basic<'v> {
    Bool(bool),
    Int(i64),
    /// Without a sign.
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    Text(&'v str),
}

fn basic(v: &Value) -> Option<Basic<'_>> {
    Some(match v {
        Value::Bool(b) => Basic::Bool(*b),
        Value::Int(i) | Value::Int64(i) | Value::Month(i) | Value::Weekday(i) => Basic::Int(*i),
        Value::Byte(b) => Basic::Uint(u64::from(*b)),
        Value::Float(f) => Basic::Float(*f),
        Value::Complex(re, im) => Basic::Complex(*re, *im),
        Value::Str(s) | Value::Html(s) => Basic::Text(s),
        _ => return None,
    })
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name())
}

/// Whether the first equals one of the others.
pub(super) fn eq(args: &[Value]) -> Outcome {
    let Some((first, others)) = args.split_first() else {
        return Ok(Value::Invalid);
    };
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(first.held(), other.held())? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(match (basic(a), basic(b)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => a == b,
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => a == b,
        (Some(Basic::Uint(a)), Some(Basic::Uint(b))) => a == b,
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => a == b,
        (Some(Basic::Complex(r, i)), Some(Basic::Complex(s, j))) => r == s && i == j,
        (Some(Basic::Text(a)), Some(Basic::Text(b))) => a == b,
        (Some(Basic::Int(i)), Some(Basic::Uint(u))) | (Some(Basic::Uint(u)), Some(Basic::Int(i))) => {
            u64::try_from(i) == Ok(u)
        }
        (None, None) => return composite(a, b),
        _ if matches!(a, Value::Invalid) || matches!(b, Value::Invalid) => false,
        _ => return Err(incompatible(a, b)),
    })
}

/// Kinds of values that are not basic.
#[derive(PartialEq, Eq)]
enum Kind {
    Nothing,
    Map,
    Slice,
    Pointer,
    Struct,
}

fn kind(v: &Value) -> Kind {
    match v {
        Value::Labels(_) | Value::Map(_) => Kind::Map,
        Value::Vector(_) | Value::Strings(_) => Kind::Slice,
        Value::Struct(_) => Kind::Struct,
        Value::Invalid => Kind::Nothing,
        _ => Kind::Pointer,
    }
}

fn composite(a: &Value, b: &Value) -> Result<bool, String> {
    let (ka, kb) = (kind(a), kind(b));
    let text = |v: &Value| gofmt::sprintf("%s", std::slice::from_ref(v), 1024).unwrap_or_default();
    if ka != kb && ka != Kind::Nothing && kb != Kind::Nothing {
        let (ta, tb) = (a.type_name(), b.type_name());
        return Err(format!(
            "non-comparable types {}: {ta}, {tb}: {}",
            text(a),
            gofmt::printed(b, 1024).unwrap_or_default()
        ));
    }
    let is_nil = |v: &Value| match v {
        Value::Vector(list) => list.is_empty(),
        v => matches!(v, Value::Invalid | Value::Nil(_)),
    };
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Sample(a), Value::Sample(b)) => Ok(std::sync::Arc::ptr_eq(a, b)),
        (Value::Object(a), Value::Object(b)) => Ok(std::sync::Arc::ptr_eq(a, b)),
        _ if kb == Kind::Pointer => Ok(false),
        _ => Err(format!("non-comparable type {}: {}", text(b), b.type_name())),
    }
}

/// The order of two values; nothing when one is not a number.
fn order(args: &[Value]) -> Result<Option<Ordering>, String> {
    const BAD: &str = "invalid type for comparison";
    let [a, b] = args else { return Err(BAD.to_owned()) };
    let (a, b) = (a.held(), b.held());
    let (Some(x), Some(y)) = (basic(a), basic(b)) else {
        return Err(BAD.to_owned());
    };
    Ok(match (x, y) {
        (Basic::Int(a), Basic::Int(b)) => Some(a.cmp(&b)),
        (Basic::Uint(a), Basic::Uint(b)) => Some(a.cmp(&b)),
        (Basic::Int(a), Basic::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Uint(a), Basic::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Float(a), Basic::Float(b)) => a.partial_cmp(&b),
        (Basic::Text(a), Basic::Text(b)) => Some(a.cmp(b)),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            return Err(BAD.to_owned());
        }
        _ => return Err(incompatible(a, b)),
    })
}

/// Not equal.
pub(super) fn ne(args: &[Value]) -> Outcome {
    match eq(args)? {
        Value::Bool(b) => Ok(Value::Bool(!b)),
        other => Ok(other),
    }
}

/// Less.
pub(super) fn lt(args: &[Value]) -> Outcome {
    Ok(Value::Bool(order(args)? == Some(Ordering::Less)))
}

/// Less or equal.
pub(super) fn le(args: &[Value]) -> Outcome {
    Ok(Value::Bool(matches!(order(args)?, Some(Ordering::Less | Ordering::Equal))))
}

/// Not less or equal: of numbers that are none, true.
pub(super) fn gt(args: &[Value]) -> Outcome {
    Ok(Value::Bool(!matches!(order(args)?, Some(Ordering::Less | Ordering::Equal))))
}

/// Not less.
pub(super) fn ge(args: &[Value]) -> Outcome {
    Ok(Value::Bool(order(args)? != Some(Ordering::Less)))
}
