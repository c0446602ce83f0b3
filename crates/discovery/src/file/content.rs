//! What a file of target groups holds: a list of `targets` and `labels`, JSON or YAML, strict.

use crate::group::TargetGroup;
use crate::job::address;
use serde_json::Value as Json;
use std::sync::Arc;
use tortie_config::yaml::{self, Node, Value};
use tortie_model::LabelsBuilder;

/// Label that holds the file a target came from.
const FILEPATH: &str = "__meta_filepath";

/// The groups of a file; its name's end says how it is written.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Vec<TargetGroup>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
    let is_json = path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("json"));
    let raw = if is_json { json(text)? } else { yaml(text)? };
    Ok(raw.into_iter().enumerate().map(|(i, g)| g.finish(path, i)).collect())
}

#[derive(Default)]
struct Raw {
    targets: Vec<String>,
    labels: Vec<(String, String)>,
}

impl Raw {
    fn finish(self, path: &str, index: usize) -> TargetGroup {
        let mut labels = LabelsBuilder::new();
        for (name, value) in &self.labels {
            labels.set(name, value);
        }
        labels.set(FILEPATH, path);
        TargetGroup {
            source: format!("{path}:{index}"),
            labels: labels.labels(),
            targets: self.targets.iter().map(|t| address(t)).collect(),
        }
    }
}

fn json(text: &str) -> Result<Vec<Raw>, String> {
    let root: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let groups = match root {
        Json::Null => Vec::new(),
        Json::Array(groups) => groups,
        _ => return Err("a list of target groups must stand here".to_owned()),
    };
    groups
        .into_iter()
        .enumerate()
        .map(|(i, g)| json_group(g).map_err(|e| format!("group {i}: {e}")))
        .collect()
}

fn json_group(group: Json) -> Result<Raw, String> {
    let entries = match group {
        Json::Null => return Err("nil target group item found".to_owned()),
        Json::Object(entries) => entries,
        _ => return Err("must be an object with targets and labels".to_owned()),
    };
    let mut raw = Raw::default();
    for (key, value) in entries {
        match (key.to_ascii_lowercase().as_str(), value) {
            ("targets" | "labels", Json::Null) => {}
            ("targets", Json::Array(items)) => {
                for item in items {
                    match item {
                        Json::String(target) => raw.targets.push(target),
                        other => return Err(format!("a target must be a string, not {other}")),
                    }
                }
            }
            ("labels", Json::Object(labels)) => {
                for (name, value) in labels {
                    match value {
                        Json::String(value) => raw.labels.push((label_name(name)?, value)),
                        other => return Err(format!("label {name} must be a string, not {other}")),
                    }
                }
            }
            ("targets", _) => return Err("targets must be a list".to_owned()),
            ("labels", _) => return Err("labels must be an object".to_owned()),
            _ => return Err(format!("unknown field {key:?}")),
        }
    }
    Ok(raw)
}

fn label_name(name: String) -> Result<String, String> {
    if name.is_empty() { Err("\"\" is not a valid label name".to_owned()) } else { Ok(name) }
}

fn yaml(text: &str) -> Result<Vec<Raw>, String> {
    let root = yaml::parse(text)
        .map_err(|d| format!("line {}, column {}: {}", d.at.line, d.at.column, d.message))?;
    match &root.value {
        Value::Null => Ok(Vec::new()),
        Value::Seq(groups) => groups.iter().map(yaml_group).collect(),
        _ => at(&root, "a list of target groups must stand here"),
    }
}

fn at<T>(node: &Node, message: &str) -> Result<T, String> {
    Err(format!("line {}, column {}: {message}", node.at.line, node.at.column))
}

fn yaml_group(group: &Arc<Node>) -> Result<Raw, String> {
    let entries = match &group.value {
        Value::Null => return at(group, "nil target group item found"),
        Value::Map(entries) => entries,
        _ => return at(group, "must be a mapping with targets and labels"),
    };
    let mut raw = Raw::default();
    for (key, node) in entries {
        match (key.text.as_str(), &node.value) {
            ("targets" | "labels", Value::Null) => {}
            ("targets", Value::Seq(items)) => {
                for item in items {
                    raw.targets.push(scalar(item)?);
                }
            }
            ("labels", Value::Map(labels)) => {
                for (name, value) in labels {
                    raw.labels.push((label_name(name.text.clone())?, scalar(value)?));
                }
            }
            ("targets", _) => return at(node, "targets must be a list"),
            ("labels", _) => return at(node, "labels must be a mapping"),
            (other, _) => {
                return Err(format!(
                    "line {}, column {}: field {other} not found in a target group",
                    key.at.line, key.at.column
                ));
            }
        }
    }
    Ok(raw)
}

fn scalar(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::Scalar { text, .. } => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        _ => at(node, "must be a text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) {
        let groups = parse(path, text.as_bytes()).unwrap();
        let shown: Vec<String> =
            groups.iter().map(|g| format!("{} {:?} {:?}", g.source, g.labels, g.targets)).collect();
        assert_eq!(
            shown,
            [
                format!(
                    "{path}:0 {{\"__meta_filepath\": \"{path}\", \"zone\": \"1\"}} [{{\"__address__\": \"a:1\"}}, {{\"__address__\": \"b:2\"}}]"
                ),
                format!("{path}:1 {{\"__meta_filepath\": \"{path}\"}} []"),
            ]
        );
    }

    fn says(path: &str, text: &str) -> String {
        parse(path, text.as_bytes()).unwrap_err()
    }

    #[test]
    fn both_ways_of_writing() {
        check(
            "x.json",
            r#"[{"targets": ["a:1", "b:2"], "labels": {"zone": "1"}}, {"targets": [], "labels": null}]"#,
        );
        check("x.JSON", r#"[{"Targets": ["a:1", "b:2"], "labels": {"zone": "1"}}, {}]"#);
        check("x.yml", "- targets: [a:1, 'b:2']\n  labels: {zone: 1}\n- targets:\n");
        assert_eq!(parse("x.yml", b""), Ok(Vec::new()));
        assert_eq!(parse("x.json", b"null"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert!(says("x.json", "").contains("line 1"));
        assert!(says("x.json", "[{\"targets\": [1]}]").contains("group 0: a target must be a string, not 1"));
        assert!(says("x.json", "[{\"foo\": 1}]").contains("unknown field \"foo\""));
        assert_eq!(says("x.json", "[null]"), "group 0: nil target group item found");
        assert_eq!(
            says("x.yml", "- targets: [a]\n  foo: 1\n"),
            "line 2, column 3: field foo not found in a target group"
        );
        assert_eq!(says("x.yml", "-\n").split(": ").nth(1), Some("nil target group item found"));
        assert_eq!(says("x.yml", "a: b\n"), "line 1, column 1: a list of target groups must stand here");
        assert_eq!(says("x.yml", "- labels: {'': x}\n"), "\"\" is not a valid label name");
        assert!(parse("x.yml", &[0xff]).unwrap_err().contains("not UTF-8"));
    }
}
