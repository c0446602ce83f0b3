//! The shape of an object as server-side apply needs it: what is a field, an entry of a map, an item of a list.

mod builtin;
mod crd;
mod default;
mod prune;
mod validate;

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Atom, Step};

pub(crate) use builtin::read_shapes;
pub(crate) use crd::from_open_api;
pub(crate) use default::apply_defaults;
pub(crate) use prune::{prune, unknown_fields};
pub(crate) use validate::validate;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schema {
    /// Not described, but known to be made of structs: keys of objects are fields, lists are atomic.
    Loose,
    /// Not described, may be anything: keys of objects are entries of maps, lists are atomic.
    Any,
    /// A leaf.
    Scalar,
    /// An object that is owned as one.
    Atomic,
    /// An object with named fields; those not named have the shape `rest`.
    Struct {
        /// The fields.
        fields: BTreeMap<String, Schema>,
        /// Fields that are not named: [`Schema::Loose`] or [`Schema::Any`].
        rest: Box<Schema>,
    },
    /// An object whose keys are data.
    Map(Box<Schema>),
    /// A list whose items are told apart by keys; a key may have a default.
    Keyed {
        /// Names of the keys with their defaults.
        keys: Vec<(String, Option<Atom>)>,
        /// The items.
        item: Box<Schema>,
    },
    /// A list of scalars, each at most once.
    Items,
}

impl Schema {
    /// The shape of what `step` leads to.
    pub(crate) fn at(&self, step: &Step) -> &Schema {
        match (self, step) {
            (_, Step::Field(name)) => self.field(name),
            (Schema::Keyed { item, .. }, Step::Key(_)) => item,
            _ => &Schema::Any,
        }
    }

    /// The shape of a field or entry.
    pub(crate) fn field(&self, name: &str) -> &Schema {
        match self {
            Schema::Struct { fields, rest } => fields.get(name).unwrap_or(rest),
            Schema::Map(entry) => entry,
            Schema::Loose => &Schema::Loose,
            _ => &Schema::Any,
        }
    }

    /// Whether `name` is a field and no entry of a map.
    pub(crate) fn is_field(&self, name: &str) -> bool {
        match self {
            Schema::Struct { fields, rest } => fields.contains_key(name) || **rest == Schema::Loose,
            Schema::Loose => true,
            _ => false,
        }
    }

    /// How a value of this shape is walked; either side may be absent or null.
    pub(crate) fn walk(&self, a: Option<&Value>, b: Option<&Value>) -> Walk {
        let is = |f: fn(&Value) -> bool| a.is_some_and(f) || b.is_some_and(f);
        let (object, array) = (is(Value::is_object), is(Value::is_array));
        let scalar = is(|v| !v.is_object() && !v.is_array() && !v.is_null());
        match self {
            Schema::Scalar | Schema::Atomic => Walk::Leaf,
            _ if scalar || (object && array) => Walk::Leaf,
            Schema::Keyed { .. } | Schema::Items if !object => Walk::List,
            Schema::Struct { .. } | Schema::Map(_) if !array => Walk::Map,
            Schema::Loose | Schema::Any if object => Walk::Map,
            _ => Walk::Leaf,
        }
    }

    /// The step that leads to an item of a list.
    ///
    /// # Errors
    /// Why the item has none, in the API server's words.
    pub(crate) fn step(&self, item: &Value) -> Result<Step, String> {
        match self {
            Schema::Keyed { keys, .. } => keyed(keys, item),
            _ => match Atom::of(item) {
                Some(atom) => Ok(Step::Item(atom)),
                None if item.is_null() => {
                    Err("associative list without keys has an element that's an explicit null".into())
                }
                None if item.is_object() => {
                    Err("associative list without keys has an element that's a map type".into())
                }
                None => Err("not supported: associative list with lists as elements".into()),
            },
        }
    }
}

fn keyed(keys: &[(String, Option<Atom>)], item: &Value) -> Result<Step, String> {
    let map = match item {
        Value::Object(map) => map,
        Value::Null => return Err("associative list with keys may not have a null element".into()),
        _ => return Err("associative list with keys may not have non-map elements".into()),
    };
    let mut out = Vec::with_capacity(keys.len());
    for (name, default) in keys {
        let atom = match map.get(name) {
            Some(v) => Atom::of(v),
            None => default.clone(),
        };
        if let Some(atom) = atom {
            out.push((name.clone(), atom));
        }
    }
    if out.is_empty() {
        let names: Vec<String> = keys.iter().map(|(k, _)| format!("{k:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            names.join(" ")
        ));
    }
    out.sort();
    Ok(Step::Key(out))
}

/// How a value is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    Leaf,
    Map,
    List,
}
