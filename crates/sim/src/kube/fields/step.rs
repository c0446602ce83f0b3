//! One step of a field path: a field, an item of a keyed list, an item of a set.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Number, Value};

/// A scalar as a key or as an item of a set. Ordered as the API server orders them: numbers, text, booleans.
#[derive(Debug, Clone)]
pub(crate) enum Atom {
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A boolean.
    Bool(bool),
}

impl Atom {
    /// The scalar in `v`; `None` for null, lists and maps.
    pub(crate) fn of(v: &Value) -> Option<Atom> {
        match v {
            Value::Number(n) => Some(Atom::Number(n.clone())),
            Value::String(s) => Some(Atom::Text(s.clone())),
            Value::Bool(b) => Some(Atom::Bool(*b)),
            _ => None,
        }
    }

    /// As JSON.
    pub(crate) fn value(&self) -> Value {
        match self {
            Atom::Number(n) => Value::Number(n.clone()),
            Atom::Text(s) => Value::String(s.clone()),
            Atom::Bool(b) => Value::Bool(*b),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Atom::Number(_) => 0,
            Atom::Text(_) => 1,
            Atom::Bool(_) => 2,
        }
    }
}

impl Ord for Atom {
    fn cmp(&self, other: &Atom) -> Ordering {
        match (self, other) {
            (Atom::Number(a), Atom::Number(b)) => match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
            },
            (Atom::Text(a), Atom::Text(b)) => a.cmp(b),
            (Atom::Bool(a), Atom::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Atom) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Atom {
    fn eq(&self, other: &Atom) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Atom {}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A field of a struct or an entry of a map.
    Field(String),
    /// The item of a keyed list with these keys, sorted by name.
    Key(Vec<(String, Atom)>),
    /// The item of a set.
    Item(Atom),
    /// The item at a position. Written by no one here; read from foreign `managedFields`.
    Index(i64),
}

impl Step {
    /// As a key of `fieldsV1`: `f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`.
    pub(crate) fn encode(&self) -> String {
        match self {
            Step::Field(name) => format!("f:{name}"),
            Step::Key(keys) => {
                let map: Map<String, Value> = keys.iter().map(|(k, v)| (k.clone(), v.value())).collect();
                format!("k:{}", Value::Object(map))
            }
            Step::Item(v) => format!("v:{v}"),
            Step::Index(i) => format!("i:{i}"),
        }
    }

    /// Reads a key of `fieldsV1`; `None` when it is none.
    pub(crate) fn decode(text: &str) -> Option<Step> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Step::Field(rest.to_owned())),
            "k" => {
                let Ok(Value::Object(map)) = serde_json::from_str(rest) else { return None };
                let mut keys = Vec::with_capacity(map.len());
                for (k, v) in map {
                    keys.push((k, Atom::of(&v)?));
                }
                keys.sort();
                Some(Step::Key(keys))
            }
            "v" => Some(Step::Item(Atom::of(&serde_json::from_str(rest).ok()?)?)),
            "i" => Some(Step::Index(rest.parse().ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    /// As a conflict's path shows it: `.spec`, `[name="x"]`, `[="x"]`, `[0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Key(keys) => {
                f.write_str("[")?;
                for (i, (k, v)) in keys.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{k}={v}")?;
                }
                f.write_str("]")
            }
            Step::Item(v) => write!(f, "[={v}]"),
            Step::Index(i) => write!(f, "[{i}]"),
        }
    }
}

/// A path from the object's root.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path(pub Vec<Step>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|s| s.fmt(f))
    }
}
