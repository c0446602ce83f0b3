//! Rules as a rule file and as the `spec` of a PrometheusRule.

use super::{Group, Rule};
use crate::render::yaml::yaml_of;
use serde_json::{Map, Value, json};
use tortie_model::duration;

/// A rule file for `rule_files`.
pub fn yaml(groups: &[Group]) -> String {
    yaml_of(&spec(groups))
}

/// The `spec` of a PrometheusRule; a rule file has the same form.
pub fn spec(groups: &[Group]) -> Value {
    let group = |g: &Group| json!({"name": g.name, "rules": g.rules.iter().map(rule).collect::<Vec<_>>()});
    json!({"groups": groups.iter().map(group).collect::<Vec<_>>()})
}

fn rule(rule: &Rule) -> Value {
    let mut out = Map::new();
    out.insert(if rule.alert { "alert" } else { "record" }.to_owned(), json!(rule.name));
    out.insert("expr".to_owned(), json!(rule.expr));
    if rule.for_ms > 0 {
        out.insert("for".to_owned(), json!(duration::format(rule.for_ms)));
    }
    for (key, pairs) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        if !pairs.is_empty() {
            let map: Map<String, Value> = pairs.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            out.insert(key.to_owned(), Value::Object(map));
        }
    }
    Value::Object(out)
}
