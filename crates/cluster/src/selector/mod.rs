//! Label selectors: what a `metav1.LabelSelector` matches, why it does not, and how kubectl writes it.
//!
//! Rules: `k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go` (`LabelSelectorAsSelector`) and
//! `k8s.io/apimachinery/pkg/labels/selector.go`. A null selector matches nothing, an empty one everything.

mod names;
mod query;

pub use query::QueryError;

use crate::object::Malformed;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A selector that is there; a null one is `None` of [`Selector::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// All must hold; sorted by key, as kubectl prints them.
    needs: Vec<Need>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    key: String,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// The value must be this one (`matchLabels`).
    Is(String),
    /// The value must be one of these.
    In(BTreeSet<String>),
    /// The value must be none of these; an absent label is fine.
    NotIn(BTreeSet<String>),
    /// The label must be there.
    Exists,
    /// The label must not be there.
    Absent,
}

/// A requirement that labels do not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The label's name.
    pub key: String,
    /// What the selector wants, in words: `prometheus`, `one of a, b`, `any value`, `none of a, b`, `no such label`.
    pub wanted: String,
    /// What stands there.
    pub have: Option<String>,
}

impl Selector {
    /// Decodes a `LabelSelector`. Null gives `None`, which selects nothing.
    ///
    /// # Errors
    /// What the API machinery refuses: unknown operators, lists that are empty or should be, names that are no label
    /// names. The pointer of the error counts from the selector.
    pub fn parse(v: &Value) -> Result<Option<Selector>, Malformed> {
        let map = match v {
            Value::Null => return Ok(None),
            Value::Object(map) => map,
            _ => return Err(Malformed::new("", "a label selector must be a mapping")),
        };
        let mut needs = Vec::new();
        match map.get("matchLabels") {
            None | Some(Value::Null) => {}
            Some(Value::Object(labels)) => {
                for (key, value) in labels {
                    let at = format!("/matchLabels/{}", crate::object::json_step(key));
                    let Value::String(value) = value else {
                        return Err(Malformed::new(at, format!("the value of {key} must be a text"))
                            .hint("put quotes around the value"));
                    };
                    names::check(key, [value.as_str()]).map_err(|m| Malformed::new(at, m))?;
                    needs.push(Need { key: key.clone(), rule: Rule::Is(value.clone()) });
                }
            }
            Some(_) => return Err(Malformed::new("/matchLabels", "matchLabels must be a mapping")),
        }
        match map.get("matchExpressions") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for (i, item) in list.iter().enumerate() {
                    needs.push(expression(item, &format!("/matchExpressions/{i}"))?);
                }
            }
            Some(_) => return Err(Malformed::new("/matchExpressions", "matchExpressions must be a list")),
        }
        Ok(Some(Selector::of(needs)))
    }

    /// The selector of a Service: equality of every label.
    pub fn equal_to(labels: &BTreeMap<String, String>) -> Selector {
        Selector::of(labels.iter().map(|(k, v)| Need { key: k.clone(), rule: Rule::Is(v.clone()) }).collect())
    }

    /// Decodes kubectl's `-l` text: `a=b,c in (x,y),!d`. The empty text selects everything.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse_query(text: &str) -> Result<Selector, QueryError> {
        query::parse(text).map(Selector::of)
    }

    fn of(mut needs: Vec<Need>) -> Selector {
        needs.sort();
        needs.dedup();
        Selector { needs }
    }

    /// Whether the labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.needs.iter().all(|n| n.rule.holds(labels.get(&n.key).map(String::as_str)))
    }

    /// The requirements that the labels do not meet, by key.
    pub fn misses(&self, labels: &BTreeMap<String, String>) -> Vec<Miss> {
        let mut out = Vec::new();
        for need in &self.needs {
            let have = labels.get(&need.key);
            if !need.rule.holds(have.map(String::as_str)) {
                out.push(Miss { key: need.key.clone(), wanted: need.rule.words(), have: have.cloned() });
            }
        }
        out
    }

    /// Whether it has no requirement, so that it selects everything.
    pub fn is_everything(&self) -> bool {
        self.needs.is_empty()
    }

    /// Labels that would meet the selector, the values of `prefer` first: what to put on an object so that it is
    /// selected. `None` when no labels can (contradictions).
    pub fn solve(&self, prefer: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
        let mut out = BTreeMap::new();
        for need in &self.needs {
            let fits =
                |v: &str| self.needs.iter().filter(|n| n.key == need.key).all(|n| n.rule.holds(Some(v)));
            let candidates: Vec<&str> = match &need.rule {
                Rule::Is(v) => vec![v],
                Rule::In(list) => list.iter().map(String::as_str).collect(),
                Rule::Exists => vec!["true", "enabled", "tortie"],
                Rule::NotIn(_) | Rule::Absent => continue,
            };
            let wished = prefer.get(&need.key).map(String::as_str).into_iter();
            let value = wished.chain(candidates).find(|v| fits(v))?;
            out.insert(need.key.clone(), value.to_owned());
        }
        self.matches(&out).then_some(out)
    }

    /// The keys that it looks at, ascending, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let mut last = "";
        self.needs.iter().map(|n| n.key.as_str()).filter(move |k| {
            let fresh = *k != last;
            last = k;
            fresh
        })
    }
}

impl Rule {
    fn holds(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Rule::Is(want), Some(v)) => want == v,
            (Rule::In(list), Some(v)) => list.contains(v),
            (Rule::NotIn(list), Some(v)) => !list.contains(v),
            (Rule::NotIn(_) | Rule::Absent, None) => true,
            (Rule::Exists, v) => v.is_some(),
            (Rule::Absent, Some(_)) | (Rule::Is(_) | Rule::In(_), None) => false,
        }
    }

    fn words(&self) -> String {
        match self {
            Rule::Is(v) => v.clone(),
            Rule::In(list) if list.len() == 1 => joined(list, ""),
            Rule::In(list) => format!("one of {}", joined(list, ", ")),
            Rule::NotIn(list) if list.len() == 1 => format!("not {}", joined(list, "")),
            Rule::NotIn(list) => format!("none of {}", joined(list, ", ")),
            Rule::Exists => "any value".to_owned(),
            Rule::Absent => "no such label".to_owned(),
        }
    }
}

impl fmt::Display for Selector {
    /// As `kubectl -l` takes it; the empty text selects everything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Need { key, rule }) in self.needs.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match rule {
                Rule::Is(v) => write!(f, "{key}={v}")?,
                Rule::In(list) => write!(f, "{key} in ({})", joined(list, ","))?,
                Rule::NotIn(list) => write!(f, "{key} notin ({})", joined(list, ","))?,
                Rule::Exists => f.write_str(key)?,
                Rule::Absent => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

fn joined(list: &BTreeSet<String>, by: &str) -> String {
    list.iter().map(String::as_str).collect::<Vec<_>>().join(by)
}

fn expression(v: &Value, at: &str) -> Result<Need, Malformed> {
    let text = |key: &str| v.get(key).and_then(Value::as_str);
    let key = text("key").unwrap_or("");
    let mut values = BTreeSet::new();
    match v.get("values") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            for item in list {
                let Some(s) = item.as_str() else {
                    return Err(Malformed::new(format!("{at}/values"), "each of values must be a text")
                        .hint("put quotes around the value"));
                };
                values.insert(s.to_owned());
            }
        }
        Some(_) => return Err(Malformed::new(format!("{at}/values"), "values must be a list")),
    }
    names::check(key, values.iter().map(String::as_str)).map_err(|m| Malformed::new(at, m))?;
    let operator = text("operator").unwrap_or("");
    let rule = match (operator, values.is_empty()) {
        ("In", false) => Rule::In(values),
        ("NotIn", false) => Rule::NotIn(values),
        ("Exists", true) => Rule::Exists,
        ("DoesNotExist", true) => Rule::Absent,
        ("In" | "NotIn", true) => {
            let m = format!("operator {operator} of {key} needs at least one value");
            return Err(Malformed::new(format!("{at}/values"), m));
        }
        ("Exists" | "DoesNotExist", false) => {
            let m = format!("operator {operator} of {key} takes no values");
            return Err(Malformed::new(format!("{at}/values"), m));
        }
        _ => {
            return Err(Malformed::new(format!("{at}/operator"), format!("{operator:?} is no operator"))
                .hint("the operators are In, NotIn, Exists and DoesNotExist"));
        }
    };
    Ok(Need { key: key.to_owned(), rule })
}
