//! A set of field paths as a tree, with the operations of server-side apply.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Path, Step};
use crate::kube::schema::Schema;

/// A set of paths. A path may be a member without its children and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Set {
    nodes: BTreeMap<Step, Node>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    member: bool,
    below: Set,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl Set {
    /// Whether no path is a member.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.values().all(Node::is_empty)
    }

    /// Adds a path; the root is no member of any set.
    pub(crate) fn insert(&mut self, path: &[Step]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.nodes.entry(first.clone()).or_default();
        if rest.is_empty() {
            node.member = true;
        } else {
            node.below.insert(rest);
        }
    }

    /// Whether the path of this one step is a member.
    pub(crate) fn has(&self, step: &Step) -> bool {
        self.nodes.get(step).is_some_and(|n| n.member)
    }

    /// What lies below `step`, `None` when nothing does.
    pub(crate) fn below(&self, step: &Step) -> Option<&Set> {
        self.nodes.get(step).map(|n| &n.below).filter(|s| !s.is_empty())
    }

    /// Members of either.
    pub(crate) fn union(&self, other: &Set) -> Set {
        let mut out = self.clone();
        for (step, theirs) in &other.nodes {
            let ours = out.nodes.entry(step.clone()).or_default();
            ours.member |= theirs.member;
            ours.below = ours.below.union(&theirs.below);
        }
        out
    }

    /// Members of this one that are no members of `other`.
    pub(crate) fn difference(&self, other: &Set) -> Set {
        self.zip(other, |ours, theirs| ours && !theirs, |below, theirs| below.difference(theirs))
    }

    /// Members of both.
    pub(crate) fn intersection(&self, other: &Set) -> Set {
        let nodes = self.nodes.iter().filter_map(|(step, ours)| {
            let theirs = other.nodes.get(step)?;
            let node =
                Node { member: ours.member && theirs.member, below: ours.below.intersection(&theirs.below) };
            (!node.is_empty()).then(|| (step.clone(), node))
        });
        Set { nodes: nodes.collect() }
    }

    /// Members of this one that neither are nor lie below a member of `other`.
    pub(crate) fn without_subtrees(&self, other: &Set) -> Set {
        let nodes = self.nodes.iter().filter_map(|(step, ours)| {
            let node = match other.nodes.get(step) {
                Some(theirs) if theirs.member => return None,
                Some(theirs) => {
                    Node { member: ours.member, below: ours.below.without_subtrees(&theirs.below) }
                }
                None => ours.clone(),
            };
            (!node.is_empty()).then(|| (step.clone(), node))
        });
        Set { nodes: nodes.collect() }
    }

    fn zip(&self, other: &Set, member: fn(bool, bool) -> bool, below: fn(&Set, &Set) -> Set) -> Set {
        let nodes = self.nodes.iter().filter_map(|(step, ours)| {
            let node = match other.nodes.get(step) {
                Some(theirs) => Node {
                    member: member(ours.member, theirs.member),
                    below: below(&ours.below, &theirs.below),
                },
                None => ours.clone(),
            };
            (!node.is_empty()).then(|| (step.clone(), node))
        });
        Set { nodes: nodes.collect() }
    }

    /// The set with every named field on the way to a member being a member too. Entries of maps and items of lists
    /// are not added.
    pub(crate) fn with_named_fields(&self, schema: &Schema) -> Set {
        let nodes = self.nodes.iter().map(|(step, node)| {
            let below_schema = schema.at(step);
            let named = matches!(step, Step::Field(f) if schema.is_field(f)) && !node.below.is_empty();
            let node =
                Node { member: node.member || named, below: node.below.with_named_fields(below_schema) };
            (step.clone(), node)
        });
        Set { nodes: nodes.collect() }
    }

    /// All members, those of a level before those below it.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, at: &mut Vec<Step>, out: &mut Vec<Path>) {
        for (step, _) in self.nodes.iter().filter(|(_, n)| n.member) {
            at.push(step.clone());
            out.push(Path(at.clone()));
            at.pop();
        }
        for (step, node) in &self.nodes {
            at.push(step.clone());
            node.below.collect(at, out);
            at.pop();
        }
    }

    /// As `fieldsV1`.
    pub(crate) fn encode(&self) -> Value {
        let entries = self.nodes.iter().filter(|(_, n)| !n.is_empty()).map(|(step, node)| {
            let mut below = node.below.encode();
            if let (true, Value::Object(map)) = (node.member && !node.below.is_empty(), &mut below) {
                map.shift_insert(0, ".".into(), Value::Object(Map::new()));
            }
            (step.encode(), below)
        });
        Value::Object(entries.collect())
    }

    /// Reads `fieldsV1`; `None` when it is malformed.
    pub(crate) fn decode(v: &Value) -> Option<Set> {
        let mut out = Set::default();
        for (key, below) in v.as_object()? {
            if key == "." {
                continue;
            }
            let map = below.as_object()?;
            let node = Node { member: map.is_empty() || map.contains_key("."), below: Set::decode(below)? };
            out.nodes.insert(Step::decode(key)?, node);
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(v: &Value) -> Set {
        Set::decode(v).unwrap()
    }

    #[test]
    fn fields_v1_round_trip() {
        for v in [
            json!({}),
            json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}),
            json!({"f:spec": {"f:ports": {"k:{\"port\":9091,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}),
            json!({"f:metadata": {"f:finalizers": {".": {}, "v:\"a/b\"": {}}}}),
        ] {
            assert_eq!(set(&v).encode(), v);
        }
        assert_eq!(Set::decode(&json!({"f:a": 1})), None);
        assert_eq!(Set::decode(&json!({"x:a": {}})), None);
    }

    #[test]
    fn operations() {
        fn check(f: fn(&Set, &Set) -> Set, expect: &Value) {
            let a = set(&json!({"f:a": {".": {}, "f:b": {}}, "f:c": {}}));
            let b = set(&json!({"f:a": {"f:b": {}}, "f:c": {}, "f:d": {}}));
            assert_eq!(f(&a, &b).encode(), *expect);
        }
        check(Set::union, &json!({"f:a": {".": {}, "f:b": {}}, "f:c": {}, "f:d": {}}));
        check(Set::difference, &json!({"f:a": {}}));
        check(Set::intersection, &json!({"f:a": {"f:b": {}}, "f:c": {}}));
        check(|a, b| b.without_subtrees(a), &json!({"f:d": {}}));
    }

    #[test]
    fn members_of_a_level_come_first() {
        let s = set(&json!({"f:a": {"f:b": {}}, "f:c": {}}));
        let shown: Vec<String> = s.paths().iter().map(Path::to_string).collect();
        assert_eq!(shown, [".c", ".a.b"]);
    }
}
