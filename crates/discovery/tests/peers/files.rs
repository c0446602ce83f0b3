//! Which fields of monitors name files of the pod: those of a ServiceMonitor's endpoints, and of no other kind.

use std::path::Path;
use tortie_config::yaml::{self, Node, Value};

/// Paths of fields whose name ends in `File`, below `spec`.
fn files(node: &Node, at: &str, out: &mut Vec<String>) {
    let Value::Map(entries) = &node.value else {
        if let Value::Seq(items) = &node.value {
            items.iter().for_each(|i| files(i, at, out));
        }
        return;
    };
    for (key, value) in entries {
        if key.text == "properties" {
            let Value::Map(fields) = &value.value else { continue };
            for (name, schema) in fields {
                let at = format!("{at}.{}", name.text);
                if name.text.ends_with("File") || name.text.ends_with("Files") {
                    out.push(at.clone());
                }
                files(schema, &at, out);
            }
        } else {
            files(value, at, out);
        }
    }
}

#[track_caller]
fn check(plural: &str, expect: &[&str]) {
    let fixtures =
        std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let file = Path::new(&fixtures).join(format!("crds/monitoring.coreos.com_{plural}.yaml"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut found = Vec::new();
    files(&yaml::parse(&text).unwrap_or_else(|e| panic!("{}", e.message)), "", &mut found);
    found.sort();
    found.dedup();
    assert_eq!(found, expect, "{plural}");
}

#[test]
fn only_service_monitors_name_files() {
    check(
        "servicemonitors",
        &[
            ".spec.endpoints.bearerTokenFile",
            ".spec.endpoints.tlsConfig.caFile",
            ".spec.endpoints.tlsConfig.certFile",
            ".spec.endpoints.tlsConfig.keyFile",
        ],
    );
    for plural in ["podmonitors", "probes", "scrapeconfigs"] {
        check(plural, &[]);
    }
}
