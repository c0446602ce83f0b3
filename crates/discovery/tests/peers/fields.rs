//! Every field of the custom resources' `spec`, to the second level, has a row in `docs/crd-fields.md`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tortie_config::yaml::{self, Node, Value};

const KINDS: [(&str, &str); 8] = [
    ("Prometheus", "prometheuses"),
    ("ServiceMonitor", "servicemonitors"),
    ("PodMonitor", "podmonitors"),
    ("Probe", "probes"),
    ("ScrapeConfig", "scrapeconfigs"),
    ("PrometheusRule", "prometheusrules"),
    ("Alertmanager", "alertmanagers"),
    ("AlertmanagerConfig", "alertmanagerconfigs"),
];

fn get<'n>(node: &'n Arc<Node>, key: &str) -> Option<&'n Arc<Node>> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
        _ => None,
    }
}

fn keys(node: Option<&Arc<Node>>) -> Vec<(String, Arc<Node>)> {
    match node.map(|n| &n.value) {
        Some(Value::Map(entries)) => entries.iter().map(|(k, v)| (k.text.clone(), Arc::clone(v))).collect(),
        _ => Vec::new(),
    }
}

/// The fields of `spec`: `a`, `a.b`, `c[]`'s as `c[].d`.
fn fields(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let root = yaml::parse(&text).unwrap_or_else(|e| panic!("{}: {}", file.display(), e.message));
    let Value::Seq(versions) = &get(get(&root, "spec").unwrap(), "versions").unwrap().value else {
        panic!("{}: no versions", file.display())
    };
    let mut out = Vec::new();
    for version in versions {
        let schema = ["schema", "openAPIV3Schema", "properties", "spec"];
        let spec = schema.iter().try_fold(version, |n, k| get(n, k)).unwrap();
        for (name, field) in keys(get(spec, "properties")) {
            out.push(name.clone());
            let (place, inner) = match get(&field, "items") {
                Some(items) => (format!("{name}[]"), Arc::clone(items)),
                None => (name, field),
            };
            out.extend(keys(get(&inner, "properties")).into_iter().map(|(k, _)| format!("{place}.{k}")));
        }
    }
    out
}

/// The rows of a kind's table.
fn rows(page: &str, kind: &str) -> BTreeSet<String> {
    let section = page
        .split("\n## ")
        .find(|s| s.lines().next() == Some(kind))
        .unwrap_or_else(|| panic!("no table of {kind}"));
    let rows =
        section.lines().filter_map(|l| l.strip_prefix("| `")?.split_once('`').map(|(f, _)| f.to_owned()));
    rows.collect()
}

#[test]
fn every_field_has_a_row() {
    let fixtures =
        std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/crd-fields.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (mut seen, mut missing, mut stale) = (0, Vec::new(), Vec::new());
    for (kind, plural) in KINDS {
        let file = Path::new(&fixtures).join(format!("crds/monitoring.coreos.com_{plural}.yaml"));
        let (fields, rows) = (fields(&file), rows(&page, kind));
        let covered = |f: &str| {
            let all = f.rsplit_once('.').map(|(parent, _)| format!("{parent}.*"));
            rows.contains(f) || all.is_some_and(|a| rows.contains(&a))
        };
        seen += fields.len();
        missing.extend(fields.iter().filter(|f| !covered(f)).map(|f| format!("{kind}: {f}")));
        let there = |row: &String| match row.strip_suffix(".*") {
            Some(parent) => fields.iter().any(|f| f.starts_with(&format!("{parent}."))),
            None => fields.contains(row),
        };
        stale.extend(rows.iter().filter(|r| !there(r)).map(|r| format!("{kind}: {r}")));
    }
    println!("{seen} fields");
    assert!(seen > 1000, "the definitions have more fields than {seen}");
    assert!(missing.is_empty(), "fields without a row: {missing:#?}");
    assert!(stale.is_empty(), "rows without a field: {stale:#?}");
}
