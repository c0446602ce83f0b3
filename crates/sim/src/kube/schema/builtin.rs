//! Shapes of the built-in kinds, read from a small table of ours.
//!
//! A line that begins at the margin names a shape; each indented line under it is `path WHAT`, where `[]` steps into the
//! items of a list and WHAT is `map`, `atomic`, `set`, `by KEY KEY=DEFAULT ...` or `use SHAPE`.

use std::collections::BTreeMap;

use super::Schema;
use crate::kube::fields::Atom;

/// All shapes of a table, by name.
pub(crate) fn read_shapes(text: &str) -> BTreeMap<String, Schema> {
    let mut out: BTreeMap<String, Schema> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        let bare = line.split('#').next().unwrap_or_default();
        if bare.trim().is_empty() {
            continue;
        }
        if !bare.starts_with(' ') {
            name = bare.trim().to_owned();
            out.insert(name.clone(), empty());
            continue;
        }
        let mut words = bare.split_whitespace();
        let (Some(path), Some(what)) = (words.next(), words.next()) else { continue };
        let rest: Vec<&str> = words.collect();
        let shape = shape(what, &rest, &out);
        if let Some(root) = out.get_mut(&name) {
            place(root, path, shape);
        }
    }
    out
}

fn empty() -> Schema {
    Schema::Struct { fields: BTreeMap::new(), rest: Box::new(Schema::Loose) }
}

fn shape(what: &str, rest: &[&str], known: &BTreeMap<String, Schema>) -> Schema {
    match what {
        "map" => Schema::Map(Box::new(Schema::Loose)),
        "atomic" => Schema::Atomic,
        "set" => Schema::Items,
        "by" => Schema::Keyed { keys: rest.iter().map(|k| key(k)).collect(), item: Box::new(empty()) },
        _ => rest.first().and_then(|name| known.get(*name)).cloned().unwrap_or(Schema::Loose),
    }
}

fn key(text: &str) -> (String, Option<Atom>) {
    let Some((name, default)) = text.split_once('=') else { return (text.to_owned(), None) };
    let atom = match default.parse::<i64>() {
        Ok(n) => Atom::Number(n.into()),
        Err(_) => Atom::Text(default.to_owned()),
    };
    (name.to_owned(), Some(atom))
}

/// Puts `shape` at `path`, making structs on the way.
fn place(at: &mut Schema, path: &str, shape: Schema) {
    let (head, tail) = match path.split_once('.') {
        Some((head, tail)) => (head, Some(tail)),
        None => (path, None),
    };
    let (name, items) = match head.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (head, false),
    };
    let Schema::Struct { fields, .. } = at else { return };
    let mut slot = fields.entry(name.to_owned()).or_insert_with(empty);
    if items {
        let Schema::Keyed { item, .. } = slot else { return };
        slot = item;
    }
    match tail {
        Some(tail) => place(slot, tail, shape),
        None => *slot = shape,
    }
}
