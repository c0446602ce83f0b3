//! Label and field selectors of lists.

use serde_json::Value;

/// A parsed `labelSelector`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels(Vec<Requirement>);

#[derive(Debug, Clone)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Labels {
    /// Reads `a=b,c!=d,e in (f,g),h,!i`.
    ///
    /// # Errors
    /// The part that is none.
    pub(crate) fn parse(text: &str) -> Result<Labels, String> {
        parts(text).into_iter().map(|p| requirement(p.trim())).collect::<Result<_, _>>().map(Labels)
    }

    /// Whether the labels of `object` fit.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        let get = |k: &str| labels.and_then(|l| l.get(k)).and_then(Value::as_str);
        self.0.iter().all(|r| match r {
            Requirement::In(k, values) => get(k).is_some_and(|v| values.iter().any(|x| x == v)),
            Requirement::NotIn(k, values) => !get(k).is_some_and(|v| values.iter().any(|x| x == v)),
            Requirement::Exists(k) => get(k).is_some(),
            Requirement::Absent(k) => get(k).is_none(),
        })
    }
}

/// Splits at commas outside of parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut out) = (0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                out.extend(text.get(from..i));
                from = i + 1;
            }
            _ => {}
        }
    }
    out.extend(text.get(from..).filter(|t| !t.is_empty()));
    out
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let wrong = || format!("unable to parse requirement: {text:?}");
    let values = |list: &str| -> Option<Vec<String>> {
        let inner = list.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|v| v.trim().to_owned()).collect())
    };
    if let Some((k, list)) = text.split_once(" notin ") {
        return Ok(Requirement::NotIn(k.trim().into(), values(list).ok_or_else(wrong)?));
    }
    if let Some((k, list)) = text.split_once(" in ") {
        return Ok(Requirement::In(k.trim().into(), values(list).ok_or_else(wrong)?));
    }
    if let Some((k, v)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(k.trim().into(), vec![v.trim().into()]));
    }
    if let Some((k, v)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(k.trim().into(), vec![v.trim().into()]));
    }
    match text.strip_prefix('!') {
        Some(k) => Ok(Requirement::Absent(k.trim().into())),
        None if text.is_empty() || text.contains(' ') => Err(wrong()),
        None => Ok(Requirement::Exists(text.into())),
    }
}

/// A parsed `fieldSelector`: field, wanted value, whether equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String, bool)>);

impl Fields {
    /// Reads `metadata.name=x,spec.nodeName!=y`.
    ///
    /// # Errors
    /// A part that is none, or a field that objects of this kind cannot be selected by.
    pub(crate) fn parse(text: &str, kind: &str) -> Result<Fields, String> {
        let mut out = Vec::new();
        for part in text.split(',').filter(|p| !p.is_empty()) {
            let (field, value, equal) = if let Some((f, v)) = part.split_once("!=") {
                (f, v, false)
            } else if let Some((f, v)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (f, v, true)
            } else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            if !known(kind, field) {
                return Err(match kind {
                    "ConfigMap" | "ServiceAccount" | "Endpoints" => format!(
                        "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    ),
                    _ => format!("field label not supported: {field}"),
                });
            }
            out.push((field.to_owned(), value.to_owned(), equal));
        }
        Ok(Fields(out))
    }

    /// Whether the fields of `object` fit.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, want, equal)| {
            let have = object.pointer(&format!("/{}", field.replace('.', "/")));
            let have = match have {
                Some(Value::String(s)) => s.clone(),
                Some(Value::Bool(b)) => b.to_string(),
                Some(Value::Number(n)) => n.to_string(),
                _ => String::new(),
            };
            (have == *want) == *equal
        })
    }
}

fn known(kind: &str, field: &str) -> bool {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return true;
    }
    let more: &[&str] = match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Node" => &["spec.unschedulable"],
        "Namespace" => &["status.phase"],
        "Service" => &["spec.clusterIP", "spec.type"],
        "Secret" => &["type"],
        "ReplicaSet" => &["status.replicas"],
        _ => &[],
    };
    more.contains(&field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels() {
        fn check(selector: &str, expect: Option<bool>) {
            let object = json!({"metadata": {"labels": {"a": "b", "c": "d"}}});
            let got = Labels::parse(selector).ok().map(|l| l.matches(&object));
            assert_eq!(got, expect, "{selector}");
        }
        check("", Some(true));
        check("a=b,c==d", Some(true));
        check("a!=b", Some(false));
        check("x!=b", Some(true));
        check("a in (x, b),c notin (x,y)", Some(true));
        check("a,!x", Some(true));
        check("!a", Some(false));
        check("a in b", None);
    }

    #[test]
    fn fields() {
        let object = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}});
        assert!(Fields::parse("spec.nodeName=n1,metadata.name!=q", "Pod").unwrap().matches(&object));
        assert!(!Fields::parse("spec.nodeName=n2", "Pod").unwrap().matches(&object));
        assert_eq!(
            Fields::parse("spec.nodeName=n2", "ConfigMap").unwrap_err(),
            "\"spec.nodeName\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
    }
}
