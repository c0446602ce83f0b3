//! Which crate may depend on which: the written list that keeps dependencies pointing downwards.

use serde_json::Value;
use std::collections::BTreeMap;

/// For each crate, the crates of the workspace that it may name. Own tests may also take `sim` and `script`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tortie-model", &[]),
    ("tortie-host", &["tortie-model"]),
    ("tortie-wire", &["tortie-model"]),
    ("tortie-template", &["tortie-model"]),
    ("tortie-config", &["tortie-model"]),
    ("tortie-client", &["tortie-model", "tortie-host", "tortie-config"]),
    ("tortie-tsdb", &["tortie-model", "tortie-host"]),
    ("tortie-promql", &["tortie-model", "tortie-host"]),
    ("tortie-cluster", &["tortie-model", "tortie-host", "tortie-config", "tortie-client"]),
    (
        "tortie-discovery",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-config",
            "tortie-client",
            "tortie-template",
            "tortie-promql",
            "tortie-cluster",
        ],
    ),
    (
        "tortie-scrape",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-wire",
            "tortie-config",
            "tortie-client",
            "tortie-tsdb",
            "tortie-discovery",
        ],
    ),
    (
        "tortie-alerts",
        &["tortie-model", "tortie-host", "tortie-wire", "tortie-config", "tortie-client", "tortie-discovery"],
    ),
    (
        "tortie-rules",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-wire",
            "tortie-config",
            "tortie-promql",
            "tortie-tsdb",
            "tortie-template",
        ],
    ),
    (
        "tortie-script",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-config",
            "tortie-promql",
            "tortie-tsdb",
            "tortie-template",
            "tortie-rules",
        ],
    ),
    ("tortie-sim", &["tortie-model", "tortie-host", "tortie-wire"]),
    (
        "tortie-calico",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-config",
            "tortie-wire",
            "tortie-cluster",
            "tortie-promql",
            "tortie-discovery",
            "tortie-sim",
        ],
    ),
    (
        "tortie-web",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-wire",
            "tortie-config",
            "tortie-client",
            "tortie-tsdb",
            "tortie-promql",
            "tortie-discovery",
            "tortie-scrape",
            "tortie-rules",
            "tortie-calico",
        ],
    ),
    (
        "tortie",
        &[
            "tortie-model",
            "tortie-host",
            "tortie-wire",
            "tortie-config",
            "tortie-client",
            "tortie-tsdb",
            "tortie-promql",
            "tortie-discovery",
            "tortie-scrape",
            "tortie-alerts",
            "tortie-rules",
            "tortie-script",
            "tortie-sim",
            "tortie-cluster",
            "tortie-calico",
            "tortie-web",
        ],
    ),
    ("tortie-testbed", &["tortie-sim"]),
    ("xtask", &[]),
];

/// Crates that any crate's own tests may use besides.
const FOR_TESTS: &[&str] = &[
    "tortie-sim",
    "tortie-script",
    "tortie-tsdb",
    "tortie-promql",
    "tortie-host",
    "tortie-scrape",
    "tortie-testbed",
];

/// One complaint for each edge that is not on the list.
pub(crate) fn check(meta: &Value) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut complaints = Vec::new();
    for package in members(meta) {
        let name = package["name"].as_str().unwrap_or("");
        let Some(list) = allowed.get(name) else {
            complaints.push(format!("{name}: not on the list of crates (hint: xtask/src/edges.rs)"));
            continue;
        };
        for dep in package["dependencies"].as_array().into_iter().flatten() {
            let to = dep["name"].as_str().unwrap_or("");
            let ours = allowed.contains_key(to);
            let for_tests = dep["kind"].as_str() == Some("dev") && FOR_TESTS.contains(&to);
            if ours && !list.contains(&to) && !for_tests {
                complaints
                    .push(format!("{name} -> {to}: this edge is not allowed (hint: xtask/src/edges.rs)"));
            }
        }
    }
    complaints
}

/// The packages of the workspace itself.
fn members(meta: &Value) -> impl Iterator<Item = &Value> {
    let ids: Vec<&str> =
        meta["workspace_members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    meta["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(move |p| p["id"].as_str().is_some_and(|id| ids.contains(&id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_upward_edge_is_named() {
        let meta = json!({
            "workspace_members": ["a"],
            "packages": [{"id": "a", "name": "tortie-model", "dependencies": [{"name": "tortie-web", "kind": null}]}],
        });
        assert_eq!(check(&meta).len(), 1);
    }

    #[test]
    fn tests_may_use_the_simulator() {
        let meta = json!({
            "workspace_members": ["a"],
            "packages": [{"id": "a", "name": "tortie-scrape", "dependencies": [{"name": "tortie-sim", "kind": "dev"}]}],
        });
        assert!(check(&meta).is_empty());
    }
}
