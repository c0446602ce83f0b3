//! Jobs, rules and Alertmanagers that stand as text in a Secret.

use super::Maker;
use super::doc::Value as _;
use super::relabel::Chain;
use std::sync::Arc;
use tortie_config::emit::Doc;
use tortie_config::yaml::{self, Node, Value};

/// The elements of a text that must be a list.
pub(in crate::crds) fn list(text: &str) -> Result<Vec<Doc>, String> {
    let root = yaml::parse(text).map_err(|d| format!("yaml: {}", d.message))?;
    match &root.value {
        Value::Null => Ok(Vec::new()),
        Value::Seq(items) => Ok(items.iter().map(copy).collect()),
        _ => Err("yaml: unmarshal errors: the text is no list".to_owned()),
    }
}

/// The jobs of a text; with several shards they are shared too.
pub(in crate::crds) fn jobs(maker: &Maker<'_>, text: &str) -> Result<Vec<Doc>, String> {
    let jobs = list(text)?;
    if maker.shards() == 1 {
        return Ok(jobs);
    }
    Ok(jobs.into_iter().map(|job| shared(maker, job)).collect())
}

fn shared(maker: &Maker<'_>, job: Doc) -> Doc {
    let Doc::Map(entries) = job else { return job };
    let (rules, mut rest): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(k, _)| k == "relabel_configs");
    let mut own = Vec::new();
    for (_, list) in rules {
        if let Doc::List(items) = list {
            own.extend(items);
        }
    }
    rest.push(("relabel_configs".to_owned(), Chain::after(maker, own).shared("__address__").doc()));
    Doc::Map(rest)
}

fn copy(node: &Arc<Node>) -> Doc {
    match &node.value {
        Value::Null => Doc::Raw("null".to_owned()),
        Value::Scalar { text, plain: true } => Doc::Raw(plain(text)),
        Value::Scalar { text, plain: false } => Doc::Text(text.clone()),
        Value::Seq(items) => Doc::List(items.iter().map(copy).collect()),
        Value::Map(entries) => Doc::Map(entries.iter().map(|(k, v)| (plain(&k.text), copy(v))).collect()),
    }
}

/// A scalar as it comes out of the operator, whose library takes words of YAML 1.1 for booleans.
fn plain(text: &str) -> String {
    let word = match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "True" | "TRUE" => "true",
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "False" | "FALSE" => "false",
        other => other,
    };
    word.to_owned()
}
