//! PrometheusRule objects as people keep them in files: what stands under `spec` is a rule file.

use crate::yaml::{Key, Node, Value};
use std::sync::Arc;

/// A key of groups that only Thanos Ruler reads; the operator takes it out.
const OF_THANOS: &str = "partial_response_strategy";

/// The part of a manifest that is a rule file; `None` when it is no PrometheusRule object.
pub(super) fn spec(root: &Node) -> Option<Node> {
    let is = |key: &str, fits: &dyn Fn(&str) -> bool| match get(root, key).map(|n| &n.value) {
        Some(Value::Scalar { text, .. }) => fits(text),
        _ => false,
    };
    let is_rule = is("kind", &|k| k == "PrometheusRule")
        && is("apiVersion", &|v| v.starts_with("monitoring.coreos.com/"));
    if !is_rule {
        return None;
    }
    let Some(spec) = get(root, "spec") else { return Some(Node { value: Value::Null, at: root.at }) };
    Some(with(spec, "groups", &|groups| match &groups.value {
        Value::Seq(all) => {
            let all = all.iter().map(|g| Arc::new(without(g, OF_THANOS))).collect();
            Node { value: Value::Seq(all), at: groups.at }
        }
        _ => groups.clone(),
    }))
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Arc<Node>> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(k, _)| k.text == key).map(|(_, n)| n)
}

/// A mapping with another value of a key; anything else as it is.
fn with(node: &Node, key: &str, change: &dyn Fn(&Node) -> Node) -> Node {
    let Value::Map(entries) = &node.value else { return node.clone() };
    let changed = |(k, n): &(Key, Arc<Node>)| {
        (k.clone(), if k.text == key { Arc::new(change(n)) } else { Arc::clone(n) })
    };
    Node { value: Value::Map(entries.iter().map(changed).collect()), at: node.at }
}

/// A mapping without a key; anything else as it is.
fn without(node: &Node, key: &str) -> Node {
    let Value::Map(entries) = &node.value else { return node.clone() };
    let kept = entries.iter().filter(|(k, _)| k.text != key).cloned().collect();
    Node { value: Value::Map(kept), at: node.at }
}
