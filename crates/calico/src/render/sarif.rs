//! SARIF 2.1.0 (OASIS): a rule an id, `results` always there, places of files, fingerprints.

use crate::doctor::checks::{ALL, page};
use crate::doctor::engine::Report;
use crate::doctor::verdict::Level;
use crate::render::Frame;
use serde_json::{Value, json};

pub(super) fn render(report: &Report, frame: &Frame) -> String {
    let rules: Vec<Value> = ALL
        .iter()
        .map(|c| {
            json!({"id": c.id, "name": pascal(c.slug), "shortDescription": {"text": c.title},
                "fullDescription": {"text": page(c)}, "defaultConfiguration": {"level": word(c.level)}})
        })
        .collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|f| {
            let mut result = json!({
                "ruleId": f.id,
                "ruleIndex": ALL.iter().position(|c| c.id == f.id),
                "level": word(f.level),
                "message": {"text": message(f)},
                "partialFingerprints": {"tortie/v1": f.fingerprint()},
            });
            if let Some(place) = &f.cause.place {
                result["locations"] = json!([{"physicalLocation": {
                    "artifactLocation": {"uri": uri(&place.file)},
                    "region": {"startLine": place.line, "startColumn": place.column},
                }}]);
            } else if let Some(object) = &f.cause.object {
                result["locations"] = json!([{"logicalLocations": [{"fullyQualifiedName": object.to_string(), "kind": "object"}]}]);
            }
            result
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "tortie", "version": frame.tool, "rules": rules}},
            "results": results,
            "columnKind": "unicodeCodePoints",
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn message(f: &crate::doctor::finding::Finding) -> String {
    let object = f.cause.object.as_ref().map(|o| format!(" ({o} {})", f.cause.path)).unwrap_or_default();
    format!("{}{object}", f.title)
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Fail => "error",
        Level::Warn => "warning",
        Level::Info => "note",
    }
}

fn pascal(slug: &str) -> String {
    slug.split('-')
        .map(|w| {
            w.chars()
                .next()
                .map(|c| c.to_uppercase().collect::<String>() + &w[c.len_utf8()..])
                .unwrap_or_default()
        })
        .collect()
}

/// A path as a relative reference: what is not allowed in one is escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for b in path.trim_start_matches("./").bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(b))
            }
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
