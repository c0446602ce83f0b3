//! Label selectors of the custom resources: what they select, and the API machinery's words for those it refuses.
//!
//! Rules: `k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go`, `pkg/labels/selector.go`, `pkg/api/validate/content/kube.go`.

use super::types::{Expression, LabelSelector};
use std::collections::BTreeMap;

/// The form of a label's name and value, as messages show it.
const NAME_FORM: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const ENDS: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

impl LabelSelector {
    /// Whether it has no condition.
    pub fn is_everything(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether the labels meet all conditions. A selector that [`LabelSelector::check`] refuses matches nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(|e| e.matches(labels))
    }

    /// Refuses what the API machinery refuses.
    ///
    /// # Errors
    /// The reason in its words.
    pub fn check(&self) -> Result<(), String> {
        for (key, value) in &self.match_labels {
            conditions(key, "Equals", std::slice::from_ref(value))?;
        }
        for e in &self.match_expressions {
            if !matches!(e.operator.as_str(), "In" | "NotIn" | "Exists" | "DoesNotExist") {
                return Err(format!("{:?} is not a valid label selector operator", e.operator));
            }
            conditions(&e.key, &e.operator, &e.values)?;
        }
        Ok(())
    }

    /// As kubectl's `-l` takes it and Prometheus' `selectors` want it: sorted by key.
    pub fn to_query(&self) -> String {
        let mut parts: Vec<(&str, String)> = Vec::new();
        for (k, v) in &self.match_labels {
            parts.push((k, format!("{k}={v}")));
        }
        for e in &self.match_expressions {
            let mut values = e.values.clone();
            values.sort();
            values.dedup();
            let list = values.join(",");
            parts.push((
                &e.key,
                match e.operator.as_str() {
                    "In" => format!("{} in ({list})", e.key),
                    "NotIn" => format!("{} notin ({list})", e.key),
                    "Exists" => e.key.clone(),
                    _ => format!("!{}", e.key),
                },
            ));
        }
        parts.sort_by(|a, b| a.0.cmp(b.0));
        parts.into_iter().map(|(_, p)| p).collect::<Vec<_>>().join(",")
    }
}

impl Expression {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let have = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => have.is_some_and(|v| self.values.contains(v)),
            "NotIn" => have.is_none_or(|v| !self.values.contains(v)),
            "Exists" => have.is_some(),
            "DoesNotExist" => have.is_none(),
            _ => false,
        }
    }
}

fn conditions(key: &str, operator: &str, values: &[String]) -> Result<(), String> {
    let mut errors: Vec<String> = Vec::new();
    let of_key = key_errors(key);
    if !of_key.is_empty() {
        errors.push(format!("key: Invalid value: {key:?}: {}", of_key.join("; ")));
    }
    match operator {
        "In" | "NotIn" if values.is_empty() => errors.push(
            "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty".to_owned(),
        ),
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let list = serde_json::to_string(values).unwrap_or_default();
            errors.push(format!(
                "values: Invalid value: {list}: values set must be empty for exists and does not exist"
            ));
        }
        _ => {}
    }
    for (i, value) in values.iter().enumerate() {
        let of_value = value_errors(value);
        if !of_value.is_empty() {
            errors.push(format!("values[{i}][{key}]: Invalid value: {value:?}: {}", of_value.join("; ")));
        }
    }
    errors.dedup();
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        more => Err(format!("[{}]", more.join(", "))),
    }
}

fn key_errors(key: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let parts: Vec<&str> = key.split('/').collect();
    let examples =
        format!("(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{NAME_FORM}')");
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                if prefix.len() > 253 {
                    errors.push("prefix part must be no more than 253 bytes".to_owned());
                }
                if !is_subdomain(prefix) {
                    errors.push(format!("prefix part {SUBDOMAIN}"));
                }
            }
            *name
        }
        _ => {
            return vec![format!(
                "a valid label key {ENDS} {examples} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_name(name) {
        errors.push(format!("name part {ENDS} {examples}"));
    }
    errors
}

fn value_errors(value: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if value.len() > 63 {
        errors.push("must be no more than 63 bytes".to_owned());
    }
    if !value.is_empty() && !is_name(value) {
        errors.push(format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({NAME_FORM})?')"
        ));
    }
    errors
}

fn is_name(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_subdomain(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.split('.').all(|part| {
        edge(part.bytes().next())
            && edge(part.bytes().next_back())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(json: &str) -> LabelSelector {
        serde_json::from_str(json).unwrap()
    }

    #[track_caller]
    fn check(json: &str, labels: &[(&str, &str)], expect: bool) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(selector(json).matches(&labels), expect, "{json} {labels:?}");
    }

    #[test]
    fn what_is_selected() {
        check("{}", &[], true);
        check(r#"{"matchLabels":{"a":"b"}}"#, &[("a", "b"), ("c", "d")], true);
        check(r#"{"matchLabels":{"a":"b"}}"#, &[("a", "c")], false);
        check(r#"{"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]}"#, &[], true);
        check(r#"{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]}"#, &[], false);
        check(r#"{"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]}"#, &[("a", "")], false);
    }

    #[test]
    fn words_of_refusal() {
        let says = |json: &str| selector(json).check().unwrap_err();
        assert_eq!(
            says(r#"{"matchExpressions":[{"key":"a","operator":"Has"}]}"#),
            "\"Has\" is not a valid label selector operator"
        );
        assert!(
            says(r#"{"matchExpressions":[{"key":"a","operator":"In"}]}"#)
                .starts_with("values: Invalid value: null")
        );
        assert!(
            says(r#"{"matchLabels":{"a b":"c"}}"#)
                .starts_with("key: Invalid value: \"a b\": name part must consist")
        );
    }

    #[test]
    fn as_a_query() {
        let s = selector(
            r#"{"matchLabels":{"b":"1"},"matchExpressions":[{"key":"a","operator":"In","values":["y","x"]},{"key":"c","operator":"DoesNotExist"}]}"#,
        );
        assert_eq!(s.to_query(), "a in (x,y),b=1,!c");
    }
}
